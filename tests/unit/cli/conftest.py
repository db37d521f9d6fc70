"""A client that answers from a table, and writes down what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from lading.cli import dispatch, session
from lading.cli.session import Session
from lading.sdk import address
from lading.sdk.client import Client
from lading.sdk.errors import ApiError
from lading.sdk.request import Request, Response


class PreparedStream:
    """A stream that holds all of its bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def receive(self) -> bytes:
        data, self.data = self.data, b""
        return data

    def chunks(self) -> list[bytes]:
        return [self.receive()]

    def read(self) -> bytes:
        return self.receive()

    def close(self) -> None:
        self.data = b""


class PreparedClient(Client):
    """Answers `"GET /containers/json"` with what `answers` holds: a value, or (status, message)."""

    def __init__(self, answers: dict[str, object]) -> None:
        super().__init__(address.parse("unix:///nowhere"))
        self.answers = answers
        self.asked: list[Request] = []
        self.headers: dict[str, str] = {}

    def send(self, request: Request) -> Response:
        self.asked.append(request)
        found = self.answers.get(f"{request.method} {request.path}", (404, "page not found"))
        if isinstance(found, list) and found and isinstance(found[0], tuple):
            found = found.pop(0)  # one answer after the other
        if isinstance(found, tuple):
            status, message = found
            if status >= 400:
                raise ApiError(message, status)
            found = message
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        stream = PreparedStream(body)
        return Response(200, self.headers, body, stream)  # type: ignore[arg-type]  # all that calls use

    def another(self) -> Client:
        return self


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def client() -> PreparedClient:
    return PreparedClient({})


@pytest.fixture
def lading(
    client: PreparedClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command line against `client`: (exit code, stdout, stderr)."""

    def prepared(environ: object, *, host: str = "", group: str = "") -> Session:
        return Session({}, host=host, group=group, client=client)

    def run(*words: str, **answers: object) -> tuple[int, str, str]:
        words_: Sequence[str] = words
        code = dispatch.main(words_, {"HOME": "/root"})
        out, err = capfd.readouterr()
        return code, out, err

    monkeypatch.setattr(session, "Session", prepared)
    return run
