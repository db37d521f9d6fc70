"""Which addresses are tried for a registry, and which may be insecure."""

import pytest

from lading.registry.client.endpoints import Endpoint, Settings, candidates, is_insecure
from lading.registry.client.trust import UNVERIFIED


def lookup(host: str) -> list[str]:
    return {"inner.example": ["10.1.2.3"], "localhost": ["::1", "127.0.0.1"]}.get(host, [])


def test_docker_io_is_asked_for_at_the_mirrors_first() -> None:
    settings = Settings(mirrors=("https://mirror.example/", "http://127.0.0.1:5000"))
    assert candidates("docker.io", settings, lookup=lookup) == [
        Endpoint("https://mirror.example", is_mirror=True),
        Endpoint("http://127.0.0.1:5000", UNVERIFIED, is_mirror=True),
        Endpoint("https://registry-1.docker.io"),
    ]
    assert candidates("example.org", settings, lookup=lookup) == [Endpoint("https://example.org")]


def test_an_insecure_registry_is_tried_by_https_then_http() -> None:
    assert candidates("localhost:5000", Settings(), lookup=lookup) == [
        Endpoint("https://localhost:5000", UNVERIFIED),
        Endpoint("http://localhost:5000"),
    ]


@pytest.mark.parametrize(
    ("netloc", "insecure", "expected"),
    [
        ("127.5.0.1:80", (), True),
        ("[::1]:80", (), True),
        ("10.1.2.3", (), False),
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("inner.example:5000", ("10.0.0.0/8",), True),
        ("inner.example:5000", ("inner.example:5000",), True),
        ("inner.example:5001", ("inner.example:5000",), False),
        ("inner.example:5001", ("inner.example",), True),
        ("other.example", ("10.0.0.0/8",), False),
    ],
)
def test_insecure_hosts_are_named_or_in_a_network(
    netloc: str, insecure: tuple[str, ...], expected: bool
) -> None:
    assert is_insecure(netloc, Settings(insecure=insecure), lookup=lookup) is expected
