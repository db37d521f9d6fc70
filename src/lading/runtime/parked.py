"""A child that waits, half a container already, for the request whose init it becomes.

The starter makes it before anybody asks, in PID, UTS and IPC namespaces of its own; what depends on
the request (the mounts of that moment, a network) it unshares when it knows. Where a child has to
be born in its cgroup (v2), or a request wants something else, it ends unused.

    starter --> flags of unshare, where stdio comes from, the request; the request's descriptors
"""

from __future__ import annotations

import os

from lading.kernel import memory, namespaces, process
from lading.runtime import init, messages, rehearsal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import NoReturn

    from lading.kernel.memory import Region
    from lading.runtime.operations.step import Operation
    from lading.runtime.plan import Host

BORN_WITH = namespaces.CLONE_NEWPID | namespaces.CLONE_NEWUTS | namespaces.CLONE_NEWIPC
UNSHARES = namespaces.CLONE_NEWNS | namespaces.CLONE_NEWNET
TERMINAL, PREPARED, GIVEN = b"t", b"p", b"g"  # stdio: to be made, ours, the first three descriptors
_FLAGS_SIZE = 8


def fits(flags: int) -> bool:
    """Whether a parked child can become the init of a container with these flags of clone3."""
    return flags & BORN_WITH == BORN_WITH and not flags & ~(BORN_WITH | UNSHARES)


def send(
    channel: _socket.socket, flags: int, body: bytes, stdio: list[int] | None, fds: list[int]
) -> None:
    """Wake the child. `stdio`: its three ends, empty for those it has already, None: a terminal."""
    source = TERMINAL if stdio is None else GIVEN if stdio else PREPARED
    data = (flags & UNSHARES).to_bytes(_FLAGS_SIZE, "little") + source + body
    messages.send_raw(channel, data, (stdio or []) + fds)


def wait(
    sync: _socket.socket, prepared: tuple[int, int, int], host: Host, code: list[Region]
) -> NoReturn:
    """Be that child."""
    try:
        process.prctl(process.PR_SET_PDEATHSIG, init.PDEATHSIG)
        memory.populate(code)
        rehearsal.rehearse_child(host)
        data, fds = messages.receive_raw(sync)
        if data:
            _become_init(sync, data, fds, prepared, host)
    finally:
        os._exit(0)


def _become_init(
    sync: _socket.socket, data: bytes, fds: list[int], prepared: tuple[int, int, int], host: Host
) -> NoReturn:
    flags, source = (
        int.from_bytes(data[:_FLAGS_SIZE], "little"),
        data[_FLAGS_SIZE : _FLAGS_SIZE + 1],
    )
    stdio: tuple[int, int, int] | None = None if source == TERMINAL else prepared
    if source == GIVEN:
        stdio = fds[0], fds[1], fds[2]
        fds = fds[3:]

    def prepare() -> list[Operation]:
        namespaces.unshare(flags)
        return init.plan_container(data[_FLAGS_SIZE + 1 :], host, fds)

    init.run(sync, stdio, prepare)
