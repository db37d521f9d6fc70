"""A full disk, no descriptors left: the right answer, nothing lost, and all is well afterwards."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from lading.kernel import mount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

LOOP = "trap 'exit 3' TERM; while :; do sleep 0.05; done"


def make(engine: Engine, script: str, name: str, **host: Any) -> str:
    document = {"Image": "base", "Cmd": ["sh", "-c", script], "HostConfig": host}
    found: str = engine.post(f"/containers/create?name={name}", document)["Id"]
    engine.post(f"/containers/{found}/start")
    return found


def state(engine: Engine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.get(f"/containers/{name}/json")["State"]
    return found


@pytest.fixture
def small_disk(new_engine: Callable[[], Engine]) -> Iterator[Engine]:
    """An engine whose data are on a disk of 70 MB, which its image fills to a third."""
    engine = new_engine()
    data = f"{engine.directory}/data"
    os.mkdir(data)
    mount.mount("tmpfs", data, "tmpfs", 0, "size=70m")
    try:
        engine.start()
        yield engine
        engine.close(keep=True)
    finally:
        mount.umount2(data, mount.MNT_DETACH)


def test_on_a_full_disk_what_ends_is_recorded_and_room_can_be_made(small_disk: Engine) -> None:
    engine = small_disk
    make(engine, LOOP, "worker")
    make(engine, "true", "passing", AutoRemove=True)
    make(engine, "dd if=/dev/zero of=/fill bs=64k 2>/dev/null; echo full; exec sleep 600", "hog")
    path = "/containers/hog/logs?stdout=1"
    deadline = time.monotonic() + 30
    while os.statvfs(f"{engine.directory}/data").f_bavail > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    engine.call("GET", path)

    for number in range(3):  # the engine's reserve may be enough for some
        asked = {"Image": "base", "Labels": {"long": "x" * 400_000}}
        status, body = engine.call("POST", f"/containers/create?name=more{number}", asked)
        if status != 201:
            assert (status, b"no space left on" in body) == (500, True), body
            assert engine.call("GET", f"/containers/more{number}/json")[0] == 404
    assert status == 500
    archive = bytes(1024)
    assert engine.exchange("PUT", "/containers/hog/archive?path=/tmp", archive)[0] == 200

    engine.post("/containers/worker/stop?t=5")
    assert (state(engine, "worker")["Status"], state(engine, "worker")["ExitCode"]) == ("exited", 3)
    engine.kill9()
    engine.start()
    assert (state(engine, "worker")["Status"], state(engine, "worker")["ExitCode"]) == ("exited", 3)
    assert state(engine, "hog")["Running"]

    exec_id = engine.post("/containers/hog/exec", {"Cmd": ["rm", "/fill"], "AttachStdout": True})
    engine.call("POST", f"/exec/{exec_id['Id']}/start", {})
    make(engine, "true", "more")
    assert engine.findings() == []


def test_without_descriptors_requests_fail_and_later_ones_do_not(fragile_engine: Engine) -> None:
    engine = fragile_engine
    make(engine, LOOP, "steady")
    limits = engine.limit_descriptors(2)
    try:
        status, body = engine.call("POST", "/containers/create?name=late", {"Image": "base"})
        if status == 201:
            status, body = engine.call("POST", "/containers/late/start")
        assert status == 500, body
        assert "too many open files" in json.loads(body)["message"].lower()
        assert state(engine, "steady")["Running"]
    finally:
        engine.limit_descriptors(limits)
    engine.call("DELETE", "/containers/late?force=1")
    make(engine, "exit 4", "late")
    assert engine.post("/containers/late/wait")["StatusCode"] == 4
    engine.post("/containers/steady/stop?t=5")
    assert state(engine, "steady")["ExitCode"] == 3
    engine.remove_everything()
    assert engine.findings() == []
