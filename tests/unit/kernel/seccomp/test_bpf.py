"""The compiled program answers what a plain reading of the profile says."""

import ctypes
import errno
import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel import capabilities
from lading.kernel.seccomp import bpf, default_profile, numbers, rules

Verdict = Callable[[bytes, int, int, Sequence[int]], int]

ALLOW, KILL = 0x7FFF0000, 0
EPERM, ENOSYS = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
X86_64, I386 = 0xC000003E, 0x40000003
NO_ARGUMENTS = (0,) * 6
MASK = (1 << 64) - 1

_HOLDS = {
    "SCMP_CMP_EQ": lambda a, v, w: a == v,
    "SCMP_CMP_NE": lambda a, v, w: a != v,
    "SCMP_CMP_LT": lambda a, v, w: a < v,
    "SCMP_CMP_LE": lambda a, v, w: a <= v,
    "SCMP_CMP_GT": lambda a, v, w: a > v,
    "SCMP_CMP_GE": lambda a, v, w: a >= v,
    "SCMP_CMP_MASKED_EQ": lambda a, v, w: a & v == w,
}


def read_plainly(profile: dict[str, Any], name: str, arguments: Sequence[int]) -> int:
    """What a profile says of a call it names, without any of the compiler's steps."""
    default = rules.default_value(profile)
    entries = [e for e in profile["syscalls"] if name in e["names"]]
    values = [rules.action_value(e["action"], e.get("errnoRet")) for e in entries]
    live = [(e, v) for e, v in zip(entries, values, strict=True) if v != default]
    for entry, value in live:
        if not entry.get("args"):
            return value
    for entry, value in live:
        held = [
            _HOLDS[a["op"]](arguments[a["index"]], a["value"], a.get("valueTwo", 0))
            for a in entry["args"]
        ]
        same_argument = len({a["index"] for a in entry["args"]}) < len(entry["args"])
        if any(held) if same_argument else all(held):
            return value
    return default


WORDS = st.one_of(
    st.integers(0, 64),
    st.sampled_from([0xFFFFFFFF, 1 << 32, (1 << 32) + 7, MASK, 0x7E020000, 1 << 63]),
    st.integers(0, MASK),
)
NAMES = ("read", "write", "open", "socket", "clone", "personality", "rt_sigaction", "mseal")
ACTIONS = st.sampled_from(
    ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY"]
)
ARGUMENTS = st.fixed_dictionaries(
    {
        "index": st.integers(0, 5),
        "op": st.sampled_from(sorted(_HOLDS)),
        "value": WORDS,
        "valueTwo": WORDS,
    }
)
ENTRIES = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
        "action": ACTIONS,
        "errnoRet": st.sampled_from([None, 1, 13, 38]),
        "args": st.lists(ARGUMENTS, max_size=3),
    }
)
PROFILES = st.fixed_dictionaries(
    {
        "defaultAction": ACTIONS,
        "architectures": st.just(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]),
        "syscalls": st.lists(ENTRIES, max_size=12),
    }
)


@given(PROFILES, st.lists(WORDS, min_size=6, max_size=6))
def test_any_profile_is_answered_as_it_reads(
    verdict: Verdict, profile: dict[str, Any], arguments: list[int]
) -> None:
    program = bpf.compile_filter(profile)
    interesting = [a["value"] for e in profile["syscalls"] for a in e["args"]]
    for name in {n for e in profile["syscalls"] for n in e["names"]}:
        for values in (arguments, *([value] * 6 for value in interesting)):
            expected = read_plainly(profile, name, values)
            for architecture in ("x86_64", "x32"):
                number = numbers.table(architecture)[name]
                assert expected == verdict(program, X86_64, number, values)


@pytest.fixture(scope="module")
def default() -> dict[str, Any]:
    return default_profile.profile(capabilities.DEFAULT, "x86_64", (6, 18))


