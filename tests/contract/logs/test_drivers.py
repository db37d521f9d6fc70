"""What every log driver does; a driver brings a `Case` that reads its other end."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

import pytest
from tests.contract.logs import receivers, servers

from lading.errors import InvalidArgument
from lading.logs import Cursor, TagSource
from lading.logs import driver as drivers
from lading.logs.driver import Chunk, Place
from lading.logs.shipment import Shipment
from lading.runtime.segments import STDERR, STDOUT, SegmentWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.contract.logs.lines import Line

REFUSED = {  # an option of each driver that cannot be meant
    "json-lines": {"max-size": "zz"},
    "syslog": {"syslog-facility": "zz"},
    "journald": {"max-size": "1"},
    "gelf": {"gelf-address": "http://x:1"},
    "fluentd": {"fluentd-retry-wait": "zz"},
}
AWKWARD = [
    b'{"a": "b\\c"}',
    b"tab\tbell\x07escape\x1b[0mreturn\r",
    "Grüße".encode(),
    b"",
    b"\x7f\x00<&>",
    b"x" * 20_000,
]


class Case(Protocol):
    """One driver and its other end, while it is entered."""

    driver: str
    options: dict[str, str]
    carries_empty: bool
    carries_control: bool

    def __enter__(self) -> Case: ...
    def __exit__(self, *_: object) -> None: ...
    def lines(self, count: int) -> list[Line]:
        """The lines that arrived, in order, without their line feeds; it waits for `count`."""
        ...


CASES: dict[str, Callable[[Path], Case]] = {
    "json-lines": receivers.JsonLines,
    "syslog-tcp": partial(receivers.Rsyslog, network="tcp", form=""),
    "syslog-udp-5424": partial(receivers.Rsyslog, network="udp", form="rfc5424"),
    "syslog-tcp-3164": partial(receivers.Rsyslog, network="tcp", form="rfc3164"),
    "syslog-unixgram": partial(receivers.Rsyslog, network="unixgram", form=""),
    "journald": receivers.Journal,
    "gelf-udp": partial(servers.Gelf, network="udp"),
    "gelf-udp-zlib": partial(servers.Gelf, network="udp", compression="zlib"),
    "gelf-udp-none": partial(servers.Gelf, network="udp", compression="none"),
    "gelf-tcp": partial(servers.Gelf, network="tcp"),
    "fluentd": servers.Forward,
    "fluentd-ack": partial(servers.Forward, request_ack="true", sub_second_precision="true"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with CASES[request.param](tmp_path) as found:
        yield found


def place(case: Case, directory: Path) -> Place:
    source = TagSource("a" * 64, "web", "sha256:" + "b" * 64, "base", "sh", "host")
    return Place(source, str(directory), case.options, {})


def send(case: Case, directory: Path, *batches: Sequence[Chunk]) -> None:
    async def run() -> None:
        for batch in batches:
            sink = await drivers.find(case.driver).open(place(case, directory))
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
    lines = [line for line in AWKWARD if line or case.carries_empty]
    lines = [line for line in lines if b"\0" not in line or case.carries_control]
    first = [Chunk(STDOUT, 1, b"".join(line + b"\n" for line in lines)), Chunk(STDERR, 2, b"e\n")]
    send(case, tmp_path, first, [Chunk(STDOUT, 3, b"later\n")])
    expected = [*((STDOUT, line) for line in lines), (STDERR, b"e"), (STDOUT, b"later")]
    assert case.lines(len(expected)) == expected


def test_a_line_without_an_end_arrives(case: Case, tmp_path: Path) -> None:
    send(case, tmp_path, [Chunk(STDOUT, 1, b"a\nunfinished")])
    assert case.lines(2) == [(STDOUT, b"a"), (STDOUT, b"unfinished")]


def test_bytes_that_are_no_text_do_no_harm(case: Case, tmp_path: Path) -> None:
    send(case, tmp_path, [Chunk(STDOUT, 1, b"\xff\xfe\nnext\n")])
    assert case.lines(2)[-1] == (STDOUT, b"next")


def test_options_that_cannot_be_meant_are_refused(case: Case) -> None:
    found = drivers.find(case.driver)
    found.check(case.options)
    with pytest.raises(InvalidArgument):
        found.check(case.options | REFUSED[case.driver])


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
            lambda: drivers.find(case.driver).open(place(case, tmp_path)),
        )
        asyncio.run(shipment.run(Ended()))
    assert case.lines(len(numbers)) == [(STDOUT, line) for line in numbers]
    with Cursor(str(log)) as cursor:
        cursor.seek(shipment.progress.position)
        assert cursor.read() == []
