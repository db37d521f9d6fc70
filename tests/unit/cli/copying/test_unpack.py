"""Trees that go through an archive come back, and archives that want to leave do not."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from lading.cli.copying.pack import pack
from lading.cli.copying.unpack import unpack
from lading.cli.failures import Failure

if TYPE_CHECKING:
    from pathlib import Path


class Pieces:
    """A stream of an archive in odd pieces."""

    def __init__(self, data: bytes) -> None:
        self._pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]

    def receive(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def put(data: bytes, directory: Path) -> int:
    stream: Any = Pieces(data)
    return unpack(stream, str(directory), lambda name: name)


def archive(*entries: tuple[str, bytes, str]) -> bytes:
    """Entries of (name, type, link target or content)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, text in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o4755
            if kind == tarfile.REGTYPE:
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
            else:
                info.linkname = text
                tar.addfile(info)
    return out.getvalue()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    directory = tmp_path / "target"
    directory.mkdir()
    return directory


def test_a_tree_comes_back(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "file").write_bytes(os.urandom(70_000))
    (source / "file").chmod(0o640)
    os.link(source / "file", source / "hard")
    (source / "link").symlink_to("nowhere")
    (source / "dé f").write_text("x")
    os.utime(source / "deep", (1, 978_307_200))
    data = b"".join(pack(str(source), "s", lambda name: name.replace("s", "t", 1)))
    assert put(data, target) == len(data)
    made = target / "t"
    assert (made / "file").read_bytes() == (source / "file").read_bytes()
    assert (made / "file").stat().st_ino == (made / "hard").stat().st_ino
    assert (made / "file").stat().st_mode == (source / "file").stat().st_mode
    assert os.readlink(made / "link") == "nowhere"
    assert (made / "dé f").read_text() == "x"
    assert (made / "deep").stat().st_mtime == 978_307_200


def test_what_is_there_is_replaced_and_a_link_is_not_followed(target: Path) -> None:
    outside = target.parent / "outside"
    outside.write_text("kept")
    (target / "f").symlink_to(outside)
    put(archive(("f", tarfile.REGTYPE, "new")), target)
    assert outside.read_text() == "kept"
    assert (target / "f").read_text() == "new"


@pytest.mark.parametrize(
    "entries",
    [
        [("../evil", tarfile.REGTYPE, "x")],
        [("a/../../evil", tarfile.REGTYPE, "x")],
        [("d", tarfile.SYMTYPE, ".."), ("d/evil", tarfile.REGTYPE, "x")],
        [("d", tarfile.SYMTYPE, "/tmp"), ("d/evil", tarfile.DIRTYPE, "")],
        [("h", tarfile.LNKTYPE, "../secret")],
        [("d", tarfile.SYMTYPE, ".."), ("h", tarfile.LNKTYPE, "d/secret")],
    ],
)
def test_nothing_leads_outside(entries: list[tuple[str, bytes, str]], target: Path) -> None:
    (target.parent / "secret").write_text("x")
    with pytest.raises(Failure):
        put(archive(*entries), target)
    assert sorted(path.name for path in target.parent.iterdir()) == ["secret", "target"]
    assert (target.parent / "secret").stat().st_nlink == 1


def test_a_program_of_the_container_gets_no_privilege_of_ours(target: Path) -> None:
    put(archive(("su", tarfile.REGTYPE, "x")), target)
    assert (target / "su").stat().st_mode & 0o7777 == 0o755


def test_kinds_are_not_exchanged(target: Path) -> None:
    (target / "f").write_text("")
    (target / "d").mkdir()
    with pytest.raises(Failure, match='cannot overwrite non-directory "f" with directory "f"'):
        put(archive(("f", tarfile.DIRTYPE, "")), target)
    with pytest.raises(Failure, match='cannot overwrite directory "d" with non-directory "d"'):
        put(archive(("d", tarfile.REGTYPE, "x")), target)


def test_a_torn_archive_is_an_error(target: Path) -> None:
    with pytest.raises(Failure, match="the archive is damaged"):
        put(archive(("f", tarfile.REGTYPE, "x" * 5000))[:3000], target)
