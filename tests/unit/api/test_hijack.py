"""Attach and exec over real sockets: framing, half-close, detach keys, going away."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.unit.api.conftest import FakeAttachment

from lading.errors import InvalidArgument

Wait = Callable[[Callable[[], object]], None]
ATTACH = "/v1.51/containers/web/attach?stream=1&stdin=1&stdout=1&stderr=1"


def head_and_rest(connected: Any) -> tuple[bytes, bytes]:
    received = b""
    while data := connected.recv(65536):
        received += data
    connected.close()
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


@pytest.mark.parametrize(
    ("path", "upgrade", "first_line", "kind"),
    [
        (ATTACH, True, b"HTTP/1.1 101 UPGRADED", b"multiplexed-stream"),
        (ATTACH.replace("1.51", "1.41"), True, b"HTTP/1.1 101 UPGRADED", b"raw-stream"),
        (ATTACH, False, b"HTTP/1.1 200 OK", b"raw-stream"),
    ],
)
def test_output_is_framed_and_input_ends_by_half_close(
    api: Any, path: str, upgrade: bool, first_line: bytes, kind: bytes
) -> None:
    client = api.hijack(path, upgrade=upgrade)
    client.sendall(b"hello")
    client.shutdown(1)
    head, rest = head_and_rest(client)
    assert head.splitlines()[0] == first_line
    assert b"application/vnd.docker." + kind in head
    assert rest == b"\x01\0\0\0\0\0\0\x05HELLO\x02\0\0\0\0\0\0\x03bye"
    assert api.backend.containers.attachment.calls == [b"hello", "eof", "close"]


def test_a_terminal_is_not_framed(api: Any) -> None:
    api.backend.containers.attachment.tty = True
    client = api.hijack(ATTACH)
    client.sendall(b"hello exit\r")
    head, rest = head_and_rest(client)
    assert b"raw-stream" in head
    assert rest == b"HELLO EXIT\r"


def test_the_detach_keys_end_it_and_are_not_input(api: Any) -> None:
    api.backend.containers.attachment.tty = True
    client = api.hijack(ATTACH)
    client.sendall(b"a\x10")
    client.sendall(b"b\x10\x11never")
    head_and_rest(client)
    calls = api.backend.containers.attachment.calls
    assert b"".join(call for call in calls if isinstance(call, bytes)) == b"a\x10b"
    assert calls[-2:] == ["detached", "close"]


def test_without_a_terminal_the_detach_keys_are_input(api: Any) -> None:
    client = api.hijack(ATTACH)
    client.sendall(b"\x10\x11")
    client.shutdown(1)
    head_and_rest(client)
    assert api.backend.containers.attachment.calls == [b"\x10\x11", "eof", "close"]


def test_bad_detach_keys_are_refused_before_anything_else(api: Any) -> None:
    response, body = api.ask("POST", ATTACH + "&detachKeys=ctrl-,x")
    assert (response.status, body["message"]) == (400, "Invalid detach keys (ctrl-,x) provided")


def test_an_error_before_the_hijack_has_its_status(api: Any) -> None:
    response, body = api.ask("POST", "/containers/paused/attach?stream=1")
    assert response.status == 409
    assert "is paused" in body["message"]


def test_a_client_that_goes_is_let_go(api: Any, wait_until: Wait) -> None:
    client = api.hijack(ATTACH)
    client.sendall(b"last words")
    client.close()
    calls = api.backend.containers.attachment.calls
    wait_until(lambda: "close" in calls)
    assert calls[0] == b"last words"
    assert "detached" not in calls


def test_a_process_that_talks_hears_the_last_words_of_its_client(
    api: Any, wait_until: Wait
) -> None:
    """Writing to the client fails before what it has sent is read."""

    class Talking(FakeAttachment):
        async def output(self) -> AsyncIterator[tuple[int, bytes]]:
            while True:
                yield 1, b"talk"
                await asyncio.sleep(0)

        async def write(self, data: bytes) -> None:
            await asyncio.sleep(0.02)  # it reads in its own time
            self.calls.append(data)

    api.backend.containers.attachment = attachment = Talking()
    client = api.hijack(ATTACH)
    client.recv(1)
    client.sendall(b"last words")
    client.close()
    wait_until(lambda: "close" in attachment.calls)
    assert attachment.calls == [b"last words", "eof", "close"]


def test_a_process_that_ends_closes_the_connection(api: Any) -> None:
    client = api.hijack(ATTACH)
    api.loop.call_soon_threadsafe(api.backend.containers.attachment.end)
    head_and_rest(client)  # returns: the connection has ended
    assert "close" in api.backend.containers.attachment.calls


def create_exec(api: Any, **config: object) -> str:
    body = {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True} | config
    response, created = api.ask("POST", "/containers/web/exec", body)
    assert response.status == 201
    return f"/v1.51/exec/{created['Id']}/start"


def test_an_exec_reads_its_body_and_then_is_hijacked(api: Any) -> None:
    client = api.hijack(create_exec(api), json.dumps({"Tty": False}).encode())
    client.sendall(b"hello")
    client.shutdown(1)
    head, rest = head_and_rest(client)
    assert head.startswith(b"HTTP/1.1 101 UPGRADED")
    assert rest.endswith(b"HELLO\x02\0\0\0\0\0\0\x03bye")


def test_a_detached_exec_answers_200(api: Any) -> None:
    response, body = api.ask("POST", create_exec(api), {"Detach": True})
    assert (response.status, body) == (200, b"")


def test_the_detach_keys_of_an_exec_are_those_of_its_create(api: Any) -> None:
    path = create_exec(api, Tty=True, DetachKeys="x")
    api.backend.containers.attachment.tty = True
    client = api.hijack(path, b'{"Tty": true}')
    client.sendall(b"ax")
    head_and_rest(client)
    assert api.backend.containers.attachment.calls == [b"a", "detached", "close"]


def test_an_exec_that_cannot_start_says_why_in_its_output(api: Any) -> None:
    path = create_exec(api)
    api.backend.containers.failure = InvalidArgument('exec: "nosuch": not found')
    head, rest = head_and_rest(api.hijack(path, b"{}"))
    assert head.startswith(b"HTTP/1.1 101 UPGRADED")
    assert rest[8:] == b'exec: "nosuch": not found\r\n'


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Cmd": []}, "No exec command specified"),
        ({"Cmd": ["x"], "DetachKeys": "zz"}, "Invalid escape keys (zz) provided"),
    ],
)
def test_a_bad_exec_is_refused(api: Any, config: dict[str, object], message: str) -> None:
    response, body = api.ask("POST", "/containers/web/exec", config)
    assert (response.status, body["message"]) == (400, message)
