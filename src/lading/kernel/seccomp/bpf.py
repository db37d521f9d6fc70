"""Compile a seccomp profile (OCI `linux.seccomp`) to a classic BPF program.

The kernel runs the filter once for each system call number when it is installed, to find out which
numbers are always allowed (its action cache), so the time to load goes with the *path* through the
program. Therefore numbers with the same decision are merged to ranges and found by binary search:

    ld arch ; jeq x86_64 -> tree ; jeq i386 -> tree ; ret KILL
    tree:     ld nr ; jge 204 -> right ; jge 56 -> right ; ... ; ret ALLOW
    argument: ld args[0].high ; jeq 0 ; ld args[0].low ; jge 38 ; ...

x32 has no tree of its own: the kernel reports it as x86_64 with bit 30 set in the number, so its
numbers are simply further ranges of the same tree.
BPF jumps forward only, and a conditional jump reaches 255 instructions. The program is therefore
built from its end: a label is a distance from the end, known as soon as its code is emitted, and a
label that got out of reach gets a new copy (a `ret`) or a `ja` on the way.
Spec: Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/{filter,seccomp,audit}.h.
"""

from __future__ import annotations

import struct

from lading.errors import InvalidArgument, NotSupported
from lading.kernel.seccomp import rules
from lading.kernel.seccomp.numbers import X32_SYSCALL_BIT

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Opcodes: class | size or operation | source, include/uapi/linux/bpf_common.h
BPF_LD_ABS = 0x20  # BPF_LD | BPF_W | BPF_ABS
BPF_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
BPF_JA = 0x05  # BPF_JMP | BPF_JA
BPF_JEQ = 0x15
BPF_JGT = 0x25
BPF_JGE = 0x35
BPF_RET = 0x06

BPF_MAXINSNS = 4096  # include/uapi/linux/bpf_common.h: the kernel refuses longer programs
_REACH = 255
_WORD = 0xFFFFFFFF

# struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }
_NUMBER = 0
_ARCH = 4
_ARGUMENTS = 16

# include/uapi/linux/audit.h. All of these are little endian.
AUDIT_ARCH = {
    "x86_64": 0xC000003E,
    "i386": 0x40000003,
    "aarch64": 0xC00000B7,
    "arm": 0x40000028,
}
# What a kernel of the first name can also run, and under which audit word it shows.
_FAMILIES = {"x86_64": ("x86_64", "i386"), "aarch64": ("aarch64", "arm")}

Label = int  # number of instructions from the labelled one to the program's end, itself included


class ForeignMachine(NotSupported):
    """no seccomp filters for this machine: {0}"""


class ProgramTooLong(InvalidArgument):
    """seccomp profile compiles to {0} instructions, the kernel takes at most {1}"""


def compile_filter(profile: Mapping[str, Any], arch: str = "x86_64") -> bytes:
    """The `struct sock_filter[]` of a profile on a kernel of `arch` (x86_64 or aarch64).

    Raises UnknownWord, BadSeccompRule, ProgramTooLong (InvalidArgument) and ForeignMachine.
    """
    if arch not in _FAMILIES:
        raise ForeignMachine(arch)
    wanted = rules.architectures(profile, arch)
    program = _Program()
    foreign = program.ret(rules.SECCOMP_RET_KILL_THREAD)  # libseccomp's answer to other machines
    for machine in reversed(_FAMILIES[arch]):  # the last emitted is the first tested
        if machine in wanted:
            program.fall_to(program.tree(_ranges(profile, machine, wanted)))
            tree = program.emit(BPF_LD_ABS, _NUMBER)
            foreign = program.jump(BPF_JEQ, AUDIT_ARCH[machine], tree, foreign)
    program.emit(BPF_LD_ABS, _ARCH)
    return program.assemble()


def _ranges(
    profile: Mapping[str, Any], machine: str, wanted: list[str]
) -> list[tuple[int, rules.Decision]]:
    """The whole number space of one audit architecture as [(first number, decision)], ascending."""
    if machine != "x86_64":
        return _merge(_spread(profile, machine, 0))
    listed = []
    for name, low in (("x86_64", 0), ("x32", X32_SYSCALL_BIT)):
        if name in wanted:
            listed += _spread(profile, name, low)
        else:
            listed.append((low, ((), rules.SECCOMP_RET_KILL_THREAD)))
    if "x32" not in wanted:
        # -1 is what a tracer writes to skip a call: not an x32 call, whatever its bits say.
        listed.append((_WORD, ((), rules.newer_calls(profile, "x86_64")[1])))
    return _merge(listed)


def _spread(
    profile: Mapping[str, Any], architecture: str, low: int
) -> list[tuple[int, rules.Decision]]:
    """One architecture's part of the space, as the points where the decision may change."""
    default: rules.Decision = ((), rules.default_value(profile))
    newer, answer = rules.newer_calls(profile, architecture)
    decided = rules.decisions(profile, architecture)
    points: dict[int, rules.Decision] = {low: default}
    points[newer] = ((), answer)
    for number in decided:
        points.setdefault(number + 1, default if number + 1 < newer else ((), answer))
    points.update(decided)
    return [(first, points[first]) for first in sorted(points)]


