"""A group on the real kernel: limits that bite, members, freezing, killing, removing."""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator

import pytest

from lading.errors import InvalidArgument
from lading.kernel.cgroup import (
    Cgroup,
    Hierarchies,
    LimitRefused,
    LimitUnavailable,
    device_filter,
    hierarchies,
)
from lading.kernel.cgroup.group import DevicesNotConfined
from lading.kernel.cgroup.hierarchy import read_text

MIB = 1 << 20

on_v1 = pytest.mark.skipif(hierarchies().is_unified(), reason="needs cgroup v1 controllers")


@pytest.fixture
def group() -> Iterator[Cgroup]:
    made = Cgroup(f"/lading-test-{os.getpid()}-{time.monotonic_ns()}")
    yield made
    made.kill()
    made.remove()


def enter(group: Cgroup, act: Callable[[], object]) -> int:
    """A child that joins the group, does `act` and exits with 0."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        for descriptor in group.join_files():
            os.write(descriptor, b"0")
        if hierarchies().is_unified():
            with open(f"{hierarchies().v2}{group.path}/cgroup.procs", "w") as procs:
                procs.write("0")
        assert group.pids()  # else a bomb would hit all
        act()
        status = 0
    finally:
        os._exit(status)


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def sleep_with_children() -> None:
    for _ in range(3):
        if os.fork() == 0:
            break
    time.sleep(60)


def wait_for_members(group: Cgroup, count: int) -> list[int]:
    deadline = time.monotonic() + 30
    while len(found := group.pids()) < count and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def v1_value(group: Cgroup, file: str) -> str:
    return read_text(f"{hierarchies().v1[file.split('.')[0]]}{group.path}/{file}").strip()


def test_creating_twice_and_removing_twice_is_fine(group: Cgroup) -> None:
    group.create()
    group.create()
    assert group.exists()
    group.remove()
    group.remove()
    assert not group.exists()


def test_parents_are_made_and_a_whole_tree_is_removed(group: Cgroup) -> None:
    below = Cgroup(f"{group.path}/engine/container")
    below.create()
    assert below.exists()
    group.remove()
    assert not group.exists()


@pytest.mark.parametrize("path", ["relative", "/a/../b"])
def test_a_path_that_leaves_the_root_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgument):
        Cgroup(path)


@on_v1
def test_limits_are_what_was_asked(group: Cgroup) -> None:
    asked = {
        "memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 32 * MIB},
        "cpu": {"shares": 512, "period": 50000, "quota": 25000},
        "pids": {"limit": 7},
    }
    assert group.create(asked) == []
    assert v1_value(group, "memory.limit_in_bytes") == str(64 * MIB)
    assert v1_value(group, "memory.memsw.limit_in_bytes") == str(96 * MIB)
    assert v1_value(group, "cpu.shares") == "512"
    assert v1_value(group, "cpu.cfs_quota_us") == "25000"
    assert v1_value(group, "pids.max") == "7"


@on_v1
def test_memory_and_swap_grow_and_shrink_together(group: Cgroup) -> None:
    for limit in (64, 256, 32):
        group.create({"memory": {"limit": limit * MIB, "swap": limit * MIB}})
        assert v1_value(group, "memory.memsw.limit_in_bytes") == str(limit * MIB)
    group.update({"memory": {"limit": -1, "swap": -1}})
    assert group.stats()["memory"]["limit"] == -1


@on_v1
def test_an_update_leaves_other_limits(group: Cgroup) -> None:
    group.create({"cpu": {"shares": 512}, "pids": {"limit": 7}})
    group.update({"pids": {"limit": -1}})
    assert (v1_value(group, "cpu.shares"), v1_value(group, "pids.max")) == ("512", "max")


@on_v1
def test_a_refused_limit_leaves_no_group(group: Cgroup) -> None:
    with pytest.raises(LimitRefused, match=r'failed to write "4000": write .*/cpuset\.cpus: '):
        group.create({"cpu": {"cpus": "4000"}})
    assert not group.exists()


@on_v1
def test_a_refused_limit_of_a_group_in_use_is_still_what_is_told(group: Cgroup) -> None:
    group.create()
    child = enter(group, lambda: time.sleep(60))
    wait_for_members(group, 1)
    with pytest.raises(LimitRefused):
        group.create({"cpu": {"cpus": "4000"}})
    assert group.pids() == [child]
    assert group.kill()
    assert exit_code(child) == -9


@on_v1
def test_a_limit_without_its_controller_is_named(group: Cgroup) -> None:
    there = hierarchies()
    without = {name: at for name, at in there.v1.items() if name != "pids"}
    poorer = Cgroup(group.path, Hierarchies(without, there.v2))
    with pytest.raises(LimitUnavailable, match="cannot set pids limit: container could not join"):
        poorer.create({"pids": {"limit": 7}})
    assert not poorer.exists()


def test_members_are_those_who_joined(group: Cgroup) -> None:
    group.create()
    child = enter(group, sleep_with_children)
    members = wait_for_members(group, 4)
    assert child in members
    assert len(members) == 4
    assert group.kill()
    assert exit_code(child) == -9


def test_killing_an_empty_group_is_fine(group: Cgroup) -> None:
    assert group.kill()
    group.create()
    assert group.kill()


def test_a_fork_bomb_is_killed(group: Cgroup) -> None:
    group.create({"pids": {"limit": 30}})

    def bomb() -> None:
        while True:
            try:
                os.fork()
            except OSError:
                time.sleep(0.001)

    child = enter(group, bomb)
    wait_for_members(group, 10)
    assert group.kill()
    assert exit_code(child) == -9
    assert group.pids() == []


def test_a_frozen_group_stands_still_until_thawed(group: Cgroup) -> None:
    group.create()
    reader, writer = os.pipe()

    def tick() -> None:
        while True:
            os.write(writer, b".")
            time.sleep(0.002)

    child = enter(group, tick)
    os.close(writer)
    assert os.read(reader, 1)
    group.freeze()
    assert group.is_frozen()
    os.set_blocking(reader, False)
    with contextlib.suppress(BlockingIOError):
        os.read(reader, 65536)  # what came before
    time.sleep(0.02)
    with pytest.raises(BlockingIOError):
        os.read(reader, 1)
    group.thaw()
    os.set_blocking(reader, True)
    assert os.read(reader, 1)
    os.close(reader)
    assert group.kill()
    assert exit_code(child) == -9


def test_a_frozen_group_can_be_killed(group: Cgroup) -> None:
    group.create()
    child = enter(group, sleep_with_children)
    wait_for_members(group, 4)
    group.freeze()
    assert group.kill()
    assert exit_code(child) == -9


@on_v1
def test_more_processes_than_allowed_is_eagain(group: Cgroup) -> None:
    group.create({"pids": {"limit": 1}})

    def fork() -> None:
        with pytest.raises(BlockingIOError):
            os.fork()

    assert exit_code(enter(group, fork)) == 0


@on_v1
def test_a_denied_device_cannot_be_opened_and_null_can(group: Cgroup) -> None:
    group.create({"devices": [{"allow": False, "access": "rwm"}]})

    def opens() -> None:
        os.open("/dev/null", os.O_RDWR)
        with pytest.raises(PermissionError):
            os.open("/dev/kmsg", os.O_RDONLY)

    assert exit_code(enter(group, opens)) == 0


@on_v1
def test_all_devices_can_be_allowed(group: Cgroup) -> None:
    group.create({"devices": [{"allow": True, "access": "rwm"}]})
    assert exit_code(enter(group, lambda: os.open("/dev/kmsg", os.O_RDONLY))) == 0


@on_v1
def test_an_out_of_memory_kill_is_seen(group: Cgroup) -> None:
    group.create({"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    assert not group.oom_killed()
    child = enter(group, lambda: bytearray(64 * MIB))
    assert exit_code(child) == -9
    assert group.oom_killed()
    assert group.stats()["memory"]["oom_kills"] == 1


@on_v1
def test_use_is_counted(group: Cgroup) -> None:
    group.create({"pids": {"limit": 9}, "memory": {"limit": 64 * MIB}})
    assert exit_code(enter(group, lambda: sum(range(100_000)))) == 0
    stats = group.stats()
    assert stats["cpu"]["usage_ns"] > 0
    assert stats["memory"]["max_usage"] > 0
    assert stats["memory"]["limit"] == 64 * MIB
    assert stats["pids"] == {"current": 0, "limit": 9}


def test_the_v2_directory_can_be_opened_where_there_is_one(group: Cgroup) -> None:
    group.create()
    descriptor = group.v2_directory_fd()
    if hierarchies().v2 is None:
        assert descriptor is None
        return
    assert descriptor is not None
    assert not os.get_inheritable(descriptor)
    assert "cgroup.procs" in os.listdir(descriptor)
    os.close(descriptor)


@pytest.fixture
def unified(group: Cgroup) -> Iterator[Cgroup]:
    """The same group as on a host that has nothing but v2; the root's controllers are put back."""
    v2 = hierarchies().v2
    if v2 is None:
        pytest.skip("needs a cgroup v2 tree")
    control = f"{v2}/cgroup.subtree_control"
    before = set(read_text(control).split())
    alone = Cgroup(group.path, Hierarchies({}, v2))
    yield alone
    alone.kill()
    alone.remove()
    for controller in set(read_text(control).split()) - before:
        with open(control, "w") as file:
            file.write(f"-{controller}")


