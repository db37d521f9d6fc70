"""Device rules on cgroup v2: a program that the kernel asks at each open and mknod.

The program goes through the rules from the last to the first and crosses off what they allow of the
access that is asked. Nothing left: granted. Something denied, or no rule left: EPERM. So two rules
may allow reading and writing separately, and a later rule may take a part of an earlier one back.

    R2 = type   R3 = access still to be allowed   R4 = major   R5 = minor   R1 = scratch

struct bpf_cgroup_dev_ctx (include/uapi/linux/bpf.h): access << 16 | type, major, minor.
"""

from __future__ import annotations

import os

from lading.kernel import ebpf
from lading.kernel.cgroup.device_rules import ANY
from lading.kernel.ebpf import R0, R1, R2, R3, R4, R5, instruction

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from lading.kernel.cgroup.device_rules import Rule

NAME = "lading_devices"  # by which our program is told from systemd's
TYPES = {"b": 1, "c": 2}  # BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR
ACCESS = {"m": 1, "r": 2, "w": 4}  # BPF_DEVCG_ACC_MKNOD, _READ, _WRITE

_PROLOGUE = (
    instruction(ebpf.LDX_WORD, R2, R1, offset=0),
    instruction(ebpf.MOV_REG, R3, R2),
    instruction(ebpf.AND_IMM, R2, value=0xFFFF),
    instruction(ebpf.RSH_IMM, R3, value=16),
    instruction(ebpf.LDX_WORD, R4, R1, offset=4),
    instruction(ebpf.LDX_WORD, R5, R1, offset=8),
)
_compiled: dict[str, bytes] = {}  # most containers have the same rules


def assemble(rules: list[Rule]) -> bytes:
    """The program for `device_rules.complete` rules. Pure."""
    key = "\n".join(f"{rule.allow} {rule}" for rule in rules)
    if key not in _compiled:
        # a rule about all devices is the first, if there is one: it answers when no other has
        first = rules[0] if rules and rules[0].kind == "a" else None
        blocks = [_block(rule) for rule in reversed(rules) if rule is not first]
        answer = _answer(first is not None and first.allow)
        _compiled[key] = b"".join((*_PROLOGUE, *blocks, *answer))
    return _compiled[key]


def install(directory: str, rules: list[Rule]) -> None:
    """Attach the program for these rules to a group's directory, in the place of our last one.

    There is no moment without a program. Raises OSError.
    """
    program = ebpf.load(assemble(rules), ebpf.BPF_PROG_TYPE_CGROUP_DEVICE, NAME)
    group = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    earlier = -1
    try:
        earlier = _ours(group)
        if earlier < 0:
            ebpf.attach(group, program)
        else:
            _replace(group, program, earlier)
    finally:
        for descriptor in (program, group, earlier):
            if descriptor >= 0:
                os.close(descriptor)


def is_installed(directory: str) -> bool:
    """Whether the group has a program of ours."""
    group = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        earlier = _ours(group)
        if earlier >= 0:
            os.close(earlier)
        return earlier >= 0
    finally:
        os.close(group)


def _replace(group: int, program: int, earlier: int) -> None:
    try:
        ebpf.attach(group, program, replacing=earlier)
    except OSError:  # before Linux 5.6; both must agree for a moment, so none gains anything
        ebpf.attach(group, program)
        ebpf.detach(group, earlier)


def _ours(group: int) -> int:
    """A descriptor of the program that we attached before, or -1."""
    for number in ebpf.attached(group):
        try:
            program = ebpf.by_id(number)
        except FileNotFoundError:
            continue
        if ebpf.name_of(program) == NAME:
            return program
        os.close(program)
    return -1


def _block(rule: Rule) -> bytes:
    """One rule: tests that jump behind the block, then what it says of the access."""
    access = sum(ACCESS[letter] for letter in set(rule.access))
    if rule.allow:
        block = [
            instruction(ebpf.AND_IMM, R3, value=~access),
            instruction(ebpf.JNE_IMM, R3, offset=2, value=0),
            *_answer(True),
        ]
    else:
        block = [
            instruction(ebpf.MOV_REG, R1, R3),
            instruction(ebpf.AND_IMM, R1, value=access),
            instruction(ebpf.JEQ_IMM, R1, offset=2, value=0),
            *_answer(False),
        ]
    tests = [(R2, TYPES[rule.kind])]
    tests += [(R4, rule.major)] if rule.major != ANY else []
    tests += [(R5, rule.minor)] if rule.minor != ANY else []
    for register, value in reversed(tests):
        block.insert(0, instruction(ebpf.JNE_IMM, register, offset=len(block), value=value))
    return b"".join(block)


def _answer(allow: bool) -> tuple[bytes, bytes]:
    return instruction(ebpf.MOV_IMM, R0, value=int(allow)), instruction(ebpf.EXIT)
