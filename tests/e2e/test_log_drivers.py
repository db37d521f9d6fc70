"""Drivers that send elsewhere, on a whole engine: no line is lost, nobody waits for a receiver."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

COUNT = "n=0; while [ $n -lt %d ]; do n=$((n+1)); echo $n; %s done"


class Receiver:
    """A stream socket that takes lines, goes away and comes back."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._connection: socket.socket | None = None
        self.received: list[int] = []

    def open(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self._path)
        self._socket.listen()
        self._socket.settimeout(20)

    def take(self, count: int) -> None:
        """Read so many lines, each `<30>Nov 30 12:00:00 TAG[PID]: NUMBER`."""
        assert self._socket is not None
        if self._connection is None:
            self._connection, _ = self._socket.accept()
            self._connection.settimeout(20)
            self._rest = b""
        while count > 0:
            data = self._connection.recv(4096)
            assert data, "the engine has closed the connection"
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.received += [int(line.rpartition(b" ")[2]) for line in lines]
            count -= len(lines)

    def close(self) -> None:
        for end in (self._connection, self._socket):
            if end is not None:
                end.close()
        self._connection = self._socket = None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    found = Receiver(str(tmp_path / "sock"))
    found.open()
    yield found
    found.close()


@pytest.fixture
def engine(fragile_engine: Engine) -> Iterator[Engine]:
    fragile_engine.revive()
    yield fragile_engine
    fragile_engine.revive()
    fragile_engine.remove_everything()


def run(engine: Engine, receiver: Receiver, script: str) -> None:
    config = {"syslog-address": f"unix://{receiver._path}"}
    asked = {
        "Image": "base",
        "Cmd": ["sh", "-c", script],
        "StopTimeout": 0,
        "HostConfig": {
            "NetworkMode": "none",
            "LogConfig": {"Type": "syslog", "Config": config},
        },
    }
    created = engine.post("/containers/create?name=sender", asked)
    assert created["Warnings"] == []
    engine.post("/containers/sender/start")


def logged(engine: Engine) -> bytes:
    status, body = engine.call("GET", "/containers/sender/logs?stdout=1&tail=1")
    assert status == 200, body
    return body[8:]


def test_a_receiver_that_goes_and_comes_back_misses_nothing(
    engine: Engine, receiver: Receiver
) -> None:
    run(engine, receiver, COUNT % (2000, ""))
    receiver.take(500)
    receiver.close()
    time.sleep(0.2)
    receiver.open()
    while receiver.received[-1] < 2000:
        receiver.take(1)
    assert set(receiver.received) == set(range(1, 2001))
    assert logged(engine) == b"2000\n"


def test_lines_of_a_killed_engines_time_arrive_by_the_next(
    engine: Engine, receiver: Receiver
) -> None:
    run(engine, receiver, COUNT % (60, "sleep 0.05;"))
    receiver.take(5)
    engine.kill9()
    receiver.close()
    receiver.open()
    time.sleep(0.5)
    engine.start()
    while receiver.received[-1] < 60:
        receiver.take(1)
    assert set(receiver.received) == set(range(1, 61))


def test_nobody_waits_for_a_receiver_that_is_down(
    engine: Engine, receiver: Receiver, until: Until
) -> None:
    receiver.close()
    run_down = {"syslog-address": "tcp://127.0.0.1:1"}
    asked = {
        "Image": "base",
        "Cmd": ["sh", "-c", "echo here; exec sleep 1000"],
        "StopTimeout": 0,
        "HostConfig": {"LogConfig": {"Type": "syslog", "Config": run_down}, "NetworkMode": "none"},
    }
    engine.post("/containers/create?name=sender", asked)
    engine.post("/containers/sender/start")
    until(lambda: logged(engine) == b"here\n")
    until(lambda: "log driver syslog: the log cannot be sent now" in engine.log())
    before = time.monotonic()
    engine.post("/containers/sender/stop?t=0")
    assert engine.call("DELETE", "/containers/sender")[0] == 204
    assert time.monotonic() - before < 10


def test_a_receiver_that_never_reads_delays_no_removal(engine: Engine, receiver: Receiver) -> None:
    run(engine, receiver, COUNT % (100_000, ""))
    receiver.take(1)
    before = time.monotonic()
    assert engine.call("DELETE", "/containers/sender?force=1")[0] == 204
    assert time.monotonic() - before < 10


def test_without_a_cache_there_is_nothing_to_read(engine: Engine, receiver: Receiver) -> None:
    config = {"syslog-address": f"unix://{receiver._path}", "cache-disabled": "true"}
    log = {"Type": "syslog", "Config": config}
    asked = {"Image": "base", "Cmd": ["true"], "HostConfig": {"LogConfig": log}}
    engine.post("/containers/create?name=sender", asked)
    status, body = engine.call("GET", "/containers/sender/logs?stdout=1")
    assert (status, body) == (
        501,
        b'{"message":"configured logging driver does not support reading"}\n',
    )
