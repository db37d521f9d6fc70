"""A program between ours and the container's, and what its parent learns of it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.command.bundle import Bundle, Change, process

from lading.kernel import pidfd
from lading.runtime import stepping_stone
from lading.runtime.command import documents
from lading.runtime.operations.step import STONE_WORD

MACHINE = os.uname().machine
pytestmark = pytest.mark.skipif(
    MACHINE not in stepping_stone.CODE, reason="there is no stone for this machine"
)


@pytest.fixture
def stone() -> Iterator[int]:
    descriptor = stepping_stone.make(MACHINE)
    assert descriptor >= 0
    yield descriptor
    os.close(descriptor)


def step(stone: int, path: str, *arguments: str, output: int = -1) -> tuple[int, int]:
    """A child that executes a file by the stone: pid and pidfd."""
    environment = {"WORD": "from the environment"}
    pid = os.fork()
    if pid == 0:
        try:
            if output >= 0:
                os.dup2(output, 1)
            os.execve(stone, [STONE_WORD, path, *arguments], environment)
        finally:
            os._exit(99)
    return pid, pidfd.pidfd_open(pid)


def awaited(pid: int, process: int) -> tuple[int, str]:
    """As a parent does that has seen the first execve."""
    while os.readlink(f"/proc/{pid}/exe") == os.readlink("/proc/self/exe"):
        continue
    return stepping_stone.await_program(pid, process)


def test_arguments_and_environment_arrive_as_they_were(stone: int) -> None:
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    script = 'echo "$0|$1|$2|$#|$WORD"'
    pid, process = step(stone, "/bin/sh", "shell", "-c", script, "zero", "", "two", output=theirs)
    os.close(theirs)
    with open(ours) as output:
        assert output.read() == "zero||two|2|from the environment\n"
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(process)


def test_without_arguments_too(stone: int) -> None:
    pid, process = step(stone, "/bin/true", "true")
    assert awaited_or_dead(pid, process) == (0, "")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(process)


def awaited_or_dead(pid: int, process: int) -> tuple[int, str]:
    try:
        return awaited(pid, process)
    except FileNotFoundError:
        return 0, ""


def test_an_execve_that_fails_is_known_by_its_errno(stone: int, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.touch(mode=0o755)
    for path, number in (("/no/such", 2), (str(nothing), 8), (str(tmp_path), 13)):
        pid, process = step(stone, path, "name")
        assert awaited(pid, process) == (number, path)
        pidfd.kill(process)
        os.waitpid(pid, 0)
        os.close(process)


def test_a_script_that_names_it_is_not_executed_for_ever(stone: int, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/proc/self/exe\n")
    script.chmod(0o755)
    for path, told in ((str(script), "/proc/self/exe"), ("/proc/self/exe", "name")):
        pid, process = step(stone, path, "name")
        assert awaited(pid, process) == (8, told)
        pidfd.kill(process)
        os.waitpid(pid, 0)
        os.close(process)


def test_nobody_can_write_to_it(stone: int) -> None:
    for write in (
        lambda: os.pwrite(stone, b"x", 0),
        lambda: os.ftruncate(stone, 0),
        lambda: os.open(f"/proc/self/fd/{stone}", os.O_WRONLY | os.O_TRUNC),
    ):
        with pytest.raises(PermissionError):
            write()


def changed(change: Change) -> dict[str, Any]:
    spec = documents.spec()
    change(spec)
    return spec


def seccomp(**profile: Any) -> Change:
    return lambda spec: spec["linux"].update(seccomp=profile)


def hook(kind: str) -> Change:
    return lambda spec: spec.update(hooks={kind: [{"path": "/bin/true"}]})


def pid_namespace(spec: dict[str, Any]) -> None:
    next(n for n in spec["linux"]["namespaces"] if n["type"] == "pid")["path"] = "/proc/1/ns/pid"


ALLOW, ERRNO, NOTIFY = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_NOTIFY"
BOTH = ["execve", "execveat", "read"]


@pytest.mark.parametrize(
    ("change", "suits"),
    [
        (lambda spec: None, True),
        (hook("prestart"), True),
        (seccomp(defaultAction=ALLOW), True),
        (seccomp(defaultAction=ERRNO, syscalls=[{"names": BOTH, "action": ALLOW}]), True),
        (seccomp(defaultAction=ERRNO, syscalls=[{"names": ["execve"], "action": ALLOW}]), False),
        (seccomp(defaultAction=ALLOW, syscalls=[{"names": ["execve"], "action": NOTIFY}]), False),
        (
            seccomp(
                defaultAction=ERRNO,
                syscalls=[{"names": BOTH, "action": ALLOW, "args": [{"index": 0, "value": 1}]}],
            ),
            False,
        ),
        (process(apparmorProfile="a"), False),
        (process(selinuxLabel="a"), False),
        (process(user={"uid": 1}), True),
        (process(user={"uid": 1}, capabilities={"effective": ["CAP_DAC_OVERRIDE"]}), False),
        (process(user={"uid": 0}, capabilities={"effective": ["CAP_DAC_OVERRIDE"]}), True),
        (hook("startContainer"), False),
        (hook("createContainer"), False),
        (lambda spec: spec["linux"].update(landlock={"paths": [{"path": "/"}]}), False),
        (lambda spec: spec["linux"].update(namespaces=[{"type": "mount"}]), False),
        (pid_namespace, False),
    ],
)
def test_it_is_for_containers_that_nobody_else_can_see_start(change: Change, suits: bool) -> None:
    spec: Any = changed(change)
    assert stepping_stone.suits(spec, MACHINE) == suits
    assert not stepping_stone.suits(spec, "no such machine")


def test_a_program_of_another_format_fails_the_start_with_the_kernels_reason(
    bundle: Bundle,
) -> None:
    nothing = bundle.path / "nothing"
    nothing.touch(mode=0o755)

    def bind(spec: dict[str, Any]) -> None:
        entry = {"destination": "/tmp/nothing", "type": "bind", "source": str(nothing)}
        spec["mounts"].append(entry | {"options": ["bind"]})

    bundle.start("/tmp/nothing", change=bind, verb="create")
    done = bundle.call("start", "c1")
    assert done.returncode == 1
    assert "exec /tmp/nothing: exec format error" in done.stderr
    assert bundle.status() == "stopped"
