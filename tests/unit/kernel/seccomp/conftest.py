"""A classic BPF machine, so that what a program answers can be asked without a kernel."""

import struct
from collections.abc import Callable, Sequence

import pytest

Verdict = Callable[[bytes, int, int, Sequence[int]], int]

_COMPARE: dict[int, Callable[[int, int], bool]] = {
    0x15: lambda a, k: a == k,
    0x25: lambda a, k: a > k,
    0x35: lambda a, k: a >= k,
    0x45: lambda a, k: bool(a & k),
}


def run(program: bytes, audit_arch: int, number: int, arguments: Sequence[int]) -> int:
    """The SECCOMP_RET_* word a program gives for one call. Ends with AssertionError off its end."""
    data = struct.pack("=IIQ6Q", number, audit_arch, 0, *arguments)
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator = counter = 0
    while True:
        assert counter < len(code), "jumped out of the program"
        opcode, true, false, k = code[counter]
        counter += 1
        if opcode == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, k)
        elif opcode == 0x54:
            accumulator &= k
        elif opcode == 0x05:
            counter += k
        elif opcode == 0x06:
            return int(k)
        else:
            counter += true if _COMPARE[opcode](accumulator, k) else false


@pytest.fixture(scope="session")
def verdict() -> Verdict:
    return run
