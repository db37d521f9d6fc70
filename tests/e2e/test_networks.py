"""Networks of users through the API of a whole engine, and what a crash leaves of them."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Engine

CONFIG: dict[str, Any] = {"Image": "base", "Cmd": ["sleep", "600"]}
NETWORKS = ("conn", "other", "made")


def network(engine: Engine, name: str, *subnets: str, **fields: object) -> str:
    config = [{"Subnet": subnet} for subnet in subnets]
    document = {"Name": name, "IPAM": {"Config": config}, **fields}
    identity: str = engine.post("/networks/create", document)["Id"]
    return identity


def run(engine: Engine, name: str, *networks: str, **endpoint: object) -> None:
    settings = {each: endpoint for each in networks}
    document = {
        **CONFIG,
        "HostConfig": {"NetworkMode": networks[0]},
        "NetworkingConfig": {"EndpointsConfig": settings},
    }
    engine.post(f"/containers/create?name={name}", document)
    engine.post(f"/containers/{name}/start")


def settings(engine: Engine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.get(f"/containers/{name}/json")["NetworkSettings"]["Networks"]
    return found


def execute(engine: Engine, name: str, *words: str) -> tuple[int, str]:
    config = {"Cmd": words, "AttachStdout": True, "AttachStderr": True, "Tty": True}
    session = engine.post(f"/containers/{name}/exec", config)["Id"]
    _, output = engine.call("POST", f"/exec/{session}/start", {"Detach": False, "Tty": True})
    return engine.get(f"/exec/{session}/json")["ExitCode"], output.decode()


def pings(engine: Engine, name: str, ip: str) -> bool:
    return execute(engine, name, "ping", "-c1", "-W2", ip)[0] == 0


@pytest.fixture
def engine(fragile_engine: Engine) -> Iterator[Engine]:
    """An engine to kill, with no container and no network of a user's when a test begins."""
    fragile_engine.revive()
    clear(fragile_engine)
    yield fragile_engine
    fragile_engine.revive()
    clear(fragile_engine)
    assert fragile_engine.findings() == []


def clear(engine: Engine) -> None:
    engine.remove_everything()
    for found in engine.get(f"/networks?filters={quote(json.dumps({'type': ['custom']}))}"):
        status, body = engine.call("DELETE", f"/networks/{found['Id']}")
        assert status == 204, body


def test_containers_of_a_network_reach_each_other_and_no_others(engine: Engine) -> None:
    network(engine, "one", "10.91.0.0/24")
    network(engine, "two", "10.92.0.0/24", EnableIPv6=True)
    run(engine, "ca", "one")
    run(engine, "cb", "one", "two")
    run(engine, "cc", "two")
    b = settings(engine, "cb")
    assert pings(engine, "ca", b["one"]["IPAddress"])
    assert pings(engine, "cc", b["two"]["IPAddress"])
    assert pings(engine, "cc", b["two"]["GlobalIPv6Address"])
    assert not pings(engine, "ca", settings(engine, "cc")["two"]["IPAddress"])
    members = engine.get("/networks/two")["Containers"].values()
    assert {member["Name"] for member in members} == {"cb", "cc"}


def test_connect_and_disconnect_show_inside_at_once(engine: Engine) -> None:
    network(engine, "one", "10.91.0.0/24")
    network(engine, "two", "10.92.0.0/24")
    run(engine, "ca", "one")
    run(engine, "cb", "two")
    asked = {"IPAMConfig": {"IPv4Address": "10.92.0.77"}, "Aliases": ["alias"]}
    engine.post("/networks/two/connect", {"Container": "ca", "EndpointConfig": asked})
    assert pings(engine, "cb", "10.92.0.77")
    told = settings(engine, "ca")["two"]
    assert (told["IPAMConfig"], told["Aliases"]) == (asked["IPAMConfig"], ["alias"])
    assert told["DNSNames"][:2] == ["ca", "alias"]
    assert "10.92.0.77" in execute(engine, "ca", "cat", "/etc/hosts")[1]
    engine.post("/networks/one/disconnect", {"Container": "ca"})
    assert list(settings(engine, "ca")) == ["two"]
    assert "10.91.0." not in execute(engine, "ca", "cat", "/etc/hosts")[1]
    assert "default via 10.92.0.1" in execute(engine, "ca", "ip", "route")[1]


