"""What `run`'s flags about networks mean; the words of refusals are Docker's."""

from typing import Any

import pytest

from lading.cli.commands.create import COMMAND
from lading.cli.container_flags import CreateArguments
from lading.cli.create_request import to_create_request
from lading.cli.parser import parse


def request(*words: str) -> Any:
    args = parse([*words, "base"], COMMAND, CreateArguments())
    return to_create_request(args, environ={}, read_text=lambda _: "")


def endpoints(*words: str) -> Any:
    return request(*words).get("NetworkingConfig", {}).get("EndpointsConfig")


def test_without_a_network_nothing_is_said() -> None:
    document = request()
    assert document["HostConfig"]["NetworkMode"] == "default"
    assert endpoints() is None


def test_several_networks_are_joined_and_the_first_is_the_mode() -> None:
    words = ("--network", "web", "--network", "name=db,alias=d,alias=e,ip=10.9.0.9,gw-priority=3")
    assert request(*words)["HostConfig"]["NetworkMode"] == "web"
    assert endpoints(*words) == {
        "web": {},
        "db": {
            "Aliases": ["d", "e"],
            "IPAMConfig": {"IPv4Address": "10.9.0.9"},
            "GwPriority": 3,
        },
    }


def test_flags_beside_are_about_the_first_network() -> None:
    words = (
        "--network=web", "--network=db", "--ip=10.9.0.9", "--ip6=fd00::9",
        "--link-local-ip=169.254.1.1", "--network-alias=a", "--net-alias=b",
        "--mac-address=02:00:00:00:00:01", "--link=other:o",
    )  # fmt: skip
    assert endpoints(*words) == {
        "web": {
            "IPAMConfig": {
                "IPv4Address": "10.9.0.9",
                "IPv6Address": "fd00::9",
                "LinkLocalIPs": ["169.254.1.1"],
            },
            "Aliases": ["a", "b"],
            "MacAddress": "02:00:00:00:00:01",
            "Links": ["other:o"],
        },
        "db": {},
    }


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--network=a", "--network=a"), 'network "a" is specified multiple times'),
        (("--network=a", "--network=host"), "cannot attach both user-defined and non-user-defined"),
        (("--network-alias=x",), "network-scoped alias is supported only for containers in user"),
        (
            ("--network=name=a,ip=10.0.0.1", "--ip=10.0.0.2"),
            "conflicting options: cannot specify both --ip and per-network IPv4 address",
        ),
        (
            ("--network=name=a,alias=x", "--network-alias=y"),
            "conflicting options: cannot specify both --network-alias and per-network alias",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(words: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        request(*words)
