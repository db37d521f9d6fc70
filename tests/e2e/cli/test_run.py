"""`run` and its kin against an engine, as scripts use them."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.cli.conftest import CommandLine


def test_streams_and_exit_code_are_the_containers(command: CommandLine, image: str) -> None:
    done = command.run("--rm", image, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


@pytest.mark.parametrize(("program", "code"), [("nosuch", 127), ("/no/such", 127), ("/etc", 126)])
def test_a_program_that_cannot_run(
    command: CommandLine, image: str, program: str, code: int
) -> None:
    done = command.run("--rm", image, program)
    assert done.returncode == code
    assert b"Error response from daemon: " in done.stderr


def test_a_mistake_ends_with_125(command: CommandLine, image: str) -> None:
    assert command.run("--name", "a/b", image).returncode == 125
    assert command.run("--nosuch", image).returncode == 125


def test_stdin_goes_in_whole_and_ends(command: CommandLine, image: str) -> None:
    data = os.urandom(1 << 20)
    done = command.run("--rm", "-i", image, "cat", stdin=data)
    assert done.stdout == data


def test_a_detached_container_goes_on(command: CommandLine, image: str) -> None:
    container = command.run("-d", image, "sleep", "60").stdout.decode().strip()
    assert len(container) == 64
    listed = command("ps", "-q", "--no-trunc").stdout.decode().split()
    assert container in listed
    assert command("exec", container, "sh", "-c", "exit 4").returncode == 4
    assert command("kill", container).stdout.decode().strip() == container
    assert command("wait", container).stdout == b"137\n"


def test_logs_keep_streams_apart(command: CommandLine, image: str) -> None:
    script = "echo a; echo b >&2; echo c"
    container = command.run("-d", image, "sh", "-c", script).stdout.decode().strip()
    command("wait", container)
    logs = command("logs", container)
    assert (logs.stdout, logs.stderr) == (b"a\nc\n", b"b\n")
    assert command("logs", "-n", "1", container).stdout in (b"c\n", b"")  # order across streams


def test_start_attached_gives_output_and_code(command: CommandLine, image: str) -> None:
    created = command(
        *("create", "--network", "none", "--label", command.label, "-i", image),
        *("sh", "-c", "cat; exit 5"),
    )
    container = created.stdout.decode().strip()
    done = command("start", "-ai", container, stdin=b"hello")
    assert (done.returncode, done.stdout) == (5, b"hello")


def test_exec_takes_stdin_and_environment(command: CommandLine, image: str) -> None:
    container = command.run("-d", image, "sleep", "60").stdout.decode().strip()
    done = command(
        "exec",
        "-i",
        "-e",
        "A=1",
        "-w",
        "/tmp",
        container,
        "sh",
        "-c",
        "cat; echo $A; pwd",
        stdin=b"in\n",
    )
    assert done.stdout == b"in\n1\n/tmp\n"
    assert command("exec", container, "nosuch").returncode == 127


READY = "echo ready; while :; do sleep 0.1; done"


def test_signals_reach_the_container(command: CommandLine, image: str) -> None:
    script = "trap 'echo got; exit 9' TERM; " + READY
    process = command.popen(command.run_words("--rm", image, "sh", "-c", script))
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert (output, process.returncode) == (b"got\n", 9)


def test_the_third_interrupt_ends_the_command(command: CommandLine, image: str) -> None:
    script = "trap '' INT; " + READY
    process = command.popen(command.run_words(image, "sh", "-c", script))
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"got 3 SIGTERM/SIGINTs, forcefully exiting" in errors


def test_a_reader_that_goes_away_is_no_traceback(command: CommandLine, image: str) -> None:
    process = command.popen(
        command.run_words("--rm", image, "sh", "-c", "while echo y; do :; done")
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(timeout=20) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.stdin is not None
    process.stdin.close()


def test_ctrl_c_is_quiet_where_nothing_is_proxied(command: CommandLine) -> None:
    process = command.popen(command.words("events", "--since", "0"))
    try:
        process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, b"")
