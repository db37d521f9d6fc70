"""The audit: what the kernel has of ours against what the records name. `lading system check`.

Every finding is a leak (something without an owner) or a loss (an owner without the thing). On an
engine at rest the list is empty; while operations are in flight it may name what they just made.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from lading.kernel.cgroup import hierarchies
from lading.storage import snapshots as snapshot_room

if TYPE_CHECKING:
    from lading.engine.engine import Engine


class Finding(NamedTuple):
    """One thing that is wrong: its kind, which one, and why."""

    kind: str
    name: str
    detail: str


def check(engine: "Engine") -> list[Finding]:
    """Everything that does not fit together, now."""
    containers = {c.id: c for c in engine.containers.all()}
    running = {i for i, c in containers.items() if c.record.state.is_running}
    known = containers.keys() | engine.damaged.keys()
    return [
        *(Finding("record", i, reason) for i, reason in engine.damaged.items()),
        *_runs(engine, running),
        *_processes(engine, running),
        *_cgroups(engine, running),
        *_directories(engine, set(known)),
        *_snapshots(engine, set(known)),
        *_endpoints(engine, running),
    ]


def _runs(engine: "Engine", running: set[str]) -> list[Finding]:
    present = set(_entries(f"{engine.options.exec_root}/containers"))
    return [
        *(Finding("run directory", i, "of no running container") for i in present - running),
        *(Finding("run directory", i, "missing of a running container") for i in running - present),
    ]


def _processes(engine: "Engine", running: set[str]) -> list[Finding]:
    """Running containers whose first process is not there."""
    findings = []
    for container_id in running:
        pid = engine.containers.find(container_id).record.state.pid
        if not os.path.exists(f"/proc/{pid}"):
            findings.append(Finding("process", str(pid), f"of {container_id} does not exist"))
    return findings


def _cgroups(engine: "Engine", running: set[str]) -> list[Finding]:
    trees = hierarchies()
    mounts = {*trees.v1.values(), *([trees.v2] if trees.v2 else [])}
    parent = os.path.dirname(engine.layout.cgroup("x"))
    return [
        Finding("cgroup", f"{mount}{parent}/{name}", "of no running container")
        for mount in sorted(mounts)
        for name in _entries(mount + parent)
        if (container := container_of(name)) and container not in running
    ]


def container_of(name: str) -> str:
    """The id in a cgroup's name, which may be that of a systemd scope; "" if it has none."""
    found = name.removeprefix("lading-").removesuffix(".scope")
    return found if len(found) == 64 else ""


def _directories(engine: "Engine", known: set[str]) -> list[Finding]:
    present = set(_entries(f"{engine.options.data_root}/containers"))
    return [Finding("directory", name, "of no container") for name in present - known]


def _snapshots(engine: "Engine", known: set[str]) -> list[Finding]:
    rows = set(engine.database.read(snapshot_room.store.active_keys))
    present = set(_entries(f"{engine.options.data_root}/snapshots/active"))
    return [
        *(Finding("snapshot", key, "of no container") for key in rows - known),
        *(Finding("snapshot", key, "has no record") for key in present - rows),
        *(Finding("snapshot", key, "lost its directory") for key in rows - present),
    ]


def _endpoints(engine: "Engine", running: set[str]) -> list[Finding]:
    return [
        Finding("endpoint", endpoint.id, f"of {endpoint.container_id}, which does not run")
        for network in engine.networks.list()
        for endpoint in engine.networks.endpoints_of(network.id)
        if endpoint.container_id not in running
    ]


def _entries(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
