"""Streams go where they belong, whole, and half-closed at the right end."""

from __future__ import annotations

import _socket
import os
import threading
from typing import TYPE_CHECKING

import pytest

from lading.cli.conversation import Conversation
from lading.sdk import http1
from lading.sdk.client import RawStream
from lading.sdk.frames import STDERR, STDOUT, encode_frame

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[RawStream, _socket.socket]]:
    ours, engine = _socket.socketpair()
    yield RawStream(ours, http1.BodyUntilClose(), b""), engine
    ours.close()
    engine.close()


@pytest.fixture
def stdin() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            continue


Pair = tuple[RawStream, _socket.socket]


def test_frames_are_told_apart(pair: Pair, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    stream, engine = pair
    engine.sendall(encode_frame(STDOUT, b"out") + encode_frame(STDERR, b"err"))
    engine.shutdown(_socket.SHUT_WR)
    Conversation(stream, stdin=None, multiplexed=True).run()
    assert capfdbinary.readouterr() == (b"out", b"err")


def test_a_terminals_bytes_are_passed_on_raw(
    pair: Pair, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    stream, engine = pair
    engine.sendall(b"\x01\x02raw")
    engine.shutdown(_socket.SHUT_WR)
    Conversation(stream, stdin=None, multiplexed=False).run()
    assert capfdbinary.readouterr() == (b"\x01\x02raw", b"")


def test_the_end_of_stdin_closes_only_the_write_side(
    pair: Pair, stdin: tuple[int, int], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    stream, engine = pair
    reader, writer = stdin
    os.write(writer, b"question")
    os.close(writer)

    def answer() -> None:
        received = b""
        while data := engine.recv(100):
            received += data
        engine.sendall(b"answer to " + received)
        engine.shutdown(_socket.SHUT_WR)

    thread = threading.Thread(target=answer)
    thread.start()
    Conversation(stream, stdin=reader, multiplexed=False).run()
    thread.join()
    assert capfdbinary.readouterr().out == b"answer to question"


def test_neither_side_waits_for_the_other_with_full_buffers(
    pair: Pair, stdin: tuple[int, int], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The engine writes megabytes before it reads, and so do we."""
    stream, engine = pair
    reader, writer = stdin
    size = 4 << 20

    def produce() -> None:
        left = memoryview(b"i" * size)
        while left:
            left = left[os.write(writer, left) :]
        os.close(writer)

    received = 0

    def answer() -> None:
        nonlocal received
        engine.sendall(b"o" * size)
        while data := engine.recv(1 << 16):
            received += len(data)
        engine.shutdown(_socket.SHUT_WR)

    threads = [threading.Thread(target=produce), threading.Thread(target=answer)]
    for thread in threads:
        thread.start()
    Conversation(stream, stdin=reader, multiplexed=False).run()
    for thread in threads:
        thread.join()
    assert received == size
    assert len(capfdbinary.readouterr().out) == size


def test_input_that_nobody_takes_does_not_lose_output(
    pair: Pair, stdin: tuple[int, int], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    stream, engine = pair
    reader, writer = stdin
    engine.sendall(b"last words")
    engine.close()
    os.write(writer, b"too late")
    Conversation(stream, stdin=reader, multiplexed=False).run()
    assert capfdbinary.readouterr().out == b"last words"


def test_with_only_stdin_attached_its_end_is_the_end(pair: Pair, stdin: tuple[int, int]) -> None:
    stream, engine = pair
    reader, writer = stdin
    os.write(writer, b"all")
    os.close(writer)
    Conversation(stream, stdin=reader, multiplexed=True, has_output=False).run()
    assert engine.recv(100) == b"all"
