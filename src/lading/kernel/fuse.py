"""FUSE: a file system whose answers come from a process, man 4 fuse.

    open_device() -> mount(device) -> the server reads requests from the device

The mount is detached; whoever has the descriptor attaches it. When the last mount of it has gone,
the server reads ENODEV; when the server has gone, all that use the mount get ENOTCONN.
"""

import os

from lading.kernel import mount as mounts

DEVICE = "/dev/fuse"


def open_device() -> int:
    """A new connection. Raises FileNotFoundError, PermissionError, or ENODEV without FUSE."""
    return os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)


def mount(device: int, source: str) -> int:
    """A detached mount whose server reads `device`. Who may do what the kernel decides, by owner
    and mode (default_permissions), and not only the server's own user may look (allow_other).
    Documentation/filesystems/fuse.rst.
    """
    options: dict[str, str | None] = {
        "source": source,
        "fd": str(device),
        "rootmode": "40000",  # octal: a directory
        "user_id": str(os.geteuid()),
        "group_id": str(os.getegid()),
        "default_permissions": None,
        "allow_other": None,
    }
    return mounts.detached("fuse", options)
