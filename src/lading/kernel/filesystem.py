"""Whole file systems: syncfs(2), fstatfs(2).

Unlike the rest of the kernel room these calls may take seconds, so they drop the interpreter lock
(CDLL, not PyDLL): other threads of an engine go on.
"""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)


def syncfs(descriptor: int) -> None:
    """Write everything of the file system that the descriptor is on, and wait. man 2 syncfs."""
    if _libc.syncfs(ctypes.c_int(descriptor)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "syncfs")


def type_of(descriptor: int) -> int:
    """The magic number of the file system that the descriptor is on. man 2 fstatfs, f_type."""
    buffer = (ctypes.c_ulong * 32)()  # struct statfs has 120 bytes; f_type is its first word
    if _libc.fstatfs(ctypes.c_int(descriptor), buffer) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "fstatfs")
    return int(buffer[0])
