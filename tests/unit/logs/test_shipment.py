"""A shipment outlives its sink and its engine; a slow sink costs what it may, and that is said."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from lading.logs import shipment as shipment_module
from lading.logs.driver import Chunk, Sink, SinkDown
from lading.logs.shipment import Shipment
from lading.runtime.segments import STDOUT, SegmentWriter


class Feed:
    """A run that has written all that it will."""

    def __init__(self) -> None:
        self.has_ended = True
        self.held: list[int] = []
        self.is_released = False

    def hold_log_from(self, reader: object, segment: int) -> None:
        self.held.append(segment)

    def release_log(self, reader: object) -> None:
        self.is_released = True

    async def wait_log_growth(self, position: int) -> None:
        await asyncio.sleep(0)


class FragileSink:
    """Refuses what it is told to, and remembers the rest."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.opened = self.closed = 0
        self.texts: list[bytes] = []

    async def open(self) -> Sink:
        self.opened += 1
        return self

    async def send(self, chunks: Sequence[Chunk]) -> None:
        if self.failures:
            self.failures -= 1
            raise SinkDown("out of order")
        self.texts += [chunk.text for chunk in chunks]

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def log(tmp_path: Path) -> Path:
    directory = tmp_path / "log"
    directory.mkdir()
    return directory


def write(log: Path, *texts: bytes, size: int = 1 << 20) -> None:
    writer = SegmentWriter(str(log), segment_size=size)
    for text in texts:
        writer.write(STDOUT, text)
    writer.close()


def ship(log: Path, sink: FragileSink, *, max_lag: int = 0) -> tuple[Shipment, Feed]:
    feed = Feed()
    made = Shipment(str(log), str(log.parent / "progress"), sink.open, max_lag=max_lag)
    asyncio.run(made.run(feed))
    return made, feed


def test_a_sink_that_fails_is_opened_again_and_gets_the_same(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipment_module, "FIRST_WAIT_S", 0.001)
    write(log, b"one\n", b"two\n")
    sink = FragileSink(failures=3)
    _, feed = ship(log, sink)
    assert b"".join(sink.texts) == b"one\ntwo\n"
    assert (sink.opened, sink.closed) == (4, 4)
    assert feed.is_released


def test_the_next_shipment_goes_on_where_the_last_one_was(log: Path) -> None:
    write(log, b"one\ntw")
    first = FragileSink()
    ship(log, first)
    write(log, b"three\n")
    second = FragileSink()
    ship(log, second)
    assert (first.texts, second.texts) == ([b"one\n", b"tw"], [b"three\n"])


def test_what_is_not_delivered_is_held(log: Path) -> None:
    write(log, *[b"x" * 90 + b"\n"] * 20, size=300)
    _, feed = ship(log, FragileSink())
    assert feed.held == sorted(feed.held)
    assert len(set(feed.held)) > 5


def test_in_non_blocking_mode_the_oldest_are_dropped_and_counted(log: Path) -> None:
    write(log, *[b"%04d\n" % number for number in range(1000)], size=1000)
    sink = FragileSink()
    made, feed = ship(log, sink, max_lag=3000)
    marker, *kept = b"".join(sink.texts).splitlines()
    assert kept[-1] == b"0999"
    assert len(kept) == 1000 - made.progress.dropped_lines
    assert made.progress.dropped_lines > 500
    assert b"%d lines" % made.progress.dropped_lines in marker
    assert feed.held == []


def test_a_stuck_sink_can_be_left(log: Path) -> None:
    class Stuck(FragileSink):
        async def send(self, chunks: Sequence[Chunk]) -> None:
            await asyncio.Event().wait()

    write(log, b"x\n")
    sink = Stuck()

    async def run() -> None:
        made = Shipment(str(log), str(log.parent / "progress"), sink.open)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(made.run(Feed()), 0.05)

    asyncio.run(run())
    assert sink.closed == 1
