"""state, list and ps."""

from __future__ import annotations

import json
import os

from lading.runtime.command import store
from lading.runtime.command.flags import BadUsage
from lading.runtime.command.store import Entry, NoSuchContainer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation

COLUMNS = ("id", "pid", "status", "bundle", "created", "owner")


def state(invocation: Invocation, options: Options) -> int:
    """Print the state of a container."""
    entry = invocation.entry(options)
    if not entry.read()["pid"]:  # it is still being created, or never came to be
        raise NoSuchContainer(entry.id)
    print(json.dumps(_details(entry), indent=2))
    return 0


def _details(entry: Entry) -> dict[str, Any]:
    state = entry.read()
    document = store.document(state, store.status(entry, state))
    annotations = document.pop("annotations", None)
    more = {"rootfs": state["rootfs"], "created": state["created"]}
    described = {**document, **more}
    if annotations:
        described["annotations"] = annotations
    return {**described, "owner": _user_name(state["owner"])}


def _user_name(uid: int) -> str:
    if uid == 0:
        return "root"
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def list_containers(invocation: Invocation, options: Options) -> int:
    """List the containers below --root."""
    found = []
    for name in store.ids(invocation.root):
        try:
            found.append(_details(Entry(invocation.root, name)))
        except NoSuchContainer:
            continue
    if options.switch("quiet"):
        for details in found:
            print(details["id"])
    elif _format(options) == "json":
        print(json.dumps(found, separators=(",", ":")) if found else "null")
    else:
        rows = [[str(details[column]) for column in COLUMNS] for details in found]
        _print_table([column.upper() for column in COLUMNS], rows)
    return 0


def _format(options: Options) -> str:
    chosen = options.text("format", "table")
    if chosen not in ("table", "json"):
        raise BadUsage("invalid format option")
    return chosen


def _print_table(header: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[n]) for row in [header, *rows]) + 3 for n in range(len(header))]
    for row in [header, *rows]:
        print("".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def ps(invocation: Invocation, options: Options) -> int:
    """Show the container's processes, by ps(1) of the host."""
    state = invocation.entry(options).read()
    group = store.cgroup(state)
    pids = group.pids() if group is not None else [state["pid"]]
    if _format(options) == "json":
        print(json.dumps(pids))
        return 0
    arguments = options.words[1:] or ["-ef"]
    lines = _output(["ps", *arguments]).splitlines()
    if not lines or "PID" not in lines[0].split():
        raise BadUsage("Couldn't find PID field in ps output")
    column = lines[0].split().index("PID")
    print(lines[0])
    for line in lines[1:]:
        fields = line.split()
        if len(fields) > column and fields[column].isdigit() and int(fields[column]) in pids:
            print(line)
    return 0


def _output(command: list[str]) -> str:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, writing, 1)]
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    os.close(writing)
    with open(reading, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    os.waitpid(pid, 0)
    return text
