"""pause, resume and update."""

from __future__ import annotations

import json
import os
import sys

from lading.errors import Conflict, InvalidArgument
from lading.quantities import parse_bytes
from lading.runtime.command import store
from lading.runtime.command.store import NotRunning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.kernel.cgroup import Cgroup
    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation
    from lading.runtime.command.store import Entry, State

# flag -> where its number goes in OCI linux.resources
FLAGS = {
    "blkio-weight": ("blockIO", "weight"),
    "cpu-period": ("cpu", "period"),
    "cpu-quota": ("cpu", "quota"),
    "cpu-burst": ("cpu", "burst"),
    "cpu-share": ("cpu", "shares"),
    "cpu-rt-period": ("cpu", "realtimePeriod"),
    "cpu-rt-runtime": ("cpu", "realtimeRuntime"),
    "cpu-idle": ("cpu", "idle"),
    "pids-limit": ("pids", "limit"),
}
TEXTS = {"cpuset-cpus": ("cpu", "cpus"), "cpuset-mems": ("cpu", "mems")}
SIZES = {
    "memory": ("memory", "limit"),
    "memory-reservation": ("memory", "reservation"),
    "memory-swap": ("memory", "swap"),
    "kernel-memory": ("memory", "kernel"),
    "kernel-memory-tcp": ("memory", "kernelTCP"),
}


class WrongState(Conflict):
    """{0}"""


class NoCgroup(Conflict):
    """container {0} has no cgroup"""


def pause(invocation: Invocation, options: Options) -> int:
    """Let all processes stand still."""
    entry = invocation.entry(options)
    state = entry.read()
    if store.status(entry, state) not in ("running", "created"):
        raise WrongState("container not running")
    _group(entry, state).freeze()
    return 0


def resume(invocation: Invocation, options: Options) -> int:
    """Let them go on."""
    entry = invocation.entry(options)
    state = entry.read()
    if store.status(entry, state) != "paused":
        raise WrongState("container not paused")
    _group(entry, state).thaw()
    return 0


def update(invocation: Invocation, options: Options) -> int:
    """Change limits of a container; what is not mentioned stays."""
    entry = invocation.entry(options)
    lock = entry.lock()
    state = entry.read()
    if store.status(entry, state) == "stopped":
        raise NotRunning()
    asked = asked_resources(options)
    group = _group(entry, state)
    invocation.warn(group.update({key: asked[key] for key in asked if key != "devices"}))
    if options.text("l3-cache-schema") or options.text("mem-bw-schema"):
        _update_intel_rdt(options, state)
    for part, fields in asked.items():
        kept = state["resources"].get(part)
        both = isinstance(kept, dict) and isinstance(fields, dict)
        state["resources"][part] = {**kept, **fields} if both else fields  # type: ignore[dict-item]
    entry.write(state)
    os.close(lock)
    return 0


def asked_resources(options: Options) -> dict[str, Any]:
    """OCI linux.resources of --resources, or of the single flags."""
    if options.text("resources"):
        source = options.text("resources")
        if source == "-":
            found = json.load(sys.stdin)
        else:
            with open(source, "rb") as file:
                found = json.load(file)
        if not isinstance(found, dict):
            raise InvalidArgument("resources are not a JSON object")
        return found
    asked: dict[str, Any] = {}
    for name, (part, field) in FLAGS.items():
        if options.has(name):
            asked.setdefault(part, {})[field] = options.number(name)
    for name, (part, field) in TEXTS.items():
        if options.has(name):
            asked.setdefault(part, {})[field] = options.text(name)
    for name, (part, field) in SIZES.items():
        if options.has(name):
            text = options.text(name)
            asked.setdefault(part, {})[field] = -1 if text == "-1" else parse_bytes(text)
    memory = asked.get("memory") or {}
    if memory.get("limit") == -1:  # memory may not be above memory with swap
        memory.setdefault("swap", -1)
    return asked


def _group(entry: Entry, state: State) -> Cgroup:
    group = store.cgroup(state)
    if group is None:
        raise NoCgroup(entry.id)
    return group


def _update_intel_rdt(options: Options, state: State) -> None:
    from lading.kernel import resctrl

    lines = [options.text("l3-cache-schema"), options.text("mem-bw-schema")]
    resctrl.change(state["intel_rdt"], [line for line in lines if line])
