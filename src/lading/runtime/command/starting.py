"""start: telling a created container's init to go on, and what it still needs of us then."""

from __future__ import annotations

import _socket
import errno
import os
import time

from lading.errors import Conflict, LadingError
from lading.kernel import pidfd
from lading.runtime import messages, stepping_stone
from lading.runtime.command import sockets, store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation
    from lading.runtime.command.store import Entry, State
    from lading.runtime.messages import Message
    from lading.runtime.spec import Spec

GO_ON = b"g"
LISTENER_TRIES = 5000  # of a millisecond: until the filter is loaded


class StartFailed(LadingError):
    """{0}"""


class NotCreated(Conflict):
    """cannot start a container that has {0}"""


class AlreadyStarted(Conflict):
    """container {0} has been started already"""


def start(invocation: Invocation, options: Options) -> int:
    """Execute the program of a created container."""
    entry = invocation.entry(options)
    lock = entry.lock()
    state = entry.read()
    status = store.status(entry, state)
    if status != "created":
        raise NotCreated({"running": "already started"}.get(status, status))
    start_container(invocation, entry, state, entry.spec())
    os.close(lock)
    return 0


def start_container(invocation: Invocation, entry: Entry, state: State, spec: Spec) -> None:
    """Execute its program, tell who waits for its readiness, and run the poststart hooks."""
    notifier = None
    if os.path.isdir(f"{entry.directory}/{store.NOTIFY}") and os.environ.get("NOTIFY_SOCKET"):
        from lading.runtime.command.readiness import Notifier

        notifier = Notifier(f"{entry.directory}/{store.NOTIFY}", os.environ["NOTIFY_SOCKET"])
    go_on(entry, state, spec)
    asked = (spec.get("hooks") or {}).get("poststart")
    if asked:
        from lading.runtime import hooks

        document = store.encode(store.document(state, "running"))
        try:
            hooks.run(asked, "poststart", document, state["bundle"])
        except hooks.HookFailed:
            from lading.runtime.command import ending

            ending.remove(invocation, entry, state)
            raise
    if notifier is not None:
        notifier.forward(state)


def go_on(entry: Entry, state: State, spec: Spec) -> None:
    """Tell a created container's init to go on; returns when its program runs.

    Raises AlreadyStarted, StartFailed.
    """
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    directory = entry.open()
    process = store.open_init(state)
    try:
        _connect(connection, directory, entry.id)
        _accompany(connection, process, state, spec)
    finally:
        connection.close()
        os.close(directory)
        os.close(process)


def _accompany(connection: _socket.socket, process: int, state: State, spec: Spec) -> None:
    """Give init what it still asks for, until the connection ends by its execve."""
    failure = None
    try:
        while (message := messages.receive(connection)[0]) is not None:
            if "listener" in message:
                hand_listener(process, message["listener"], state, spec)
                connection.send(GO_ON)
            failure = message.get("failed", failure)
    except BaseException:
        pidfd.kill(process)  # or it would go on without what it was promised
        raise
    if failure is not None:
        raise StartFailed(failure["message"])
    number, path = stepping_stone.await_program(state["pid"], process)
    if number:
        pidfd.kill(process)
        from lading.runtime.operations import program

        raise StartFailed(str(program.refused(number, path, spec["process"]["args"][0])))


def _connect(connection: _socket.socket, directory: int, name: str) -> None:
    """To init, which goes on at once; the socket's name, which means "created", goes.

    Who finds it while nobody listens comes after a start that was killed in between.
    """
    try:
        connection.connect(f"/proc/self/fd/{directory}/{store.START_SOCKET}")
    except ConnectionRefusedError:
        raise AlreadyStarted(name) from None
    finally:
        os.unlink(store.START_SOCKET, dir_fd=directory)


def hand_listener(process: int, number: int, state: State, spec: Spec) -> None:
    """Take the seccomp listener out of init, and give it to the agent that the spec names."""
    profile: dict[str, Any] = (spec.get("linux") or {}).get("seccomp") or {}
    for _ in range(LISTENER_TRIES):
        try:
            listener = pidfd.pidfd_getfd(process, number)
            break
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            time.sleep(0.001)
    else:
        raise StartFailed("the seccomp filter was not loaded")
    message: Message = {
        "ociVersion": store.OCI_VERSION,
        "fds": ["seccompFd"],
        "pid": state["pid"],
        "metadata": profile.get("listenerMetadata") or "",
        "state": store.document(state, "creating"),
    }
    try:
        sockets.send(profile["listenerPath"], messages.encode(message), [listener])
    except OSError as error:
        where = profile["listenerPath"]
        raise StartFailed(f"failed to connect with seccomp agent {where}: {error}") from error
    finally:
        os.close(listener)
