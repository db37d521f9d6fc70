"""From a container's mounts to what the runtime binds, and what a start looks at before."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from lading.containers.mountpoints import placing
from lading.containers.mountpoints.placing import MissingSource, MissingSubpath, Places
from lading.containers.mountpoints.record import MountRecord
from lading.containers.oci_spec import Bind
from lading.errors import LadingError
from lading.kernel import selinux

PLACES = Places({"data": "/volumes/data/_data"}, lambda chain: [f"/layers/{chain}"])
BIND = MountRecord("bind", "/dst", source="/src", propagation="rprivate", makes_source=True)
VOLUME = MountRecord("volume", "/dst", name="data")


def one(mount: MountRecord) -> Bind:
    [bind] = placing.binds([mount], PLACES)
    return bind


def test_a_bind_is_writable_recursive_and_private() -> None:
    assert one(BIND) == Bind("/src", "/dst", ("rbind", "rprivate"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("rbind", "rprivate", "ro", "rro")),
        ({"reach": "top"}, ("rbind", "rprivate", "ro")),
        ({"reach": "forced"}, ("rbind", "rprivate", "ro", "rro")),
        ({"is_recursive": False}, ("bind", "rprivate", "ro")),
    ],
)
def test_read_only_reaches_as_far_as_was_asked(
    changes: dict[str, object], expected: tuple[str, ...]
) -> None:
    assert one(replace(BIND, is_read_only=True, **changes)).options == expected


def test_by_force_needs_a_private_recursive_bind() -> None:
    with pytest.raises(placing.NotForced):
        one(replace(BIND, is_read_only=True, reach="forced", propagation="rslave"))


def test_a_volume_is_where_it_is_mounted() -> None:
    bind = one(replace(VOLUME, subpath="in"))
    expected = Bind("/volumes/data/_data", "/dst", ("rbind", "rprivate"), subpath="in")
    assert bind == expected


def test_an_image_is_its_layers() -> None:
    mount = MountRecord("image", "/dst", source="base", is_read_only=True, chain_id="c")
    assert one(mount) == Bind("image base", "/dst", ("ro",), layers=("/layers/c",))


def test_a_tmpfs_is_no_bind() -> None:
    assert placing.binds([MountRecord("tmpfs", "/dst")], PLACES) == []


def test_owners_of_a_bind_are_mapped_to_the_sources(tmp_path: Path) -> None:
    os.chown(tmp_path, 70, 80)
    found = one(replace(BIND, source=str(tmp_path), idmap="uid=33"))
    assert found.options[-1] == "idmap=uids=70-33-1;gids=80-80-1"


@pytest.mark.parametrize(
    ("source", "expected"), [("/", "rslave"), ("/data", "rslave"), ("/other", "rprivate")]
)
def test_a_bind_with_our_own_data_is_a_slave(source: str, expected: str) -> None:
    found = placing.settled(replace(BIND, source=source), "/data/root")
    assert found.propagation == expected


def test_a_missing_source_of_a_bind_is_made(tmp_path: Path) -> None:
    source = tmp_path / "new/deep"
    placing.prepare([replace(BIND, source=str(source))], PLACES)
    assert source.is_dir()


def test_a_source_that_is_a_file_stays_one(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("kept")
    placing.prepare([replace(BIND, source=str(source))], PLACES)
    assert source.read_text() == "kept"


def test_a_source_that_has_gone_since_is_told(tmp_path: Path) -> None:
    mount = replace(BIND, source=str(tmp_path / "gone"), makes_source=False)
    with pytest.raises(MissingSource, match="bind source path does not exist"):
        placing.prepare([mount], PLACES)


@pytest.mark.parametrize("subpath", ["gone", "out"])
def test_a_subpath_must_be_in_the_volume(tmp_path: Path, subpath: str) -> None:
    (tmp_path / "out").symlink_to("/etc")
    places = Places({"data": str(tmp_path)}, lambda chain: [])
    with pytest.raises(MissingSubpath, match="cannot access path"):
        placing.prepare([replace(VOLUME, subpath=subpath)], places)


def test_mounts_travel_only_where_the_source_is_shared(tmp_path: Path) -> None:
    point, fields = placing.mount_of(str(tmp_path))
    mount = replace(BIND, source=str(tmp_path), propagation="rshared")
    if any(field.startswith("shared:") for field in fields):
        placing.prepare([mount], PLACES)
        return
    with pytest.raises(LadingError, match=f"mounted on {point} but it is not a shared mount"):
        placing.prepare([mount], PLACES)


def test_sources_get_the_label_of_the_container_or_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, str]] = []
    monkeypatch.setattr(selinux, "relabel", lambda *words: done.append(words))
    mounts = [
        replace(BIND, source="/a", mode="rw"),
        replace(BIND, source="/b", mode="ro,z"),
        replace(BIND, source="/c", mode="Z"),
        replace(VOLUME, mode="z"),
        MountRecord("tmpfs", "/t"),
    ]
    placing.relabel(mounts, PLACES, "u:r:file_t:s0:c1,c2")
    shared, own = "u:r:file_t:s0", "u:r:file_t:s0:c1,c2"
    assert done == [("/b", shared), ("/c", own), ("/volumes/data/_data", shared)]
