"""Volumes and mounts: the same questions to dockerd and to us. Names begin with `conf-`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conformance.conftest import Answer, Pair, Side


def filtered(path: str, **filters: list[str]) -> str:
    return f"{path}?filters={quote(json.dumps(filters))}"


TMPFS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
CREATED: list[dict[str, Any]] = [
    {"Name": "conf a"}, {"Name": "a"}, {"Name": "conf-x", "Driver": "nope"},
    {"Name": "conf-labelled"}, {"Name": "conf-labelled", "DriverOpts": TMPFS},
    {"Name": "conf-labelled", "Driver": "nope"},
    {"Name": "conf-x", "DriverOpts": {"bad": "x"}},
    {"Name": "conf-x", "DriverOpts": {"type": "tmpfs"}},
    {"Name": "conf-x", "DriverOpts": {"device": "tmpfs"}},
    {"Name": "conf-x", "DriverOpts": {"size": "1m"}},
    {"Name": "conf-x", "DriverOpts": {"size": "abc"}}, {"ClusterVolumeSpec": {}},
]  # fmt: skip
VOLUMES: list[tuple[Any, ...]] = [
    ("GET", "/volumes/conf-nosuch"),
    ("DELETE", "/volumes/conf-nosuch"),
    ("DELETE", "/volumes/conf-nosuch?force=1"),
    ("GET", "/volumes/conf-labelled"),
    ("GET", "/volumes/conf-tmpfs"),
    ("DELETE", "/volumes/conf-used"),
    ("DELETE", "/volumes/conf-used?force=1"),
    *[("POST", "/volumes/create", asked) for asked in CREATED],
    ("PUT", "/volumes/conf-labelled?version=1", {}),
    *[("GET", filtered("/volumes", **{name: [value]})) for name, value in (
        ("bogus", "x"), ("dangling", "maybe"), ("label", "conf"), ("label", "conf=x"),
        ("label", "conf=y"), ("name", "conf-tmp"), ("driver", "nope"))],
    ("GET", filtered("/volumes", dangling=["true"], label=["conf"])),
    *[("POST", filtered("/volumes/prune", **{name: ["x"]})) for name in (
        "bogus", "dangling", "all")],
    ("POST", filtered("/volumes/prune", all=["1"], label=["conf=nosuch"])),
]  # fmt: skip


def mount(**fields: object) -> dict[str, Any]:
    return {"Mounts": [fields]}


BIND = {"Type": "bind", "Source": "/usr", "Target": "/b"}
NAMED = {"Type": "volume", "Source": "conf-labelled", "Target": "/b"}
MOUNTS: list[dict[str, Any]] = [
    mount(),
    *[mount(Type=kind) for kind in ("bind", "volume", "tmpfs", "image")],
    *[mount(Type=kind, Source="x", Target="/b") for kind in ("npipe", "cluster", "x", "tmpfs")],
    mount(Type="bind", Target="/b"),
    mount(Type="image", Target="/b"),
    *[mount(**BIND | {"Target": target}) for target in ("b", "/", "/a/..")],
    *[mount(**BIND | {"Source": source}) for source in ("/nosuch", "usr")],
    *[mount(**BIND | {options: {}}) for options in ("VolumeOptions", "TmpfsOptions")],
    mount(**BIND | {"BindOptions": {"Propagation": "bad"}}),
    mount(**NAMED | {"BindOptions": {}}),
    mount(**NAMED | {"Source": "a b"}),
    mount(**NAMED | {"Source": "/usr"}),
    mount(**NAMED | {"Source": "", "ReadOnly": True}),
    *[mount(**NAMED | {"VolumeOptions": {"Subpath": path}}) for path in ("/abs", "../x")],
    mount(**NAMED | {"Source": "", "VolumeOptions": {"Subpath": "x"}}),
    mount(**NAMED | {"Source": "conf-x", "VolumeOptions": {"DriverConfig": {"Name": "nope"}}}),
    mount(Type="tmpfs", Target="/b", BindOptions={}),
    *[mount(Type="tmpfs", Target="/b", TmpfsOptions={"Options": [words]})
        for words in (["bad"], ["a", "b", "c"], ["uid", "1"])],
    mount(Type="image", Source="nosuch", Target="/b"),
    {"Mounts": [{"Type": "tmpfs", "Target": "/b"}] * 2},
    {"Mounts": [{"Type": "tmpfs", "Target": "/b"}], "Binds": ["/usr:/b"]},
    {"Binds": ["/usr:/b", "/usr:/b/"]},
    {"Binds": ["/usr:/b"], "Tmpfs": {"/b": ""}},
    {"Binds": ["relative/x:/b"]},
    {"Binds": ["a:/b"]},
    {"Tmpfs": {"b": ""}},
    {"Tmpfs": {"/": ""}},
    *[{"VolumesFrom": [text]} for text in (
        "", "conf-nosuch", "conf-created:bad", "conf-created:rshared", "conf-created:nocopy")],
    {"VolumeDriver": "nope", "Binds": ["conf-x:/data"]},
]  # fmt: skip
# dockerd has no class for these errors: 500; a client's mistake is 400 here
SPECIFICATIONS = [
    ":", "/a:", ":/a", "/a:b", "/a:/", "/a:/b:bad", "/a:/b:ro,rw", "/a:/b:ro:x", "a",
    "/a:/b:z,Z", "/a:/b:rslave,shared", "/usr:/b:nocopy", "conf-labelled:/b:rshared",
    "/usr:/b:cached,delegated",
]  # fmt: skip
TAKEN: list[dict[str, Any]] = [
    {"Binds": ["conf-labelled:/b"]},
    {"Binds": ["conf-labelled:/b:ro,nocopy"]},
    {"Binds": ["conf-labelled:/b:"]},
    {"Binds": ["conf-labelled:/../b"]},
    {"Binds": ["/usr:/b:ro"]},
    {"Binds": ["/usr:/b:cached"]},
    {"Binds": ["/:/b"]},
    mount(**BIND | {"ReadOnly": True}),
    mount(**NAMED),
    mount(**NAMED | {"VolumeOptions": {"NoCopy": True}}),
    mount(Type="tmpfs", Target="/b"),
    {"Mounts": [{"Type": "tmpfs", "Target": "/b"}], "Tmpfs": {"/b": ""}},
]


@pytest.fixture(scope="module")
def volumes(pair: Pair) -> Iterator[Pair]:
    """Both engines with volumes: labelled, a tmpfs, one that a container has."""
    for side in pair:
        clear(side)
        for name, more in (
            ("labelled", {"Labels": {"conf": "x"}}),
            ("tmpfs", {"DriverOpts": TMPFS}),
            ("used", {}),
        ):
            side.ask("POST", "/volumes/create", {"Name": f"conf-{name}", **more})
        asked = {"Image": "IMAGE", "Cmd": ["x"], "HostConfig": {"Binds": ["conf-used:/used"]}}
        assert side.ask("POST", "/containers/create?name=conf-user", asked).status == 201
    yield pair
    for side in pair:
        side.ask("DELETE", "/containers/conf-user")
        clear(side)


def clear(side: Side) -> None:
    for volume in side.ask("GET", "/volumes").body["Volumes"]:
        if volume["Name"].startswith("conf-"):
            side.ask("DELETE", f"/volumes/{volume['Name']}")


def settled(answer: Answer) -> tuple[int, Any]:
    """Without what differs by place and time."""
    text = json.dumps(answer.body, sort_keys=True)
    text = re.sub(r'"CreatedAt": "[^"]*"', '"CreatedAt": ""', text)
    return answer.status, json.loads(re.sub(r'"[^"]*/volumes/', '"/volumes/', text))


@pytest.mark.parametrize("request_", VOLUMES, ids=lambda r: f"{r[0]} {r[1]} {r[2:]}"[:70])
def test_volumes_are_answered_alike(volumes: Pair, request_: tuple[Any, ...]) -> None:
    theirs, ours = volumes.ask(*request_)
    assert settled(ours) == settled(theirs)


def create(pair: Pair, host: dict[str, Any]) -> tuple[Answer, Answer]:
    host = {"NetworkMode": "none", **host}
    return pair.ask("POST", "/containers/create?name=conf-mounts",
                    {"Image": "IMAGE", "Cmd": ["x"], "HostConfig": host})  # fmt: skip


@pytest.mark.parametrize("host", MOUNTS, ids=lambda host: json.dumps(host)[:70])
def test_mounts_are_refused_alike(volumes: Pair, host: dict[str, Any]) -> None:
    theirs, ours = create(volumes, host)
    assert settled(ours) == settled(theirs)
    assert theirs.status >= 400


@pytest.mark.parametrize("text", SPECIFICATIONS)
def test_specifications_are_refused_in_the_same_words(volumes: Pair, text: str) -> None:
    theirs, ours = create(volumes, {"Binds": [text]})
    assert (ours.status, theirs.status) == (400, 500)
    assert ours.body == theirs.body


@pytest.mark.parametrize("host", TAKEN, ids=lambda host: json.dumps(host)[:70])
def test_mounts_are_told_alike(volumes: Pair, host: dict[str, Any]) -> None:
    create(volumes, host)
    theirs, ours = volumes.ask("GET", "/containers/conf-mounts/json")
    volumes.ask("DELETE", "/containers/conf-mounts?v=1")
    assert (ours.status, theirs.status) == (200, 200)
    told = [
        sorted(re.sub(r'"[^"]*/volumes/', '"/volumes/', json.dumps(m)) for m in a.body["Mounts"])
        for a in (ours, theirs)
    ]
    assert told[0] == told[1]
    assert ours.body["HostConfig"]["Binds"] == theirs.body["HostConfig"]["Binds"]
    assert ours.body["HostConfig"].get("Mounts") == theirs.body["HostConfig"].get("Mounts")
