"""Freezing in either version; nobody freezes himself."""

import os
import time
from collections.abc import Iterator

import pytest

from lading.kernel.cgroup import Cgroup, Hierarchies, hierarchies
from lading.kernel.cgroup.freezer import Freezer, OwnGroup

THERE = hierarchies()
VERSIONS = {"v1": Hierarchies(THERE.v1, None), "v2": Hierarchies({}, THERE.v2)}


@pytest.fixture(params=["v1", "v2"])
def trees(request: pytest.FixtureRequest) -> Hierarchies:
    trees = VERSIONS[request.param]
    if "freezer" not in trees.v1 and trees.v2 is None:
        pytest.skip(f"needs a freezer of cgroup {request.param}")
    return trees


@pytest.fixture
def group(trees: Hierarchies) -> Iterator[Cgroup]:
    made = Cgroup(f"/lading-freezer-{os.getpid()}-{time.monotonic_ns()}", trees)
    made.create()
    yield made
    made.kill()
    made.remove()


def enter(trees: Hierarchies, group: Cgroup) -> None:
    mount = trees.v1.get("freezer") or trees.v2
    with open(f"{mount}{group.path}/cgroup.procs", "w") as procs:
        procs.write("0")


def test_many_processes_stop_and_go_on(trees: Hierarchies, group: Cgroup) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        enter(trees, group)
        for _ in range(5):
            os.fork()
        os.write(writer, b".")
        time.sleep(60)
        os._exit(0)
    os.close(writer)
    for _ in range(32):
        assert os.read(reader, 1)
    os.close(reader)
    group.freeze()
    assert group.is_frozen()
    group.thaw()
    assert not group.is_frozen()
    assert not Freezer(trees, group.path).is_asked()
    assert group.kill()
    os.waitpid(child, 0)


def test_a_process_that_freezes_its_own_group_is_stopped_from_it(
    trees: Hierarchies, group: Cgroup
) -> None:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            enter(trees, group)
            with pytest.raises(OwnGroup):
                group.freeze()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_a_group_that_is_not_there_cannot_be_frozen(trees: Hierarchies) -> None:
    with pytest.raises(FileNotFoundError):
        Freezer(trees, "/lading-no-such-group").freeze(timeout_s=1)
