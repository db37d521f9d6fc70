"""The directory of a running container below the exec-root: what the monitor leaves in it.

monitor.sock   SEQPACKET socket of the monitor; present while it lives
state.json     {"pid", "start_time", "monitor_pid", "monitor_start_time", "cgroup_path"}
oci.json       {"bundle", "annotations", ...}: only of containers made by lading-runtime
exit.json      {"exit_code", "oom_killed", "finished_at_ns"}; written once, by rename
"""

from __future__ import annotations

import os

from lading.failpoints import fp
from lading.runtime import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SOCKET = "monitor.sock"
STATE = "state.json"
EXIT = "exit.json"
OCI = "oci.json"


def write(directory: int, name: str, record: dict[str, Any]) -> None:
    """Write a record so that a reader sees all of it or none."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    descriptor = os.open(name + ".tmp", flags, 0o600, dir_fd=directory)
    os.write(descriptor, json_text.encode(record).encode())
    os.close(descriptor)
    fp(f"rundir.{name}.written")
    os.rename(name + ".tmp", name, src_dir_fd=directory, dst_dir_fd=directory)
    fp(f"rundir.{name}.renamed")


def remove(directory: int, name: str) -> None:
    """Unlink a file of the directory, if it is there."""
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return


def read(directory: str, name: str) -> dict[str, Any] | None:
    """The record, or None when it is not there or not whole."""
    try:
        descriptor = os.open(f"{directory}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        record = json_text.decode(os.read(descriptor, os.fstat(descriptor).st_size).decode())
    except ValueError:
        return None
    finally:
        os.close(descriptor)
    return record if isinstance(record, dict) else None


def socket_path(directory: int) -> str:
    """A short name of the socket: sun_path holds 108 bytes only, man 7 unix."""
    return f"/proc/self/fd/{directory}/{SOCKET}"
