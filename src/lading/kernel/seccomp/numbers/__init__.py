"""System call numbers by name, for the architectures whose filters Lading compiles.

`table("x86_64")["openat"]` is 257. One file per architecture holds the names in number order; the
tables are checked against kernel headers and libseccomp by `tools/check_syscall_numbers.py`.
Only the compiler needs them: nothing here is loaded in a container's monitor.
"""

from lading.kernel.seccomp.numbers import aarch64, arm, common, i386, x86_64

X32_SYSCALL_BIT = 0x40000000  # arch/x86/include/uapi/asm/unistd.h

_SEGMENTS = {
    "x86_64": (x86_64.NAMES, common.NAMES),
    "i386": (i386.NAMES, common.TIME64, common.NAMES),
    "aarch64": (aarch64.NAMES, common.NAMES),
    "arm": (arm.NAMES, common.TIME64, common.NAMES, arm.PRIVATE),
}
_cache: dict[str, dict[str, int]] = {}


def table(architecture: str) -> dict[str, int]:
    """Numbers by name of x86_64, x32 (bit 30 set), i386, aarch64 or arm. Raises KeyError."""
    if architecture not in _cache:
        _cache[architecture] = _build(architecture)
    return _cache[architecture]


def multiplexed() -> dict[str, tuple[str, int]]:
    """The calls that i386 also makes through a multiplexer: {"bind": ("socketcall", 2), ...}."""
    calls = {name: ("socketcall", number) for name, number in _read(i386.SOCKETCALL).items()}
    calls.update((name, ("ipc", number)) for name, number in _read(i386.IPC).items())
    return calls


def _build(architecture: str) -> dict[str, int]:
    if architecture == "x32":
        return _x32()
    return _read(*_SEGMENTS[architecture])


def _read(*segments: dict[int, str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for segment in segments:
        for first, names in segment.items():
            for number, name in enumerate(names.split(), first):
                if name != "-":
                    numbers[name] = number
    return numbers


def _x32() -> dict[str, int]:
    numbers = _read(x86_64.NAMES, common.NAMES, x86_64.X32_NAMES)
    absent = frozenset(x86_64.X32_ABSENT.split())
    return {name: n | X32_SYSCALL_BIT for name, n in numbers.items() if name not in absent}
