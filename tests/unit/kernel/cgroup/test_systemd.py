"""Paths of scopes, and limits in systemd's words. The driver itself is tested in tests/guest."""

import pytest

from lading.kernel.cgroup import systemd
from lading.kernel.cgroup.systemd import BadPath, BadSlice, Scope


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("", "/system.slice/lading-web.scope"),
        ("system.slice:runc:box", "/system.slice/runc-box.scope"),
        (":runc:box", "/system.slice/runc-box.scope"),
        ("a-b.slice:x:y", "/a.slice/a-b.slice/x-y.scope"),
        ("-.slice:x:y", "/x-y.scope"),
        ("a.slice:x:b.slice", "/a.slice/b.slice"),
    ],
)
def test_a_scope_lies_in_its_slice(asked: str, path: str) -> None:
    assert systemd.path_of(asked, name="web") == path


@pytest.mark.parametrize("asked", ["/lading/box", "a.slice:x", "a.slice:x:y:z"])
def test_other_paths_are_refused_in_runcs_words(asked: str) -> None:
    with pytest.raises(BadPath) as caught:
        systemd.path_of(asked)
    assert str(caught.value) == (
        'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, '
        f'got "{asked}" instead'
    )


@pytest.mark.parametrize("name", ["a", ".slice", "a--b.slice", "-a.slice", "a/b.slice"])
def test_names_that_are_no_slices_are_refused(name: str) -> None:
    with pytest.raises(BadSlice):
        systemd.expand(name)


def test_unit_and_slice_are_the_last_names_of_a_path() -> None:
    scope = Scope("/a.slice/a-b.slice/x-y.scope")
    assert (scope.unit, scope.slice) == ("x-y.scope", "a-b.slice")
    assert Scope("/x-y.scope").slice == "-.slice"


def test_a_limit_of_processes_waits_for_the_holder_to_be_gone() -> None:
    files = {"pids.max": "1", "memory.high": "max"}
    assert Scope.without_tasks({"memory": {}, "pids": {"limit": 1}, "unified": files}) == (
        {"memory": {}, "unified": {"memory.high": "max"}},
        {"pids": {"limit": 1}, "unified": {"pids.max": "1"}},
    )
    assert Scope.without_tasks({"memory": {}}) == ({"memory": {}}, {})
