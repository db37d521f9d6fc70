"""A seccomp profile (OCI `linux.seccomp`) resolved to decisions per system call number.

The meaning is that of runc over libseccomp, which is what Docker users know:
- a rule whose action is the default action is dropped;
- names that an architecture does not have are dropped;
- a rule without arguments beats all rules with arguments, and the first such rule wins;
- else the rules of a call are tried in the profile's order; the arguments of a rule must all match,
  unless two of them test the same argument: then each is a rule of its own;
- numbers above the newest call that the profile names answer ENOSYS when the default action
  denies, so that programs fall back as on an older kernel instead of giving up on EPERM.
Spec: OCI runtime-spec, config-linux.md#seccomp; runc libcontainer/seccomp.
"""

from __future__ import annotations

import errno

from lading.errors import InvalidArgument
from lading.kernel.seccomp import numbers

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

# include/uapi/linux/seccomp.h
SECCOMP_RET_KILL_PROCESS = 0x80000000
SECCOMP_RET_KILL_THREAD = 0x00000000
SECCOMP_RET_TRAP = 0x00030000
SECCOMP_RET_ERRNO = 0x00050000
SECCOMP_RET_USER_NOTIF = 0x7FC00000
SECCOMP_RET_TRACE = 0x7FF00000
SECCOMP_RET_LOG = 0x7FFC0000
SECCOMP_RET_ALLOW = 0x7FFF0000

ACTIONS = {
    "SCMP_ACT_KILL": SECCOMP_RET_KILL_THREAD,
    "SCMP_ACT_KILL_THREAD": SECCOMP_RET_KILL_THREAD,
    "SCMP_ACT_KILL_PROCESS": SECCOMP_RET_KILL_PROCESS,
    "SCMP_ACT_TRAP": SECCOMP_RET_TRAP,
    "SCMP_ACT_ERRNO": SECCOMP_RET_ERRNO,
    "SCMP_ACT_NOTIFY": SECCOMP_RET_USER_NOTIF,
    "SCMP_ACT_TRACE": SECCOMP_RET_TRACE,
    "SCMP_ACT_LOG": SECCOMP_RET_LOG,
    "SCMP_ACT_ALLOW": SECCOMP_RET_ALLOW,
}
OPERATORS = frozenset(
    f"SCMP_CMP_{name}" for name in ("EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ")
)
ARCHITECTURES = {
    "SCMP_ARCH_X86_64": "x86_64",
    "SCMP_ARCH_X32": "x32",
    "SCMP_ARCH_X86": "i386",
    "SCMP_ARCH_AARCH64": "aarch64",
    "SCMP_ARCH_ARM": "arm",
}
# Valid in a profile, but calls of these can never reach a kernel that Lading runs on.
_FOREIGN = """
    LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PARISC PARISC64 PPC PPC64
    PPC64LE RISCV64 S390 S390X SH SHEB
"""
FOREIGN_ARCHITECTURES = frozenset("SCMP_ARCH_" + name for name in _FOREIGN.split())

# A filter that can only allow must not turn new system calls into ENOSYS.
_PERMISSIVE = (SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE)
_ENOSYS = SECCOMP_RET_ERRNO | errno.ENOSYS
_FIRST_PRIVATE_CALL = 0x0F0000  # of arm; not a measure of the newest call

Condition = tuple[int, str, int, int]  # argument index, operator, value, second value
Rule = tuple[tuple[Condition, ...], int]  # all conditions hold -> SECCOMP_RET_*
Decision = tuple[tuple[Rule, ...], int]  # first rule that matches, else SECCOMP_RET_*


class UnknownWord(InvalidArgument):
    """string {0} is not a valid {1} for seccomp"""


class BadSeccompRule(InvalidArgument):
    """invalid seccomp rule: {0}"""


