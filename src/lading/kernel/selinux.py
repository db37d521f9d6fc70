"""SELinux from the engine's side: the labels that the policy has for containers, and relabelling.

A file's label is its extended attribute security.selinux. How a process gets its label is in
`kernel/lsm.py`. man 8 selinux; man 5 lxc_contexts.
"""

from __future__ import annotations

import os

from lading.errors import InvalidArgument, SystemFault

ATTRIBUTE = "security.selinux"
CONFIG = "/etc/selinux/config"
# with another label the host's own programs would no longer reach them; the list is go-selinux's
SYSTEM_PATHS = frozenset({
    "/", "/bin", "/boot", "/dev", "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow", "/home", "/lib",
    "/lib64", "/media", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr",
    "/var", "/var/lib", "/var/log",
})  # fmt: skip
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class NotAllowed(InvalidArgument):
    """SELinux relabeling of {0} is not allowed"""


class RelabelFailed(SystemFault):
    """error setting label on mount source '{0}': {1}"""


def container_labels(config: str = CONFIG, place: str = "/etc/selinux") -> tuple[str, str]:
    """The policy's labels for a container's processes and files; empty when it has none."""
    kind = _values(config).get("SELINUXTYPE", "targeted")
    found = _values(f"{place}/{kind}/contexts/lxc_contexts")
    return found.get("process", ""), found.get("file", "")


def relabel(path: str, label: str) -> None:
    """Give a file or a whole tree a label; symbolic links get it, too, and are not followed.

    Raises NotAllowed for the host's own directories, RelabelFailed.
    """
    if os.path.realpath(path) in SYSTEM_PATHS:
        raise NotAllowed(path)
    value = label.encode() + b"\0"  # as the kernel hands it out
    try:
        os.setxattr(path, ATTRIBUTE, value)
        if os.path.isdir(path):
            root = os.open(path, _DIRECTORY & ~os.O_NOFOLLOW)
            try:
                _relabel_below(root, value)
            finally:
                os.close(root)
    except OSError as error:
        raise RelabelFailed(path, error) from error


def _relabel_below(directory: int, value: bytes) -> None:
    """Everything in a directory by its descriptor, for a container may move what is in it."""
    with os.scandir(directory) as entries:
        for entry in list(entries):
            place = f"/proc/self/fd/{directory}/{entry.name}"
            try:
                os.setxattr(place, ATTRIBUTE, value, follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    below = os.open(entry.name, _DIRECTORY, dir_fd=directory)
                else:
                    continue
            except (FileNotFoundError, NotADirectoryError):
                continue  # it was removed or replaced meanwhile
            try:
                _relabel_below(below, value)
            finally:
                os.close(below)


def _values(path: str) -> dict[str, str]:
    """`name = "value"` lines; nothing for a file that is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.partition("#")[0].partition("=") for line in file]
    except OSError:
        return {}
    return {name.strip(): value.strip().strip('"') for name, equals, value in lines if equals}
