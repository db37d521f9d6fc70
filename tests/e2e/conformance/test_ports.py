"""Published ports: what create says, what start does, what inspect and list tell, side by side."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conformance.conftest import Pair, Side
    from tests.e2e.conftest import Engine

# what each engine chooses for itself
_CHOSEN = re.compile(r"\d{1,3}(\.\d{1,3}){3}(?=:\d+/)|\b3[23]\d{3}\b|(?<=Bind for )[0-9.:]+(?=:)")
TAKEN = {"80/tcp": [{"HostPort": "18080"}]}
CASES: list[dict[str, Any]] = [
    {"PortBindings": {"80/tcp": [{"HostPort": "18081"}]}},
    {"PortBindings": {"80": [{"HostPort": "18081"}]}},
    {"PortBindings": {"80/udp": [{"HostIp": "127.0.0.1", "HostPort": "18081"}]}},
    {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18081"},
                                 {"HostIp": "127.0.0.2", "HostPort": "18081"}]}},
    {"PortBindings": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18081"}]}},
    {"PortBindings": {"80/tcp": [{"HostIp": "::", "HostPort": "18081"}]}},
    {"PortBindings": {"80/tcp": [{"HostIp": "::1", "HostPort": "18081"}]}},
    {"PortBindings": {"80/tcp": [{"HostPort": ""}]}},
    {"PortBindings": {"80/tcp": [{"HostPort": "0"}]}},
    {"PortBindings": {"80/tcp": [{}]}},
    {"PortBindings": {"80/tcp": []}},
    {"PortBindings": {"80-82/tcp": [{"HostPort": "18081"}]}},
    {"PortBindings": {}, "PublishAllPorts": True},
    {"PortBindings": {"80/tcp": [{"HostPort": "18081"}]}, "PublishAllPorts": True},
    {"PortBindings": TAKEN},
    {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18080"}]}},
    {"PortBindings": {"80/udp": [{"HostPort": "18080"}]}},
    {"PortBindings": {"80/tcp": [{"HostPort": "18080-18080"}]}},
    {"PortBindings": {"80/tcp": [{"HostIp": "198.51.100.9", "HostPort": "18081"}]}},
    {"PortBindings": {"80/tcp": [{"HostPort": "70000"}]}},
    {"PortBindings": {"80/tcp": [{"HostPort": "90-80"}]}},
    {"PortBindings": {"80/TCP": [{"HostPort": "18081"}]}},
    {"PortBindings": {"80/tcp": [{"HostPort": "18081"}]}, "NetworkMode": "none"},
    {"PortBindings": {"80/tcp": [{"HostPort": "18081"}]}, "NetworkMode": "host"},
]  # fmt: skip


def life(side: Side, host: dict[str, Any]) -> str:
    """Everything that an engine says of a container with these ports, in one text."""
    asked = {
        "Image": "IMAGE",
        "Cmd": ["sleep", "1000"],
        "StopSignal": "KILL",
        # what is bound and not exposed dockerd does not publish; we do, and clients always expose
        "ExposedPorts": {"90/tcp": {}, "91/udp": {}, **{port: {} for port in host["PortBindings"]}},
        "HostConfig": host,
    }
    said: list[object] = []
    for method, path, body in (
        ("POST", "/containers/create?name=conf-port", asked),
        ("POST", "/containers/conf-port/start", None),
    ):
        answer = side.ask(method, path, body)
        said += [answer.status, answer.body]
    found = side.ask("GET", "/containers/conf-port/json").body
    if "NetworkSettings" in found:
        said += [found["HostConfig"]["PortBindings"], found["NetworkSettings"]["Ports"]]
        said += [found["State"][key] for key in ("Status", "ExitCode", "Error")]
        rows = side.ask("GET", "/containers/json?all=1").body
        [ports] = [row["Ports"] for row in rows if row["Names"] == ["/conf-port"]]
        said.append(sorted(map(json.dumps, ports)))
    side.ask("DELETE", "/containers/conf-port?force=1")
    return _CHOSEN.sub("X", json.dumps(said))


@pytest.fixture(scope="module")
def taken(pair: Pair, engine: Engine) -> Pair:
    """Both engines with a container that has port 18080."""
    engine.in_namespace("ip", "link", "set", "lo", "up")
    exposed: dict[str, Any] = {port: {} for port in TAKEN}
    asked = {"Image": "IMAGE", "Cmd": ["sleep", "1000"], "ExposedPorts": exposed}
    asked["HostConfig"] = {"PortBindings": TAKEN}
    for side in pair:
        assert side.ask("POST", "/containers/create?name=conf-taken", asked).status == 201
        assert side.ask("POST", "/containers/conf-taken/start").status == 204
    return pair


@pytest.mark.parametrize("host", CASES, ids=lambda host: json.dumps(host)[:80])
def test_ports_live_alike(taken: Pair, host: dict[str, Any]) -> None:
    theirs, ours = life(taken.peer, host), life(taken.ours, host)
    assert ours == theirs


@pytest.mark.parametrize(
    ("port", "place"),
    [
        ("80/tcp", {"HostIp": "localhost", "HostPort": "18081"}),  # dockerd: published everywhere
        ("80/tcp", {"HostIp": "1.2.3", "HostPort": "18081"}),
        ("0/tcp", {"HostPort": "18081"}),  # dockerd: published, and leads nowhere
        ("80/icmp", {"HostPort": "18081"}),  # dockerd: the start fails
        ("", {"HostPort": "18081"}),
    ],
)
def test_what_only_we_refuse_at_create(pair: Pair, port: str, place: dict[str, str]) -> None:
    asked = {"Image": "IMAGE", "Cmd": ["true"], "HostConfig": {"PortBindings": {port: [place]}}}
    theirs, ours = pair.ask("POST", "/containers/create?name=conf-port", asked)
    pair.peer.ask("DELETE", "/containers/conf-port?force=1")
    assert (theirs.status, ours.status) == (201, 400)
