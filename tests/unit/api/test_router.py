"""Paths, versions, headers, errors, and clients that go away."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest

from lading.errors import NotFound

ERRORS = [
    ("GET", "/nosuch", 404, "page not found"),
    ("PUT", "/containers/json", 404, "page not found"),
    ("GET", "/v1.51/", 404, "page not found"),
    ("GET", "/v1.99/info", 400, "client version 1.99 is too new."),
    ("GET", "/v1.12/info", 400, "client version 1.12 is too old."),
    ("GET", "/containers/nosuch/json", 404, "No such container: nosuch"),
    ("GET", "/exec/nosuch/json", 404, "No such exec instance: nosuch"),
]


@pytest.mark.parametrize(("method", "path", "status", "message"), ERRORS)
def test_errors_have_a_status_and_a_message(
    api: Any, method: str, path: str, status: int, message: str
) -> None:
    response, body = api.ask(method, path)
    assert response.status == status
    assert body["message"].startswith(message)


def test_every_answer_has_the_engines_headers(api: Any) -> None:
    for path in ("/_ping", "/nosuch"):
        headers = api.ask("GET", path)[0].headers
        assert headers["Api-Version"] == "1.51"
        assert headers["Ostype"] == "linux"
        assert headers["Server"].startswith("Docker/")
        assert headers["Docker-Experimental"] == "false"


def test_paths_are_served_with_and_without_a_version(api: Any) -> None:
    for path in ("/version", "/v1.24/version", "/v1.51/version"):
        assert api.ask("GET", path)[1]["ApiVersion"] == "1.51"


def test_a_name_may_hold_slashes_colons_and_escapes(api: Any) -> None:
    for path in ("/images/r:5000/a/b:tag/json", "/images/r:5000%2Fa%2Fb:tag/json"):
        assert api.ask("GET", path)[1]["Id"] == "r:5000/a/b:tag"


def test_options_are_allowed(api: Any) -> None:
    assert api.ask("OPTIONS", "*")[0].status == 200


def test_an_unknown_error_is_a_bug_and_is_logged(
    api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api.backend.containers.failure = ZeroDivisionError("oops")
    with caplog.at_level(logging.ERROR):
        response, body = api.ask("POST", "/containers/web/start")
    assert (response.status, body) == (500, {"message": "oops"})
    assert "ZeroDivisionError" in caplog.text


def test_a_body_must_be_json(api: Any) -> None:
    response, body = api.ask(
        "POST", "/containers/create", {"Image": "x"}, headers={"Content-Type": "text/plain"}
    )
    assert (response.status, body["message"]) == (
        400,
        "unsupported Content-Type header (text/plain): must be 'application/json'",
    )


def test_a_change_goes_on_when_its_client_goes(
    api: Any, wait_until: Callable[[Callable[[], object]], None]
) -> None:
    async def close_gate() -> Any:
        api.backend.containers.gate = asyncio.Event()
        return api.backend.containers.gate

    gate = api.call(close_gate())
    client = api.connect()
    client.sendall(b"POST /containers/web/stop HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n")
    wait_until(lambda: api.backend.containers.calls)
    client.close()
    wait_until(lambda: not api.server.connections)
    api.loop.call_soon_threadsafe(gate.set)
    wait_until(lambda: "finished" in api.backend.containers.calls)


def test_a_failure_after_the_client_has_gone_is_nobodys(
    api: Any, wait_until: Callable[[Callable[[], object]], None]
) -> None:
    api.backend.containers.failure = NotFound("x")
    with api.connect() as client:
        client.sendall(b"DELETE /containers/web HTTP/1.1\r\nHost: d\r\n\r\n")
    wait_until(lambda: api.backend.containers.calls)


def test_a_document_nested_without_end_is_a_bad_request(api: Any) -> None:
    answer, _ = api.ask("POST", "/containers/create", headers={"Content-Type": "application/json"})
    assert answer.status != 500
    connection = api.hijack("/containers/create", b'{"Labels":' * 5000, upgrade=False)
    assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_torn_body_is_a_client_that_went_away(api: Any, caplog: pytest.LogCaptureFixture) -> None:
    connection = api.connect()
    connection.sendall(
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 9\r\n"
        b"Content-Type: application/json\r\n\r\n{}"
    )
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(100) == b""
    assert "bug" not in caplog.text
