"""Joining namespaces so that the next child is born in them, by a process made for that."""

from __future__ import annotations

import os

from lading.kernel import namespaces as ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.spec import Linux


def join_for_children(paths: dict[str, str], linux: Linux, *, new_clocks: bool) -> None:
    """Join what the next child shall be born in; `paths` are the namespaces' by kind.

    With a user namespace that is all but the mounts, which the child joins: in a new one it would
    have no right to join what is the host's. A user namespace that is joined comes last.
    """
    kinds = ("network", "ipc", "uts", "cgroup", "time") if "user" in paths else ()
    opened = {
        kind: os.open(paths[kind], os.O_RDONLY | os.O_CLOEXEC)
        for kind in (*kinds, "pid", "user")
        if paths.get(kind)
    }
    if new_clocks:
        ns.unshare(ns.CLONE_NEWTIME)
        ns.set_time_offsets(linux.get("timeOffsets") or {})
    for kind, descriptor in opened.items():
        ns.setns(descriptor, ns.ALL_FLAGS[kind])
