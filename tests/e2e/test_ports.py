"""Published ports of whole containers: traffic, what Docker's clients are told, and survival."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

BUSYBOX = "/bin/busybox"
SERVE = "echo {0} >/page; exec /busybox httpd -f -p 80 -h /"
pytestmark = pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox is not installed")


@pytest.fixture
def engine(fragile_engine: Engine) -> Iterator[Engine]:
    fragile_engine.revive()
    fragile_engine.in_namespace("ip", "link", "set", "lo", "up")
    yield fragile_engine
    fragile_engine.revive()
    fragile_engine.remove_everything()
    assert fragile_engine.findings() == []


def serve(engine: Engine, name: str, *ports: str, **host: Any) -> str:
    """A container whose web server answers with its name; ports as HOST:CONTAINER/PROTOCOL."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        place, _, inside = port.rpartition(":")
        ip, _, number = place.rpartition(":")
        bindings.setdefault(inside, []).append({"HostIp": ip, "HostPort": number})
    config = {
        "Image": "base",
        "Cmd": ["sh", "-c", SERVE.format(name)],
        "ExposedPorts": {port: {} for port in bindings},
        "HostConfig": {"Binds": [f"{BUSYBOX}:/busybox:ro"], "PortBindings": bindings, **host},
    }
    made: str = engine.post(f"/containers/create?name={name}", config)["Id"]
    engine.post(f"/containers/{name}/start")
    return made


def page(engine: Engine, address: str) -> str:
    """What the web server there says; "" when there is none."""
    host, _, port = address.rpartition(":")
    try:
        with engine.connect(host.strip("[]"), int(port)) as connection:
            connection.sendall(b"GET /page HTTP/1.0\r\n\r\n")
            with connection.makefile("rb") as answer:
                return answer.read().rpartition(b"\r\n\r\n")[2].decode().strip()
    except OSError:
        return ""


def held(engine: Engine) -> set[str]:
    rows = engine.in_namespace("ss", "-Hlnt").stdout.decode().splitlines()
    return {row.split()[3] for row in rows}


def porter(engine: Engine) -> int:
    [found] = [
        process
        for process in engine.process_ids()
        if Path(f"/proc/{process}/comm").read_text() == "lading-porter\n"
    ]
    return found


def test_a_published_port_serves_until_the_container_ends(engine: Engine, until: Until) -> None:
    serve(engine, "web", "8080:80/tcp", "127.0.0.1::80/tcp", "::1:8081:80/tcp")
    until(lambda: page(engine, "127.0.0.1:8080") == "web")
    settings = engine.get("/containers/web/json")["NetworkSettings"]
    places = settings["Ports"]["80/tcp"]
    assert [place["HostIp"] for place in places].count("127.0.0.1") == 1
    for address in ("127.0.0.1:8080", "[::1]:8080", f"{settings['Gateway']}:8080", "[::1]:8081"):
        assert page(engine, address) == "web"
    [chosen] = [place["HostPort"] for place in places if place["HostIp"] == "127.0.0.1"]
    assert page(engine, f"127.0.0.1:{chosen}") == "web"
    engine.post("/containers/web/stop?t=0")
    until(lambda: held(engine) == set())
    assert engine.get("/containers/web/json")["NetworkSettings"]["Ports"] == {}
    engine.post("/containers/web/start")
    until(lambda: page(engine, "127.0.0.1:8080") == "web")


def test_row_18_a_port_that_is_taken_fails_the_start_in_dockerds_words(engine: Engine) -> None:
    serve(engine, "web", "8080:80/tcp")
    config = {"Image": "base", "Cmd": ["true"]}
    host = {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}
    made = engine.post("/containers/create?name=late", {**config, "HostConfig": host})["Id"]
    status, body = engine.call("POST", f"/containers/{made}/start")
    message = json.loads(body)["message"]
    assert status == 500
    assert message.startswith(
        "failed to set up container networking: driver failed programming external connectivity "
        "on endpoint late ("
    )
    assert message.endswith("): Bind for 0.0.0.0:8080 failed: port is already allocated")
    state = engine.get(f"/containers/{made}/json")["State"]
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("created", 128, message)


def test_nothing_is_lost_when_the_engine_is_killed(engine: Engine, until: Until) -> None:
    serve(engine, "web", "8080:80/tcp")
    serve(engine, "brief", "8081:80/tcp")
    until(lambda: page(engine, "127.0.0.1:8080") == "web")
    before = engine.get("/containers/web/json")
    process = engine.get("/containers/brief/json")["State"]["Pid"]
    engine.kill9()
    for address in ("127.0.0.1:8080", "[::1]:8080"):
        assert page(engine, address) == "web"
    os.kill(process, signal.SIGKILL)
    until(lambda: "0.0.0.0:8081" not in held(engine))  # nobody has to be there for that
    assert held(engine) == {"0.0.0.0:8080", "[::]:8080"}
    engine.start()
    assert engine.findings() == []
    for address in ("127.0.0.1:8080", "[::1]:8080"):
        assert page(engine, address) == "web"
    after = engine.get("/containers/web/json")
    assert after["NetworkSettings"]["Ports"] == before["NetworkSettings"]["Ports"]
    serve(engine, "again", "8081:80/tcp")
    until(lambda: page(engine, "127.0.0.1:8081") == "again")


