"""The words after the second colon of `-v`: `ro`, `rslave`, `nocopy`, `uid=1000` ... Pure.

Of each group one word may be said. `uid=`, `gid=`, `mode=` and `idmap=` are ours: whose the files
of a volume or of a bind are. Source of the rest: moby, volume/mounts/linux_parser.go.
"""

from typing import NamedTuple

from lading.containers.mountpoints.errors import InvalidMode
from lading.runtime.parent_mounts import parse_option
from lading.runtime.planning.errors import BadSpec

PROPAGATIONS = ("private", "rprivate", "slave", "rslave", "shared", "rshared")
LABELS = ("z", "Z")  # SELinux: files for all containers, or for this one alone
_GROUPS = (
    ("rw", "ro"),
    LABELS,
    ("nocopy",),
    ("consistent", "cached", "delegated", "default"),  # of Docker Desktop, no effect
    PROPAGATIONS,
)
_OWNERS = ("uid", "gid", "mode")


class Modes(NamedTuple):
    """What the words mean; `owner` is uid, gid and mode as they were written."""

    is_read_only: bool = False
    propagation: str = ""
    is_not_copied: bool = False
    owner: tuple[tuple[str, str], ...] = ()
    idmap: str = ""


def parse(text: str, *, told: str = "") -> Modes:
    """Raises InvalidMode; `told` is what the error names."""
    words = [word for word in text.split(",")] if text else []
    for group in _GROUPS:
        if sum(word in group for word in words) > 1:
            raise InvalidMode(told or text)
    owner = []
    idmap = ""
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key in _OWNERS and _is_number(value, 8 if key == "mode" else 10):
            owner.append((key, value))
        elif equals and key == "idmap" and _is_mapping(value):
            idmap = word
        elif not any(word in group for group in _GROUPS):
            raise InvalidMode(told or text)
    return Modes(
        is_read_only="ro" in words,
        propagation=next((word for word in words if word in PROPAGATIONS), ""),
        is_not_copied="nocopy" in words,
        owner=tuple(owner),
        idmap=idmap,
    )


def parse_of_volumes_from(text: str) -> bool | None:
    """Whether `--volumes-from NAME:MODE` makes mounts read-only; None leaves them. Raises
    InvalidMode.
    """
    words = text.split(",") if text else []
    if any(word not in ("ro", "rw", "z", "Z") for word in words):
        raise InvalidMode(text)
    parse(text)
    return "ro" in words if {"ro", "rw"} & set(words) else None


def _is_number(text: str, base: int) -> bool:
    digits = "01234567" if base == 8 else "0123456789"
    return bool(text) and not text.strip(digits) and len(text) <= 10


def _is_mapping(text: str) -> bool:
    """`uids=0-1000-1;gids=0-1000-1`: first on the disk, first as seen, how many."""
    try:
        uids, gids = parse_option(text, {})
    except BadSpec:
        return False
    return bool(uids and gids)
