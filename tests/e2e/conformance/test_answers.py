"""Status and text of what is refused, and of what is not, for container, exec and system verbs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.e2e.conformance.conftest import Pair

STATES = ("created", "running", "paused", "exited", "nosuch")


def filtered(path: str, **filters: list[str]) -> str:
    return f"{path}{'&' if '?' in path else '?'}filters={quote(json.dumps(filters))}"


def of(name: str, verb: str = "") -> str:
    return f"/containers/conf-{name}/{verb}".rstrip("/")


LISTS = [
    filtered("/containers/json?all=1", **{name: [value]})
    for name, value in [
        ("bogus", "x"), ("status", "x"), ("exited", "x"), ("health", "x"), ("is-task", "x"),
        ("before", "conf-nosuch"), ("ancestor", "nosuch"), ("label", "nosuch"), ("volume",
        "nosuch"),
        ("network", "nosuch"), ("expose", "1"), ("id", "zzz"), ("name", "conf-nosuch$"),
    ]
]  # fmt: skip
REFUSED: list[tuple[Any, ...]] = [
    *[("GET", path) for path in LISTS],
    ("GET", "/containers/json?filters=garbage"),
    *[("GET", of("nosuch", verb)) for verb in ("json", "top", "changes", "export",
        "logs?stdout=1")],
    *[("POST", of("nosuch", verb)) for verb in (
        "start", "stop", "restart", "kill", "pause", "unpause", "update", "rename?name=x", "wait",
        "attach?stream=1&stdout=1", "resize?h=1&w=1", "exec")],
    ("DELETE", of("nosuch")),
    *[("GET", of("created", f"archive?path={quote(path)}")) for path in ("", "/nope",
        "/etc/passwd/x")],
    *[("PUT", of("created", f"archive?path={quote(path)}"), b"") for path in ("", "/nope",
        "/etc/passwd")],
    *[("POST", of(state, "resize?h=1&w=2")) for state in ("created", "exited")],
    *[("POST", of("running", f"resize?{query}")) for query in ("", "h=a&w=1", "h=1&w=-1", "h=1")],
    *[("POST", of(state, "pause")) for state in ("created", "paused", "exited")],
    *[("POST", of(state, "unpause")) for state in ("created", "running", "exited")],
    *[("POST", of(state, "kill")) for state in ("created", "exited")],
    *[("POST", of(state, "kill?signal=BOGUS")) for state in ("running", "exited")],
    *[("POST", of(state, "start")) for state in ("running", "paused")],
    *[("POST", of(state, "stop")) for state in ("created", "exited")],
    *[("DELETE", of(state)) for state in ("running", "paused")],
    *[("GET", of(state, "top")) for state in ("created", "exited")],
    ("GET", of("running", "top?ps_args=-o%20comm")),
    ("GET", of("running", "logs")),
    ("POST", of("running", "wait?condition=bogus")),
    ("POST", of("exited", "wait")),
    *[("POST", of("running", f"rename?name={name}")) for name in ("", "-x", "conf-running",
        "/conf-running", "conf-exited")],
    *[("POST", of(state, "exec"), {"Cmd": ["true"]}) for state in ("created", "paused", "exited")],
    ("POST", of("running", "exec"), {}),
    ("POST", of("running", "exec"), {"Cmd": []}),
    ("POST", of("running", "exec"), b"{}", "text/plain"),
    ("POST", of("running", "exec"), b"{}", ""),
    ("POST", of("running", "start"), {"Memory": 1}),
    ("GET", "/exec/nosuch/json"),
    ("POST", "/exec/nosuch/start", {}),
    ("POST", "/exec/nosuch/resize?h=1&w=1"),
    *[("POST", of("running", "update"), asked) for asked in (
        {"Memory": 5}, {"CpusetCpus": "99"}, {"CpusetCpus": "a"}, {"CpuPeriod": 5}, {"CpuQuota": 5},
        {"NanoCpus": -1}, {"NanoCpus": 5, "CpuQuota": 5000}, {"MemorySwappiness": 300},
        {"RestartPolicy": {"Name": "bogus"}},
        {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}}, {})],
    ("POST", "/commit?container=conf-nosuch"),
    ("POST", "/commit?container=conf-exited&repo=UPPER"),
    ("POST", filtered("/containers/prune", bogus=["x"])),
    ("POST", filtered("/containers/prune", until=["x"])),
    ("POST", filtered("/containers/prune", until=["1h", "2h"])),
    ("POST", filtered("/containers/prune", label=["conf-nosuch"])),
    ("GET", "/system/df?type=bogus"),
    ("GET", "/nosuch"),
    ("POST", "/containers"),
    ("PATCH", of("running")),
    ("GET", "/v1.99/info"),
]  # fmt: skip
HOSTS: list[dict[str, Any]] = [
    {"AutoRemove": True, "RestartPolicy": {"Name": "always"}},
    {"RestartPolicy": {"Name": "bogus"}}, {"RestartPolicy": {"Name": "no",
    "MaximumRetryCount": 3}},
    {"ExtraHosts": ["bad"]}, {"ExtraHosts": ["a:999.1.1.1"]},
    {"ExtraHosts": ["a:host-gateway"]},
    {"PortBindings": {"80/tcp": [{"HostPort": "abc"}]}}, {"PortBindings": {"abc": [{}]}},
    {"CapAdd": ["BOGUS"]}, {"CapDrop": ["BOGUS"]}, {"CapAdd": ["ALL"]}, {"Isolation": "hyperv"},
    {"Annotations": {"": "x"}}, {"ShmSize": -1}, {"OomScoreAdj": 5000}, {"PidMode": "bogus"},
    {"PidMode": "container:"}, {"PidMode": "container:conf-nosuch"}, {"IpcMode": "bogus"},
    {"IpcMode": "container:conf-nosuch"}, {"UTSMode": "bogus"}, {"CgroupnsMode": "bogus"},
    {"NetworkMode": "container:"}, {"Runtime": "bogus"}, {"Runtime": "runc"},
    {"Memory": 1}, {"Memory": 67108864}, {"Memory": 67108864, "MemorySwap": 1},
    {"MemorySwap": 67108864}, {"MemorySwappiness": 200}, {"MemorySwappiness": -1},
    {"MemoryReservation": 1}, {"Memory": 67108864, "MemoryReservation": 68108864},
    {"OomKillDisable": True}, {"PidsLimit": -1}, {"PidsLimit": 5}, {"NanoCpus": 5000000000000},
    {"NanoCpus": 1000000000, "CpuQuota": 50000}, {"CpuShares": -1}, {"CpuPeriod": 1},
    {"CpuQuota": 1},
    {"CpusetCpus": "99"}, {"CpusetCpus": "0-"}, {"CpusetMems": "9"}, {"BlkioWeight": 1},
    {"IOMaximumIOps": 1}, {"CpuPercent": 1}, {"KernelMemory": 50000000},
    {"SecurityOpt": ["bogus"]}, {"SecurityOpt": ["bogus=x"]},
    {"SecurityOpt": ["no-new-privileges"]},
    {"SecurityOpt": ["no-new-privileges=maybe"]}, {"SecurityOpt": ["apparmor=unconfined"]},
    {"Tmpfs": {"rel": ""}}, {"Links": ["conf-nosuch:alias"]}, {"StorageOpt": {"bogus": "1"}},
    {"NetworkMode": "host", "Links": ["a"]}, {"NetworkMode": "container:x", "Dns": ["1.1.1.1"]},
    {"NetworkMode": "container:x", "ExtraHosts": ["a:1.1.1.1"]},
    {"NetworkMode": "container:x", "PublishAllPorts": True}, {"ConsoleSize": [1, 2]},
]  # fmt: skip
CREATED: list[dict[str, Any]] = [
    {},
    {"Image": "conf-nosuch"},
    {"Image": "UPPER"},
    {"Image": "IMAGE", "Entrypoint": [""], "Cmd": None},
    {"WorkingDir": "rel"}, {"Env": ["=x"]}, {"Env": [""]}, {"StopSignal": "BOGUS"}, {"Bogus": 1},
    *[{"Healthcheck": {"Test": ["CMD", "x"], name: 1}} for name in (
        "Interval", "Timeout", "StartPeriod", "StartInterval")],
    {"Healthcheck": {"Test": ["CMD", "x"], "Retries": -1}},
    {"Hostname": "h", "HostConfig": {"UTSMode": "host"}},
    {"Hostname": "h", "HostConfig": {"NetworkMode": "container:x"}},
    {"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"NetworkMode": "container:x"}},
    {"image": "IMAGE", "hostconfig": {"memory": 1}},
    *[{"HostConfig": host} for host in HOSTS],
]  # fmt: skip


@pytest.mark.parametrize("request_", REFUSED, ids=lambda request: " ".join(map(str, request))[:80])
def test_a_request_has_the_same_status_and_text(pair: Pair, request_: tuple[Any, ...]) -> None:
    peer, ours = pair.ask(*request_)
    assert ours.status == peer.status, (peer, ours)
    if peer.status >= 400:
        # before it hijacks, the reference tells an error of attach as bare text
        text = ours.body["message"] + "\r\n" if isinstance(peer.body, str) else ours.body
        assert text == peer.body


# dockerd does not see that a kernel has BFQ's weights: they are not in the root's directory
UNSEEN: list[dict[str, Any]] = [{"HostConfig": {"BlkioWeight": 1}}]


@pytest.mark.parametrize("asked", CREATED, ids=lambda asked: json.dumps(asked)[:90])
def test_a_create_is_refused_or_warned_of_or_echoed_alike(
    pair: Pair, asked: dict[str, Any]
) -> None:
    body = dict(asked)
    if body and "Image" not in body and "image" not in body:
        body["Image"] = "IMAGE"
    path = "/containers/create?name=conf-new"
    peer, ours = pair.ask("POST", path, body)
    try:
        if asked in UNSEEN and "Weight discarded" in str(peer.body):
            return
        assert (ours.status, ours.body) == (peer.status, peer.body)
        if peer.status == 201:
            theirs, mine = pair.ask("GET", "/containers/conf-new/json")
            names = {*asked.get("HostConfig", {}), "MemorySwap"}
            echo = {name: theirs.body["HostConfig"].get(name) for name in names}
            assert {name: mine.body["HostConfig"].get(name) for name in names} == echo
    finally:
        pair.ask("DELETE", "/containers/conf-new?force=1")
