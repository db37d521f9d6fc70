"""Memory of this process: pages that are made present before they are needed. man 2 madvise.

A forked process has no page of the interpreter's code mapped, and faults once for every few of them
where it comes by first. One that has time before its work begins can have that behind it.
"""

from __future__ import annotations

import os

from lading.kernel.c_types import c_int, c_size_t
from lading.kernel.syscall import libc_function

MADV_POPULATE_READ = 22  # include/uapi/asm-generic/mman-common.h; since Linux 5.14

TYPE_CHECKING = False
if TYPE_CHECKING:
    Region = tuple[int, int]  # address and length, bytes

_madvise = libc_function("madvise", c_size_t, c_size_t, c_int)


def code(maps: str = "/proc/self/maps") -> list[Region]:
    """Where the code of this process is; a fork of it has the same."""
    descriptor = os.open(maps, os.O_RDONLY | os.O_CLOEXEC)
    pieces = []
    while piece := os.read(descriptor, 65536):
        pieces.append(piece)
    os.close(descriptor)
    return _executable(b"".join(pieces).decode("utf-8", "surrogateescape"))


def _executable(maps: str) -> list[Region]:
    """55d0a000-55d0b000 r-xp 00001000 08:01 1234   /usr/bin/python3   (man 5 proc_pid_maps)"""
    found = []
    for line in maps.splitlines():
        addresses, permissions, _, _, _, *name = line.split(None, 5)
        if permissions == "r-xp" and not (name and name[0].startswith("[")):  # not the vdso
            first, _, end = addresses.partition("-")
            found.append((int(first, 16), int(end, 16) - int(first, 16)))
    return found


def populate(regions: list[Region]) -> None:
    """Map these pages now; where the kernel cannot, they come one by one as ever."""
    for address, length in regions:
        try:
            _madvise(address, length, MADV_POPULATE_READ)
        except OSError:
            return