def _merge(listed: list[tuple[int, rules.Decision]]) -> list[tuple[int, rules.Decision]]:
    merged = listed[:1]
    for entry in listed[1:]:
        if entry[1] != merged[-1][1]:
            merged.append(entry)
    return merged


class _Program:
    """Instructions from the last to the first, and where things can be jumped to."""

    def __init__(self) -> None:
        self._code: list[tuple[int, int, int, int]] = []  # opcode, jump if true, if false, k
        self._returns: dict[int, Label] = {}
        self._decisions: dict[rules.Decision, Label] = {}

    def emit(self, opcode: int, k: int, true: int = 0, false: int = 0) -> Label:
        self._code.append((opcode, true, false, k))
        return len(self._code)

    def ret(self, value: int) -> Label:
        """A `ret value` that the next few instructions can reach."""
        label = self._returns.get(value, 0)
        # Half of the reach is left to the caller, which may put code between here and its jump.
        if not label or len(self._code) - label > _REACH // 2:
            label = self._returns[value] = self.emit(BPF_RET, value)
        return label

    def jump(self, opcode: int, k: int, true: Label, false: Label) -> Label:
        """A conditional jump to two labels, through a `ja` where one is out of reach."""
        while len(self._code) - min(true, false) > _REACH:
            if true < false:
                true = self._forward(true)
            else:
                false = self._forward(false)
        here = len(self._code)
        return self.emit(opcode, k, here - true, here - false)

    def fall_to(self, label: Label) -> None:
        """Make `label` what runs after the instruction that is emitted next."""
        if label != len(self._code):
            self._forward(label)

    def _forward(self, label: Label) -> Label:
        return self.emit(BPF_JA, len(self._code) - label)

    def tree(self, ranges: list[tuple[int, rules.Decision]]) -> Label:
        """Code that finds the range of the number in the accumulator and does what it says."""
        if len(ranges) == 1:
            return self.decide(ranges[0][1])
        if len(ranges) == 3 and ranges[0][1] == ranges[2][1] and ranges[2][0] - ranges[1][0] == 1:
            exception = self.decide(ranges[1][1])
            others = self.decide(ranges[0][1])
            return self.jump(BPF_JEQ, ranges[1][0], exception, others)
        middle = len(ranges) // 2
        right = self.tree(ranges[middle:])
        left = self.tree(ranges[:middle])
        return self.jump(BPF_JGE, ranges[middle][0], right, left)

    def decide(self, decision: rules.Decision) -> Label:
        """Code for one decision: the rules in order, then the rest. Emitted once, however far."""
        conditional, rest = decision
        if not conditional:
            return self.ret(rest)
        if decision in self._decisions:
            return self._decisions[decision]
        label = self.ret(rest)
        for conditions, action in reversed(conditional):
            matched = self.ret(action)
            for condition in reversed(conditions):
                matched = self._test(condition, matched, label)
            label = matched
        self._decisions[decision] = label
        return label

    def _test(self, condition: rules.Condition, true: Label, false: Label) -> Label:
        """Compare one 64-bit argument as two words. Jumps to `true` or `false`."""
        index, operator, value, second = condition
        low = _ARGUMENTS + 8 * index
        if operator == "SCMP_CMP_MASKED_EQ":
            false_label = false
            matched = self._masked(low, value & _WORD, second & _WORD, true, false_label)
            if value >> 32 or second >> 32:
                matched = self._masked(low + 4, value >> 32, second >> 32, matched, false_label)
            return matched
        if operator in ("SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE"):
            true, false = false, true  # the opposites of EQ, GE, GT
        high = value >> 32
        if operator in ("SCMP_CMP_EQ", "SCMP_CMP_NE"):
            self._compare(BPF_JEQ, low, value & _WORD, true, false)
            return self._compare(BPF_JEQ, low + 4, high, len(self._code), false)
        ordered = BPF_JGT if operator in ("SCMP_CMP_GT", "SCMP_CMP_LE") else BPF_JGE
        self._compare(ordered, low, value & _WORD, true, false)
        equal = self.jump(BPF_JEQ, high, len(self._code), false)
        self.jump(BPF_JGT, high, true, equal)
        return self.emit(BPF_LD_ABS, low + 4)

    def _masked(self, offset: int, mask: int, expected: int, true: Label, false: Label) -> Label:
        self.jump(BPF_JEQ, expected, true, false)
        self.emit(BPF_AND, mask)
        return self.emit(BPF_LD_ABS, offset)

    def _compare(self, opcode: int, offset: int, k: int, true: Label, false: Label) -> Label:
        self.jump(opcode, k, true, false)
        return self.emit(BPF_LD_ABS, offset)

    def assemble(self) -> bytes:
        """The program in order, as the kernel reads it: { __u16 code; __u8 jt, jf; __u32 k; }."""
        if len(self._code) > BPF_MAXINSNS:
            raise ProgramTooLong(len(self._code), BPF_MAXINSNS)
        pack = struct.Struct("=HBBI").pack
        return b"".join(pack(*instruction) for instruction in reversed(self._code))
