"""Programs are loaded, and refused with the verifier's words."""

import os

import pytest

from lading.kernel import ebpf
from lading.kernel.ebpf import R0, instruction

ALLOW = instruction(ebpf.MOV_IMM, R0, value=1) + instruction(ebpf.EXIT)


def test_an_instruction_is_eight_bytes() -> None:
    assert instruction(ebpf.JNE_IMM, 3, offset=-2, value=-1).hex() == "5603feffffffffff"


def test_a_loaded_program_has_a_name_and_is_not_inherited() -> None:
    program = ebpf.load(ALLOW, ebpf.BPF_PROG_TYPE_CGROUP_DEVICE, "a_name")
    assert ebpf.name_of(program) == "a_name"
    assert not os.get_inheritable(program)
    os.close(program)


def test_the_verifier_says_what_is_wrong() -> None:
    with pytest.raises(OSError, match=r"R0 !read_ok"):
        ebpf.load(instruction(ebpf.EXIT), ebpf.BPF_PROG_TYPE_CGROUP_DEVICE, "broken")


def test_a_program_that_is_gone_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        ebpf.by_id(0x7FFFFFFF)
