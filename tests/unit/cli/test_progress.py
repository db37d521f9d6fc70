"""Progress moves on a terminal and stands still in a pipe."""

from __future__ import annotations

import io

import pytest

from lading.cli import progress
from lading.cli.failures import Failure

LAYER = {"id": "a1", "status": "Downloading", "progressDetail": {"current": 500, "total": 1000}}


class Stream:
    def __init__(self, *lines: bytes) -> None:
        self.lines = lines

    def chunks(self) -> tuple[bytes, ...]:
        return self.lines


def shown(*lines: bytes) -> str:
    out = io.StringIO()
    progress.show(Stream(*lines), out, {})  # type: ignore[arg-type]  # only chunks() is used
    return out.getvalue()


def test_a_pipe_gets_changes_of_state_and_no_bars() -> None:
    assert (
        shown(
            b'{"status":"Pulling from x","id":"latest"}\n',
            b'{"status":"Downloading","progressDetail":{"current":1,"total":2},"id":"a1"}\n',
            b'{"status":"Pull complete","progressDetail":{},"id":"a1"}\n',
            b'{"stream":"Loaded image: x\\n"}\n',
            b'{"aux":{"ID":"x"}}\n',
        )
        == "latest: Pulling from x\na1: Pull complete\nLoaded image: x\n"
    )


@pytest.mark.parametrize(
    "line", [b'{"errorDetail":{"message":"boom"},"error":"x"}\n', b'{"error":"boom"}\n']
)
def test_an_error_in_the_stream_is_raised(line: bytes) -> None:
    with pytest.raises(Failure, match="boom"):
        shown(line)


def test_a_line_is_rewritten_in_place() -> None:
    out = io.StringIO()
    out.fileno = lambda: 0  # type: ignore[method-assign]
    screen = progress.Screen(out)
    screen.update(LAYER | {"id": "a1"})
    screen.update(LAYER | {"id": "b2"})
    out.truncate(0)
    screen.update({"id": "a1", "status": "Done", "progressDetail": {}})
    assert out.getvalue().lstrip("\0") == "\x1b[2A\r\x1b[2Ka1: Done\r\x1b[2B"


@pytest.mark.parametrize(
    ("detail", "width", "text"),
    [
        ({"current": 500, "total": 1000}, 100, " [==============>               ]  500B/1kB"),
        ({"current": 1000, "total": 1000}, 100, " [" + "=" * 30 + "]  1kB/1kB"),
        ({"current": 500, "total": 1000}, 60, "  500B/1kB"),
        ({"current": 500}, 100, "  500B"),
        ({}, 100, ""),
    ],
)
def test_bars(detail: dict[str, int], width: int, text: str) -> None:
    assert progress.bar({"progressDetail": detail}, width) == text


def test_the_cursor_moves_on_a_capable_terminal_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert progress.can_move_cursor(Terminal(), {"TERM": "xterm"})
    assert progress.can_move_cursor(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert not progress.can_move_cursor(Terminal(), {"TERM": "dumb"})
    assert not progress.can_move_cursor(Terminal(), {"TERM": "xterm", "CI": "true"})
    assert not progress.can_move_cursor(io.StringIO(), {"TERM": "xterm"})
