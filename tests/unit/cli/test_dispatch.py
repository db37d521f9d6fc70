"""From words to exit codes."""

from __future__ import annotations

import pytest

from lading.cli import dispatch, failures
from lading.sdk.client import Client


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = dispatch.main(words, {"LADING_HOST": "unix:///nowhere/engine.sock"})
    out, err = capfd.readouterr()
    return code, out, err


def test_no_words_and_help_show_the_overview(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capfd)
    assert code == 0
    assert "  run         Create and run a new container from an image\n" in out
    assert run(capfd, "--help") == (0, out, "")
    assert run(capfd, "help") == (0, out, "")


def test_help_of_a_command_in_every_way(capfd: pytest.CaptureFixture[str]) -> None:
    shown = run(capfd, "ps", "--help")
    assert shown[0] == 0
    assert shown[1].startswith("Usage:  lading ps [OPTIONS]\n\nList containers\n")
    assert "  -a, --all             Show all containers" in shown[1]
    assert run(capfd, "help", "ps") == shown
    grouped = run(capfd, "container", "ls", "--help")
    assert grouped[1] == shown[1].replace("lading ps [", "lading container ls [")
    assert run(capfd, "help", "container", "ls") == grouped


def test_a_group_alone_shows_its_commands(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, out = run(capfd, "image")
    assert code == 0
    assert "  from-host   Assemble an image" in out
    assert "remove" not in out.split()
    assert run(capfd, "image", "--help")[1] == out


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "--version")[1].startswith("Lading version ")


def test_a_wrong_command_gets_a_suggestion(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "imagse")
    assert code == 1
    assert err.startswith("lading: unknown command: lading imagse\n\nDid you mean this?\n")
    assert "  lading images\n" in err
    assert "  lading container rm\n" in run(capfd, "container", "rn")[2]
    assert "Did you mean" not in run(capfd, "xyzzy")[2]


def test_a_wrong_flag_ends_with_125(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "run", "--foo", "x") == (
        125,
        "",
        "unknown flag: --foo\n\nUsage:  lading run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\n"
        "Run 'lading run --help' for more information\n",
    )
    assert "Did you mean --detach?\n" in run(capfd, "run", "--detahc", "x")[2]
    assert run(capfd, "--foo")[0] == 125
    assert run(capfd, "container", "--foo")[0] == 125


def test_missing_arguments_end_with_1(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "rm") == (
        1,
        "",
        "lading: 'lading rm' requires at least 1 argument\n\n"
        "Usage:  lading rm [OPTIONS] CONTAINER [CONTAINER...]\n\n"
        "See 'lading rm --help' for more information\n",
    )


def test_an_engine_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "ps")
    assert code == 1
    first, cause, hint = err.splitlines()
    assert first == (
        "Cannot connect to the Docker daemon at unix:///nowhere/engine.sock. "
        "Is the docker daemon running?"
    )
    assert cause == "cause: No such file or directory"
    assert hint.startswith("hint: ")
    assert run(capfd, "run", "busybox")[0] == 125


def test_the_host_flag_wins(capfd: pytest.CaptureFixture[str]) -> None:
    assert "at unix:///other.sock." in run(capfd, "-H", "unix:///other.sock", "ps")[2]
    assert run(capfd, "-H", "ssh://x", "ps")[2].startswith("unsupported scheme")


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
        (failures.Ended(143), 143),
        (failures.Failure("x", 7), 7),
    ],
)
def test_ends_of_other_kinds_are_quiet_codes(
    problem: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(Client, "run", fail)
    monkeypatch.setattr(dispatch, "_silence_stdout", lambda: None)
    assert dispatch.main(["ps"], {"LADING_HOST": "unix:///x"}) == code
