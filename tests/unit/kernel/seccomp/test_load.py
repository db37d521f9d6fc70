"""The kernel takes our programs and does what they say, seen from a forked child."""

import ctypes
import errno
import json
import os
import struct
from collections.abc import Callable

import pytest

from lading.kernel import capabilities, namespaces, process
from lading.kernel.seccomp import bpf, default_profile, load

RET_ALLOW = struct.pack("=HBBI", bpf.BPF_RET, 0, 0, 0x7FFF0000)


def in_child(act: Callable[[], object]) -> object:
    """What `act` returns (JSON) or the errno it fails with, in a child of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer: object = act()
        except OSError as error:
            answer = error.errno
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = json.loads(stream.read() or b'"no answer"')
    os.waitpid(child, 0)
    return answer


@pytest.fixture(scope="module")
def default_program() -> bytes:
    profile = default_profile.profile(capabilities.DEFAULT, os.uname().machine)
    return bpf.compile_filter(profile, os.uname().machine)


def filtered(program: bytes, act: Callable[[], object]) -> object:
    def loaded() -> object:
        load.load_filter(program)
        return act()

    return in_child(loaded)


def raw_call(number: int) -> Callable[[], int]:
    libc = ctypes.CDLL(None, use_errno=True)

    def call() -> int:
        libc.syscall(ctypes.c_long(number), 0, 0, 0, 0, 0)
        return ctypes.get_errno()

    return call


def seccomp_mode() -> str:
    with open("/proc/self/status", encoding="utf-8") as lines:
        return next(line.split()[1] for line in lines if line.startswith("Seccomp:"))


def test_a_loaded_filter_shows_in_proc(default_program: bytes) -> None:
    seen = filtered(default_program, seccomp_mode)
    assert seen == "2"


def test_new_namespaces_are_denied(default_program: bytes) -> None:
    seen = filtered(default_program, lambda: namespaces.unshare(namespaces.CLONE_NEWUTS))
    assert seen == errno.EPERM


def test_keyrings_are_denied(default_program: bytes) -> None:
    seen = filtered(default_program, lambda: process.join_session_keyring("lading-test"))
    assert seen == errno.EPERM


def test_a_call_from_the_future_does_not_exist(default_program: bytes) -> None:
    assert filtered(default_program, raw_call(1000)) == errno.ENOSYS


def test_clone3_does_not_exist(default_program: bytes) -> None:
    assert filtered(default_program, raw_call(435)) == errno.ENOSYS


def test_vsock_is_denied_and_unix_is_not(default_program: bytes) -> None:
    import _socket

    def families() -> list[str]:
        answers = []
        for family in (_socket.AF_UNIX, _socket.AF_NETLINK, _socket.AF_VSOCK, _socket.AF_ALG):
            try:
                _socket.socket(family, _socket.SOCK_RAW if family == 16 else _socket.SOCK_STREAM)
                answers.append("ok")
            except PermissionError:
                answers.append("denied")
        return answers

    assert filtered(default_program, families) == ["ok", "ok", "denied", "denied"]


def test_a_child_can_still_be_forked_and_run(default_program: bytes) -> None:
    def run() -> int:
        child = os.fork()
        if child == 0:
            os.execv("/bin/true", ["true"])
        return os.waitpid(child, 0)[1]

    assert filtered(default_program, run) == 0


def test_a_malformed_program_is_einval() -> None:
    assert filtered(b"\xff" * 8, lambda: None) == errno.EINVAL


def test_without_privilege_no_new_privs_is_needed() -> None:
    def act() -> list[int]:
        os.setresuid(65534, 65534, 65534)
        answers = []
        for no_new_privs in (False, True):
            if no_new_privs:
                process.prctl(process.PR_SET_NO_NEW_PRIVS, 1)
            try:
                answers.append(load.load_filter(RET_ALLOW))
            except OSError as error:
                answers.append(error.errno or -1)
        return answers

    assert in_child(act) == [errno.EACCES, 0]
