"""What every log driver does; a driver brings a `Case` that reads its other end."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Protocol

import pytest

from lading.errors import InvalidArgument
from lading.logs import Cursor, TagSource
from lading.logs import driver as drivers
from lading.logs.driver import Chunk, Place
from lading.logs.shipment import Shipment
from lading.runtime.segments import STDERR, STDOUT, SegmentWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Line = tuple[int, bytes]
AWKWARD = [
    b'{"a": "b\\c"}',
    b"tab\tbell\x07escape\x1b[0mreturn\r",
    "Grüße".encode(),
    b"",
    b"\x7f\x00<&>",
    b"x" * 20_000,
]


class Case(Protocol):
    """One driver under test."""

    name: str
    options: dict[str, str]
    refused: dict[str, str]

    def received(self, directory: Path) -> list[Line]:
        """The lines that arrived, in order, without their line feeds."""
        ...


class JsonLinesCase:
    def __init__(self) -> None:
        self.name = "json-lines"
        self.options: dict[str, str] = {}
        self.refused = {"max-size": "zz"}

    def received(self, directory: Path) -> list[Line]:
        found = []
        for text in (directory / f"{'a' * 64}-json.log").read_text().splitlines():
            record = json.loads(text)
            stream = STDOUT if record["stream"] == "stdout" else STDERR
            found.append((stream, record["log"].removesuffix("\n").encode()))
        return found


CASES: list[Case] = [JsonLinesCase()]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def place(case: Case, directory: Path) -> Place:
    source = TagSource("a" * 64, "web", "sha256:" + "b" * 64, "base", "sh", "host")
    return Place(source, str(directory), case.options, {})


def send(case: Case, directory: Path, *batches: Sequence[Chunk]) -> None:
    async def run() -> None:
        for batch in batches:
            sink = await drivers.find(case.name).open(place(case, directory))
            await sink.send(batch)
            await sink.close()

    asyncio.run(run())


class Ended:
    """A run that is over: all its output is there."""

    has_ended = True

    def hold_log_from(self, reader: object, segment: int) -> None:
        """Nothing is removed."""

    def release_log(self, reader: object) -> None:
        """Nothing was held."""

    async def wait_log_growth(self, position: int) -> None:
        raise AssertionError("it does not grow")


def test_lines_arrive_as_they_are_and_in_order(case: Case, tmp_path: Path) -> None:
    first = [Chunk(STDOUT, 1, b"".join(line + b"\n" for line in AWKWARD)), Chunk(STDERR, 2, b"e\n")]
    send(case, tmp_path, first, [Chunk(STDOUT, 3, b"later\n")])
    expected = [*((STDOUT, line) for line in AWKWARD), (STDERR, b"e"), (STDOUT, b"later")]
    assert case.received(tmp_path) == expected


def test_a_line_without_an_end_arrives(case: Case, tmp_path: Path) -> None:
    send(case, tmp_path, [Chunk(STDOUT, 1, b"a\nunfinished")])
    assert case.received(tmp_path) == [(STDOUT, b"a"), (STDOUT, b"unfinished")]


def test_bytes_that_are_no_text_do_no_harm(case: Case, tmp_path: Path) -> None:
    send(case, tmp_path, [Chunk(STDOUT, 1, b"\xff\xfe\nnext\n")])
    assert case.received(tmp_path)[-1] == (STDOUT, b"next")


def test_options_that_cannot_be_meant_are_refused(case: Case) -> None:
    found = drivers.find(case.name)
    found.check(case.options)
    for name, value in case.refused.items():
        with pytest.raises(InvalidArgument):
            found.check({**case.options, name: value})


def test_a_shipment_delivers_each_line_once_over_several_runs(case: Case, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    numbers = [b"%d" % number for number in range(3000)]
    for part in range(3):
        writer = SegmentWriter(str(log), segment_size=2000)
        text = b"".join(line + b"\n" for line in numbers[part * 1000 : part * 1000 + 1000])
        for start in range(0, len(text), 700):  # pieces that end within lines
            writer.write(STDOUT, text[start : start + 700])
        writer.close()
        shipment = Shipment(
            str(log),
            str(tmp_path / "progress"),
            lambda: drivers.find(case.name).open(place(case, tmp_path)),
        )
        asyncio.run(shipment.run(Ended()))
    assert case.received(tmp_path) == [(STDOUT, line) for line in numbers]
    with Cursor(str(log)) as cursor:
        cursor.seek(shipment.progress.position)
        assert cursor.read() == []
