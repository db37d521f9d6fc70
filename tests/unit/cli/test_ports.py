"""Ports and ranges of ports."""

from __future__ import annotations

import pytest

from lading.cli import ports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", {"80/tcp": [("", "")]}),
        ("8080:80", {"80/tcp": [("", "8080")]}),
        ("127.0.0.1:8080:80/udp", {"80/udp": [("127.0.0.1", "8080")]}),
        ("127.0.0.1::80", {"80/tcp": [("127.0.0.1", "")]}),
        ("[::1]:8080:80", {"80/tcp": [("::1", "8080")]}),
        ("8000-8001:80-81", {"80/tcp": [("", "8000")], "81/tcp": [("", "8001")]}),
        ("8000-8009:80", {"80/tcp": [("", "8000-8009")]}),
        ("published=8080,target=80,protocol=udp", {"80/udp": [("", "8080")]}),
    ],
)
def test_published(text: str, expected: dict[str, list[tuple[str, str]]]) -> None:
    found = {
        port: [(place["HostIp"], place["HostPort"]) for place in places]
        for port, places in ports.published([text]).items()
    }
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "8080:80,from=10.0.0.0/8,from=192.0.2.1",
        "published=8080,from=10.0.0.0/8,target=80,from=192.0.2.1",
    ],
)
def test_who_may_come_can_be_said(text: str) -> None:
    assert ports.published([text]) == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080", "Sources": ["10.0.0.0/8", "192.0.2.1"]}]
    }


def test_one_port_may_be_published_twice() -> None:
    assert len(ports.published(["1:80", "2:80"])["80/tcp"]) == 2


@pytest.mark.parametrize(
    "text", ["", "x", "80:", "8000-8002:80-81", "80/icmp", "99999", "9-8", "target=80,x=y"]
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ports.published([text])


def test_exposed() -> None:
    assert ports.exposed(["80", "90-91/udp"]) == {"80/tcp": {}, "90/udp": {}, "91/udp": {}}
    with pytest.raises(ValueError, match="--expose"):
        ports.exposed(["1:2"])
