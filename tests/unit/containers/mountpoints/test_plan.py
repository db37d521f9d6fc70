"""All mounts of a container, from everywhere that they are asked for."""

import pytest

from lading.containers.mountpoints.errors import DuplicateMount, InvalidMode, MissingVolumesFrom
from lading.containers.mountpoints.plan import plan
from lading.containers.mountpoints.record import MountRecord
from lading.containers.record import NoSuchContainer
from lading.errors import InvalidArgument
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.mounts import Mount

OTHER = [
    MountRecord("volume", "/data", name="theirs", is_anonymous=True, copies=True),
    MountRecord("bind", "/etc/x", source="/x", is_read_only=True),
    MountRecord("tmpfs", "/scratch"),
]


def of_container(name: str) -> list[MountRecord]:
    if name != "other":
        raise NoSuchContainer(name)
    return OTHER


def planned(*volumes: str, **host: object) -> list[MountRecord]:
    config = ContainerConfig(image="base", volumes={name: {} for name in volumes})
    wishes = plan(config, HostConfig(**host), of_container, new_name=lambda: "new")  # type: ignore[arg-type]
    return [wish.mount for wish in wishes]


def places(mounts: list[MountRecord]) -> list[tuple[str, str]]:
    return [(mount.destination, mount.name or mount.source) for mount in mounts]


def test_outer_mounts_come_before_inner_ones() -> None:
    found = planned("/a", binds=["/1:/a/b/c", "/2:/a/b"])
    assert [mount.destination for mount in found] == ["/a", "/a/b", "/a/b/c"]


def test_what_the_image_calls_a_volume_is_an_anonymous_one() -> None:
    [mount] = planned("/data")
    assert (mount.name, mount.is_anonymous, mount.copies, mount.mode) == ("new", True, True, "")


@pytest.mark.parametrize("host", [{"binds": ["/1:/data"]}, {"binds": ["x1:/data/"]}])
def test_a_place_that_has_something_needs_no_anonymous_volume(host: dict[str, object]) -> None:
    assert len(planned("/data", **host)) == 1


def test_a_tmpfs_wins_over_an_anonymous_volume() -> None:
    assert planned("/data", tmpfs={"/data/": ""}) == []


def test_volumes_from_takes_over_what_is_there_without_filling_it() -> None:
    found = planned(volumes_from=["other"])
    assert places(found) == [("/data", "theirs"), ("/etc/x", "/x")]
    assert [mount.is_read_only for mount in found] == [False, True]
    assert not any(mount.copies for mount in found)


@pytest.mark.parametrize(("mode", "expected"), [("ro", [True, True]), ("rw,z", [False, False])])
def test_volumes_from_may_change_the_access(mode: str, expected: list[bool]) -> None:
    found = planned(volumes_from=[f"other:{mode}"])
    assert [mount.is_read_only for mount in found] == expected


def test_a_bind_replaces_what_volumes_from_has_there() -> None:
    found = planned(volumes_from=["other"], binds=["/mine:/data"])
    assert ("/data", "/mine") in places(found)
    assert ("/data", "theirs") not in places(found)


@pytest.mark.parametrize(
    "host",
    [
        {"binds": ["/1:/dst", "/2:/dst/"]},
        {"binds": ["/1:/dst"], "tmpfs": {"/dst": ""}},
        {"binds": ["v1:/dst"], "mounts": [Mount(type="tmpfs", target="/dst")]},
        {"mounts": [Mount(type="tmpfs", target="/dst"), Mount(type="tmpfs", target="/dst/")]},
    ],
)
def test_two_mounts_at_one_place_are_refused(host: dict[str, object]) -> None:
    with pytest.raises(DuplicateMount, match="Duplicate mount point: /dst"):
        planned(**host)


def test_volumes_from_nobody_is_refused() -> None:
    with pytest.raises(MissingVolumesFrom, match="No such container: nobody"):
        planned(volumes_from=["nobody"])
    with pytest.raises(InvalidArgument, match="cannot be an empty string"):
        planned(volumes_from=[""])


@pytest.mark.parametrize("mode", ["bad", "rshared", "nocopy", "ro,rw"])
def test_volumes_from_knows_few_modes(mode: str) -> None:
    with pytest.raises(InvalidMode, match=f"invalid mode: {mode}"):
        planned(volumes_from=[f"other:{mode}"])


def test_a_volume_driver_is_of_all_that_name_none() -> None:
    found = planned("/a", binds=["data:/b", "/c:/c"], volume_driver="nfs")
    drivers = {mount.destination: mount.driver for mount in found}
    assert drivers == {"/a": "nfs", "/b": "nfs", "/c": ""}


def test_the_root_is_no_place_for_a_volume() -> None:
    with pytest.raises(InvalidArgument, match="destination can't be '/'"):
        planned("/")
