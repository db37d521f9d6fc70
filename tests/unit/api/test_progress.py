"""Streams of progress: what an error becomes, and whose fault it is."""

import asyncio
import json
from collections.abc import Callable

import pytest

from lading.api import progress
from lading.errors import NotFound
from lading.http import StreamResponse

Report = Callable[[dict[str, object]], None]


def lines(error: Exception) -> list[dict[str, object]]:
    """What a client reads of work that reports once and fails then."""

    async def work(report: Report) -> None:
        report({"status": "begun"})
        raise error

    async def read() -> list[dict[str, object]]:
        response = await progress.respond(work)
        assert isinstance(response, StreamResponse)
        return [json.loads(line) async for line in response.chunks]

    return asyncio.run(read())


def test_an_error_after_the_first_message_comes_in_the_stream() -> None:
    assert lines(NotFound("no such thing")) == [
        {"status": "begun"},
        {"errorDetail": {"message": "no such thing"}, "error": "no such thing"},
    ]


def test_a_bug_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    lines(KeyError("x"))
    assert "bug: work with progress failed" in caplog.text


def test_a_sender_that_goes_away_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    lines(ConnectionAbortedError("the archive's sender went away"))
    assert caplog.text == ""