@pytest.fixture(scope="module")
def default_program(default: dict[str, Any]) -> bytes:
    return bpf.compile_filter(default)


@pytest.mark.parametrize("architecture", ["x86_64", "x32", "i386", "aarch64", "arm"])
def test_default_profile_is_answered_as_it_reads_for_all_numbers(
    verdict: Verdict, architecture: str
) -> None:
    native = "aarch64" if architecture in ("aarch64", "arm") else "x86_64"
    profile = default_profile.profile(capabilities.DEFAULT, native, (6, 18))
    program = bpf.compile_filter(profile, native)
    audit = bpf.AUDIT_ARCH["x86_64" if architecture == "x32" else architecture]
    by_number = {number: name for name, number in numbers.table(architecture).items()}
    base = numbers.X32_SYSCALL_BIT if architecture == "x32" else 0
    newest, _ = rules.newer_calls(profile, architecture)
    generator = random.Random(7)
    # socket and the like exist twice on i386; that has a test of its own
    for number in range(base, base + 700):
        values = [generator.choice([0, 1, 8, 38, 39, 40, 41, 0x20008, 0x10000000])] * 6
        name = by_number.get(number, "-")
        expected = ENOSYS if number >= newest else read_plainly(profile, name, values)
        assert (number, expected) == (number, verdict(program, audit, number, values))


def test_a_number_newer_than_the_profile_answers_enosys(
    verdict: Verdict, default_program: bytes
) -> None:
    newest = numbers.table("x86_64")["removexattrat"]
    assert verdict(default_program, X86_64, newest, NO_ARGUMENTS) == ALLOW
    assert verdict(default_program, X86_64, newest + 1, NO_ARGUMENTS) == ENOSYS
    assert verdict(default_program, I386, newest + 1, NO_ARGUMENTS) == ENOSYS
    assert verdict(default_program, X86_64, 0x40000000 + 548, NO_ARGUMENTS) == ENOSYS
    assert verdict(default_program, X86_64, 0xFFFFFFFF, NO_ARGUMENTS) == ENOSYS


def test_a_permissive_default_lets_newer_numbers_pass(verdict: Verdict) -> None:
    rule = {"names": ["mount"], "action": "SCMP_ACT_ERRNO"}
    program = bpf.compile_filter({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]})
    assert verdict(program, X86_64, numbers.table("x86_64")["mount"], NO_ARGUMENTS) == EPERM
    assert verdict(program, X86_64, 5000, NO_ARGUMENTS) == ALLOW


def test_a_profile_without_rules_answers_its_default(verdict: Verdict) -> None:
    program = bpf.compile_filter({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13})
    assert verdict(program, X86_64, 0, NO_ARGUMENTS) == 0x50000 | 13
    assert verdict(program, X86_64, 5000, NO_ARGUMENTS) == 0x50000 | 13


def test_calls_of_an_architecture_that_is_not_listed_are_killed(verdict: Verdict) -> None:
    rule = {"names": ["read"], "action": "SCMP_ACT_ALLOW"}
    program = bpf.compile_filter({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]})
    assert verdict(program, X86_64, 0, NO_ARGUMENTS) == ALLOW
    assert verdict(program, I386, 3, NO_ARGUMENTS) == KILL
    assert verdict(program, X86_64, 0x40000000, NO_ARGUMENTS) == KILL
    assert verdict(program, bpf.AUDIT_ARCH["arm"], 3, NO_ARGUMENTS) == KILL


