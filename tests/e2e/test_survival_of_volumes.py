"""What a crash of the daemon does to volumes: an operation is done or absent, at every instant.

The failpoints are learned by running the operation once, so each that is added is met, too.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

FILES = {"a": "1", "b/c": "2", "b/d": "3"}
TMPFS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
IMAGE = "crashes"
MET = ("volume.", "create.", "remove.")


class Operation(NamedTuple):
    """What is done, after what; both give the same result each time."""

    prepare: Callable[[Engine], object]
    do: Callable[[Engine], object]
    between: object = None  # a result that is neither, and is right all the same


def create_volume(engine: Engine) -> None:
    engine.post("/volumes/create", {"Name": "named", "DriverOpts": {"mode": "0700"}})


def remove_volume(engine: Engine) -> None:
    engine.call("DELETE", "/volumes/named")


def prune(engine: Engine) -> None:
    engine.post("/volumes/prune?filters=" + quote(json.dumps({"all": ["1"]})))


def create_container(engine: Engine, **host: object) -> None:
    """With a named volume that is filled, and an anonymous one."""
    host = {"Binds": ["named:/full"], "NetworkMode": "none", **host}
    asked = {"Image": IMAGE, "Volumes": {"/full/b": {}}, "HostConfig": host}
    engine.post("/containers/create?name=crash", asked)


def remove_container(engine: Engine) -> None:
    engine.call("DELETE", "/containers/crash?v=1&force=1")


def create_mounted(engine: Engine) -> None:
    engine.post("/volumes/create", {"Name": "memory", "DriverOpts": TMPFS})
    create_container(engine, Binds=["memory:/full"])


def start(engine: Engine) -> None:
    engine.post("/containers/crash/start")


def started(engine: Engine) -> None:
    create_mounted(engine)
    start(engine)


def kill(engine: Engine) -> None:
    engine.post("/containers/crash/kill")
    time.sleep(0.1)  # what goes on after the answer


def nothing(engine: Engine) -> None: ...


OPERATIONS = {
    "volume create": Operation(nothing, create_volume),
    "volume remove": Operation(create_volume, remove_volume),
    "volume prune": Operation(create_volume, prune),
    "container create": Operation(nothing, create_container),
    # a volume that is there already keeps what it was filled with: the next create finds it so
    "container create with a volume that is there": Operation(
        create_volume, create_container, ({"named": FILES}, [])
    ),
    "container remove": Operation(create_container, remove_container),
    "container start": Operation(create_mounted, start),
    "container kill": Operation(started, kill),
}


@pytest.fixture(scope="module")
def crashing(fragile_engine: Engine) -> Engine:
    """An engine with an image that has something where volumes go."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("full", "full/b"):
            member = tarfile.TarInfo(name)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for name, text in FILES.items():
            member = tarfile.TarInfo(f"full/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        busybox = Path("/bin/busybox").read_bytes()
        member = tarfile.TarInfo("busybox")
        member.mode, member.size = 0o755, len(busybox)
        archive.addfile(member, io.BytesIO(busybox))
    change = quote('CMD ["/busybox", "sleep", "600"]')
    path = f"/images/create?fromSrc=-&repo={IMAGE}&changes={change}"
    status, _, body = fragile_engine.exchange("POST", path, buffer.getvalue())
    assert status == 200, body
    return fragile_engine


@pytest.fixture
def engine(crashing: Engine) -> Iterator[Engine]:
    crashing.revive()
    yield crashing
    crashing.revive()
    clear(crashing)


def clear(engine: Engine) -> None:
    engine.remove_everything()
    prune(engine)
    assert engine.findings() == []
    assert not mounts(engine)


def mounts(engine: Engine) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if f"{engine.directory}/data/volumes" in line]


def content(place: str) -> dict[str, str]:
    root = Path(place)
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}


def look(engine: Engine) -> object:
    """Volumes with what is in them, and the container: two looks are equal or something is lost."""
    volumes = {
        ("anonymous" if len(v["Name"]) == 64 else v["Name"]): content(v["Mountpoint"])
        for v in engine.get("/volumes")["Volumes"]
    }
    containers = engine.get("/containers/json?all=1")
    return volumes, [container["State"] for container in containers]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_crash_at_any_failpoint_leaves_it_done_or_absent(
    engine: Engine, name: str, tmp_path: Path
) -> None:
    operation = OPERATIONS[name]
    passed = tmp_path / "passed"
    passed.touch()
    operation.prepare(engine)
    before = look(engine)
    engine.arm(f"list:{passed}")
    operation.do(engine)
    time.sleep(0.2)
    after = look(engine)
    assert after != before
    engine.arm("")
    clear(engine)
    # those of containers and of the database have their own campaign (test_survival)
    points = [p for p in dict.fromkeys(passed.read_text().split()) if p.startswith(MET)]
    assert points
    for point in points:
        operation.prepare(engine)
        engine.arm(point)
        with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
            operation.do(engine)
        try:
            assert engine.wait_dead(2) == -signal.SIGKILL, point
        except subprocess.TimeoutExpired:
            engine.kill9()  # transactions met and were committed as one: a random instant
        engine.start()
        found = look(engine)
        assert found in (before, after, operation.between), point
        assert engine.findings() == [], point
        clear(engine)


def test_what_is_mounted_stays_so_under_a_container_that_outlives_the_engine(
    engine: Engine,
) -> None:
    started(engine)
    assert len(mounts(engine)) == 1
    engine.kill9()
    engine.start()
    assert len(mounts(engine)) == 1
    assert engine.findings() == []
    kill(engine)
    deadline = time.monotonic() + 30
    while mounts(engine):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_a_container_had_mounted_that_ended_meanwhile_is_unmounted(engine: Engine) -> None:
    started(engine)
    pid = engine.get("/containers/crash/json")["State"]["Pid"]
    engine.kill9()
    os.kill(pid, signal.SIGKILL)
    engine.start()
    assert engine.findings() == []
    assert not mounts(engine)


def test_a_damaged_record_of_a_volume_is_told_and_its_content_is_kept(engine: Engine) -> None:
    import sqlite3

    create_volume(engine)
    place = Path(engine.get("/volumes/named")["Mountpoint"])
    (place / "file").write_text("kept")
    engine.kill9()
    with contextlib.closing(sqlite3.connect(f"{engine.directory}/data/state.db")) as database:
        database.execute("UPDATE volumes SET record = x'00' WHERE name = 'named'")
        database.commit()
    engine.start()
    found = engine.get("/lading/system/check")["findings"]
    assert [one["kind"] for one in found] == ["record"]
    assert (place / "file").read_text() == "kept"
    remove_volume(engine)
    assert engine.findings() == []


def test_a_volume_of_a_container_whose_record_is_damaged_is_not_pruned(engine: Engine) -> None:
    import sqlite3

    create_container(engine)
    engine.kill9()
    path = f"{engine.directory}/data/state.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        # a field of another type than it has: the record cannot be decoded, its words are there
        query = "SELECT record FROM containers WHERE name = 'crash'"
        record = bytes(database.execute(query).fetchone()[0])
        damaged = record.replace(b'"created_ns":', b'"created_ns":"x","was":', 1)
        assert damaged != record
        database.execute("UPDATE containers SET record = ? WHERE name = 'crash'", (damaged,))
        database.commit()
    engine.start()
    prune(engine)
    assert "named" in [volume["Name"] for volume in engine.get("/volumes")["Volumes"]]
    assert engine.call("DELETE", "/volumes/named")[0] == 409
    engine.call("DELETE", "/containers/crash?force=1")
    prune(engine)
    assert engine.get("/volumes")["Volumes"] == []