def action_value(action: str, errno_return: int | None) -> int:
    """The SECCOMP_RET_* word of an action; EPERM where an errno is needed and none is given."""
    if action not in ACTIONS:
        raise UnknownWord(action, "action")
    value = ACTIONS[action]
    if value in (SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE):
        number = errno.EPERM if errno_return is None else errno_return
        if not 0 <= number <= 0xFFFF:
            raise BadSeccompRule(f"errnoRet {number} does not fit 16 bits")
        value |= number
    return value


def default_value(profile: Mapping[str, Any]) -> int:
    """The SECCOMP_RET_* word of calls that no rule matches."""
    return action_value(profile["defaultAction"], profile.get("defaultErrnoRet"))


def architectures(profile: Mapping[str, Any], native: str) -> list[str]:
    """The architectures the profile is for, by our names; always with the native one."""
    chosen = [native]
    for name in profile.get("architectures") or ():
        if name in ARCHITECTURES:
            chosen.append(ARCHITECTURES[name])
        elif name not in FOREIGN_ARCHITECTURES:
            raise UnknownWord(name, "arch")
    return chosen


def decisions(profile: Mapping[str, Any], architecture: str) -> dict[int, Decision]:
    """What happens to each number that the profile decides otherwise than by default."""
    default = default_value(profile)
    table = numbers.table(architecture)
    always: dict[int, int] = {}
    rules: dict[int, list[Rule]] = {}
    for entry in profile.get("syscalls") or ():
        action = action_value(entry["action"], entry.get("errnoRet"))
        if action == default:
            continue
        alternatives = _alternatives(entry.get("args") or ())
        for number, condition in _targets(entry["names"], table, architecture):
            if condition is not None:
                if not alternatives:
                    rules.setdefault(number, []).append(((condition,), action))
            elif alternatives:
                rules.setdefault(number, []).extend((each, action) for each in alternatives)
            else:
                always.setdefault(number, action)
    decided: dict[int, Decision] = {n: ((), action) for n, action in always.items()}
    for number, listed in rules.items():
        decided.setdefault(number, (tuple(dict.fromkeys(listed)), default))
    return decided


def newer_calls(profile: Mapping[str, Any], architecture: str) -> tuple[int, int]:
    """The first number above all calls the profile names, and what such numbers answer."""
    table = numbers.table(architecture)
    named = [
        table[name]
        for entry in profile.get("syscalls") or ()
        for name in entry["names"]
        if name in table
    ]
    base = numbers.X32_SYSCALL_BIT if architecture == "x32" else 0
    last = max((n for n in named if n - base < _FIRST_PRIVATE_CALL), default=base - 1)
    default = default_value(profile)
    permissive = default & 0xFFFF0000 in _PERMISSIVE
    return last + 1, default if permissive or last < base else _ENOSYS


def _targets(
    names: Iterable[str], table: dict[str, int], architecture: str
) -> Iterable[tuple[int, Condition | None]]:
    """Numbers of names; on i386 also the multiplexer that reaches the same call."""
    calls = numbers.multiplexed() if architecture == "i386" else {}
    for name in names:
        if name in table:
            yield table[name], None
        if name in calls:
            multiplexer, which = calls[name]
            yield table[multiplexer], (0, "SCMP_CMP_EQ", which, 0)


def _alternatives(arguments: Iterable[Mapping[str, Any]]) -> list[tuple[Condition, ...]]:
    conditions = [_condition(argument) for argument in arguments]
    if len({condition[0] for condition in conditions}) < len(conditions):
        return [(condition,) for condition in conditions]
    return [tuple(conditions)] if conditions else []


def _condition(argument: Mapping[str, Any]) -> Condition:
    index, operator = argument["index"], argument["op"]
    value, second = argument["value"], argument.get("valueTwo", 0)
    if operator not in OPERATORS:
        raise UnknownWord(operator, "operator")
    if not 0 <= index <= 5:
        raise BadSeccompRule(f"no such argument: {index}")
    if not (0 <= value < 1 << 64 and 0 <= second < 1 << 64):
        raise BadSeccompRule(f"value of argument {index} does not fit 64 bits")
    return (index, operator, value, second if operator == "SCMP_CMP_MASKED_EQ" else 0)
