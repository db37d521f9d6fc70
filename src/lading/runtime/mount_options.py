"""The options of OCI mounts: words of mount(8) to attributes, propagation, and the rest as data.

Source: OCI runtime-spec 1.3.0, config.md "Linux mount options"; man 8 mount; man 2 mount_setattr.
"""

from __future__ import annotations

from lading.errors import InvalidArgument
from lading.kernel import mount

# word -> (attributes to set, attributes to clear); "r" in front makes it recursive for binds
ATTRIBUTES = {
    "ro": (mount.MOUNT_ATTR_RDONLY, 0),
    "rw": (0, mount.MOUNT_ATTR_RDONLY),
    "nosuid": (mount.MOUNT_ATTR_NOSUID, 0),
    "suid": (0, mount.MOUNT_ATTR_NOSUID),
    "nodev": (mount.MOUNT_ATTR_NODEV, 0),
    "dev": (0, mount.MOUNT_ATTR_NODEV),
    "noexec": (mount.MOUNT_ATTR_NOEXEC, 0),
    "exec": (0, mount.MOUNT_ATTR_NOEXEC),
    "nodiratime": (mount.MOUNT_ATTR_NODIRATIME, 0),
    "diratime": (0, mount.MOUNT_ATTR_NODIRATIME),
    "nosymfollow": (mount.MOUNT_ATTR_NOSYMFOLLOW, 0),
    "symfollow": (0, mount.MOUNT_ATTR_NOSYMFOLLOW),
    # the three ways to keep access times are one field: clearing it precedes setting
    "relatime": (mount.MOUNT_ATTR_RELATIME, mount.MOUNT_ATTR__ATIME),
    "norelatime": (mount.MOUNT_ATTR_STRICTATIME, mount.MOUNT_ATTR__ATIME),
    "noatime": (mount.MOUNT_ATTR_NOATIME, mount.MOUNT_ATTR__ATIME),
    "atime": (mount.MOUNT_ATTR_RELATIME, mount.MOUNT_ATTR__ATIME),
    "strictatime": (mount.MOUNT_ATTR_STRICTATIME, mount.MOUNT_ATTR__ATIME),
    "nostrictatime": (mount.MOUNT_ATTR_RELATIME, mount.MOUNT_ATTR__ATIME),
}
PROPAGATION = {
    "private": mount.MS_PRIVATE,
    "slave": mount.MS_SLAVE,
    "shared": mount.MS_SHARED,
    "unbindable": mount.MS_UNBINDABLE,
}
SUPERBLOCK_FLAGS = ("sync", "dirsync", "mand", "lazytime")  # fsconfig flags of any file system
WITHOUT_EFFECT = ("defaults", "async", "nomand", "nolazytime", "silent", "loud", "newinstance")
UNSUPPORTED = ("idmap", "ridmap", "tmpcopyup", "remount", "iversion", "noiversion")


class MountOptions:
    """Options of one mount, sorted by what they act on."""

    __slots__ = (
        "bind",
        "clear",
        "data",
        "propagation",
        "propagation_recursive",
        "recursive_clear",
        "recursive_set",
        "set",
        "words",
    )

    def __init__(self) -> None:
        self.bind = ""  # "", "bind" or "rbind"
        self.set = 0
        self.clear = 0
        self.recursive_set = 0
        self.recursive_clear = 0
        self.propagation = 0
        self.propagation_recursive = False
        self.data: dict[str, str | None] = {}
        self.words: list[str] = []

    def describe(self) -> str:
        return " " + ",".join(self.words) if self.words else ""

    @property
    def is_readonly(self) -> bool:
        return bool(self.set & mount.MOUNT_ATTR_RDONLY)


class BadMountOption(InvalidArgument):
    """mount {0}: option {1} is not supported"""


def parse(words: list[str], destination: str = "") -> MountOptions:
    """Sort the words. Raises BadMountOption for what we know and cannot do."""
    options = MountOptions()
    options.words = words
    for word in words:
        _add(options, word, destination)
    return options


def _add(options: MountOptions, word: str, destination: str) -> None:
    if word in ("bind", "rbind"):
        options.bind = word
    elif word in ATTRIBUTES:
        attributes, cleared = ATTRIBUTES[word]
        options.set = (options.set & ~cleared) | attributes
        options.clear = (options.clear | cleared) & ~_settable(attributes)
    elif word in PROPAGATION or (word[:1] == "r" and word[1:] in PROPAGATION):
        options.propagation_recursive = word not in PROPAGATION
        options.propagation = PROPAGATION[
            word.removeprefix("r") if word not in PROPAGATION else word
        ]
    elif word[:1] == "r" and word[1:] in ATTRIBUTES:
        attributes, cleared = ATTRIBUTES[word[1:]]
        options.recursive_set = (options.recursive_set & ~cleared) | attributes
        options.recursive_clear |= cleared
    elif word in UNSUPPORTED or word.startswith(("idmap=", "ridmap=")):
        raise BadMountOption(destination, word)
    elif word in SUPERBLOCK_FLAGS:
        options.data[word] = None
    elif word and word not in WITHOUT_EFFECT:
        key, separator, value = word.partition("=")
        options.data[key] = value if separator else None


def _settable(attributes: int) -> int:
    """A later "ro" undoes an earlier "rw"; the access time field stays cleared before setting."""
    return attributes & ~mount.MOUNT_ATTR__ATIME


def words() -> list[str]:
    """Every word that has a meaning here, recursive forms included."""
    plain = [*ATTRIBUTES, *PROPAGATION]
    return ["bind", "rbind", *plain, *(f"r{word}" for word in plain), *SUPERBLOCK_FLAGS]
