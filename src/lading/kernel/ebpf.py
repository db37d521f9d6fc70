"""eBPF programs: their instructions, loading them, and attaching them to a cgroup.

An assembler of the few instructions that a decision needs; what is decided lives elsewhere.
man 2 bpf; Documentation/bpf/standardization/instruction-set.rst; include/uapi/linux/bpf.h.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from lading.kernel import syscall

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from typing import Any

# enum bpf_cmd
BPF_PROG_LOAD, BPF_PROG_ATTACH, BPF_PROG_DETACH = 5, 8, 9
BPF_PROG_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD, BPF_PROG_QUERY = 13, 15, 16
BPF_PROG_TYPE_CGROUP_DEVICE = 15
BPF_CGROUP_DEVICE = 6  # enum bpf_attach_type
BPF_F_ALLOW_MULTI, BPF_F_REPLACE = 1 << 1, 1 << 2

R0, R1, R2, R3, R4, R5 = range(6)
# opcode: class | operation | source (0 immediate, 8 register)
LDX_WORD = 0x61
MOV_IMM, MOV_REG, AND_IMM, RSH_IMM = 0xB4, 0xBC, 0x54, 0x74  # of 32 bits
JEQ_IMM, JNE_IMM = 0x16, 0x56
EXIT = 0x95
SIZE = 8  # bytes of an instruction

ATTR_SIZE = 144  # generous: from Linux 6.17 on a query writes beyond the size that it was told
MAX_PROGRAMS = 64  # attached to one group: the kernel's own limit
LOG_SIZE = 65536
RETRIES = 30  # the verifier gives up with EAGAIN when a signal comes

_bpf = syscall.function("bpf", ctypes.c_int, ctypes.c_void_p, ctypes.c_uint)


def instruction(
    code: int, target: int = 0, source: int = 0, *, offset: int = 0, value: int = 0
) -> bytes:
    """struct bpf_insn; `value` is taken as 32 bits without a sign."""
    return struct.pack("=BBhI", code, target | source << 4, offset, value & 0xFFFFFFFF)


def load(program: bytes, kind: int, name: str) -> int:
    """Load a program; a descriptor (close-on-exec). Raises OSError, with the verifier's words."""
    code = ctypes.create_string_buffer(program, len(program))
    terms = ctypes.create_string_buffer(b"Apache-2.0")

    def ask(log: Any = None) -> int:
        attr = struct.pack(
            "=IIQQIIQII16s",
            kind,
            len(program) // SIZE,
            ctypes.addressof(code),
            ctypes.addressof(terms),
            1 if log else 0,
            LOG_SIZE if log else 0,
            ctypes.addressof(log) if log else 0,
            0,
            0,
            name.encode()[:15],
        )
        return _command(BPF_PROG_LOAD, attr)[0]

    for _ in range(RETRIES):
        try:
            return ask()
        except OSError as error:
            if error.errno == errno.EAGAIN:
                continue
            if error.errno not in (errno.EINVAL, errno.EACCES):
                raise
            break
    log = ctypes.create_string_buffer(LOG_SIZE)
    try:
        return ask(log)
    except OSError as error:
        reason = log.value.decode("ascii", "replace").strip()
        raise OSError(error.errno, reason or error.strerror, "bpf") from error


def attach(group: int, program: int, *, replacing: int | None = None) -> None:
    """Attach to a cgroup's directory, beside programs of others, or in the place of one."""
    flags = BPF_F_ALLOW_MULTI | (BPF_F_REPLACE if replacing is not None else 0)
    replaced = replacing if replacing is not None else 0
    attr = struct.pack("=IIIII", group, program, BPF_CGROUP_DEVICE, flags, replaced)
    _command(BPF_PROG_ATTACH, attr)


def detach(group: int, program: int) -> None:
    """Take it off again."""
    _command(BPF_PROG_DETACH, struct.pack("=III", group, program, BPF_CGROUP_DEVICE))


def attached(group: int) -> list[int]:
    """The ids of the device programs attached right to this cgroup, in order."""
    ids = (ctypes.c_uint32 * MAX_PROGRAMS)()
    head = struct.pack("=IIII", group, BPF_CGROUP_DEVICE, 0, 0)
    _, attr = _command(
        BPF_PROG_QUERY, head + struct.pack("=QI", ctypes.addressof(ids), MAX_PROGRAMS)
    )
    return list(ids[: struct.unpack_from("=I", attr, 24)[0]])


def by_id(number: int) -> int:
    """A descriptor of a loaded program. Raises FileNotFoundError when it is gone."""
    return _command(BPF_PROG_GET_FD_BY_ID, struct.pack("=I", number))[0]


def name_of(program: int) -> str:
    """The name a program was loaded with."""
    info = ctypes.create_string_buffer(256)
    attr = struct.pack("=IIQ", program, len(info), ctypes.addressof(info))
    _command(BPF_OBJ_GET_INFO_BY_FD, attr)
    return info.raw[64:80].split(b"\0")[0].decode()  # struct bpf_prog_info, name


def _command(command: int, attr: bytes) -> tuple[int, bytes]:
    """bpf(2); also returns the attributes as the kernel left them. What is not asked is zero."""
    buffer = ctypes.create_string_buffer(attr, ATTR_SIZE)
    return _bpf(command, ctypes.addressof(buffer), ATTR_SIZE), buffer.raw
