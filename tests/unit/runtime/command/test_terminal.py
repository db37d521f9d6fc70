"""A container's terminal on the caller's."""

from typing import Any

from tests.unit.runtime.command.bundle import Bundle


def terminal(spec: dict[str, Any]) -> None:
    spec["process"]["terminal"] = True


def test_what_is_printed_comes_out_with_plain_line_feeds(bundle: Bundle) -> None:
    output = bundle.shell("tty; echo two", change=terminal)
    assert output == "/dev/pts/0\ntwo\n"


def test_what_is_typed_goes_in(bundle: Bundle) -> None:
    script = "stty -echo; echo ready; read line; echo got $line"
    assert "got hello" in bundle.shell(script, change=terminal, stdin="hello\n")


def test_an_exec_has_a_terminal_of_its_own(bundle: Bundle) -> None:
    bundle.start("sleep", "1000")
    done = bundle.call("exec", "-t", "c1", "sh", "-c", "tty; exit 3")
    assert (done.returncode, done.stdout) == (3, "/dev/pts/0\n")
