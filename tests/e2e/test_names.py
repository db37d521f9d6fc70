"""Names of containers in user networks, asked by the programs that are in them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

BUSYBOX = "/bin/busybox"
pytestmark = pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox is not installed")


@pytest.fixture
def engine(fragile_engine: Engine) -> Iterator[Engine]:
    fragile_engine.revive()
    for name, internal in (("front", False), ("back", False), ("inner", True)):
        fragile_engine.post("/networks/create", {"Name": name, "Internal": internal})
    yield fragile_engine
    fragile_engine.revive()
    fragile_engine.remove_everything()
    for name in ("front", "back", "inner"):
        assert fragile_engine.call("DELETE", f"/networks/{name}")[0] == 204
    assert fragile_engine.findings() == []


def run(engine: Engine, name: str, *networks: str, **host: Any) -> str:
    """A container that rests; networks as NAME or NAME=ALIAS."""
    endpoints: dict[str, Any] = {}
    for network in networks:
        where, _, alias = network.partition("=")
        endpoints[where] = {"Aliases": [alias]} if alias else {}
    if not networks[0].startswith("container:"):
        host["Dns"] = ["127.0.0.1"]  # which refuses at once what is none of ours
    config = {
        "Image": "base",
        "Cmd": ["sleep", "600"],
        "HostConfig": {
            "NetworkMode": networks[0].partition("=")[0],
            "Binds": [f"{BUSYBOX}:/busybox:ro"],
            **host,
        },
        "NetworkingConfig": {"EndpointsConfig": endpoints},
    }
    made: str = engine.post(f"/containers/create?name={name}", config)["Id"]
    engine.post(f"/containers/{name}/start")
    return made


def address(engine: Engine, container: str, network: str) -> str:
    networks = engine.get(f"/containers/{container}/json")["NetworkSettings"]["Networks"]
    found: str = networks[network]["IPAddress"]
    return found


def execute(engine: Engine, container: str, *words: str) -> tuple[int, str]:
    """Exit code and output of a command in the container."""
    asked = {"Cmd": [*words], "AttachStdout": True, "AttachStderr": True, "Tty": True}
    made = engine.post(f"/containers/{container}/exec", asked)["Id"]
    _, body = engine.call("POST", f"/exec/{made}/start", {"Detach": False, "Tty": True})
    return engine.get(f"/exec/{made}/json")["ExitCode"], body.decode()


def lookup(engine: Engine, container: str, name: str) -> set[str]:
    """The IPv4 addresses that a program in the container finds, by the resolver alone."""
    _, output = execute(engine, container, "/busybox", "nslookup", "-type=a", name)
    _, _, answer = output.partition("\r\n\r\n")
    rows = [line for line in answer.splitlines() if line.startswith("Address")]
    return {row.split(":", 1)[1].strip().split(" ")[-1] for row in rows}


def steward(engine: Engine, name: str) -> int | None:
    for process in engine.process_ids():
        with suppress(OSError):  # one that has just ended
            if Path(f"/proc/{process}/comm").read_text() == f"lading-{name}\n":
                return process
    return None


def test_row_14_containers_find_each_other_where_they_share_a_network(engine: Engine) -> None:
    web = run(engine, "web", "front=www")
    run(engine, "app", "front=www", "back")
    run(engine, "db", "back")
    front_web, front_app = address(engine, "web", "front"), address(engine, "app", "front")
    assert lookup(engine, "web", "app") == {front_app}
    assert lookup(engine, "web", "app.front") == {front_app}
    assert lookup(engine, "app", web[:12]) == {front_web}
    assert lookup(engine, "app", "www") == {front_web, front_app}
    assert lookup(engine, "app", "db") == {address(engine, "db", "back")}
    assert lookup(engine, "web", "db") == set()
    code, output = execute(engine, "web", "sh", "-c", "cat /etc/resolv.conf")
    assert code == 0
    assert output.splitlines()[0] == "nameserver 127.0.0.11"
    assert "ndots:0" in output


def test_row_14_names_follow_who_comes_and_goes(engine: Engine) -> None:
    run(engine, "web", "front")
    run(engine, "app", "back")
    assert lookup(engine, "web", "app") == set()
    engine.post("/networks/front/connect", {"Container": "app"})
    assert lookup(engine, "web", "app") == {address(engine, "app", "front")}
    engine.post("/containers/app/rename?name=service")
    assert lookup(engine, "web", "app") == set()
    assert lookup(engine, "web", "service") == {address(engine, "service", "front")}
    engine.post("/networks/front/disconnect", {"Container": "service"})
    assert lookup(engine, "web", "service") == set()
    engine.post("/networks/front/connect", {"Container": "service"})
    engine.post("/containers/service/stop?t=0")
    assert lookup(engine, "web", "service") == set()


def test_a_container_of_the_default_bridge_gets_names_when_it_joins(engine: Engine) -> None:
    run(engine, "web", "bridge")
    run(engine, "app", "front")
    assert "127.0.0.11" not in execute(engine, "web", "cat", "/etc/resolv.conf")[1]
    engine.post("/networks/front/connect", {"Container": "web"})
    assert "127.0.0.11" in execute(engine, "web", "cat", "/etc/resolv.conf")[1]
    assert lookup(engine, "web", "app") == {address(engine, "app", "front")}


def test_a_container_that_joins_anothers_network_has_its_names(engine: Engine) -> None:
    run(engine, "web", "front")
    run(engine, "app", "front")
    run(engine, "guest", "container:web")
    assert lookup(engine, "guest", "app") == {address(engine, "app", "front")}
    assert "web" not in execute(engine, "guest", "cat", "/etc/hostname")[1]


def test_port_53_is_the_containers_own(engine: Engine) -> None:
    run(engine, "web", "front")
    run(engine, "app", "front")
    script = "/busybox nc -l -p 53 & sleep 0.2; /busybox netstat -ltn"
    assert ":53 " in execute(engine, "web", "sh", "-c", script)[1]
    assert lookup(engine, "web", "app") == {address(engine, "app", "front")}


def test_names_resolve_while_the_engine_is_away(engine: Engine, until: Until) -> None:
    run(engine, "web", "front")
    run(engine, "app", "front")
    run(engine, "late", "front")
    found = address(engine, "app", "front")
    pids = {
        name: engine.get(f"/containers/{name}/json")["State"]["Pid"] for name in ("web", "late")
    }

    def ask(name: str) -> bool:
        words = ["nsenter", "-t", str(pids["web"]), "-n", BUSYBOX, "nslookup", "-type=a", name]
        output = engine.in_namespace(*words, "127.0.0.11").stdout.decode()
        return found in output.partition("\n\n")[2]

    assert ask("app")
    engine.kill9()
    assert ask("app")
    os.kill(pids["late"], signal.SIGKILL)
    engine.start()
    assert engine.findings() == []
    assert ask("app")
    assert lookup(engine, "web", "late") == set()


@pytest.mark.parametrize("with_engine", [True, False])
def test_a_resolver_that_was_killed_comes_back(
    engine: Engine, until: Until, with_engine: bool
) -> None:
    run(engine, "web", "front")
    run(engine, "app", "front")
    found = {address(engine, "app", "front")}
    assert lookup(engine, "web", "app") == found
    process = steward(engine, "resolver")
    assert process
    if not with_engine:
        engine.kill9()
    os.kill(process, signal.SIGKILL)
    if not with_engine:
        engine.start()
    until(lambda: steward(engine, "resolver") not in (None, process))
    until(lambda: lookup(engine, "web", "app") == found)
    assert engine.findings() == []
