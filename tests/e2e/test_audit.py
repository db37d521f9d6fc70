"""`lading system check --repair` on a real engine: each kind of leak is named, and taken away."""

from __future__ import annotations

import contextlib
import glob
import os
import signal
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Engine

STRANGER = "e" * 64


def kinds(engine: Engine) -> set[str]:
    return {finding["kind"] for finding in engine.get("/lading/system/check")["findings"]}


def test_leaks_of_every_kind_are_named_and_repaired(fragile_engine: Engine) -> None:
    engine = fragile_engine
    host = {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}
    config = {"Image": "base", "Cmd": ["sleep", "600"], "HostConfig": host}
    created = engine.post("/containers/create", config)
    engine.post(f"/containers/{created['Id']}/start")
    assert engine.findings() == []
    data, run = f"{engine.directory}/data", f"{engine.directory}/exec"
    for place in (
        f"{run}/containers/{STRANGER}",
        f"{data}/containers/{STRANGER}",
        f"{data}/snapshots/active/{STRANGER}/fs",
        f"{data}/snapshots/staging/{STRANGER}/fs",
        f"{data}/snapshots/layers/9999/fs",
    ):
        os.makedirs(place)
    identity = engine.get("/info")["ID"]
    groups = [f"{parent}/{STRANGER}" for parent in glob.glob(f"/sys/fs/cgroup/*/lading/{identity}")]
    for group in groups:
        os.mkdir(group)
    add = "ip link add lost0 type veth peer name lost1; ip link set lost0 master lading0"
    engine.in_namespace("sh", "-c", add)
    for process in engine.process_ids():
        if Path(f"/proc/{process}/comm").read_text() == "lading-porter\n":
            os.kill(process, signal.SIGKILL)
    found = kinds(engine)
    assert found == {
        *("run directory", "directory", "snapshot", "temporary file", "layer", "cgroup", "link"),
        *("published port",),
    }
    assert engine.post("/lading/system/check")["findings"] == []
    assert kinds(engine) == set()
    assert not any(map(os.path.exists, groups))
    assert engine.get(f"/containers/{created['Id']}/json")["State"]["Running"]
    engine.remove_everything()


def test_a_damaged_record_is_told_by_name_and_everything_else_runs(fragile_engine: Engine) -> None:
    engine = fragile_engine
    good = engine.post("/containers/create?name=good", {"Image": "base", "Cmd": ["true"]})["Id"]
    bad = engine.post("/containers/create?name=bad", {"Image": "base", "Cmd": ["true"]})["Id"]
    engine.stop()
    with contextlib.closing(sqlite3.connect(f"{engine.directory}/data/state.db")) as database:
        database.execute("UPDATE containers SET record = x'00' WHERE id = ?", (bad,))
        database.commit()
    engine.start()
    [finding] = engine.get("/lading/system/check")["findings"]
    assert (finding["kind"], finding["name"]) == ("record", bad)
    assert "record of bad is damaged" in finding["detail"]
    assert any("record of bad is damaged" in text for text in engine.get("/info")["Warnings"])
    engine.post(f"/containers/{good}/start")
    assert engine.call("GET", f"/containers/{bad}/json")[0] == 404
    assert engine.call("DELETE", f"/containers/{bad}")[0] == 204
    assert engine.findings() == []
    engine.post("/containers/create?name=bad", {"Image": "base", "Cmd": ["true"]})
    engine.remove_everything()