def test_a_renamed_interface_goes_with_its_network(engine: Engine) -> None:
    network(engine, "one", "10.91.0.0/24")
    document = {
        **CONFIG,
        "HostConfig": {"NetworkMode": "one", "CapAdd": ["NET_ADMIN"]},
    }
    engine.post("/containers/create?name=ca", document)
    engine.post("/containers/ca/start")
    renamed = "ip link set eth0 down; ip link set eth0 name mine; ip link set mine up"
    assert execute(engine, "ca", "sh", "-c", renamed)[0] == 0
    engine.post("/networks/one/disconnect", {"Container": "ca"})
    assert "mine" not in execute(engine, "ca", "ip", "link")[1]
    assert engine.findings() == []


def test_networks_are_kept_over_stop_and_start(engine: Engine) -> None:
    network(engine, "one", "10.91.0.0/24")
    network(engine, "two", "10.92.0.0/24")
    run(engine, "ca", "one", MacAddress="02:00:00:00:00:0a")
    engine.post("/containers/ca/stop?t=0")
    engine.post("/networks/two/connect", {"Container": "ca"})
    resting = settings(engine, "ca")
    assert [found["IPAddress"] for found in resting.values()] == ["", ""]
    engine.post("/containers/ca/start")
    found = settings(engine, "ca")
    assert list(found) == ["one", "two"]
    assert found["one"]["MacAddress"] == "02:00:00:00:00:0a"
    assert found["two"]["IPAddress"].startswith("10.92.0.")


def test_everything_goes_on_under_the_next_daemon(engine: Engine) -> None:
    network(engine, "one", "10.91.0.0/24")
    network(engine, "two", "10.92.0.0/24")
    run(engine, "ca", "one")
    run(engine, "cb", "one")
    before = settings(engine, "ca")
    engine.kill9()
    engine.start()
    assert settings(engine, "ca") == before
    assert pings(engine, "ca", settings(engine, "cb")["one"]["IPAddress"])
    engine.post("/networks/two/connect", {"Container": "ca"})
    assert settings(engine, "ca")["two"]["IPAddress"] == "10.92.0.2"
    engine.post("/networks/one/disconnect", {"Container": "ca"})
    assert execute(engine, "ca", "ip", "-4", "-o", "addr")[1].count(": eth") == 1


def test_published_ports_follow_the_way_out(engine: Engine) -> None:
    network(engine, "one", "10.91.0.0/24")
    network(engine, "two", "10.92.0.0/24")
    answer = "while :; do echo word | nc -l -p 80 >/dev/null 2>&1 || sleep 0.1; done"
    document = {
        "Image": "base",
        "Cmd": ["sh", "-c", answer],
        "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"NetworkMode": "one", "PortBindings": {"80/tcp": [{"HostPort": ""}]}},
    }
    engine.post("/containers/create?name=ca", document)
    engine.post("/containers/ca/start")

    def ports() -> Any:
        return engine.get("/containers/ca/json")["NetworkSettings"]["Ports"]

    before = ports()
    assert before["80/tcp"]
    engine.post("/networks/two/connect", {"Container": "ca"})
    assert ports() == before
    engine.post("/networks/one/disconnect", {"Container": "ca"})
    assert ports() == before
    assert engine.findings() == []
    files = Path(f"{engine.directory}/exec/ports").iterdir()
    assert all("10.92.0.2" in path.read_text() for path in files)
    engine.post("/networks/two/disconnect", {"Container": "ca"})
    engine.post("/networks/one/connect", {"Container": "ca"})
    assert ports()["80/tcp"]


