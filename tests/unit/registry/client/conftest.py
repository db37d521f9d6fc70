"""A scripted registry, for answers that a good one does not give."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from lading.oci import reference as references
from lading.registry.client import Access, Cancellation, Registry, Repository, Settings
from lading.registry.client.endpoints import Endpoint
from lading.registry.client.retry import RetryPolicy
from lading.registry.client.session import Session
from lading.registry.client.tokens import anonymous
from lading.registry.client.transport import Transport


class Answer(NamedTuple):
    """What to say to a request; `cut` closes the connection after so many bytes of the body."""

    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    body: bytes = b""
    cut: int | None = None


class FaultServer:
    """Answers each path from a list of answers; the last one stays. Records what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {"/v2/": [Answer()]}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.requests.append((self.command, self.path, dict(self.headers)))
                answers = server.answers.get(self.path.partition("?")[0], [Answer(404)])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(answer.status)
                headers = {"Content-Length": str(len(answer.body)), **answer.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(answer.body[: answer.cut])
                if answer.cut is not None:
                    self.close_connection = True

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that hangs up is what is tested."""

        self._http = Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.address = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def authorizations(self, path: str) -> list[str | None]:
        """The Authorization headers that came with requests for this path."""
        return [sent.get("Authorization") for _, asked, sent in self.requests if asked == path]


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    server = FaultServer()
    yield server
    server.close()


@pytest.fixture
def cancellation() -> Cancellation:
    return Cancellation()


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A client that tries five times without waiting."""
    registry = Registry(policy=RetryPolicy(first_s=0.0))
    yield registry
    registry.close()


@pytest.fixture
def repository_at(cancellation: Cancellation) -> Iterator[Callable[[str], Repository]]:
    """The repository `app` at an address."""
    transport = Transport(Settings(), timeout_s=5)

    def make(address: str) -> Repository:
        return Repository(
            Session(
                Access(references.parse(f"{address}/app")),
                Endpoint(f"http://{address}"),
                transport=transport,
                authorize=anonymous(transport),
                cancellation=cancellation,
            )
        )

    yield make
    transport.close()


@pytest.fixture
def hasty() -> RetryPolicy:
    """Five attempts without waiting."""
    return RetryPolicy(first_s=0.0)
