"""A file or tree of ours as a tar archive, without ever holding more than a piece of it."""

from __future__ import annotations

import os
import tarfile

from lading.cli.failures import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE = 256 * 1024
_ZEROS = b"\0" * 1024  # the end of an archive is two empty blocks


def pack(path: str, base: str, rename: Callable[[str], str]) -> Iterator[bytes]:
    """Entries are named `base/...`, then renamed. Raises Failure, OSError."""
    # it remembers hard links; it writes nothing
    tar = tarfile.TarFile(fileobj=_Nowhere(), mode="w")  # type: ignore[arg-type]
    for source, name in _walk(path, base):
        info = _entry(tar, source, rename(name) or ".")
        if info is None:
            continue
        yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        if info.isreg():
            yield from _content(source, info.size)
    yield _ZEROS


class _Nowhere:
    """A file object for TarFile, which is not asked to write."""

    def tell(self) -> int:
        return 0

    def write(self, data: bytes) -> int:
        return len(data)


def _entry(tar: tarfile.TarFile, source: str, name: str) -> tarfile.TarInfo | None:
    """None for sockets, which an archive cannot hold."""
    info = tar.gettarinfo(source, name)
    if info is None:
        return None
    # tar forgets the slash of directories, and Docker's engine has always been sent it
    info.name = name
    info.uname = info.gname = ""
    return info


def _walk(path: str, base: str) -> Iterator[tuple[str, str]]:
    """Paths with their names in the archive, a directory before what is in it."""
    pending = [(path, base)]
    while pending:
        source, name = pending.pop()
        yield source, name
        if os.path.isdir(source) and not os.path.islink(source.rstrip("/")):
            entries = sorted(os.listdir(source), reverse=True)
            pending += [(os.path.join(source, entry), f"{name}/{entry}") for entry in entries]


def _content(source: str, size: int) -> Iterator[bytes]:
    left = size
    with open(source, "rb", buffering=0) as file:
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise Failure(f"{source}: the file became shorter while it was read")
            left -= len(piece)
            yield piece
    if size % 512:
        yield b"\0" * (512 - size % 512)
