"""Events of real containers: their order, their attributes, and readers that are slow."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

NAME = "eventful"


@pytest.fixture
def began(engine: Engine) -> Iterator[float]:
    """When the test began; its container is removed after it."""
    yield time.time()
    engine.call("DELETE", f"/containers/{NAME}?force=1")


def create(engine: Engine, *command: str, **host: object) -> str:
    config = {
        "Image": "base",
        "Cmd": command,
        "Labels": {"color": "red"},
        "HostConfig": {"NetworkMode": "none", **host},
    }
    identity: str = engine.post(f"/containers/create?name={NAME}", config)["Id"]
    return identity


def events(engine: Engine, since: float, **filters: list[str]) -> list[dict[str, Any]]:
    path = f"/events?since={since:.6f}&until={time.time():.6f}"
    _, body = engine.call("GET", f"{path}&filters={quote(json.dumps(filters))}")
    return [json.loads(line) for line in body.splitlines()]


def actions(found: list[dict[str, Any]]) -> list[str]:
    return [event["Action"] for event in found if event["Type"] == "container"]


def test_a_life_has_dockers_events_in_dockers_order(engine: Engine, began: float) -> None:
    identity = create(engine, "sleep", "60")
    engine.post(f"/containers/{NAME}/start")
    engine.post(f"/containers/{NAME}/stop?t=0")
    engine.call("DELETE", f"/containers/{NAME}")
    found = events(engine, began, container=[NAME])
    assert actions(found) == ["create", "start", "kill", "kill", "die", "stop", "destroy"]
    assert {event["Actor"]["ID"] for event in found} == {identity}
    for event in found:
        assert (
            event["Actor"]["Attributes"].items()
            >= {
                "name": NAME,
                "image": "base",
                "color": "red",
            }.items()
        )
        assert (event["status"], event["from"], event["scope"]) == (
            event["Action"],
            "base",
            "local",
        )
    assert [e["Actor"]["Attributes"]["signal"] for e in found[2:4]] == ["15", "9"]
    assert found[4]["Actor"]["Attributes"]["exitCode"] == "137"


def test_filters_are_united_within_a_kind_and_cut_across_kinds(
    engine: Engine, began: float
) -> None:
    create(engine, "true")
    engine.post(f"/containers/{NAME}/start")
    engine.post(f"/containers/{NAME}/wait")
    ours = {"container": [NAME]}
    assert actions(events(engine, began, **ours, event=["start", "die"])) == ["start", "die"]
    assert actions(events(engine, began, **ours, image=["base"], event=["die"])) == ["die"]
    assert actions(events(engine, began, **ours, label=["color=red"], event=["die"])) == ["die"]
    assert events(engine, began, **ours, label=["color=blue"]) == []
    assert events(engine, began, **ours, type=["network"]) == []
    assert events(engine, began, **ours, scope=["swarm"]) == []
    assert events(engine, began, **ours, volume=["v"]) == []
    status, body = engine.call("GET", "/events?filters=" + quote('{"colour":["red"]}'))
    assert (status, b"invalid filter 'colour'" in body) == (400, True)


def test_a_kill_for_want_of_memory_is_told_when_it_happens(
    engine: Engine, began: float, until: Until
) -> None:
    # a child is the victim, the container goes on
    hungry = "head -c 100000000 /dev/zero | tail; sleep 60"
    create(engine, "sh", "-c", hungry, Memory=16 << 20, MemorySwap=16 << 20)
    engine.post(f"/containers/{NAME}/start")
    until(lambda: "oom" in actions(events(engine, began, container=[NAME])))
    assert engine.get(f"/containers/{NAME}/json")["State"]["Running"]
    engine.post(f"/containers/{NAME}/kill")
    found = actions(events(engine, began, container=[NAME]))
    assert found == ["create", "start", "oom", "kill", "die"]
    assert engine.get(f"/containers/{NAME}/json")["State"]["OOMKilled"]


def test_a_reader_that_sleeps_misses_nothing(engine: Engine, began: float) -> None:
    create(engine, "sleep", "60")
    engine.post(f"/containers/{NAME}/start")
    with socket.socket(socket.AF_UNIX) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.settimeout(20)
        slow.connect(engine.socket)
        slow.sendall(f"GET /events?since={began:.6f} HTTP/1.0\r\n\r\n".encode())
        for number in range(300):  # more than its socket holds
            engine.post(f"/containers/{NAME}/rename?name={NAME}{number % 2}")
            engine.post(f"/containers/{NAME}{number % 2}/rename?name={NAME}")
        engine.call("DELETE", f"/containers/{NAME}?force=1")
        received = b""
        while b'"Action":"destroy"' not in received:
            received += slow.recv(65536)
    assert received.count(b'"Action":"rename"') == 600
