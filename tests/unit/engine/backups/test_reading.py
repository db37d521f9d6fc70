"""A backup comes back as it was, and one that was changed or cut off is known."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.containers.mountpoints.record import MountRecord
from lading.engine.backups.form import (
    FORMAT,
    TAIL,
    Damaged,
    Manifest,
    NotABackup,
    SavedContainer,
    SavedVolume,
)
from lading.engine.backups.reading import Reading
from lading.engine.backups.writing import write_backup
from lading.errors import LadingError
from lading.storage.layers import TarEntry, TarWriter, open_compressed
from lading.storage.layers.tar_entry import HARDLINK
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig

MANIFEST = Manifest(
    format=FORMAT,
    created_ns=1,
    was_frozen=True,
    container=SavedContainer(
        "web",
        "base",
        "sha256:1",
        ContainerConfig(image="base", cmd=["true"]),
        HostConfig(binds=["one:/data"]),
        NetworkingConfig(),
        [MountRecord("volume", "/data", name="one")],
    ),
    volumes=[
        SavedVolume("one", "local", "volumes/0"),
        SavedVolume("two", "local", "volumes/1", labels={"a": "b"}),
        # eleven: "volumes/1" is also how "volumes/10" begins
        *(SavedVolume(f"v{n}", "local", f"volumes/{n}") for n in range(2, 11)),
    ],
)


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory = tmp_path_factory.mktemp("saved")
    paths = []
    for volume in MANIFEST.volumes:
        place = directory / volume.directory
        place.mkdir(parents=True, mode=0o750)
        (place / "file").write_text(volume.name)
        paths.append(str(place))
    (directory / "volumes/0/link").hardlink_to(directory / "volumes/0/file")
    buffer = BytesIO()
    write_backup(MANIFEST, paths, buffer.write)
    return buffer.getvalue()


def made(place: Path) -> dict[str, str]:
    found = {volume.directory: str(place / volume.directory) for volume in MANIFEST.volumes}
    for path in found.values():
        Path(path).mkdir(parents=True)
    return found


def test_what_was_saved_comes_back(backup: bytes, tmp_path: Path) -> None:
    reading = Reading(BytesIO(backup))
    assert reading.manifest == MANIFEST
    reading.unpack(made(tmp_path))
    for volume in MANIFEST.volumes:
        assert (tmp_path / volume.directory / "file").read_text() == volume.name
        assert (tmp_path / volume.directory).stat().st_mode & 0o777 == 0o750
    names = tmp_path / "volumes/0/file", tmp_path / "volumes/0/link"
    assert names[0].stat().st_ino == names[1].stat().st_ino


def test_a_check_counts_the_members(backup: bytes) -> None:
    assert Reading(BytesIO(backup)).verify() == 1 + 2 * len(MANIFEST.volumes) + 1


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_that_was_cut_off_is_known(backup: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(backup) - 1))
    with pytest.raises(LadingError):
        Reading(BytesIO(backup[:length])).verify()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_whose_plain_bytes_were_changed_is_known(backup: bytes, data: st.DataObject) -> None:
    source = open_compressed(BytesIO(backup))
    plain = b""
    while piece := source.read(1 << 20):
        plain += piece
    position = data.draw(st.integers(0, len(plain) - TAIL))  # all that the digest is of
    changed = bytearray(plain)
    changed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(LadingError):
        Reading(BytesIO(bytes(changed))).verify()


@pytest.mark.parametrize("data", [b"", b"hello", bytes(2048)])
def test_what_is_no_backup_is_told(data: bytes) -> None:
    with pytest.raises(NotABackup):
        Reading(BytesIO(data))


def _archive(add: Callable[[TarWriter], None]) -> bytes:
    from lading.engine.backups.form import MANIFEST as NAME
    from lading.engine.backups.form import encode

    buffer = BytesIO()
    writer = TarWriter(buffer.write)
    manifest = encode(MANIFEST)
    writer.add(TarEntry(NAME, size=len(manifest)), BytesIO(manifest))
    add(writer)
    writer.close()
    return buffer.getvalue()


@pytest.mark.parametrize(
    "entry",
    [
        TarEntry(b"elsewhere/file"),
        TarEntry(b"volumes/0/../../out"),
        TarEntry(b"volumes/99/file"),
        TarEntry(b"volumes/0/link", HARDLINK, link=b"volumes/1/file"),
    ],
    ids=["elsewhere", "above", "unknown", "link"],
)
def test_a_member_of_no_volume_is_refused(entry: TarEntry, tmp_path: Path) -> None:
    data = _archive(lambda writer: writer.add(entry))
    with pytest.raises(LadingError):
        Reading(BytesIO(data)).unpack(made(tmp_path))
    assert not list(tmp_path.rglob("out"))


def test_one_without_a_digest_is_damaged() -> None:
    with pytest.raises(Damaged, match="no digest"):
        Reading(BytesIO(_archive(lambda writer: None))).verify()
