"""The files of an image made from the host: each at its own path, with the symlinks on the way.

A path is walked component by component as the kernel would: a symlink (`/bin`, `awk`, `libc.so.6`)
becomes an entry with its own target, and the walk goes on there, so every path that worked on the
host works in the image. Only what is a file, a directory or a symlink is taken.
"""

import os
import stat
from typing import NamedTuple

from lading.errors import InvalidArgument, NotFound

DEEPEST_LINK = 40  # MAXSYMLINKS of the kernel
PERMISSIONS = 0o755  # setuid and setgid programs of the host are plain ones in the image


class ProgramNotFound(NotFound):
    """no such program on this host: {0}"""


class NotAFile(InvalidArgument):
    """{0} is not a regular file"""


class Item(NamedTuple):
    """One entry of the image: a directory, a symlink (`target`), a file of the host (`source`) or
    one with content of ours (`data`)."""

    mode: int  # type and permissions, as in st_mode
    target: str = ""
    source: str = ""
    data: bytes = b""


class Tree:
    """Entries by absolute path. Adding a path twice changes nothing."""

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self.items: dict[str, Item] = {}

    def add_directory(self, path: str, mode: int) -> None:
        """A directory of ours; a symlink of the host on the way is followed and kept."""
        resolved = self._walk(path)
        self.items[resolved] = Item(stat.S_IFDIR | mode)

    def add_text(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file with content of ours."""
        self.add_directory(os.path.dirname(path), 0o755)
        self.items[path] = Item(stat.S_IFREG | mode, data=text.encode())

    def add_host_file(self, path: str) -> str:
        """A file of the host with all symlinks that lead to it; returns where it is in truth.

        Raises ProgramNotFound, NotAFile.
        """
        resolved = self._walk(path)
        try:
            status = os.stat(self._host(resolved))
        except FileNotFoundError:
            raise ProgramNotFound(path) from None
        if not stat.S_ISREG(status.st_mode):
            raise NotAFile(path)
        mode = stat.S_IFREG | (status.st_mode & PERMISSIONS)
        self.items[resolved] = Item(mode, source=self._host(resolved))
        return resolved

    def newest_s(self) -> int:
        """When the newest of the host's files was written, in seconds since 1970."""
        sources = [item.source for item in self.items.values() if item.source]
        return max((int(os.stat(source).st_mtime) for source in sources), default=0)

    def sorted(self) -> list[tuple[str, Item]]:
        """All entries, every directory before what is in it."""
        return sorted((path, item) for path, item in self.items.items() if path != "/")

    def _walk(self, path: str) -> str:
        """Add the directories and symlinks on the way; return the path without symlinks."""
        pending = [part for part in path.split("/") if part]
        current, links = "", 0
        while pending:
            part = pending.pop(0)
            if part in {".", ".."}:
                current = os.path.dirname(current).rstrip("/") if part == ".." else current
                continue
            here = f"{current}/{part}"
            target = self._link(here)
            if target is None:
                current = here
                if pending:
                    self.items.setdefault(here, Item(stat.S_IFDIR | 0o755))
                continue
            links += 1
            if links > DEEPEST_LINK:
                raise ProgramNotFound(path)
            self.items[here] = Item(stat.S_IFLNK | 0o777, target=target)
            pending = [p for p in target.split("/") if p] + pending
            current = "" if target.startswith("/") else current
        return current or "/"

    def _link(self, path: str) -> str | None:
        try:
            return os.readlink(self._host(path))
        except OSError:  # EINVAL: not a symlink; ENOENT: one of ours
            return None

    def _host(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))
