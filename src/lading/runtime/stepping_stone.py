"""A program of fifty bytes between our interpreter and the container's program.

Whoever is executed by us could reopen our interpreter as /proc/self/exe (CVE-2019-5736). To start
it again from a place that nobody can write to (`sealing`) costs 12 ms. Where no code of the
container's can look at us before it is executed, it is enough that the last to execute it is not
the interpreter: a sealed memory file, which holds nothing worth writing to, does it for us.

    init --execve--> stone --execve--> program        with the same process, rights and filter
                       |
                       `--> leaves the error where argc was, and turns until it is read

It calls nothing but execve, for a filter may forbid anything else. So it cannot report; the parent
looks at its memory. Where there is no such program for the machine, or where a label or a filter
looks at each execve, there is no stone.
"""

from __future__ import annotations

import os
import struct

from lading.kernel import lsm, pidfd
from lading.runtime.operations.step import STONE_WORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.spec import Spec

NAME = "lading-stepping-stone"
LINK = f"/memfd:{NAME} (deleted)"
MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_EXEC = 1, 2, 0x10  # include/uapi/linux/memfd.h
F_ADD_SEALS, ALL_SEALS = 1033, 0xF  # include/uapi/linux/fcntl.h: seal, shrink, grow, write
PAUSE_S = 0.0002
ADDRESS = 0x400000  # where linkers put programs, too
CODE = {  # argv is STONE_WORD, the path of the program's file, and the program's own
    "x86_64": bytes.fromhex(
        "488b7c2408"  # mov rdi, [rsp+8]             argv[0]
        "48c7c0f8ffffff"  # mov rax, -8              ENOEXEC
        "813f73746f6e"  # cmp dword [rdi], STONE_WORD
        "751a"  # jne 1f
        "488b7c2410"  # mov rdi, [rsp+16]            argv[1]
        "488d742418"  # lea rsi, [rsp+24]            argv+2
        "488b0424"  # mov rax, [rsp]                 argc
        "488d54c410"  # lea rdx, [rsp+rax*8+16]      envp
        "b83b000000"  # mov eax, 59                  execve
        "0f05"  # syscall
        "48890424"  # 1: mov [rsp], rax              it came back: -errno
        "b900000008"  # mov ecx, 1 << 27             for some seconds, should nobody look
        "f390ffc975fa"  # 2: pause; dec ecx; jnz 2b
        "bf7f000000"  # mov edi, 127
        "b8e7000000"  # mov eax, 231                 exit_group
        "0f05f4"  # syscall; hlt
    )
}
MACHINES = {"x86_64": 62}  # EM_X86_64
RULES_OF_CALLS = ("execve", "execveat")
ALLOWED = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG")
SEEN_BY_HOOKS = ("createContainer", "startContainer")
PATH_RIGHTS = {"CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"}
LABELS = ("apparmorProfile", "selinuxLabel")


def suits(spec: Spec, machine: str) -> bool:
    """Whether a container of this spec can be entered unsealed, and executed by a stone. Pure.

    Nobody is in a new pid namespace before its init executes something.
    """
    process: dict[str, Any] = dict(spec.get("process") or {})
    linux: dict[str, Any] = dict(spec.get("linux") or {})
    kinds = {n["type"]: n.get("path") or "" for n in linux.get("namespaces") or []}
    hooks = spec.get("hooks") or {}
    return (
        machine in CODE
        and kinds.get("pid") == ""
        and not any(hooks.get(kind) for kind in SEEN_BY_HOOKS)
        and not any(process.get(label) for label in LABELS)
        and not linux.get("landlock")
        and not _needs_rights(process)
        and all(_allows(linux.get("seccomp") or {}, call) for call in RULES_OF_CALLS)
    )


def _needs_rights(process: dict[str, Any]) -> bool:
    """Whether a user who is not root may need for its program what an execve takes away."""
    sets = process.get("capabilities") or {}
    lost = set(sets.get("effective") or []) - set(sets.get("ambient") or [])
    return bool((process.get("user") or {}).get("uid") and lost & PATH_RIGHTS)


def _allows(profile: dict[str, Any], call: str) -> bool:
    rules = [rule for rule in profile.get("syscalls") or [] if call in (rule.get("names") or [])]
    if not rules:
        return profile.get("defaultAction", ALLOWED[0]) in ALLOWED
    return all(rule.get("action") in ALLOWED and not rule.get("args") for rule in rules)


def make(machine: str) -> int:
    """A descriptor of the sealed program, -1 where memory may not be executed."""
    if lsm.has_selinux():
        return -1  # its policy has a say in each execve, and in that of memory files above all
    try:
        descriptor = os.memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC)
    except OSError:  # before Linux 6.3 there is no such flag, and all are executable
        try:
            descriptor = os.memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING)
        except OSError:
            return -1
    os.write(descriptor, image(machine))
    import fcntl

    fcntl.fcntl(descriptor, F_ADD_SEALS, ALL_SEALS)
    if os.access(f"/proc/self/fd/{descriptor}", os.X_OK):
        return descriptor
    os.close(descriptor)  # vm.memfd_noexec
    return -1


def image(machine: str) -> bytes:
    """The smallest ELF file: header, one segment that is read and executed, code. man 5 elf."""
    code = CODE[machine]
    size = 64 + 56 + len(code)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)  # 64 bits, little-endian, version 1
    entry = ADDRESS + 64 + 56
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", ident, 2, MACHINES[machine], 1, entry, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, ADDRESS, ADDRESS, size, size, 4096)
    return header + segment + code


def await_program(pid: int, process: int) -> tuple[int, str]:
    """After init's execve: why that of the stone failed (errno and file), (0, "") when it did not.

    `process` is a pidfd of the same. One that ended already has been executed.
    """
    while _is_stone(pid):
        number = _result(pid)
        if number and _is_stone(pid):
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = os.fsdecode(file.read()).split("\0")
            return number, words[1] if words[0] == STONE_WORD else words[0]
        if pidfd.wait_dead(process, PAUSE_S):
            break
    return 0, ""


def _is_stone(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/exe") == LINK
    except OSError:  # it has ended, or is none of ours to look at
        return False


def _result(pid: int) -> int:
    """The errno in the place of argc, 0 as long as it is argc. man 5 proc_pid_stat, startstack."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            address = int(file.read().rpartition(b")")[2].split()[25])
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        (value,) = struct.unpack("<q", os.pread(memory, 8, address))
    except (OSError, struct.error):  # it is being replaced
        return 0
    finally:
        os.close(memory)
    return -value if value < 0 else 0
