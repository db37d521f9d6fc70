"""Subordinate ids: which ids of the host a user may give to user namespaces. man 5 subuid.

/etc/subuid and /etc/subgid have a line `OWNER:FIRST:COUNT` for each range; the owner is a name or a
number, and may have several.
"""

from __future__ import annotations

import os

from lading.errors import SystemFault

Range = tuple[int, int]  # first, count
Mapping = tuple[int, int, int]  # inside, outside, count
SUBUID = "/etc/subuid"
SUBGID = "/etc/subgid"
MIN_FIRST = 100000  # SUB_UID_MIN, man 5 login.defs
LARGEST = 2**32 - 2  # an id of all ones means "none", man 2 chown


class Locked(SystemFault):
    """{0} is being changed by somebody else ({1} exists)"""


class TooMany(SystemFault):
    """{0} has no room for {1} ids more"""


def read(path: str, *owners: str) -> list[Range]:
    """The ranges of whoever is called so (name or number); none without the file."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return ranges(file.read(), *owners)
    except FileNotFoundError:
        return []


def ranges(text: str, *owners: str) -> list[Range]:
    """The owner's ranges in the order of the file; lines that make no sense are passed over, and so
    are ranges that reach root or what is no id.
    """
    found = []
    for line in text.splitlines():
        owner, _, rest = line.partition(":")
        first, _, count = rest.partition(":")
        if owner not in owners or not (_is_number(first) and _is_number(count)):
            continue
        pair = int(first), int(count)
        if pair[0] > 0 and pair[1] > 0 and sum(pair) - 1 <= LARGEST:
            found.append(pair)
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def spread(found: list[Range], count: int | None = None) -> list[Mapping]:
    """A mapping (inside, outside, count) of 0 and on to these ranges, one after the other.

    At most `count` ids. man 7 user_namespaces has room for 340 lines; nobody has that many.
    """
    mapping, inside = [], 0
    for first, size in found:
        size = size if count is None else min(size, count - inside)
        if size > 0:
            mapping.append((inside, first, size))
            inside += size
    return mapping


def free(text: str) -> int:
    """Where the next range may begin: after all there are, as useradd(8) does it."""
    ends = [MIN_FIRST]
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        first, _, count = rest.partition(":")
        if _is_number(first) and _is_number(count):
            ends.append(int(first) + int(count))
    return max(ends)


def add(path: str, owner: str, count: int) -> None:
    """Append a range for the owner. Raises Locked, TooMany, OSError.

    The lock is that of the shadow utilities, so useradd and we do not undo each other's work.
    """
    lock = f"{path}.lock"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise Locked(path, lock) from None
    try:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        first = free(text)
        if first + count - 1 > LARGEST:
            raise TooMany(path, count)
        whole = text + ("\n" if text and not text.endswith("\n") else "")
        _replace(path, f"{whole}{owner}:{first}:{count}\n")
    finally:
        os.unlink(lock)


def _replace(path: str, text: str) -> None:
    new = f"{path}+"  # the name that the shadow utilities use, too
    with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    os.rename(new, path)
