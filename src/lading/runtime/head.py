"""The part of a spawn request that starter and monitor read.

The engine puts it as one line before the request: the whole is decoded by the child alone, while
the starter is busy with the cgroup.
"""

from __future__ import annotations

from lading.kernel import namespaces
from lading.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from lading.runtime.spec import Overlay, Request

    class Head(TypedDict):
        """`flags` are those of clone3; `log_quota` is in bytes, 0 for no limit. `users`: index of
        the user namespace's descriptor; `owner`: who is its root on the host. `served`: a root that
        a process serves; the plan expects it after the request's own descriptors.
        """

        log: str | None
        log_quota: int
        log_held: bool
        stdin: bool
        terminal: bool
        flags: int
        pid_namespace: str
        cgroup: str
        systemd: bool
        resources: dict[str, object]
        users: int | None
        owner: list[int]
        served: Overlay | None


def head_of(request: Request) -> Head:
    """Pick out what they need; unknown namespaces are left for the plan to refuse."""
    linux = request["spec"].get("linux") or {}
    fds = request.get("fds") or {}
    log = request.get("log")
    overlay = request.get("overlay")
    flags, pid_namespace = 0, ""
    has_netns = fds.get("netns") is not None
    for namespace in linux.get("namespaces") or []:
        kind, path = namespace["type"], namespace.get("path") or ""
        if path or kind == "cgroup" or (kind == "network" and has_netns):
            pid_namespace = path if kind == "pid" else pid_namespace
        else:
            flags |= namespaces.FLAGS.get(kind, 0)
    return {
        "log": log["directory"] if log else None,
        "log_quota": log.get("quota", 0) if log else 0,
        "log_held": bool(log and log.get("held")),
        "stdin": bool(request.get("stdin")),
        "terminal": bool((request["spec"].get("process") or {}).get("terminal")),
        "flags": flags,
        "pid_namespace": pid_namespace,
        "cgroup": linux.get("cgroupsPath") or "",
        "systemd": bool(request.get("systemd")),
        "users": fds.get("users"),
        "owner": request.get("owner") or [0, 0],
        "served": overlay if overlay and overlay["lower"] and overlay.get("server") else None,
        "resources": linux.get("resources") or {},
    }


def join(head: Head, request: Request) -> bytes:
    """The datagram: the head, a line feed (JSON text has none), the request."""
    return messages.encode(head) + b"\n" + messages.encode(request)  # type: ignore[arg-type]


def split(datagram: bytes) -> tuple[Head, bytes]:
    """Head and the undecoded request."""
    head, _, body = datagram.partition(b"\n")
    return messages.decode(head), body  # type: ignore[return-value]
