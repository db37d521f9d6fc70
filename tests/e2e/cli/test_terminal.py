"""What happens on a terminal."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pexpect  # type: ignore[import-untyped]  # ships no types

if TYPE_CHECKING:
    from tests.e2e.cli.conftest import CommandLine

DETACH = "\x10\x11"  # ctrl-p ctrl-q


def ended(child: pexpect.spawn) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    code: int | None = child.exitstatus
    return code


def shell(command: CommandLine, image: str, *flags: str) -> pexpect.spawn:
    """A shell in a container, its prompt on the screen."""
    child = command.on_terminal(command.run_words("-it", *flags, image, "sh"))
    child.expect("# ")
    return child


def identity(command: CommandLine) -> str:
    listed = command("ps", "-q", "--filter", f"label={command.label}")
    return listed.stdout.decode().strip()


def test_the_container_has_our_size_from_the_start(command: CommandLine, image: str) -> None:
    words = command.run_words("--rm", "-it", image, "stty", "size")
    child = command.on_terminal(words)
    child.expect("33 101")
    assert ended(child) == 0


def test_a_change_of_size_reaches_the_container(command: CommandLine, image: str) -> None:
    child = shell(command, image, "--rm")
    child.setwinsize(40, 90)
    for _ in range(20):
        child.sendline("stty size")
        if child.expect([r"40 90\r", r"33 101\r"]) == 0:
            break
    else:
        raise AssertionError("the container kept its size")
    child.sendline("exit 5")
    assert ended(child) == 5


def test_keys_go_to_the_container_and_not_to_us(command: CommandLine, image: str) -> None:
    child = shell(command, image, "--rm")
    # the quotes keep the echo of the typed line from looking like the program's output
    child.sendline("sh -c 'echo be''gun; sleep 100'")
    child.expect("begun")
    child.sendintr()
    child.expect("# ")
    child.sendline("exit 4")
    assert ended(child) == 4


def test_detach_leaves_it_running_and_attach_comes_back(command: CommandLine, image: str) -> None:
    child = shell(command, image)
    child.send(DETACH)
    assert ended(child) == 0
    container = identity(command)
    assert container
    child = command.on_terminal(command.words("attach", "--detach-keys", "ctrl-a,x", container))
    child.sendline("echo back $((6*7))")
    child.expect("back 42")
    child.send("\x01x")
    assert ended(child) == 0
    child = command.on_terminal(command.words("attach", container))
    child.sendline("exit 3")
    assert ended(child) == 3


def test_exec_has_a_terminal_of_its_own(command: CommandLine, image: str) -> None:
    container = command.run("-d", image, "sleep", "60").stdout.decode().strip()
    child = command.on_terminal(command.words("exec", "-it", container, "sh"))
    child.expect("# ")
    child.sendline("stty size; tty")
    child.expect("33 101")
    child.expect("/dev/pts/")
    child.sendline("exit 6")
    assert ended(child) == 6


def test_our_terminal_is_as_before(command: CommandLine, image: str) -> None:
    inner = shlex.join(command.run_words("--rm", "-it", image, "true"))
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", f"stty -g; {inner}; stty -g"],
        env=command.environ,
        encoding="utf-8",
        timeout=20,
    )
    child.expect(pexpect.EOF)
    first, *_, last = child.before.split()
    child.close()
    assert first == last


def test_a_terminal_shows_the_progress_of_a_pull_that_fails(command: CommandLine) -> None:
    child = command.on_terminal(command.words("pull", "127.0.0.1:1/nothing:here"))
    assert ended(child) == 1
