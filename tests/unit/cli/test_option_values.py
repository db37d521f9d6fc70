"""Small values of `run`'s flags."""

from __future__ import annotations

import pytest

from lading.cli import option_values


@pytest.mark.parametrize(
    ("text", "soft", "hard"), [("nofile=5", 5, 5), ("nofile=5:9", 5, 9), ("nofile=5:-1", 5, -1)]
)
def test_ulimits(text: str, soft: int, hard: int) -> None:
    assert option_values.ulimit(text) == {"Name": "nofile", "Soft": soft, "Hard": hard}


@pytest.mark.parametrize("text", ["nofile", "x=1", "nofile=9:5", "nofile=a", "nofile=1:2:3"])
def test_wrong_ulimits(text: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        option_values.ulimit(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/dev/a", ("/dev/a", "/dev/a", "rwm")),
        ("/dev/a:/dev/b", ("/dev/a", "/dev/b", "rwm")),
        ("/dev/a:r", ("/dev/a", "/dev/a", "r")),
        ("/dev/a:/dev/b:rw", ("/dev/a", "/dev/b", "rw")),
    ],
)
def test_devices(text: str, expected: tuple[str, str, str]) -> None:
    assert tuple(option_values.device(text).values()) == expected


@pytest.mark.parametrize("text", ["/dev/a:/dev/b:x", "a:b:c:d"])
def test_wrong_devices(text: str) -> None:
    with pytest.raises(ValueError, match=r"mode|specification"):
        option_values.device(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:1.2.3.4", "a:1.2.3.4"),
        ("a=::1", "a:::1"),
        ("a:[::1]", "a:::1"),
        ("a:host-gateway", "a:host-gateway"),
    ],
)
def test_hosts(text: str, expected: str) -> None:
    assert option_values.extra_host(text) == expected


@pytest.mark.parametrize("text", ["a", ":1.2.3.4", "a:1.2.3", "a:b"])
def test_wrong_hosts(text: str) -> None:
    with pytest.raises(ValueError, match="add-host"):
        option_values.extra_host(text)


def test_networks() -> None:
    assert option_values.network("web") == ("web", {})
    assert option_values.network("name=web,alias=a,alias=b,ip=10.0.0.9,mac-address=x") == (
        "web",
        {"Aliases": ["a", "b"], "IPAMConfig": {"IPv4Address": "10.0.0.9"}, "MacAddress": "x"},
    )


@pytest.mark.parametrize("text", ["alias=x", "name=web,foo=x", "name=web,alias", ""])
def test_wrong_networks(text: str) -> None:
    with pytest.raises(ValueError, match=r"name|field"):
        option_values.network(text)


def test_restart_policies() -> None:
    assert option_values.restart_policy("on-failure:3") == {
        "Name": "on-failure",
        "MaximumRetryCount": 3,
    }
    assert option_values.restart_policy("always")["MaximumRetryCount"] == 0
    with pytest.raises(ValueError, match="must be an integer"):
        option_values.restart_policy("on-failure:x")


def test_streams_and_addresses() -> None:
    assert option_values.stream_name("STDOUT") == "stdout"
    assert option_values.ip_address("1.1.1.1") == "1.1.1.1"
    with pytest.raises(ValueError, match="valid streams"):
        option_values.stream_name("x")
    with pytest.raises(ValueError, match="not correctly formatted"):
        option_values.ip_address("x")