def test_events_tell_of_networks(engine: Engine) -> None:
    began = time.time()
    identity = network(engine, "one", "10.91.0.0/24")
    run(engine, "ca", "one")
    engine.post("/containers/ca/stop?t=0")
    engine.call("DELETE", "/containers/ca")
    engine.call("DELETE", "/networks/one")
    filters = quote(json.dumps({"type": ["network"]}))
    path = f"/events?since={began:.6f}&until={time.time():.6f}&filters={filters}"
    found = [json.loads(line) for line in engine.call("GET", path)[1].splitlines()]
    assert [event["Action"] for event in found] == ["create", "connect", "disconnect", "destroy"]
    assert {event["Actor"]["ID"] for event in found} == {identity}
    attributes = found[1]["Actor"]["Attributes"]
    assert (attributes["name"], attributes["type"], len(attributes["container"])) == (
        "one",
        "bridge",
        64,
    )


def test_a_network_in_use_stays_and_an_idle_one_is_pruned(engine: Engine) -> None:
    network(engine, "used")
    network(engine, "idle", Labels={"keep": "no"})
    network(engine, "kept", Labels={"keep": "yes"})
    run(engine, "ca", "used")
    status, body = engine.call("DELETE", "/networks/used")
    assert (status, b"has active endpoints" in body) == (403, True)
    filters = quote(json.dumps({"label!": ["keep=yes"]}))
    assert engine.post(f"/networks/prune?filters={filters}") == {"NetworksDeleted": ["idle"]}


def step(engine: Engine, verb: str) -> None:
    """One of the operations of the campaign; the daemon may die under it."""
    with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
        if verb == "create":
            network(engine, "made", "10.93.0.0/24")
        elif verb == "remove":
            engine.call("DELETE", "/networks/made")
        else:
            engine.call("POST", f"/networks/made/{verb}", {"Container": "ca"})


VERBS = ("create", "connect", "disconnect", "remove")


def test_a_crash_at_any_failpoint_leaves_an_operation_done_or_absent(
    engine: Engine, tmp_path: Path
) -> None:
    network(engine, "one", "10.91.0.0/24")
    run(engine, "ca", "one")
    names = tmp_path / "names"
    passed: dict[str, list[str]] = {}
    for verb in VERBS:
        engine.arm(f"list:{names}")
        step(engine, verb)
        passed[verb] = [n for n in names.read_text().split() if n.startswith("network")]
        names.unlink()
        assert passed[verb], verb
    for verb in VERBS:
        for name in passed[verb]:
            _kill_at(engine, verb, name)


def _kill_at(engine: Engine, verb: str, name: str) -> None:
    """Die there, come back: inspect and the kernel agree, and the operation works again."""
    present = [found["Name"] for found in engine.get("/networks")]
    if verb != "create" and "made" not in present:
        step(engine, "create")
    if verb == "create" and "made" in present:
        engine.call("POST", "/networks/made/disconnect", {"Container": "ca"})
        step(engine, "remove")
    is_in = "made" in settings(engine, "ca")
    if is_in != (verb == "disconnect"):
        step(engine, "disconnect" if is_in else "connect" if verb == "disconnect" else "")
    engine.arm(name)
    step(engine, verb)
    engine.wait_dead()
    engine.start()
    told = settings(engine, "ca")
    interfaces = execute(engine, "ca", "ip", "-o", "link")[1].count(": eth")
    where = (verb, name, told, interfaces)
    assert interfaces == len(told), where
    assert all(found["IPAddress"] for found in told.values()), where
    assert engine.findings() == [], where
    step(engine, verb)
    assert engine.findings() == [], where


def test_pools_that_the_engine_was_given_are_told_and_used(new_engine: Any) -> None:
    engine = new_engine()
    pool = {"base": "10.99.0.0/16", "size": 24}
    Path(f"{engine.directory}/daemon.json").write_text(
        json.dumps({"default-address-pools": [pool]})
    )
    try:
        engine.flags += ["--config-file", f"{engine.directory}/daemon.json"]
        engine.start()
        told = engine.get("/info")["DefaultAddressPools"]
        assert told == [{"Base": "10.99.0.0/16", "Size": 24}]
        network(engine, "made")
        subnets = [
            found["IPAM"]["Config"][0]["Subnet"]
            for found in engine.get("/networks")
            if found["Driver"] == "bridge"
        ]
        assert subnets == ["10.99.0.0/24", "10.99.1.0/24"]
        engine.call("DELETE", "/networks/made")
    finally:
        engine.close()
