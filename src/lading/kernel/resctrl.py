"""Intel RDT: shares of the last-level cache and of memory bandwidth, by groups of the resctrl tree.

Spec: OCI runtime-spec, config-linux.md "IntelRdt"; Documentation/filesystems/resctrl.rst.
"""

from __future__ import annotations

import os

from lading.errors import InvalidArgument, NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ROOT = "/sys/fs/resctrl"


class NoResctrl(NotSupported):
    """intelRdt is specified in config, but intel rdt is not supported or enabled"""


class BadGroup(InvalidArgument):
    """invalid intelRdt.closID {0!r}"""


def is_there() -> bool:
    return os.path.exists(f"{ROOT}/schemata")


def apply(asked: Mapping[str, Any], name: str, pid: int) -> str:
    """Put the process into its group; the directory to remove later, "" if it was there before."""
    if not is_there():
        raise NoResctrl()
    group = asked.get("closID") or name
    if group in (".", "..") or ("/" in group and group != "/"):
        raise BadGroup(group)
    directory = ROOT if group == "/" else f"{ROOT}/{group}"
    lines = [asked.get("l3CacheSchema"), asked.get("memBwSchema"), *(asked.get("schemata") or [])]
    schemata = [line for line in lines if line]
    made = ""
    try:
        os.mkdir(directory, 0o755)
        made = directory
    except FileExistsError:
        if not asked.get("closID"):
            raise
    for line in schemata:
        _write(f"{directory}/schemata", line + "\n")
    _write(f"{directory}/tasks", str(pid))
    return made


def change(directory: str, schemata: list[str]) -> None:
    """Other shares for a group. Raises NoResctrl when it is none of ours."""
    if not directory or not is_there():
        raise NoResctrl()
    for line in schemata:
        _write(f"{directory}/schemata", line + "\n")


def remove(directory: str) -> None:
    """Remove a group that was ours."""
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        return


def _write(path: str, value: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
