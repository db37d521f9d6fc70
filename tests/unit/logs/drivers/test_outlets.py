"""A stream says that bytes have arrived only when they have, and everything else is SinkDown."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from lading.logs.driver import SinkDown
from lading.logs.drivers.addresses import Address
from lading.logs.drivers.outlets import Datagrams, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def address_of(listener: socket.socket) -> Address:
    return Address("tcp", "localhost", listener.getsockname()[1])


def test_what_a_receiver_never_reads_is_not_delivered(tmp_path: Path) -> None:
    path = str(tmp_path / "sock")
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.bind(path)
        stuck.listen()

        async def run() -> None:
            stream = await Stream.open(Address("unix", path))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.send(b"x" * 100), 0.1)
            await stream.close()

        asyncio.run(run())


def test_a_receiver_that_goes_away_is_noticed_while_bytes_wait(tmp_path: Path) -> None:
    path = str(tmp_path / "sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        async def run() -> None:
            stream = await Stream.open(Address("unix", path))
            connection, _ = server.accept()
            sending = asyncio.ensure_future(stream.send(b"x" * 100))
            await asyncio.sleep(0.05)
            assert not sending.done()
            connection.close()
            with pytest.raises(SinkDown):
                await sending
            await stream.close()

        asyncio.run(run())


def test_a_connection_that_was_closed_meanwhile_takes_nothing(listener: socket.socket) -> None:
    async def run() -> None:
        stream = await Stream.open(address_of(listener))
        connection, _ = listener.accept()
        connection.close()
        await stream.reader.read()  # the end has arrived
        with pytest.raises(SinkDown):
            await stream.send(b"x")
        await stream.close()

    asyncio.run(run())


def test_all_addresses_of_a_name_are_tried(listener: socket.socket) -> None:
    async def run() -> None:
        stream = await Stream.open(address_of(listener))  # localhost is ::1 first
        await stream.send(b"x")
        await stream.close()

    asyncio.run(run())


def test_nobody_there_is_told_with_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        where = Address("tcp", "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(SinkDown, match=r"tcp://127\.0\.0\.1:.*refused"):
            asyncio.run(Stream.open(where))


def test_a_name_that_nobody_has_is_told() -> None:
    with pytest.raises(SinkDown, match=r"nosuch\.invalid"):
        asyncio.run(Stream.open(Address("tcp", "nosuch.invalid", 1)))


def test_a_datagram_that_was_refused_is_told_of_by_the_next() -> None:
    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            where = Address("udp", "localhost", taken.getsockname()[1])
        outlet = await Datagrams.open(where)
        await outlet.send([b"x"])
        with pytest.raises(SinkDown):  # on loopback the refusal is there at once
            await outlet.send([b"y"])
        await outlet.close()

    asyncio.run(run())
