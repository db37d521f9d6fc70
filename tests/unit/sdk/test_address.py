"""Where engines listen."""

import pytest

from lading.sdk.address import parse
from lading.sdk.errors import AddressError


def test_a_unix_socket() -> None:
    address = parse("unix:///run/lading.sock")
    assert (address.scheme, address.path) == ("unix", "/run/lading.sock")


@pytest.mark.parametrize(
    ("text", "host", "port", "header"),
    [
        ("tcp://10.0.0.1:4243", "10.0.0.1", 4243, "10.0.0.1:4243"),
        ("tcp://engine.example", "engine.example", 2375, "engine.example:2375"),
        ("tcp://[::1]:80", "::1", 80, "[::1]:80"),
        ("tcp://[::1]", "::1", 2375, "[::1]:2375"),
        ("tcp://:80/", "localhost", 80, "localhost:80"),
        ("engine", "engine", 2375, "engine:2375"),
    ],
)
def test_a_tcp_address(text: str, host: str, port: int, header: str) -> None:
    address = parse(text)
    assert (address.host, address.port, address.host_header()) == (host, port, header)


@pytest.mark.parametrize("text", ["", "ftp://a", "tcp://a:x", "tcp://a:99999", "tcp://::1:80"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse(text)
