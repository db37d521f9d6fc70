"""The options of OCI mounts: words of mount(8) to attributes, propagation, and the rest as data.

Source: OCI runtime-spec 1.3.0, config.md "Linux mount options"; man 8 mount; man 2 mount_setattr.
"""

from __future__ import annotations

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
WITHOUT_EFFECT = (
    "defaults", "async", "nomand", "nolazytime", "silent", "loud", "newinstance", "remount",
    "iversion", "noiversion",
)  # fmt: skip


class MountOptions:
    """Options of one mount, sorted by what they act on."""

    __slots__ = (
        "bind",
        "clear",
        "copy_up",
        "data",
        "idmap",
        "propagation",
        "propagation_recursive",
        "recursive_clear",
        "recursive_set",
        "set",
        "words",
    )

    def __init__(self) -> None:
        self.bind = ""  # "", "bind" or "rbind"
        self.idmap = ""  # "", "idmap" or "ridmap", with "=uids=...;gids=..." if given
        self.copy_up = False
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


def parse(words: list[str]) -> MountOptions:
    """Sort the words; what is none of ours is for the file system."""
    options = MountOptions()
    options.words = words
    for word in words:
        _add(options, word)
    return options


def _add(options: MountOptions, word: str) -> None:
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
    elif word in ("idmap", "ridmap") or word.startswith(("idmap=", "ridmap=")):
        options.idmap = word
    elif word == "tmpcopyup":
        options.copy_up = True
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
    ours = ["bind", "rbind", "idmap", "ridmap", "tmpcopyup"]
    return [*ours, *plain, *(f"r{word}" for word in plain), *SUPERBLOCK_FLAGS, *WITHOUT_EFFECT]
