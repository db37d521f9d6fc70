"""Kernel parameters under /proc/sys, by their dotted names (man 8 sysctl).

What is under `net` belongs to the network namespace of the thread that opens it (man 5 proc).
"""

import os


def read(name: str) -> str:
    """The parameter's text without its newline. Raises OSError, ENOENT if the kernel lacks it."""
    descriptor = os.open(_path(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096).decode().rstrip("\n")
    finally:
        os.close(descriptor)


def write(name: str, value: str) -> None:
    """Set the parameter. Raises OSError: EROFS where /proc/sys is read-only, EINVAL, ENOENT."""
    descriptor = os.open(_path(name), os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def _path(name: str) -> str:
    # as sysctl(8): a slash stands for a dot inside a word, "net.ipv4.conf.eth0/5.forwarding"
    return "/proc/sys/" + name.translate(_SWAPPED)


_SWAPPED = str.maketrans("./", "/.")