def test_the_v2_tree_alone_makes_freezes_kills_and_removes(unified: Cgroup) -> None:
    unified.create()
    assert unified.join_files() == []
    child = os.fork()
    if child == 0:
        with open(f"{hierarchies().v2}{unified.path}/cgroup.procs", "w") as procs:
            procs.write("0")
        time.sleep(60)
        os._exit(0)
    assert wait_for_members(unified, 1) == [child]
    unified.freeze()
    assert unified.is_frozen()
    assert unified.kill()
    assert exit_code(child) == -9
    assert set(unified.stats()) >= {"cpu"}
    assert not unified.oom_killed()
    unified.remove()
    assert not unified.exists()


def test_v2_controllers_are_handed_down_to_a_nested_group(unified: Cgroup) -> None:
    trees = Hierarchies({}, hierarchies().v2)
    if "hugetlb" not in trees.v2_controllers():
        pytest.skip("needs the hugetlb controller in the v2 tree")
    below = Cgroup(f"{unified.path}/engine/container", trees)
    below.create({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]})
    assert read_text(f"{trees.v2}{below.path}/hugetlb.2MB.max").strip() == str(4 * MIB)


def test_a_v2_limit_without_its_controller_is_named(unified: Cgroup) -> None:
    controllers = Hierarchies({}, hierarchies().v2).v2_controllers()
    if "pids" in controllers:
        pytest.skip("needs a v2 tree without the pids controller")
    with pytest.raises(LimitUnavailable, match=r"cannot set pids\.max"):
        unified.create({"pids": {"limit": 7}})
    assert not unified.exists()


@on_v1
def test_v2_words_are_set_in_the_v2_tree_of_a_hybrid_host(group: Cgroup) -> None:
    group.create({"unified": {"cgroup.max.descendants": "3"}})
    found = read_text(f"{hierarchies().v2}{group.path}/cgroup.max.descendants")
    assert found.strip() == "3"
    with pytest.raises(InvalidArgument, match="must be a file name"):
        group.update({"unified": {"../cgroup.freeze": "1"}})
    with pytest.raises(InvalidArgument, match="cannot use unified on cgroup v1"):
        group.update({"unified": {"memory.high": "1000000"}})


def test_who_may_load_no_program_goes_without_device_rules_if_he_is_no_root(
    unified: Cgroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "bpf")

    monkeypatch.setattr(device_filter, "install", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    unified.create()
    unified.remove()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(DevicesNotConfined, match="the kernel refuses an eBPF program"):
        unified.create()
