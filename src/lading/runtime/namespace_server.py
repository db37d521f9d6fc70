"""Makes user namespaces, each with a network namespace that is its own, for an engine that may not.

A user namespace takes a process with one thread, and a network belongs to whoever makes it: were it
made by the engine, root in the container could not bind a port below 1024 in it. So the engine asks
this small process, started for the first container that needs it:

    {"uids": [[inside, outside, count], ...], "gids": [...]}  -->
    {} with a descriptor: the user namespace that is there already -->
                     <--  {} with two descriptors: user namespace, network namespace; or {"failed"}
"""

from __future__ import annotations

import os

from lading.errors import SystemFault
from lading.kernel import idmap, namespaces, process
from lading.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from lading.kernel.idmap import Mapping
    from lading.runtime.messages import Message

SIGKILL = 9


class NoUserNamespace(SystemFault):
    """cannot make a user namespace: {0}"""


def main(descriptor: int) -> None:
    """Serve until the other end of the SEQPACKET socket is closed."""
    process.close_range(descriptor + 1)
    process.prctl(process.PR_SET_DUMPABLE, 0)
    process.default_signals()
    os.chdir("/")
    os.set_inheritable(descriptor, False)
    requests = messages.adopt(descriptor)
    while True:
        request, given = messages.receive(requests)
        if request is None:
            return
        made: tuple[int, ...] = ()
        try:
            made = _answer(request, given)
        except (OSError, SystemFault) as error:
            messages.send(requests, {"failed": str(error)})
        else:
            messages.send(requests, {}, list(made))
        for one in (*made, *given):
            os.close(one)


def _answer(request: Message, given: list[int]) -> tuple[int, int]:
    return make_in(given[0]) if given else make(request["uids"], request["gids"])


def make(uids: list[Mapping], gids: list[Mapping]) -> tuple[int, int]:
    """Descriptors of a user namespace with these ids and of a network namespace that it owns.

    Raises OSError, NoUserNamespace.
    """
    return _made_by_child(lambda pid: idmap.write_maps(pid, uids, gids), namespaces.CLONE_NEWUSER)


def make_in(users: int) -> tuple[int, int]:
    """A network namespace in a user namespace that is there; descriptors of both."""
    return _made_by_child(lambda _: None, 0, users)


def _made_by_child(
    prepare: Callable[[int], object], flags: int, users: int = -1
) -> tuple[int, int]:
    ours, theirs = messages.pair()
    pid, pidfd = namespaces.clone3(flags)
    if pid == 0:
        ours.close()
        _be_inside(theirs, users)
    theirs.close()
    try:
        prepare(pid)
        ours.send(b"g")
        if not ours.recv(1):
            raise NoUserNamespace("its process could not make a network namespace")
        users = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        return users, os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        ours.close()  # it ends
        os.waitpid(pid, 0)
        os.close(pidfd)


def _be_inside(connection: _socket.socket, users: int) -> None:
    """The process in the new namespaces: it is there until we hold them."""
    try:
        process.prctl(process.PR_SET_PDEATHSIG, SIGKILL)
        if connection.recv(1):
            if users >= 0:
                namespaces.setns(users, namespaces.CLONE_NEWUSER)
            namespaces.unshare(namespaces.CLONE_NEWNET)
            connection.send(b"m")
            connection.recv(1)
    finally:
        os._exit(0)