def test_a_flushed_packet_filter_is_repaired(engine: Engine, until: Until) -> None:
    serve(engine, "web", "8080:80/tcp")
    until(lambda: page(engine, "127.0.0.1:8080") == "web")
    engine.in_namespace("nft", "flush", "ruleset")
    until(lambda: page(engine, "127.0.0.1:8080") == "web")
    assert engine.findings() == []


def test_an_orderly_stop_leaves_ports_alone_and_the_porter_ends_with_the_last(
    engine: Engine, until: Until
) -> None:
    serve(engine, "web", "8080:80/tcp")
    until(lambda: page(engine, "127.0.0.1:8080") == "web")
    first = porter(engine)
    engine.stop()
    assert page(engine, "127.0.0.1:8080") == "web"
    engine.start()
    assert porter(engine) == first
    engine.remove_everything()
    engine.stop()
    until(lambda: not Path(f"/proc/{first}").exists())


@pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
def test_docker_tells_the_ports(engine: Engine, until: Until, tmp_path: Path) -> None:
    environment = {**os.environ, "DOCKER_HOST": engine.address, "DOCKER_CONFIG": str(tmp_path)}

    def docker(*words: str) -> str:
        run = subprocess.run(["docker", *words], env=environment, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout.decode().strip()

    docker(
        *("run", "-d", "--name", "web", "-v", f"{BUSYBOX}:/busybox", "-p", "8080:80", "-p"),
        *("127.0.0.1:5300:53/udp", "--expose", "90", "base", "sh", "-c", SERVE.format("web")),
    )
    until(lambda: page(engine, "127.0.0.1:8080") == "web")
    listed = docker("ps", "--format", "{{.Ports}}")
    assert set(listed.replace("[::]", "::").split(", ")) == {
        *("0.0.0.0:8080->80/tcp", ":::8080->80/tcp", "90/tcp", "127.0.0.1:5300->53/udp")
    }
    assert docker("port", "web", "80").replace("[::]", "::").splitlines() == [
        "0.0.0.0:8080",
        ":::8080",
    ]
    asked = docker("inspect", "-f", "{{json .HostConfig.PortBindings}}", "web")
    assert json.loads(asked) == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}],
        "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "5300"}],
    }
    assert docker("ps", "-q", "--filter", "publish=80") != ""
    assert docker("ps", "-q", "--filter", "publish=81") == ""


def test_published_ports_change_while_the_container_runs(engine: Engine, until: Until) -> None:
    made = serve(engine, "web", "8080:80/tcp")
    until(lambda: page(engine, "127.0.0.1:8080") == "web")
    bindings = {"80/tcp": [{"HostPort": "8081"}]}
    engine.post(f"/containers/{made}/update", {"PublishAdd": bindings})
    assert page(engine, "127.0.0.1:8081") == page(engine, "127.0.0.1:8080") == "web"
    move = {"PublishAdd": {"90/tcp": [{"HostPort": "8080"}]}, "PublishRm": {"80/tcp": [
        {"HostPort": "8080"}
    ]}}  # fmt: skip
    engine.post(f"/containers/{made}/update", move)
    assert page(engine, "127.0.0.1:8080") == ""
    assert page(engine, "127.0.0.1:8081") == "web"
    found = engine.get(f"/containers/{made}/json")
    assert {*found["NetworkSettings"]["Ports"]} == {"80/tcp", "90/tcp"}
    asked = {port: [place["HostPort"] for place in places] for port, places in
             found["HostConfig"]["PortBindings"].items()}  # fmt: skip
    assert asked == {"80/tcp": ["8081"], "90/tcp": ["8080"]}
    status, body = engine.call("POST", f"/containers/{made}/update", {"PublishRm": {"1/tcp": []}})
    assert (status, json.loads(body)) == (400, {"message": "container port 1/tcp is not published"})


def test_a_change_of_ports_that_fails_leaves_them_as_they_were(
    engine: Engine, until: Until
) -> None:
    made = serve(engine, "web", "8080:80/tcp")
    serve(engine, "other", "8081:80/tcp")
    until(lambda: page(engine, "127.0.0.1:8080") == "web")
    move = {"PublishAdd": {"80/tcp": [{"HostPort": "8081"}]}, "PublishRm": {"80/tcp": []}}
    status, _ = engine.call("POST", f"/containers/{made}/update", move)
    assert status == 500
    assert page(engine, "127.0.0.1:8080") == "web"
    found = engine.get(f"/containers/{made}/json")["HostConfig"]["PortBindings"]
    assert [place["HostPort"] for place in found["80/tcp"]] == ["8080"]
