"""Credentials go to whom they are for, and to nobody else."""

import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from lading.oci import reference as references
from lading.registry.client import Cancellation, Credentials, Registry, Settings, errors, tokens
from lading.registry.client.challenge import Challenge
from lading.registry.client.proxy import Proxies
from lading.registry.client.retry import RetryPolicy
from lading.registry.client.transport import Transport

if TYPE_CHECKING:
    from tests.unit.registry.client.conftest import FaultServer

from tests.unit.registry.client.conftest import Answer
from tests.unit.registry.client.conftest import FaultServer as Server

ME = Credentials("me", "secret")
BASIC = {"WWW-Authenticate": 'Basic realm="r"'}


@pytest.fixture
def other() -> Iterator["FaultServer"]:
    server = Server()
    yield server
    server.close()


def test_a_mirror_never_hears_of_the_registrys_credentials(
    fault_server: "FaultServer", other: "FaultServer", cancellation: Cancellation
) -> None:
    fault_server.answers["/v2/"] = [Answer(401, BASIC)]
    nowhere = Proxies(https="http://127.0.0.1:1")  # docker.io itself is not there
    settings = Settings(mirrors=(fault_server.url,), proxies=nowhere)
    registry = Registry(settings, policy=RetryPolicy(attempts=1, first_s=0.0))
    with pytest.raises(errors.Unreachable):
        registry.resolve(
            references.parse("busybox"),
            cancellation=cancellation,
            authorize=registry.authorizer(ME),
        )
    assert fault_server.authorizations("/v2/") == [None]
    registry.close()


def test_a_redirect_to_another_host_loses_the_header(
    fault_server: "FaultServer", other: "FaultServer", cancellation: Cancellation
) -> None:
    fault_server.answers["/a"] = [Answer(307, {"Location": f"{other.url}/b"})]
    other.answers["/b"] = [Answer(200)]
    transport = Transport(Settings())
    headers = {"Authorization": "Bearer secret"}
    with transport.request("GET", f"{fault_server.url}/a", headers, cancellation=cancellation):
        assert other.authorizations("/b") == [None]
    transport.close()


def test_a_password_does_not_go_to_a_token_server_without_tls(cancellation: Cancellation) -> None:
    transport = Transport(Settings())
    challenge = Challenge("bearer", {"realm": "http://tokens.example/token"})
    with pytest.raises(tokens.InsecureRealm, match="refusing to send credentials"):
        tokens.fetch(
            transport, challenge, (), ME, cancellation, refuse=lambda *_: errors.InvalidAnswer("")
        )


def test_plain_requests_name_the_whole_url_to_a_proxy(cancellation: Cancellation) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connected, _ = listener.accept()
            heard.append(connected.recv(65536))
            connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connected.close()

        thread = threading.Thread(target=serve)
        thread.start()
        proxy = f"http://u:p@127.0.0.1:{listener.getsockname()[1]}"
        transport = Transport(Settings(proxies=Proxies(http=proxy)))
        url = "http://registry.example/v2/"
        with transport.request("GET", url, {}, cancellation=cancellation) as response:
            assert response.status == 200
        thread.join()
        transport.close()
    assert heard[0].startswith(b"GET http://registry.example/v2/ HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dTpw\r\n" in heard[0]


def test_tls_goes_through_a_tunnel(cancellation: Cancellation) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connected, _ = listener.accept()
            heard.append(connected.recv(65536))
            connected.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            connected.close()

        thread = threading.Thread(target=serve)
        thread.start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        transport = Transport(Settings(proxies=Proxies(https=proxy)))
        with pytest.raises(errors.Unreachable):
            transport.request("GET", "https://registry.example/v2/", {}, cancellation=cancellation)
        thread.join()
    assert heard[0].startswith(b"CONNECT registry.example:443 HTTP/1.")
