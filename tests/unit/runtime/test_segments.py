"""Records are what was read; nothing but a full disk loses one, and that is said."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.runtime import segments
from lading.runtime.segments import (
    FLAG_LOST,
    HEADER,
    LOSS,
    OVERHEAD,
    STDERR,
    STDOUT,
    TRAILER,
    Log,
    SegmentWriter,
    list_segments,
)


def records(directory: Path) -> list[tuple[int, int, bytes]]:
    found = []
    for name in list_segments(str(directory)):
        data = (directory / name).read_bytes()
        while data:
            length, stream, flags, _, _ = HEADER.unpack_from(data)
            found.append((stream, flags, data[HEADER.size : HEADER.size + length]))
            assert data[HEADER.size + length : OVERHEAD + length] == TRAILER.pack(length)
            data = data[OVERHEAD + length :]
    return found


def text_of(found: list[tuple[int, int, bytes]], stream: int) -> bytes:
    return b"".join(payload for number, _, payload in found if number == stream)


def used(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


@given(
    st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(min_size=1, max_size=50))),
    st.integers(min_value=1, max_value=200),
)
def test_what_is_written_is_read_in_order(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bytes]], size: int
) -> None:
    directory = tmp_path_factory.mktemp("log")
    writer = SegmentWriter(str(directory), segment_size=size)
    for stream, payload in pieces:
        writer.write(stream, payload)
    found = records(directory)
    for stream in (STDOUT, STDERR):
        assert text_of(found, stream) == b"".join(p for number, p in pieces if number == stream)
    last = list_segments(str(directory))[-1]
    assert writer.end == int(last[:-4]) << 32 | (directory / last).stat().st_size
    writer.close()


def test_a_second_run_continues_after_the_first_in_a_new_segment(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        writer = SegmentWriter(str(tmp_path))
        writer.write(STDOUT, text)
        writer.close()
    assert list_segments(str(tmp_path)) == ["00000001.seg", "00000002.seg"]
    assert writer.end == 2 << 32 | (OVERHEAD + 3)


def test_a_full_segment_ends_with_a_line(tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=2 * OVERHEAD + 10)
    writer.write(STDOUT, b"one\n")
    writer.write(STDOUT, b"two\nthree\n")
    writer.close()
    assert [text for _, _, text in records(tmp_path)] == [b"one\n", b"two\n", b"three\n"]
    assert len(list_segments(str(tmp_path))) == 2


@given(
    st.lists(st.binary(min_size=1, max_size=3000).map(lambda b: b + b"\n"), max_size=60),
    st.integers(min_value=4096, max_value=40_000),
)
def test_all_segments_together_never_need_more_than_the_quota(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], quota: int
) -> None:
    directory = tmp_path_factory.mktemp("log")
    writer = SegmentWriter(str(directory), quota=quota)
    for line in lines:
        writer.write(STDOUT, line)
        assert used(directory) <= quota
    writer.close()
    kept = text_of(records(directory), STDOUT)
    assert b"".join(lines).endswith(kept)
    assert len(kept) >= min(len(b"".join(lines)), quota // 8)


def test_what_a_reader_holds_is_kept_beyond_the_quota_until_it_lets_go(tmp_path: Path) -> None:
    log = Log(str(tmp_path), quota=4096)
    log.hold(1)
    for _ in range(100):
        log.write(STDOUT, b"x" * 999 + b"\n")
    assert len(text_of(records(tmp_path), STDOUT)) == 100_000
    log.hold(20)
    assert list_segments(str(tmp_path))[0] == "00000020.seg"
    log.hold(0)
    assert used(tmp_path) <= 4096
    log.close()


def test_a_reader_cannot_hold_more_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "HOLD_LIMIT", 20_000)
    log = Log(str(tmp_path), quota=4096)
    log.hold(1)
    for _ in range(100):
        log.write(STDOUT, b"x" * 999 + b"\n")
        assert used(tmp_path) <= 4096 + 20_000
    log.close()


def test_a_quota_counts_what_earlier_runs_left(tmp_path: Path) -> None:
    for _ in range(5):
        writer = SegmentWriter(str(tmp_path), quota=4096)
        writer.write(STDOUT, b"x" * 1500 + b"\n")
        writer.close()
        assert used(tmp_path) <= 4096


def test_a_full_disk_drops_records_and_the_next_one_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(str(tmp_path))

    def full(descriptor: int, buffers: list[bytes]) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        writer.write(STDOUT, b"lost\nand")
        writer.write(STDOUT, b"lost\n")
    writer.write(STDOUT, b"kept")
    writer.close()
    assert records(tmp_path) == [(STDERR, FLAG_LOST, LOSS.pack(2, 13)), (STDOUT, 0, b"kept")]


def test_without_a_directory_only_the_length_is_kept() -> None:
    log = Log(None)
    log.write(STDOUT, b"abc")
    assert log.end == OVERHEAD + 3
    log.close()
