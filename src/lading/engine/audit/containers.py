"""Runs, processes, cgroups, files and endpoints of containers, against the records."""

import os
import shutil
from functools import partial
from typing import TYPE_CHECKING

from lading.containers import groups
from lading.engine.audit.finding import Finding, entries
from lading.kernel import pidfd
from lading.kernel.cgroup import hierarchies
from lading.runtime import client, served_root

if TYPE_CHECKING:
    from lading.engine.engine import Engine


def find(engine: "Engine", running: set[str], known: set[str]) -> list[Finding]:
    """Everything about containers that does not fit together."""
    return [
        *(Finding("record", i, reason) for i, reason in engine.damaged.items()),
        *_runs(engine, running),
        *_processes(engine, running),
        *_servers(engine, running),
        *_cgroups(engine, running, known),
        *_directories(engine, known),
        *_endpoints(engine, running),
        *_ids(engine, running),
    ]


def _runs(engine: "Engine", running: set[str]) -> list[Finding]:
    present = set(entries(f"{engine.options.exec_root}/containers"))
    return [
        *(
            Finding("run directory", i, "of no running container", partial(_end_run, engine, i))
            for i in present - running
        ),
        *(Finding("run directory", i, "missing of a running container") for i in running - present),
    ]


def _end_run(engine: "Engine", container_id: str) -> None:
    """End what may still be of a run that no record knows: processes, cgroup, directory."""
    layout = engine.layout
    client.clean(layout.exec_root, container_id, layout.cgroup(container_id))
    shutil.rmtree(layout.run(container_id), ignore_errors=True)


def _processes(engine: "Engine", running: set[str]) -> list[Finding]:
    """Running containers whose first process is not there."""
    findings = []
    for container_id in running:
        pid = engine.containers.find(container_id).record.state.pid
        if not os.path.exists(f"/proc/{pid}"):
            findings.append(Finding("process", str(pid), f"of {container_id} does not exist"))
    return findings


def _servers(engine: "Engine", running: set[str]) -> list[Finding]:
    """Processes that serve the root of a container which does not run (see served_root)."""
    if not engine.snapshots.server:
        return []
    return [
        Finding("root server", str(pid), f"of {owner}, which does not run", partial(_end, pid))
        for pid, owner in served_root.servers(os.path.abspath(engine.options.exec_root)).items()
        if owner not in running
    ]


def _end(pid: int) -> None:
    try:
        descriptor = pidfd.pidfd_open(pid)
    except ProcessLookupError:
        return
    pidfd.kill(descriptor)
    os.close(descriptor)


def _ids(engine: "Engine", running: set[str]) -> list[Finding]:
    """Running containers whose user namespace is not the one that their record says."""
    findings = []
    for container_id in running:
        record = engine.containers.find(container_id).record
        try:
            with open(f"/proc/{record.state.pid}/uid_map", encoding="ascii") as file:
                there = [tuple(map(int, line.split())) for line in file]
        except OSError:  # it has ended: that is told by others
            continue
        if record.ids is not None and there and there != record.ids.uids:
            detail = f"{there}, but its record says {record.ids.uids}"
            findings.append(Finding("ids", container_id, detail))
    return findings


def _cgroups(engine: "Engine", running: set[str], known: set[str]) -> list[Finding]:
    """Groups of containers that do not run."""
    found = groups.stray(engine.layout, hierarchies(), running=running, is_known=known.__contains__)
    return [
        Finding("cgroup", one.directory, "of no running container", partial(groups.end, one.path))
        for one in found
    ]


def _directories(engine: "Engine", known: set[str]) -> list[Finding]:
    present = set(entries(f"{engine.options.data_root}/containers"))
    return [
        Finding("directory", name, "of no container", partial(engine.layout.remove_files, name))
        for name in present - known
    ]


def _endpoints(engine: "Engine", running: set[str]) -> list[Finding]:
    return [
        Finding(
            "endpoint",
            endpoint.id,
            f"of {endpoint.container_id}, which does not run",
            partial(engine.networks.release, endpoint.container_id),
        )
        for network in engine.networks.list()
        for endpoint in engine.networks.endpoints_of(network.id)
        if endpoint.container_id not in running
    ]
