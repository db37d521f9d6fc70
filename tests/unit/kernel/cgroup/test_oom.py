"""Kills for want of memory are counted, and wake those who wait for them."""

import os
import select
import time
from collections.abc import Iterator

import pytest

from lading.kernel.cgroup import Cgroup, hierarchies, oom

MIB = 1 << 20


@pytest.fixture
def group() -> Iterator[Cgroup]:
    trees = hierarchies()
    if "memory" not in trees.v1 and "memory" not in trees.v2_controllers():
        pytest.skip("needs the memory controller")
    made = Cgroup(f"/lading-oom-{os.getpid()}-{time.monotonic_ns()}")
    made.create({"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    yield made
    made.kill()
    made.remove()


def eat(group: Cgroup) -> int:
    """A child that needs more than there is; its wait status."""
    directory, _ = oom.memory_directory(hierarchies(), group.path)
    child = os.fork()
    if child == 0:
        with open(f"{directory}/cgroup.procs", "w") as procs:
            procs.write("0")
        bytearray(64 * MIB)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_each_kill_wakes_and_is_counted(group: Cgroup) -> None:
    events = group.oom_events()
    assert events.read() == 0
    for _ in range(2):
        assert eat(group) == 9
        assert select.select([events], [], [], 5)[0]
        assert events.read() == 1
    assert not select.select([events], [], [], 0)[0]
    events.close()
    assert oom.kills(hierarchies(), group.path) == 2


def test_nothing_was_killed_where_there_is_no_group() -> None:
    assert oom.kills(hierarchies(), "/lading-no-such-group") == 0
