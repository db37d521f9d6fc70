"""The nest: namespaces of a plain user in which an engine is root, held by a process that sleeps.

    engine 1 makes it --> holder sleeps <-- engine 2 of the same user enters it
    the last engine to stop, with no container left, takes it away

The holder is the user's own process, and whoever made a user namespace has all rights over it from
outside: so entering takes no help (man 7 user_namespaces); only at first newuidmap writes the ids.
"""

import fcntl
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lading.app.rootless import beside
from lading.app.rootless.beside import Process
from lading.app.rootless.needs import Ids
from lading.errors import SystemFault
from lading.kernel import idmap, mount, namespaces, pidfd, process, subids
from lading.runtime.operations.namespaces import bring_loopback_up

NAME, LOCK = "nest", "nest.lock"
MADE_OF = namespaces.CLONE_NEWUSER | namespaces.CLONE_NEWNS | namespaces.CLONE_NEWNET


class NestFailed(SystemFault):
    """cannot make the engine's namespaces: {0}"""


@contextmanager
def locked(directory: str) -> Iterator[None]:
    """Nobody else makes or takes away the nest meanwhile."""
    descriptor = os.open(f"{directory}/{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def find(directory: str) -> Process | None:
    """The holder of the nest that is there, if it lives."""
    return beside.find(directory, NAME)


def make(directory: str, ids: Ids) -> Process:
    """A new one, written down. Raises NestFailed, and leaves nothing then."""
    ours, theirs = socket.socketpair()
    pid, descriptor = namespaces.clone3(MADE_OF)
    if pid == 0:
        ours.close()
        _hold(theirs)
    os.close(descriptor)
    theirs.close()
    try:
        uids = [(0, os.getuid(), 1), *_after_root(ids.uids)]
        gids = [(0, os.getgid(), 1), *_after_root(ids.gids)]
        idmap.write_maps(pid, uids, gids)
        ours.send(b"i")
        answer = ours.recv(4096)
        if answer != b"m":
            raise NestFailed(answer.decode(errors="replace") or "its process ended")
        nest = beside.write(directory, NAME, pid)
        ours.send(b"r")  # from here on it lives without us
    except OSError as error:
        os.kill(pid, signal.SIGKILL)
        raise NestFailed(error) from error
    except NestFailed:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        ours.close()
    return nest


def _after_root(ranges: list[subids.Range]) -> list[subids.Mapping]:
    return [(inside + 1, first, count) for inside, first, count in subids.spread(ranges)]


def _hold(connection: socket.socket) -> None:
    """Be the holder: set the mounts apart, then sleep as a small program."""
    try:
        if not connection.recv(1):
            os._exit(1)
        process.set_ids(0, 0, [])
        mount.mount("none", "/", "", mount.MS_REC | mount.MS_SLAVE)
        bring_loopback_up()
        connection.send(b"m")
        if not connection.recv(1):
            os._exit(1)  # whoever made us died before it wrote us down
        os.setsid()
        os.chdir("/")
        process.default_signals()
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        process.close_range(3)
        program = shutil.which("sleep")
        if program:
            os.execve(program, ["lading-nest", "infinity"], {})
        python = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
        os.execve(sys.executable, python, {})
    except OSError as error:
        connection.send(str(error).encode())
    finally:
        os._exit(1)


def enter(nest: Process) -> None:
    """Become root in it; the working directory stays where its path leads there."""
    here = os.getcwd()
    holder = pidfd.open_started(*nest)
    try:
        namespaces.setns(holder, MADE_OF)
    finally:
        os.close(holder)
    process.set_ids(0, 0, [])
    os.chdir(here)


def take_away(directory: str) -> None:
    """End the holder and whoever else is in the nest, but for ourselves; so it ends with us."""
    holder = find(directory)
    if holder is None:
        return
    for pid in _inhabitants(holder.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    beside.end(directory, NAME, signal.SIGKILL)


def _inhabitants(holder: int) -> list[int]:
    """Who is in its user namespace beside it and us: servants of an engine that has gone."""
    wanted = os.readlink(f"/proc/{holder}/ns/user")
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in (holder, os.getpid()):
            continue
        try:
            if os.readlink(f"/proc/{name}/ns/user") == wanted:
                found.append(int(name))
        except OSError:  # gone, or not ours to look at
            continue
    return found