def test_an_unconditional_i386_rule_also_holds_for_the_multiplexer(verdict: Verdict) -> None:
    rule = {"names": ["bind"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86"],
        "syscalls": [rule],
    }
    program = bpf.compile_filter(profile)
    socketcall = numbers.table("i386")["socketcall"]
    assert verdict(program, I386, socketcall, (2, 0, 0, 0, 0, 0)) == 0x50000 | 13
    assert verdict(program, I386, socketcall, (1, 0, 0, 0, 0, 0)) == ALLOW
    assert verdict(program, I386, numbers.table("i386")["bind"], NO_ARGUMENTS) == 0x50000 | 13


def test_jumps_beyond_255_instructions_arrive(verdict: Verdict) -> None:
    table = numbers.table("x86_64")
    names = sorted(table, key=lambda name: table[name])[:200]
    syscalls = [
        {
            "names": [name],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 1, "op": "SCMP_CMP_GE", "value": table[name] << 20}],
        }
        for name in names
    ]
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": syscalls}
    program = bpf.compile_filter(profile)
    assert len(program) // 8 > 1000
    for name in names:
        for value in (0, (table[name] << 20) - 1 & MASK, table[name] << 20, MASK):
            values = [0, value, 0, 0, 0, 0]
            expected = read_plainly(profile, name, values)
            assert expected == verdict(program, X86_64, table[name], values)


def test_too_long_programs_are_refused_by_name() -> None:
    syscalls = [
        {
            "names": ["read"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": value}],
        }
        for value in range(1100)
    ]
    with pytest.raises(bpf.ProgramTooLong, match="the kernel takes at most 4096"):
        bpf.compile_filter({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": syscalls})


def test_an_unknown_machine_is_refused_by_name() -> None:
    with pytest.raises(bpf.ForeignMachine, match="vax"):
        bpf.compile_filter({"defaultAction": "SCMP_ACT_ERRNO"}, "vax")


class RuleArgument(ctypes.Structure):
    """struct scmp_arg_cmp { unsigned int arg; enum scmp_compare op; uint64_t datum_a, datum_b; }"""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def libseccomp_program(library: ctypes.CDLL, profile: dict[str, Any]) -> bytes:
    """The same profile through libseccomp."""
    operators = ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(EPERM)))
    for name in (b"x86", b"x32"):
        token = library.seccomp_arch_resolve_name(name)
        assert library.seccomp_arch_add(context, token) == 0
    for entry in profile["syscalls"]:
        action = ctypes.c_uint32(rules.action_value(entry["action"], entry.get("errnoRet")))
        compares = [
            RuleArgument(a["index"], operators.index(a["op"][9:]) + 1, a["value"], a["valueTwo"])
            for a in entry.get("args", ())
        ]
        array = (RuleArgument * 6)(*compares)
        for name in entry["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number != -1:
                library.seccomp_rule_add_array(context, action, number, len(compares), array)
    descriptor = os.memfd_create("libseccomp")
    assert library.seccomp_export_bpf(context, descriptor) == 0
    library.seccomp_release(context)
    program = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    os.close(descriptor)
    return program


@pytest.mark.parametrize("held", [capabilities.DEFAULT, capabilities.NAMES])
def test_default_profile_agrees_with_libseccomp(verdict: Verdict, held: tuple[str, ...]) -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not installed")
    profile = default_profile.profile(held, "x86_64", (6, 18))
    theirs, ours = libseccomp_program(library, profile), bpf.compile_filter(profile)
    for audit, base, last in ((X86_64, 0, 450), (I386, 0, 450), (X86_64, 0x40000000, 450)):
        for number in range(base, base + last):
            if number in (335, 336) and base == 0:
                continue  # uretprobe is newer than the library
            for value in (0, 1, 8, 38, 39, 40, 0x20008, 0x7E020000, 0xFFFFFFFF, 1 << 33):
                if (value >> 32 and audit == I386) or (value >> 32 and base):
                    continue  # the library looks at 32 bits there, ours at what the kernel shows
                values = [value] * 6
                expected = verdict(theirs, audit, number, values)
                assert expected == verdict(ours, audit, number, values), (audit, number, value)


def test_compiling_the_default_profile_takes_milliseconds(default: dict[str, Any]) -> None:
    program = bpf.compile_filter(default)
    assert len(program) // 8 < 400  # libseccomp: 1001 flat, 1246 as a tree
