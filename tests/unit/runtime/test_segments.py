"""Records are what was read; nothing but a full disk loses one, and that is said."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.runtime.segments import (
    FLAG_LOST,
    HEADER,
    STDERR,
    STDOUT,
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
            data = data[HEADER.size + length :]
    return found


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
    assert records(directory) == [(stream, 0, payload) for stream, payload in pieces]
    stored = sum((directory / name).stat().st_size for name in list_segments(str(directory)))
    assert writer.size == stored
    writer.close()


def test_a_second_run_continues_after_the_first_in_a_new_segment(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        writer = SegmentWriter(str(tmp_path))
        writer.write(STDOUT, text)
        writer.close()
    assert list_segments(str(tmp_path)) == ["00000001.seg", "00000002.seg"]
    assert writer.size == 2 * (HEADER.size + 3)


def test_a_full_disk_drops_records_and_the_next_one_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(str(tmp_path))

    def full(descriptor: int, buffers: list[bytes]) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        writer.write(STDOUT, b"lost")
    writer.write(STDOUT, b"kept")
    writer.close()
    assert records(tmp_path) == [(STDOUT, FLAG_LOST, b"kept")]


def test_without_a_directory_only_the_size_is_kept() -> None:
    log = Log(None)
    log.write(STDOUT, b"abc")
    assert log.size == HEADER.size + 3
    log.close()
