"""Who a process is: user and groups looked up in the container's own /etc/passwd and /etc/group.

The files belong to the image, so they are opened inside the root, must be regular, and their size
is bounded; no C library function reads them. Rules and texts are Docker's: `user[:group]`, each a
name or a number; a number without an entry is taken as it is, a name without one is an error.
"""

from __future__ import annotations

import os

from lading.errors import InvalidArgument
from lading.kernel import safepath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.spec import User

MAX_FILE = 8 * 1024 * 1024
MAX_ID = (1 << 31) - 1


class UnknownUser(InvalidArgument):
    """unable to find user {0}: no matching entries in passwd file"""


class UnknownGroup(InvalidArgument):
    """unable to find group {0}: no matching entries in group file"""


class IdOutOfRange(InvalidArgument):
    """uids and gids must be in range 0-2147483647"""


class Identity:
    """uid, gid, supplementary groups and home directory of a process."""

    __slots__ = ("gid", "groups", "home", "uid")

    def __init__(self, uid: int, gid: int, groups: list[int], home: str) -> None:
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.home = home


def resolve(root: int, user: User) -> Identity:
    """The identity that a spec's user means in the root. Raises UnknownUser, UnknownGroup."""
    passwd = _entries(root, "/etc/passwd", 7)
    if user.get("username"):
        identity = _by_name(root, user["username"], passwd)
    else:
        uid, gid = user.get("uid", 0), user.get("gid", 0)
        identity = Identity(uid, gid, list(user.get("additionalGids") or []), _home(passwd, uid))
    for name in user.get("groupAdd") or []:
        gid = _group(root, name)
        if gid not in identity.groups:
            identity.groups.append(gid)
    return identity


def _by_name(root: int, text: str, passwd: list[list[str]]) -> Identity:
    name, _, group = text.partition(":")
    uid, gid, home, login = 0, 0, "/", ""
    entry = _find(passwd, name or "0")
    if entry is not None:
        login, uid, gid, home = entry[0], int(entry[2]), int(entry[3]), entry[5]
    elif name.isdigit():
        uid = _checked(int(name))
    elif name:
        raise UnknownUser(name)
    if group:
        gid = _group(root, group)
        return Identity(uid, gid, [gid], home)
    groups = [gid]
    for row in _entries(root, "/etc/group", 4):
        if login and login in row[3].split(",") and int(row[2]) not in groups:
            groups.append(int(row[2]))
    return Identity(uid, gid, groups, home)


def _find(rows: list[list[str]], name: str) -> list[str] | None:
    """The entry with that name, else with that number; names win, for they may be digits."""
    for row in rows:
        if row[0] == name:
            return row
    if name.isdigit():
        for row in rows:
            if int(row[2]) == int(name):
                return row
    return None


def _group(root: int, name: str) -> int:
    entry = _find(_entries(root, "/etc/group", 4), name)
    if entry is not None:
        return int(entry[2])
    if name.isdigit():
        return _checked(int(name))
    raise UnknownGroup(name)


def _checked(number: int) -> int:
    if number > MAX_ID:
        raise IdOutOfRange()
    return number


def _home(passwd: list[list[str]], uid: int) -> str:
    entry = next((row for row in passwd if int(row[2]) == uid), None)
    return entry[5] if entry else "/"


def _entries(root: int, path: str, fields: int) -> list[list[str]]:
    """Rows of a passwd-like file whose third field is a number; lines that are none are skipped."""
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY  # a FIFO or a terminal must not hold us
        data = safepath.read_regular(safepath.open_in_root(root, path, flags), MAX_FILE)
    except (OSError, ValueError):
        return []
    return parse(data.decode(errors="surrogateescape"), fields)


def parse(text: str, fields: int) -> list[list[str]]:
    """Rows with exactly the fields of the format; comments and broken lines are left out."""
    rows = []
    for line in text.split("\n"):
        row = line.strip().split(":")
        if line.startswith("#") or len(row) < fields:
            continue
        numbers = row[2:4] if fields == 7 else row[2:3]
        if all(
            number.isascii() and number.isdigit() and int(number) <= MAX_ID for number in numbers
        ):
            rows.append(row)
    return rows
