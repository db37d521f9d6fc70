"""`lading-runtime --systemd-cgroup` against a real systemd."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.guest.conftest import HAS_V2_AND_SYSTEMD, systemctl
from tests.unit.runtime.command.bundle import PROGRAM, SOURCE, Bundle, Change, linux

pytestmark = pytest.mark.skipif(
    not HAS_V2_AND_SYSTEMD, reason="needs systemd and cgroup v2 alone: scripts/guest-tests"
)
MIB = 1 << 20
UNIT = "test-c1.scope"
LIMITS = {
    "memory": {"limit": 64 * MIB, "swap": 64 * MIB},
    "cpu": {"quota": 50_000, "period": 100_000},
    "pids": {"limit": 7},
}


class SystemdBundle(Bundle):
    """Its command asks systemd for the cgroup."""

    def command(self, *arguments: str) -> list[str]:
        return super().command("--systemd-cgroup", *arguments)


@pytest.fixture
def bundle(tmp_path: Path, rootfs: Path) -> Iterator[Bundle]:
    made = SystemdBundle(tmp_path, rootfs)
    yield made
    made.close()


def placed(
    resources: dict[str, Any] | None = None, path: str = "ladingtest.slice:test:c1"
) -> Change:
    return linux(cgroupsPath=path, resources=resources or {})


def show(name: str, unit: str = UNIT) -> str:
    return systemctl("show", "--value", "-p", name, unit)


def test_a_created_container_is_a_scope_that_delete_removes(bundle: Bundle) -> None:
    bundle.start("sleep", "600", verb="create", change=placed(LIMITS))
    assert (show("ActiveState"), show("Slice"), show("Delegate")) == (
        "active",
        "ladingtest.slice",
        "yes",
    )
    assert show("ControlGroup") == "/ladingtest.slice/test-c1.scope"
    assert (show("MemoryMax"), show("TasksMax")) == (str(64 * MIB), "7")
    assert bundle.call("start", "c1").returncode == 0
    assert bundle.call("exec", "c1", "cat", "/proc/self/cgroup").stdout.strip() == "0::/"
    assert bundle.call("delete", "-f", "c1").returncode == 0
    assert show("LoadState") == "not-found"


def test_an_update_reaches_systemd_and_survives_its_reload(bundle: Bundle) -> None:
    bundle.start("sleep", "600", change=placed(LIMITS))
    done = bundle.call("update", "--memory", "96m", "--memory-swap", "96m", "c1")
    assert done.returncode == 0, done.stderr
    systemctl("daemon-reload")
    file = Path(f"/sys/fs/cgroup{show('ControlGroup')}/memory.max")
    assert show("MemoryMax") == file.read_text().strip() == str(96 * MIB)


def test_it_can_be_paused_and_made_again_at_once(bundle: Bundle) -> None:
    for _ in range(2):
        bundle.start("sleep", "600", change=placed())
        assert bundle.call("pause", "c1").returncode == 0
        assert bundle.status() == "paused"
        assert bundle.call("resume", "c1").returncode == 0
        assert bundle.call("kill", "c1", "KILL").returncode == 0
        bundle.wait_for("stopped")
        assert bundle.call("delete", "c1").returncode == 0


def test_a_path_that_is_none_of_systemds_is_refused_in_runcs_words(bundle: Bundle) -> None:
    done = bundle.run("true", change=placed(path="/box/c1"))
    assert done.returncode != 0
    assert 'expected cgroupsPath to be of format "slice:prefix:name"' in done.stderr


def test_a_start_that_fails_leaves_no_scope(bundle: Bundle) -> None:
    done = bundle.run(
        "true",
        change=lambda spec: (
            placed()(spec),
            spec["process"].update(args=["/nothing-here"]),
        ),
    )
    assert done.returncode != 0
    assert show("LoadState") == "not-found"
    assert json.loads(bundle.call("list", "--format", "json").stdout or "[]") in ([], None)


def test_podman_runs_its_containers_with_it(rootfs: Path, tmp_path: Path) -> None:
    program = tmp_path / "lading-runtime"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.path[0] = {SOURCE!r}\n{PROGRAM}\n")
    program.chmod(0o755)
    # podman takes no long path
    places = ["--root", str(tmp_path / "p"), "--runroot", f"/run/podman-{tmp_path.name[-20:]}"]
    podman = ["podman", *places, "--storage-driver", "vfs", "--cgroup-manager", "systemd"]
    flags = ["run", "--rm", "--network", "none", "-m", "64m", "--rootfs", str(rootfs)]
    script = "cat /sys/fs/cgroup/memory.max /proc/self/cgroup"
    words = [*podman, "--runtime", str(program), *flags, "sh", "-c", script]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(64 * MIB), "0::/"]
    assert systemctl("list-units", "--no-legend", "libpod-*.scope") == ""
