"""Pipes on the event loop: nothing is lost, nothing is buffered, and ends are noticed."""

import asyncio
import os
import pty

from lading.containers.pipes import CHUNK, PipeReader, PipeWriter


async def read_all(reader: PipeReader) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    async for number, data in reader.iter_chunks():
        found[number] = found.get(number, b"") + data
    return found


def test_more_than_a_pipe_holds_goes_through() -> None:
    async def main() -> None:
        reading, writing = os.pipe()
        data = os.urandom(5 * CHUNK)
        writer = PipeWriter(writing)
        receiving = asyncio.ensure_future(read_all(PipeReader({1: reading})))
        await writer.write(data)
        writer.close()
        assert await receiving == {1: data}

    asyncio.run(main())


def test_a_writer_waits_while_nobody_reads() -> None:
    async def main() -> None:
        reading, writing = os.pipe()
        writer = PipeWriter(writing)
        sending = asyncio.ensure_future(writer.write(b"x" * 2 * CHUNK))
        await asyncio.wait([sending], timeout=0.05)
        assert not sending.done()
        while not sending.done():
            os.read(reading, CHUNK)
            await asyncio.sleep(0.001)
        writer.close()
        os.close(reading)

    asyncio.run(main())


def test_what_is_written_to_nobody_vanishes() -> None:
    async def main() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        writer = PipeWriter(writing)
        await writer.write(b"first")
        await writer.write(b"second")
        writer.close()

    asyncio.run(main())


def test_closing_the_writer_twice_is_harmless() -> None:
    reading, writing = os.pipe()
    writer = PipeWriter(writing)
    writer.close()
    writer.close()
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_several_pipes_are_one_stream_until_all_have_ended() -> None:
    async def main() -> None:
        pipes = {number: os.pipe() for number in (1, 2)}
        reader = PipeReader({number: reading for number, (reading, _) in pipes.items()})
        receiving = asyncio.ensure_future(read_all(reader))
        os.write(pipes[1][1], b"out")
        os.close(pipes[1][1])
        await asyncio.wait([receiving], timeout=0.05)
        assert not receiving.done()
        os.write(pipes[2][1], b"err")
        os.close(pipes[2][1])
        assert await receiving == {1: b"out", 2: b"err"}

    asyncio.run(main())


def test_a_terminal_ends_when_its_other_side_is_closed() -> None:
    async def main() -> None:
        master, slave = pty.openpty()
        os.write(slave, b"bye")
        os.close(slave)
        assert await read_all(PipeReader({1: master})) == {1: b"bye"}

    asyncio.run(main())


def test_a_closed_reader_is_noticed_by_its_writers() -> None:
    async def main() -> None:
        reading, writing = os.pipe()
        reader = PipeReader({1: reading})
        reader.close()
        reader.close()
        writer = PipeWriter(writing)
        await writer.write(b"lost")
        assert await read_all(reader) == {}

    asyncio.run(main())
