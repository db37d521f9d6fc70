import pytest

from lading.cli.commands.update import COMMAND, UpdateArguments, to_update_request
from lading.cli.failures import Failure
from lading.cli.parser import parse


def request(*words: str) -> dict[str, object]:
    return to_update_request(parse([*words, "web"], COMMAND, UpdateArguments()))


def test_ports_to_publish_and_to_take_back() -> None:
    document = request(
        *("--publish-add", "8081:80,from=10.0.0.0/8", "--publish-add", "127.0.0.1::53/udp"),
        *("--publish-rm", "80", "--publish-rm", "8080:81"),
    )
    place = {"HostIp": "", "HostPort": "8081", "Sources": ["10.0.0.0/8"]}
    assert document == {
        "PublishAdd": {"80/tcp": [place], "53/udp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        "PublishRm": {"80/tcp": [], "81/tcp": [{"HostIp": "", "HostPort": "8080"}]},
    }


def test_only_what_was_typed_is_sent() -> None:
    assert request("--cpu-shares", "512") == {"CpuShares": 512}


@pytest.mark.parametrize("words", [("--publish-add", "x"), ("--publish-rm", "99999")])
def test_ports_that_are_none_are_refused(words: tuple[str, str]) -> None:
    with pytest.raises(Failure):
        request(*words)
