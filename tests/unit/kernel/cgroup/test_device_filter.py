"""The device program: what it decides, by an interpreter of its instructions and by the kernel."""

import os
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel import ebpf
from lading.kernel.cgroup import Cgroup, Hierarchies, device_filter, device_rules, hierarchies
from lading.kernel.cgroup.device_rules import ANY, Rule
from lading.kernel.ebpf import AND_IMM, EXIT, JEQ_IMM, JNE_IMM, LDX_WORD, MOV_IMM, MOV_REG, RSH_IMM

MASK = 0xFFFFFFFF


def run(program: bytes, kind: int, access: int, major: int, minor: int) -> bool:
    """Execute it as the kernel would, in 32 bits."""
    context = struct.pack("=III", access << 16 | kind, major, minor)
    registers = [0] * 11
    at = 0
    for _ in range(len(program)):
        code, pair, offset, value = struct.unpack_from("=BBhI", program, at * 8)
        target, source = pair & 15, pair >> 4
        at += 1
        match code:
            case _ if code == LDX_WORD:
                registers[target] = struct.unpack_from("=I", context, offset)[0]
            case _ if code == MOV_IMM:
                registers[target] = value
            case _ if code == MOV_REG:
                registers[target] = registers[source]
            case _ if code == AND_IMM:
                registers[target] &= value
            case _ if code == RSH_IMM:
                registers[target] >>= value
            case _ if code == JEQ_IMM:
                at += offset if registers[target] == value else 0
            case _ if code == JNE_IMM:
                at += offset if registers[target] != value else 0
            case _ if code == EXIT:
                return registers[0] == 1
            case _:
                raise AssertionError(f"opcode {code:x}")
    raise AssertionError("the program does not end")


def is_allowed(rules: list[Rule], kind: str, access: str, major: int, minor: int) -> bool:
    """What the rules mean: of each kind of access, what the last rule about it says."""

    def last_word(letter: str) -> bool:
        said = [
            rule.allow
            for rule in rules
            if rule.kind == "a"
            or (
                rule.kind == kind
                and letter in rule.access
                and rule.major in (ANY, major)
                and rule.minor in (ANY, minor)
            )
        ]
        return bool(said) and said[-1]

    return all(last_word(letter) for letter in access)


accesses = st.sets(st.sampled_from("rwm"), min_size=1).map("".join)
few_numbers = st.sampled_from([ANY, 0, 1, 5, MASK])
rules_ = st.lists(
    st.builds(Rule, st.booleans(), st.sampled_from("bc"), few_numbers, few_numbers, accesses),
    max_size=8,
)


@given(rules_, st.sampled_from("bc"), accesses, st.sampled_from([0, 1, 5, MASK]))
def test_the_program_decides_as_the_rules_say(
    rules: list[Rule], kind: str, access: str, number: int
) -> None:
    bits = sum(device_filter.ACCESS[letter] for letter in access)
    for minor in (0, 1):
        decided = run(device_filter.assemble(rules), device_filter.TYPES[kind], bits, number, minor)
        assert decided == is_allowed(rules, kind, access, number, minor)


def test_a_rule_about_everything_decides() -> None:
    everything = device_rules.complete([{"allow": True}])
    assert run(device_filter.assemble(everything), 1, 7, 8, 0)


@pytest.fixture
def group() -> Iterator[str]:
    """The directory of a v2 group."""
    v2 = hierarchies().v2
    if v2 is None:
        pytest.skip("needs a cgroup v2 tree")
    directory = f"{v2}/lading-filter-{os.getpid()}-{time.monotonic_ns()}"
    os.mkdir(directory)
    yield directory
    Cgroup(directory.removeprefix(v2), Hierarchies({}, v2)).remove()


def opens(directory: str, path: str, flags: int) -> bool:
    """Whether a process of the group may open the device."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            with open(f"{directory}/cgroup.procs", "w") as procs:
                procs.write("0")
            os.open(path, flags)
            status = 0
        except PermissionError:
            status = 1
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 1)
    return status == 0


def install(directory: str, *rules: dict[str, Any]) -> None:
    device_filter.install(directory, device_rules.complete(rules))


def test_a_container_may_use_null_but_not_the_kernels_log(group: str) -> None:
    install(group)
    assert opens(group, "/dev/null", os.O_RDWR)
    assert not opens(group, "/dev/kmsg", os.O_RDONLY)


def test_reading_may_be_allowed_without_writing(group: str) -> None:
    install(group, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"})
    assert opens(group, "/dev/kmsg", os.O_RDONLY)
    assert not opens(group, "/dev/kmsg", os.O_RDWR)


def test_new_rules_take_the_place_of_the_old_ones(group: str) -> None:
    install(group)
    install(group, {"allow": True})
    assert opens(group, "/dev/kmsg", os.O_RDONLY)
    install(group)
    assert not opens(group, "/dev/kmsg", os.O_RDONLY)
    descriptor = os.open(group, os.O_RDONLY)
    assert len(ebpf.attached(descriptor)) == 1
    os.close(descriptor)


def test_a_group_knows_whether_it_has_a_program(group: str) -> None:
    assert not device_filter.is_installed(group)
    install(group)
    assert device_filter.is_installed(group)
