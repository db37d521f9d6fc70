"""Compare our tables of system call numbers with what this machine knows.

    PYTHONPATH=src python tools/check_syscall_numbers.py

Two sources: the C headers (gcc, linux-libc-dev) for the x86 family, and libseccomp for all
architectures. Both may be older than the tables: a number they do not have is no difference.
Prints each difference as a line. Exit status 1 if there was any.
"""

import ctypes
import sys
from pathlib import Path

from lading.kernel.seccomp import numbers

HEADERS = {"x86_64": "unistd_64.h", "i386": "unistd_32.h", "x32": "unistd_x32.h"}
LIBSECCOMP = {
    "x86_64": b"x86_64",
    "i386": b"x86",
    "x32": b"x32",
    "aarch64": b"aarch64",
    "arm": b"arm",
}
UNKNOWN = -1  # __NR_SCMP_ERROR; below -1 are libseccomp's own numbers for what an ABI lacks


def of_headers(name: str) -> dict[str, int]:
    """`#define __NR_read 0` lines, in x32's file `(__X32_SYSCALL_BIT + 0)`."""
    path = Path("/usr/include/x86_64-linux-gnu/asm") / name
    found: dict[str, int] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        words = line.replace("(", "").replace(")", "").replace("__X32_SYSCALL_BIT +", "").split()
        if len(words) == 3 and words[1].startswith("__NR_") and words[2].isdigit():
            bit = numbers.X32_SYSCALL_BIT if "X32" in line else 0
            found[words[1].removeprefix("__NR_")] = int(words[2]) | bit
    return found


def of_libseccomp(token_name: bytes, names: list[str]) -> dict[str, int]:
    """The numbers libseccomp gives to these names, where it gives one."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    token = ctypes.c_uint32(library.seccomp_arch_resolve_name(token_name))
    resolved = {
        name: library.seccomp_syscall_resolve_name_arch(token, name.encode()) for name in names
    }
    return {name: number for name, number in resolved.items() if number > UNKNOWN}


def differences() -> list[str]:
    """One line for each name whose number is not ours."""
    lines = []
    for architecture, token_name in LIBSECCOMP.items():
        ours = numbers.table(architecture)
        sources = {"libseccomp": of_libseccomp(token_name, list(ours))}
        if architecture in HEADERS:
            sources["headers"] = of_headers(HEADERS[architecture])
        for source, theirs in sources.items():
            print(f"{architecture}: {len(ours)} names, {source} knows {len(theirs)}")
            lines += [
                f"{architecture} {name}: {ours.get(name)}, {source} says {number}"
                for name, number in theirs.items()
                if ours.get(name) != number
            ]
    return lines


if __name__ == "__main__":
    found = differences()
    print("\n".join(found) or "no difference")
    sys.exit(bool(found))
