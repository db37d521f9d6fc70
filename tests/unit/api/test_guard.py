"""Roles, plugins and the audit log, around a handler that says yes."""

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from lading.api import Audit, Guard, Plugin
from lading.http import (
    Certificates,
    Files,
    Peer,
    Request,
    Response,
    TcpListener,
    UnixListener,
    serve,
)


class Bytes:
    """A body that is here."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read_some(self) -> bytes:
        data, self._data = self._data, b""
        return data

    def lent(self) -> AbstractContextManager[None]:
        return nullcontext()


def request(method: str, path: str, body: bytes = b"", **peer: Any) -> Request:
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    who = Peer(**{"kind": "tls", "name": "ada", **peer})
    return Request(method, path, headers, Bytes(body), body_bytes=1 << 20, peer=lambda: who)


async def yes(asked: Request) -> Response:
    return Response(200, await asked.read())


def answered(guard: Guard, asked: Request) -> tuple[int, bytes]:
    response = asyncio.run(guard(asked))
    return response.status, response.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/containers/json", 200),
        ("HEAD", "/_ping", 200),
        ("POST", "/containers/x/start", 403),
        ("DELETE", "/containers/x", 403),
        ("GET", "/containers/x/attach/ws", 403),
    ],
)
def test_a_certificate_that_may_read_cannot_change(method: str, path: str, status: int) -> None:
    guard = Guard(yes)
    assert answered(guard, request(method, path, is_read_only=True))[0] == status
    assert answered(guard, request(method, path))[0] == 200


def test_the_audit_log_has_a_line_for_each_change(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    audit = Audit(str(path))
    guard = Guard(yes, audit=audit)
    answered(guard, request("POST", "/containers/create?name=x", b"{}", uid=0))
    answered(guard, request("GET", "/info"))
    answered(guard, request("DELETE", "/containers/x", is_read_only=True))
    os.rename(path, tmp_path / "old")
    audit.reopen()
    answered(guard, request("POST", "/later"))
    audit.close()
    lines = [json.loads(line) for line in (tmp_path / "old").read_text().splitlines()]
    assert [(line["method"], line["status"]) for line in lines] == [("POST", 200), ("DELETE", 403)]
    assert lines[0]["peer"] == {
        "kind": "tls",
        "name": "ada",
        "is_read_only": False,
        "uid": 0,
    }
    assert (lines[0]["path"], lines[0]["query"]) == ("/containers/create", "name=x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["path"] == "/later"


def with_plugin(
    tmp_path: Path, decide: Callable[[str, dict[str, Any]], object], asked: Request
) -> tuple[int, bytes]:
    """The answer when a plugin decides."""

    async def plugin(call: Request) -> Response:
        verdict = decide(call.path.rpartition(".")[2], json.loads(await call.read()))
        return Response(200, json.dumps(verdict).encode())

    async def main() -> tuple[int, bytes]:
        path = f"{tmp_path}/plugin.sock"
        server = await serve(plugin, [UnixListener(path)])
        try:
            response = await Guard(yes, plugins=[Plugin(path)])(asked)
            return response.status, response.body
        finally:
            await server.aclose(grace_s=0)

    return asyncio.run(main())


def test_a_plugin_sees_the_whole_body_and_the_handler_too(tmp_path: Path) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []
    body = b'{"Image":"' + b"x" * 500_000 + b'"}'

    def decide(verb: str, document: dict[str, Any]) -> object:
        seen.append((verb, document))
        return {"Allow": True}

    outcome = with_plugin(tmp_path, decide, request("POST", "/v1.51/containers/create?a=b", body))
    assert outcome == (200, body)
    assert [verb for verb, _ in seen] == ["AuthZReq", "AuthZRes"]
    document = seen[0][1]
    assert base64.b64decode(document["RequestBody"]) == body
    assert (document["User"], document["UserAuthNMethod"]) == ("ada", "TLS")
    assert document["RequestURI"] == "/v1.51/containers/create?a=b"
    assert seen[1][1]["ResponseStatusCode"] == 200


@pytest.mark.parametrize("verb", ["AuthZReq", "AuthZRes"])
def test_a_plugin_denies_before_and_behind(verb: str, tmp_path: Path) -> None:
    def decide(asked: str, document: dict[str, Any]) -> object:
        return {"Allow": asked != verb, "Msg": "not today"}

    status, body = with_plugin(tmp_path, decide, request("POST", "/x", b"{}"))
    assert status == 403
    assert "not today" in json.loads(body)["message"]


def test_a_plugin_that_is_not_there_or_fails_refuses(tmp_path: Path) -> None:
    guard = Guard(yes, plugins=[Plugin(f"{tmp_path}/none.sock")])
    assert answered(guard, request("GET", "/info"))[0] == 500
    answers: list[object] = [{"Err": "broken"}, [], "x"]
    for answer in answers:
        status, _ = with_plugin(tmp_path, lambda _verb, _document: answer, request("GET", "/"))  # noqa: B023
        assert status == 500


def certificate(directory: Path, name: str, subject: str, signer: str = "") -> None:
    """NAME.pem and NAME.key by openssl; signed by SIGNER, or by itself."""
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", subject]
    if signer:
        words += ["-CA", f"{signer}.pem", "-CAkey", f"{signer}.key"]
        words += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        words += ["-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(words, cwd=directory, check=True, capture_output=True)


def test_certificates_on_both_sides_and_a_reload(tmp_path: Path) -> None:
    from lading.sdk import address, system
    from lading.sdk.client import Client, connect
    from lading.sdk.errors import ApiError, ProtocolError, TlsFailed
    from lading.sdk.tls import TlsFiles, wrap

    certificate(tmp_path, "ca", "/CN=authority")
    certificate(tmp_path, "server", "/CN=localhost", "ca")
    certificate(tmp_path, "full", "/CN=ada", "ca")
    certificate(tmp_path, "reader", "/CN=eve/OU=read-only", "ca")
    certificate(tmp_path, "other", "/CN=mallory")
    files = Files(f"{tmp_path}/ca.pem", f"{tmp_path}/server.pem", f"{tmp_path}/server.key", True)

    def call(place: str, who: str, method: str) -> str:
        own = (f"{tmp_path}/{who}.pem", f"{tmp_path}/{who}.key") if who else ("", "")
        mine = TlsFiles(f"{tmp_path}/ca.pem", *own, verify=True)
        client = Client(
            address.parse(place),
            connect=lambda where: wrap(connect(where), where, mine),  # type: ignore[arg-type,return-value]
        )
        try:
            client.run(system.ping() if method == "GET" else _touch())
            return "ok"
        except (ApiError, ProtocolError, TlsFailed) as error:
            return "denied" if isinstance(error, ApiError) else "refused"
        finally:
            client.close()

    async def main() -> list[str]:
        secrets = Certificates(files)
        server = await serve(Guard(yes), [TcpListener("127.0.0.1", 0, secrets)])
        place = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = []
        for who, method in [("full", "POST"), ("reader", "GET"), ("reader", "POST")]:
            found.append(await asyncio.to_thread(call, place, who, method))
        for who in ("", "other"):
            found.append(await asyncio.to_thread(call, place, who, "GET"))
        os.replace(tmp_path / "other.pem", tmp_path / "ca.pem")
        secrets.reload()
        found.append(await asyncio.to_thread(call, place, "full", "GET"))
        await server.aclose(grace_s=0)
        return found

    def _touch() -> Any:
        from lading.sdk import containers

        return containers.pause("x")

    expected = ["ok", "ok", "denied", "refused", "refused", "refused"]
    assert asyncio.run(main()) == expected


def test_a_reload_of_bad_files_changes_nothing(tmp_path: Path) -> None:
    certificate(tmp_path, "server", "/CN=localhost")
    files = Files("", f"{tmp_path}/server.pem", f"{tmp_path}/server.key", False)
    secrets = Certificates(files)
    before = secrets.context()
    (tmp_path / "server.pem").write_text("nonsense")
    with pytest.raises(OSError):  # noqa: PT011
        secrets.reload()
    assert secrets.context() is before
