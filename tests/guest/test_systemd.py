"""The systemd driver against a real systemd, on a host that has cgroup v2 alone.

In the guest: `scripts/guest-tests`. Elsewhere they are skipped, unless the host is such a one.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.kernel import namespaces
from lading.kernel.cgroup import Cgroup, hierarchies, systemd
from lading.kernel.dbus import DBusError

MIB = 1 << 20
HOST = hierarchies()

pytestmark = pytest.mark.skipif(
    not (HOST.is_unified() and systemd.is_running() and os.access(systemd.address(), os.W_OK)),
    reason="needs systemd and cgroup v2 alone: scripts/guest-tests",
)


class Scope:
    """A group of the driver's, with one process in it."""

    def __init__(self, name: str, limits: dict[str, object], slice_name: str = "") -> None:
        path = systemd.path_of(f"{slice_name}:ladingtest:{name}")
        self.group = Cgroup(path, systemd=True)
        self.unit = path.rpartition("/")[2]
        self.group.create(limits)
        descriptor = self.group.v2_directory_fd()
        self.pid, pidfd = namespaces.clone3(0, cgroup=descriptor)
        if self.pid == 0:
            time.sleep(60)
            os._exit(0)
        self.group.born(limits)
        os.close(pidfd)
        assert descriptor is not None
        os.close(descriptor)

    def file(self, name: str) -> str:
        return Path(f"{HOST.v2}{self.group.path}/{name}").read_text().strip()

    def show(self, name: str) -> str:
        done = subprocess.run(
            ["systemctl", "show", "--value", "-p", name, self.unit], capture_output=True, text=True
        )
        return done.stdout.strip()

    def close(self) -> None:
        self.group.kill()
        os.waitpid(self.pid, 0)
        self.group.remove()


@pytest.fixture
def scope() -> Iterator[Scope]:
    limits: dict[str, object] = {
        "memory": {"limit": 64 * MIB, "swap": 96 * MIB},
        "cpu": {"shares": 512, "quota": 50_000, "period": 100_000, "cpus": "0"},
        "pids": {"limit": 5},
    }
    made = Scope(f"{os.getpid()}-{time.monotonic_ns()}", limits)
    yield made
    made.close()


def test_a_scope_has_its_limits_in_the_files_and_in_systemds_mind(scope: Scope) -> None:
    assert scope.group.pids() == [scope.pid]
    assert scope.show("ActiveState") == "active"
    assert scope.show("ControlGroup") == scope.group.path
    assert (scope.file("memory.max"), scope.show("MemoryMax")) == (str(64 * MIB),) * 2
    assert (scope.file("memory.swap.max"), scope.show("MemorySwapMax")) == (str(32 * MIB),) * 2
    assert (scope.file("cpu.weight"), scope.show("CPUWeight")) == ("59", "59")
    assert (scope.file("cpu.max"), scope.show("CPUQuotaPerSecUSec")) == ("50000 100000", "500ms")
    assert (scope.file("cpuset.cpus"), scope.show("AllowedCPUs")) == ("0", "0")
    assert (scope.file("pids.max"), scope.show("TasksMax")) == ("5", "5")
    assert scope.show("Delegate") == "yes"


def test_limits_survive_a_reload_of_systemd(scope: Scope) -> None:
    scope.group.update({"memory": {"limit": 128 * MIB, "swap": 128 * MIB}, "pids": {"limit": 9}})
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    assert scope.file("memory.max") == scope.show("MemoryMax") == str(128 * MIB)
    assert scope.file("pids.max") == scope.show("TasksMax") == "9"


def test_the_group_may_be_frozen_counted_and_used_as_any_other(scope: Scope) -> None:
    scope.group.freeze()
    assert scope.group.is_frozen()
    scope.group.thaw()
    assert scope.group.stats()["memory"]["limit"] == 64 * MIB
    os.mkdir(f"{HOST.v2}{scope.group.path}/delegated")


def test_a_scope_ends_with_its_last_process(scope: Scope) -> None:
    scope.group.kill()
    deadline = time.monotonic() + 10
    while scope.show("LoadState") != "not-found" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert scope.show("LoadState") == "not-found"
    assert not scope.group.exists()


def test_one_process_is_enough_for_a_limit_of_one() -> None:
    made = Scope(f"one-{os.getpid()}", {"pids": {"limit": 1}})
    assert made.file("pids.max") == "1"
    made.close()


def test_files_of_v2_are_known_to_systemd_by_their_properties() -> None:
    files = {"memory.high": str(48 * MIB), "pids.max": "1", "cpu.weight": "77"}
    made = Scope(f"unified-{os.getpid()}", {"unified": files, "memory": {"limit": 64 * MIB}})
    made.group.update({"memory": {"limit": 96 * MIB}})
    assert made.file("memory.high") == made.show("MemoryHigh") == str(48 * MIB)
    assert made.file("pids.max") == made.show("TasksMax") == "1"
    assert made.file("cpu.weight") == made.show("CPUWeight") == "77"
    made.close()


def test_a_name_is_free_again_when_its_group_is_removed() -> None:
    for _ in range(3):
        made = Scope(f"again-{os.getpid()}", {})
        made.close()
        assert made.show("LoadState") == "not-found"


def test_slices_are_made_as_they_are_named() -> None:
    made = Scope(f"nested-{os.getpid()}", {}, "ladingtest-a-b.slice")
    assert made.group.path.startswith("/ladingtest.slice/ladingtest-a.slice/ladingtest-a-b.slice/")
    assert made.show("ControlGroup") == made.group.path
    made.close()


def test_a_scope_that_is_there_already_is_told() -> None:
    first = Scope(f"twice-{os.getpid()}", {})
    with pytest.raises(DBusError, match=r"already loaded|already exists"):
        Cgroup(first.group.path, systemd=True).create()
    assert first.group.pids() == [first.pid]
    first.close()


def test_a_limit_that_is_refused_leaves_no_scope() -> None:
    path = systemd.path_of(f":ladingtest:refused-{os.getpid()}")
    with pytest.raises(Exception, match=r"cpuset\.cpus"):
        Cgroup(path, systemd=True).create({"cpu": {"cpus": "4000"}})
    unit = path.rpartition("/")[2]
    deadline = time.monotonic() + 10
    while subprocess.run(["systemctl", "is-active", "-q", unit]).returncode == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
