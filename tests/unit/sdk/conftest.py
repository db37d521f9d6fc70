"""An engine of a few lines: answers each connection with prepared bytes."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lading.sdk import address
from lading.sdk.client import Client


class ScriptedEngine:
    """Listens on a unix socket; `conversations[n]` serves the n-th connection."""

    def __init__(self, path: str) -> None:
        self.url = f"unix://{path}"
        self.seen: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._clients: list[Client] = []

    def serve(self, *conversations: Callable[[socket.socket], None]) -> Client:
        """A client of this engine; each conversation gets one connection, in order."""

        def run() -> None:
            for converse in conversations:
                connection, _ = self._listener.accept()
                with connection:
                    converse(connection)

        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()
        self._clients.append(Client(address.parse(self.url)))
        return self._clients[-1]

    def answering(self, *answers: bytes) -> Callable[[socket.socket], None]:
        """Reads a request and answers, once per answer, then closes."""

        def converse(connection: socket.socket) -> None:
            for answer in answers:
                self.seen.append(connection.recv(65536))
                connection.sendall(answer)

        return converse

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=2)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[ScriptedEngine]:
    engine = ScriptedEngine(str(tmp_path / "engine.sock"))
    yield engine
    engine.close()
