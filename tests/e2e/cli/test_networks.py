"""The group `network`, and what `run` says of networks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.cli.conftest import CommandLine

NAME = "cli-net"


@pytest.fixture
def net(command: CommandLine) -> Iterator[str]:
    made = command("network", "create", "--subnet", "10.94.0.0/24", "--label", "a=b", NAME)
    assert (made.returncode, made.stderr) == (0, b"")
    yield NAME
    command("network", "rm", "-f", NAME)


def test_a_network_is_listed_inspected_and_removed(command: CommandLine, net: str) -> None:
    listed = command(
        "network", "ls", "--filter", f"name={net}", "--format", "{{.Name}} {{.Driver}}"
    )
    assert listed.stdout == b"cli-net bridge\n"
    shown = command("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", net)
    assert shown.stdout == b"10.94.0.0/24\n"
    (document,) = json.loads(command("network", "inspect", net).stdout)
    assert document["Labels"] == {"a": "b"}
    assert command("network", "rm", net).stdout == b"cli-net\n"
    gone = command("network", "inspect", net)
    assert (gone.returncode, gone.stdout) == (1, b"[]\n")
    assert b"network cli-net not found" in gone.stderr
    assert command("network", "rm", "-f", net).returncode == 0


def test_run_joins_networks_with_what_is_said_of_them(
    command: CommandLine, net: str, image: str
) -> None:
    words = (
        "run", "--rm", "--label", command.label, "--network", f"name={net},alias=one",
        "--ip", "10.94.0.77", "--mac-address", "02:00:00:00:00:55",
        image, "ip", "-o", "addr", "show", "eth0",
    )  # fmt: skip
    done = command(*words)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"10.94.0.77/24" in done.stdout


def test_a_running_container_is_connected_and_disconnected(
    command: CommandLine, net: str, image: str
) -> None:
    started = command(
        "run", "-d", "--rm", "--label", command.label, "--name", "cli-joined", image, "sleep", "60"
    )
    assert started.returncode == 0, started.stderr
    try:
        joined = command(
            "network", "connect", "--ip", "10.94.0.9", "--alias", "x", net, "cli-joined"
        )
        assert (joined.returncode, joined.stderr) == (0, b"")
        address = '{{(index .NetworkSettings.Networks "cli-net").IPAddress}}'
        assert command("inspect", "-f", address, "cli-joined").stdout == b"10.94.0.9\n"
        refused = command("network", "rm", net)
        assert refused.returncode == 1
        assert b"has active endpoints" in refused.stderr
        left = command("network", "disconnect", net, "cli-joined")
        assert (left.returncode, left.stderr) == (0, b"")
    finally:
        command("rm", "-f", "cli-joined")
    pruned = command("network", "prune", "-f", "--filter", "label=a=b")
    assert pruned.stdout == b"Deleted Networks:\ncli-net\n\n"
