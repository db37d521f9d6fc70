"""From a plain user's `ladingd` to one that is root in its nest, and back."""

import os
import pwd
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lading.app.rootless import delegation, door, needs, nest, uplink
from lading.errors import NotSupported

NEST = "LADING_NEST"  # in the environment: the directory of the nest that we are in
ISLAND = "LADING_NEST_ISLAND"  # in the environment: why the nest has no way out


class Missing(NotSupported):
    """cannot run without root yet:{0}"""


class Places(NamedTuple):
    """Where the engine of a user keeps things, by the XDG base directory specification."""

    data_root: str
    exec_root: str
    socket: str


def places(environ: Mapping[str, str]) -> Places:
    """Without XDG_RUNTIME_DIR there is no place to run: the last two are then empty."""
    data = environ.get("XDG_DATA_HOME") or f"{environ.get('HOME', '')}/.local/share"
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return Places(
        f"{data}/lading",
        f"{runtime}/lading" if runtime else "",
        f"{runtime}/lading.sock" if runtime else "",
    )


def enter(given: Mapping[str, object], environ: dict[str, str], words: Sequence[str]) -> None:
    """Execute this program (`words`) again, as root of the user's nest.

    `given` are its settings; those that decide about places get a user's defaults.
    Raises Missing, NestFailed, UplinkFailed.
    """
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    where = places(environ)
    ids = needs.read_ids(name, uid)
    if found := needs.missing(name, ids, environ.get("XDG_RUNTIME_DIR", "")):
        raise Missing("".join(f"\n  - {text}" for text in found))
    exec_root = os.path.abspath(str(given.get("exec_root") or where.exec_root))
    os.makedirs(exec_root, mode=0o700, exist_ok=True)
    island = uplink.problem()
    delegation.settle()
    with nest.locked(exec_root):
        found_nest = nest.find(exec_root)
        if found_nest is None:
            found_nest = nest.make(exec_root, ids)
            try:
                if not island:
                    uplink.start(found_nest.pid, exec_root)
            except BaseException:
                nest.take_away(exec_root)
                raise
        door.start(exec_root)
        nest.enter(found_nest)
    environ |= {NEST: exec_root, ISLAND: island}
    os.execve(sys.executable, [*words, *_defaults(given, where)], environ)


def _defaults(given: Mapping[str, object], where: Places) -> list[str]:
    words = []
    if "data_root" not in given:
        words += ["--data-root", where.data_root]
    if "exec_root" not in given:
        words += ["--exec-root", where.exec_root]
    if "host" not in given:
        words += ["-H", f"unix://{where.socket}"]
    return words


def door_of(environ: Mapping[str, str]) -> str:
    """Where sockets of the host come from; "" for an engine in the host's network."""
    return f"{environ[NEST]}/{door.SOCKET}" if NEST in environ else ""


def leave(exec_root: str) -> None:
    """Take the nest away when no container needs it any more."""
    with nest.locked(exec_root):
        if os.listdir(f"{exec_root}/containers"):
            return
        uplink.stop(exec_root)
        door.stop(exec_root)
        nest.take_away(exec_root)
