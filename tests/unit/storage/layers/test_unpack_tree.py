"""A tree becomes an archive and a tree again, with everything that it has."""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from lading.storage.layers import TarReader, TarWriter, add_tree, unpack_tree
from lading.storage.layers.limits import DEFAULT
from lading.storage.layers.tar_entry import REGULAR, SYMLINK, TarEntry
from lading.storage.layers.tree import HostileArchive

ACL = "system.posix_acl_access"
# man 5 acl; a version, then entries (tag, permissions, id): user::rw-, user:33:r--, group::r--,
# mask::r--, other::---
ACL_TEXT = bytes.fromhex(
    "02000000 01000600ffffffff 0200040021000000 04000400ffffffff 10000400ffffffff 20000000ffffffff"
)


def made(place: Path) -> Path:
    """A tree with one of each."""
    place.mkdir()
    (place / "deep/er").mkdir(parents=True)
    (place / "deep/er/file").write_bytes(b"x" * 100_000)
    os.setxattr(place / "deep/er/file", "user.tag", b"value\0")
    os.link(place / "deep/er/file", place / "hard")
    os.symlink("/nowhere/" + "long" * 40, place / "soft")
    os.mkfifo(place / "fifo")
    (place / "empty").touch()
    (place / "setuid").touch()
    os.chown(place / "setuid", 33, 44)
    os.chmod(place / "setuid", 0o6755)
    (place / "name with ümlaut").touch()
    with (place / "holes").open("wb") as file:
        file.truncate(50 << 20)
        for offset in (1 << 20, 30 << 20):
            file.seek(offset)
            file.write(b"data" * 1024)
    with (place / "all hole").open("wb") as file:
        file.truncate(1 << 20)
    try:
        os.setxattr(place / "empty", ACL, ACL_TEXT)
    except OSError:
        pytest.skip("no access control lists here")
    for path in (place / "deep", place / "empty", place):
        os.utime(path, ns=(1, 1_234_567_890_123_456_789))
    os.chmod(place, 0o1770)
    os.utime(place, ns=(1, 1_234_567_890_123_456_789))
    return place


def archive_of(place: Path) -> bytes:
    buffer = BytesIO()
    writer = TarWriter(buffer.write)
    parent = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    add_tree(writer, parent, b".", told=b".")
    os.close(parent)
    writer.close()
    return buffer.getvalue()


def unpacked(data: bytes, place: Path) -> Path:
    place.mkdir()
    root = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    unpack_tree(TarReader(BytesIO(data), DEFAULT), root)
    os.close(root)
    return place


def told(place: Path) -> dict[str, object]:
    """Everything about everything."""
    first: dict[int, str] = {}
    found: dict[str, object] = {}
    for path in [place, *sorted(place.rglob("*"))]:
        name, s = str(path.relative_to(place)), path.lstat()
        names = {} if path.is_symlink() else {n: os.getxattr(path, n) for n in os.listxattr(path)}
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        link = os.readlink(path) if path.is_symlink() else ""
        same = first.setdefault(s.st_ino, name)
        found[name] = (s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, names, data, link, same)
    return found


def test_a_tree_comes_back_with_all_that_it_has(tmp_path: Path) -> None:
    source = made(tmp_path / "source")
    assert told(unpacked(archive_of(source), tmp_path / "copy")) == told(source)


def test_holes_take_no_place_in_the_archive_nor_on_the_disk(tmp_path: Path) -> None:
    data = archive_of(made(tmp_path / "source"))
    assert len(data) < 1 << 20
    copy = unpacked(data, tmp_path / "copy")
    assert (copy / "holes").stat().st_blocks * 512 < 1 << 20
    assert (copy / "all hole").stat().st_blocks == 0


def test_gnu_tar_reads_it(tmp_path: Path) -> None:
    source = made(tmp_path / "source")
    (tmp_path / "archive.tar").write_bytes(archive_of(source))
    (tmp_path / "copy").mkdir()
    words = ["tar", "-x", "-p", "--xattrs", "--xattrs-include=*", "--same-owner"]
    words += ["-f", f"{tmp_path}/archive.tar", "-C", f"{tmp_path}/copy"]
    subprocess.run(words, check=True)
    theirs, ours = told(tmp_path / "copy"), told(source)
    assert theirs == ours


def test_pythons_tarfile_reads_it(tmp_path: Path) -> None:
    with tarfile.open(fileobj=BytesIO(archive_of(made(tmp_path / "source")))) as archive:
        assert archive.getmember("./holes").size == 50 << 20
        file = archive.extractfile("./holes")
        assert file
        file.seek(30 << 20)
        assert file.read(4) == b"data"


@pytest.mark.parametrize("path", [b"../out", b"a/../../out", b"link/out"])
def test_nothing_is_made_outside(tmp_path: Path, path: bytes) -> None:
    buffer = BytesIO()
    writer = TarWriter(buffer.write)
    writer.add(TarEntry(b"link", SYMLINK, link=b"../.."))
    writer.add(TarEntry(path, REGULAR))
    writer.close()
    (tmp_path / "in").mkdir()
    if path == b"link/out":
        unpacked(buffer.getvalue(), tmp_path / "in/copy")
        assert (tmp_path / "in/copy/out").exists()  # ".." stops at the root
    else:
        with pytest.raises(HostileArchive):
            unpacked(buffer.getvalue(), tmp_path / "in/copy")
    assert not list(tmp_path.glob("out"))
    assert not list(tmp_path.glob("in/out"))
