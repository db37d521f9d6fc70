"""Behaviours that re-implementers get wrong, by their row: names and published ports.

The rows are those of the comparison with moby's integration tests: 14 the resolver of containers,
18 published ports. More of row 14 is in test_names.py, and of row 18 in test_ports.py.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

BUSYBOX = "/bin/busybox"
pytestmark = pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox is not installed")

# answers every question about an address with 192.0.2.7, as a name server does that knows all
SERVER = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
while True:
    asked, whom = server.recvfrom(512)
    head = asked[:2] + bytes([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])
    end = asked.index(0, 12) + 5
    answer = bytes([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7])
    server.sendto(head + asked[12:end] + answer, whom)
"""


@pytest.fixture
def engine(fragile_engine: Engine) -> Iterator[Engine]:
    fragile_engine.revive()
    fragile_engine.in_namespace("ip", "link", "set", "lo", "up")
    for name, internal in (("front", False), ("inner", True)):
        fragile_engine.post("/networks/create", {"Name": name, "Internal": internal})
    yield fragile_engine
    fragile_engine.revive()
    fragile_engine.remove_everything()
    for name in ("front", "inner"):
        assert fragile_engine.call("DELETE", f"/networks/{name}")[0] == 204
    assert fragile_engine.findings() == []


def start(engine: Engine, name: str, *, image: str = "base", **asked: Any) -> dict[str, Any]:
    """A container that rests, started; what inspect says of its network."""
    host = {"Binds": [f"{BUSYBOX}:/busybox:ro"], **asked.pop("host", {})}
    config = {"Image": image, "Cmd": ["sleep", "600"], "HostConfig": host, **asked}
    engine.post(f"/containers/create?name={name}", config)
    engine.post(f"/containers/{name}/start")
    return settings(engine, name)


def settings(engine: Engine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.get(f"/containers/{name}/json")["NetworkSettings"]
    return found


def lookup(engine: Engine, container: str, name: str) -> str:
    asked = {"Cmd": ["/busybox", "nslookup", "-type=a", name], "AttachStdout": True, "Tty": True}
    made = engine.post(f"/containers/{container}/exec", asked)["Id"]
    return engine.call("POST", f"/exec/{made}/start", {"Tty": True})[1].decode()


def bindings(*host_ports: str) -> dict[str, Any]:
    return {"PortBindings": {"80/tcp": [{"HostPort": port} for port in host_ports]}}


def places(found: dict[str, Any], port: str = "80/tcp") -> list[tuple[str, int]]:
    return [(each["HostIp"], int(each["HostPort"])) for each in found["Ports"][port]]


@pytest.fixture
def ephemeral(engine: Engine) -> range:
    """The host's own range for ports that nobody has named."""
    text = engine.in_namespace("cat", "/proc/sys/net/ipv4/ip_local_port_range").stdout
    first, last = map(int, text.split())
    return range(first, last + 1)


# --- row 14: the resolver -----------------------------------------------------------------------


def test_row_14_other_names_are_asked_elsewhere(engine: Engine, until: Until) -> None:
    gateway = engine.get("/networks/front")["IPAM"]["Config"][0]["Gateway"]
    start(engine, "web", host={"NetworkMode": "front", "Dns": [gateway]})
    server = engine.beside(sys.executable, "-c", SERVER, gateway)
    try:
        until(lambda: "192.0.2.7" in lookup(engine, "web", "elsewhere.example"))
    finally:
        server.kill()
        server.wait()


def test_row_14_in_an_internal_network_nothing_is_asked_elsewhere(engine: Engine) -> None:
    gateway = engine.get("/networks/inner")["IPAM"]["Config"][0]["Gateway"]
    start(engine, "web", host={"NetworkMode": "inner", "Dns": [gateway]})
    answer = lookup(engine, "web", "elsewhere.example")
    assert "SERVFAIL" in answer or "NXDOMAIN" in answer


def test_row_14_a_name_of_ours_is_never_asked_elsewhere(engine: Engine) -> None:
    start(engine, "db", host={"NetworkMode": "inner"})
    start(engine, "web", host={"NetworkMode": "inner"})
    address = settings(engine, "db")["Networks"]["inner"]["IPAddress"]
    assert address in lookup(engine, "web", "db")
    assert address in lookup(engine, "web", "db.inner")


# --- row 18: published ports --------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
def test_row_18_ranges_of_equal_length_map_one_to_one(engine: Engine) -> None:
    words = ["docker", "-H", engine.address, "run", "-d", "--name", "web", "-p"]
    done = subprocess.run([*words, "9000-9002:80-82", "base", "sleep", "60"], capture_output=True)
    assert done.returncode == 0, done.stderr
    found = settings(engine, "web")
    for offset in range(3):
        assert {port for _, port in places(found, f"{80 + offset}/tcp")} == {9000 + offset}


def test_row_18_of_a_range_of_the_host_the_first_free_port_is_taken(engine: Engine) -> None:
    first = start(engine, "first", host=bindings("9000-9001"))
    second = start(engine, "second", host=bindings("9000-9001"))
    assert {port for _, port in places(first)} == {9000}
    assert {port for _, port in places(second)} == {9001}
    config = {"Image": "base", "Cmd": ["true"], "HostConfig": bindings("9000-9001")}
    engine.post("/containers/create?name=third", config)
    status, body = engine.call("POST", "/containers/third/start")
    assert status == 500
    assert "all ports are allocated" in json.loads(body)["message"]
    assert engine.get("/containers/third/json")["State"]["Status"] == "created"


def test_row_18_a_port_that_nobody_named_is_of_the_hosts_range_and_chosen_at_each_start(
    engine: Engine, ephemeral: range
) -> None:
    found = start(engine, "web", host=bindings(""))
    [before] = {port for _, port in places(found)}
    assert before in ephemeral
    engine.post("/containers/web/stop?t=0")
    start(engine, "thief", host=bindings(str(before)))
    engine.post("/containers/web/start")
    [after] = {port for _, port in places(settings(engine, "web"))}
    assert after in ephemeral
    assert after != before


def test_row_18_a_port_is_published_for_both_families(engine: Engine) -> None:
    found = places(start(engine, "web", host=bindings("9000")))
    assert sorted(found) == [("0.0.0.0", 9000), ("::", 9000)]


def test_row_18_all_that_the_image_exposes_is_published(engine: Engine, ephemeral: range) -> None:
    start(engine, "maker")
    changes = "&".join(f"changes={quote(f'EXPOSE {port}')}" for port in ("80", "53/udp"))
    engine.post(f"/commit?container=maker&repo=exposing&{changes}", {})
    try:
        found = start(engine, "web", image="exposing", host={"PublishAllPorts": True})
        assert sorted(found["Ports"]) == ["53/udp", "80/tcp"]
        for port in found["Ports"]:
            assert all(number in ephemeral for _, number in places(found, port))
    finally:
        with suppress(AssertionError):
            engine.call("DELETE", "/containers/web?force=1")
            engine.call("DELETE", "/images/exposing")
