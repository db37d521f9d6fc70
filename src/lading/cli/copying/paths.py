"""Where a copy goes, and under which name: functions of what source and destination are.

`cp /a/b c:/x`: into /x when that is a directory, else as /x. A path that ends in `/.` means what is
in the directory, one that ends in `/` must be a directory.
"""

from __future__ import annotations

import posixpath

from lading.cli.failures import Failure

GO_DIRECTORY = 1 << 31  # os.FileMode, as the engine's stat has it
GO_SYMLINK = 1 << 27


class Place:
    """A path on one of the sides. `name` replaces the last part of the path in the archive."""

    __slots__ = ("exists", "is_directory", "name", "path")

    def __init__(
        self, path: str, *, exists: bool = False, is_directory: bool = False, name: str = ""
    ) -> None:
        self.path = path
        self.exists = exists
        self.is_directory = is_directory
        self.name = name


def split_word(word: str) -> tuple[str, str]:
    """`container:path`, or ("", path) for a path of ours; `./a:b` and `/a:b` are ours."""
    if word.startswith(("/", ".")) or ":" not in word:
        return "", word
    container, _, path = word.partition(":")
    return container, path


def split_entry(path: str) -> tuple[str, str]:
    """Directory and last part; `/etc/.` has the last part `.`."""
    clean = posixpath.normpath(path)
    clean = "/" + clean.lstrip("/") if clean.startswith("/") else clean
    if means_content(path):
        return clean, "."
    directory, base = posixpath.split(clean)
    return directory or ".", base or "/"


def means_content(path: str) -> bool:
    """`/etc/.`: what is in it."""
    return posixpath.basename(path) == "."


def asserts_directory(path: str) -> bool:
    return path.endswith("/") or means_content(path)


def keep_ending(original: str, path: str) -> str:
    """A path that was made absolute, with the `/` or `/.` of what was typed."""
    if means_content(original) and not means_content(path):
        path = path.rstrip("/") + "/."
    if original.endswith("/") and not path.endswith("/"):
        path += "/"
    return path


class Plan:
    """Unpack in `directory`; entries under `old` get the name `new` (no change when equal)."""

    __slots__ = ("directory", "new", "old")

    def __init__(self, directory: str, old: str = "", new: str = "") -> None:
        self.directory = directory
        self.old = old
        self.new = new

    def rename(self, name: str) -> str:
        """An entry's name, or the target of a hard link."""
        if self.old == self.new:
            return name
        if self.old in ("/", "."):
            rest = name.removeprefix("./").lstrip("/")
            return f"{self.new}/{rest}".rstrip("/") if rest not in ("", ".") else self.new
        return name.replace(self.old, self.new, 1)


def plan(source: Place, destination: Place) -> Plan:
    """What Docker's client does. Raises Failure."""
    base = source.name or split_entry(source.path)[1]
    directory, last = split_entry(destination.path)
    if destination.exists and destination.is_directory:
        return Plan(destination.path)
    if destination.exists and source.is_directory:
        raise Failure("cannot copy directory")
    if not destination.exists and not source.is_directory and asserts_directory(destination.path):
        raise Failure("no such directory")
    return Plan(directory, base, last)
