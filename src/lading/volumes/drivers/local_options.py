"""The options of the local driver: what is mounted on a volume, and whose its directory is. Pure.

dockerd's are `type`, `device` and `o`, as mount(8) takes them; ours beside them `uid`, `gid` and
`mode`, the owner of the volume's directory. Source: docs.docker.com, docker volume create.
"""

from collections.abc import Mapping
from typing import NamedTuple

from lading import quantities
from lading.errors import LadingError
from lading.kernel import mount
from lading.runtime import mount_options
from lading.volumes.record import InvalidOption

KNOWN = ("type", "device", "o", "size", "uid", "gid", "mode")
LARGEST_ID = 0xFFFF_FFFE


class Filesystem(NamedTuple):
    """What is mounted on a volume's directory."""

    fstype: str
    device: str
    attributes: int  # MOUNT_ATTR_*
    is_bind: bool
    is_recursive: bool
    propagation: int  # MS_*, 0 for the default
    data: dict[str, str | None]


class Owner(NamedTuple):
    """Whose a volume's directory is; None leaves it root's, or as the image has it."""

    uid: int | None = None
    gid: int | None = None
    mode: int | None = None

    @property
    def is_asked(self) -> bool:
        """Whether there is anything to set."""
        return self != Owner()


def check(name: str, options: Mapping[str, str]) -> None:
    """Refuse what makes no sense. Raises InvalidOption."""
    for option in options:
        if option not in KNOWN:
            raise InvalidOption(name, f'invalid option: "{option}"')
    if any(option in options for option in ("type", "device", "o")):
        for option in ("device", "type"):
            if not options.get(option):
                raise InvalidOption(name, f'missing required option: "{option}"')
    if "size" in options:
        try:
            quantities.parse_bytes(options["size"])
        except (LadingError, ValueError):
            raise InvalidOption(name, f"invalid size: '{options['size']}'") from None
        raise InvalidOption(name, "quota size requested but no quota support")
    owner_of(name, options)


def filesystem_of(options: Mapping[str, str]) -> Filesystem | None:
    """What is to be mounted; None for a plain directory."""
    if "device" not in options:
        return None
    words = [word.strip() for word in options.get("o", "").split(",") if word.strip()]
    parsed = mount_options.parse(words)
    is_bind = bool(parsed.bind)
    attributes = parsed.set | parsed.recursive_set
    return Filesystem(
        fstype="none" if is_bind else options["type"],
        device=options["device"],
        attributes=attributes & ~mount.MOUNT_ATTR_IDMAP,
        is_bind=is_bind,
        is_recursive=parsed.bind == "rbind",
        propagation=parsed.propagation,
        data=parsed.data,
    )


def owner_of(name: str, options: Mapping[str, str]) -> Owner:
    """Raises InvalidOption."""
    return Owner(
        uid=_number(name, options, "uid", 10, LARGEST_ID),
        gid=_number(name, options, "gid", 10, LARGEST_ID),
        mode=_number(name, options, "mode", 8, 0o7777),
    )


def _number(
    name: str, options: Mapping[str, str], option: str, base: int, largest: int
) -> int | None:
    text = options.get(option)
    if text is None:
        return None
    digits = "01234567" if base == 8 else "0123456789"
    if not text or text.strip(digits) or int(text, base) > largest:
        raise InvalidOption(name, f"invalid {option}: '{text}'")
    return int(text, base)
