"""What a steward is: a listening socket, at most one engine, and something to look after.

    engine connects      it is served: one request, one answer, in order
    engine goes away     what belongs to containers is dropped when its container ends
    nothing left, and no engine: the process ends

One engine at a time works below an exec-root (it holds a lock there), so a new connection replaces
the old one. Requests are {"op", "seq", ...}, answers {"seq", ...} or {"seq", "error"}.
"""

from __future__ import annotations

import _socket
import os
import resource
import signal
import time
from functools import partial

from lading.kernel import pidfd, process
from lading.runtime import messages, rundir
from lading.runtime.loop import IN, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lading.runtime.messages import Message

    # gets the request and its descriptors, which it takes over; returns the answer
    Verb = Callable[[Message, list[int]], Message]

LOOK_AGAIN_S = 1.0  # for the process of a container that is being started
START_S = 10.0  # a start that the engine's death interrupted is over by then


class Steward:
    """One such process. `verbs` does the work; `containers` tells for whom something is kept."""

    def __init__(
        self,
        loop: Loop,
        listener: _socket.socket,
        exec_root: str,
        verbs: dict[str, Verb],
        *,
        containers: Callable[[], Iterable[str]],
        forget: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._exec_root = exec_root
        self._verbs = {"who": _who, **verbs}
        self._containers = containers
        self._forget = forget
        self._engine: _socket.socket | None = None
        self._watched: dict[str, int] = {}  # pidfds by container, while there is no engine
        self._left_at = time.monotonic()
        self.next_call: Callable[[], float] = _never  # seconds until `tick`
        self.tick: Callable[[], None] = _nothing
        loop.register(listener.fileno(), IN, self._accept)

    def run(self) -> None:
        """Serve until there is nothing left to do."""
        while self._is_needed():
            self._loop.run_once(self._timeout())
            self.tick()
            if self._engine is None:
                self._watch_containers()

    def _is_needed(self) -> bool:
        is_early = time.monotonic() < self._left_at + LOOK_AGAIN_S  # an engine restarts
        return self._engine is not None or is_early or any(True for _ in self._containers())

    def _timeout(self) -> float:
        """Until the next thing that no descriptor tells of; -1 for never."""
        waits = [self.next_call()]
        if self._engine is None and (not self._watched or self._is_any_unwatched()):
            waits.append(LOOK_AGAIN_S)
        due = [wait for wait in waits if wait >= 0]
        return min(due, default=-1)

    def _accept(self, _events: int) -> None:
        connection = _accepted(self._listener)
        self._part()
        self._engine = messages.adopt(connection)
        self._loop.register(connection, IN, self._serve)
        for descriptor in self._watched.values():
            self._loop.unregister(descriptor)
            os.close(descriptor)
        self._watched.clear()

    def _serve(self, _events: int) -> None:
        assert self._engine is not None  # or its descriptor would not be registered
        try:
            request, descriptors = messages.receive(self._engine)
        except OSError:
            request, descriptors = None, []
        if request is None:
            self._part()
            return
        verb = self._verbs.get(str(request.get("op")), _unknown)
        try:
            answer = verb(request, descriptors)
        except (OSError, KeyError, TypeError, ValueError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        try:
            messages.send(self._engine, {**answer, "seq": request.get("seq")})
        except OSError:
            self._part()

    def _part(self) -> None:
        """The engine has gone, or another has come."""
        if self._engine is not None:
            self._loop.unregister(self._engine.fileno())
            self._engine.close()
            self._engine = None
        self._left_at = time.monotonic()

    def _is_any_unwatched(self) -> bool:
        return any(container not in self._watched for container in self._containers())

    def _watch_containers(self) -> None:
        """Hear of the end of every container for which something is kept."""
        is_late = time.monotonic() > self._left_at + START_S
        for container in set(self._containers()) - self._watched.keys():
            descriptor = self._open_process(container)
            if descriptor is not None:
                self._watched[container] = descriptor
                self._loop.register(descriptor, IN, partial(self._ended, container))
            elif is_late:
                self._forget(container)

    def _open_process(self, container: str) -> int | None:
        """A pidfd of its first process; None if it has none (yet)."""
        state = rundir.read(f"{self._exec_root}/containers/{container}", rundir.STATE)
        if state is None:
            return None
        try:
            return pidfd.open_started(state["pid"], state["start_time"])
        except (OSError, KeyError, TypeError):
            return None

    def _ended(self, container: str, _events: int) -> None:
        descriptor = self._watched.pop(container)
        self._loop.unregister(descriptor)
        os.close(descriptor)
        self._forget(container)


def prepare(name: str, descriptor: int, *, capabilities: int) -> _socket.socket:
    """Make this process a steward; returns its listening socket. Other descriptors are closed.

    It keeps the capabilities of that mask: what reads strangers' packets needs few.
    """
    process.close_range(descriptor + 1)
    process.prctl(process.PR_SET_DUMPABLE, 0)
    process.default_signals()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    process.prctl(process.PR_SET_NO_NEW_PRIVS, 1)
    process.capset(capabilities, capabilities, 0)
    os.chdir("/")
    os.umask(0o077)
    os.set_inheritable(descriptor, False)
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor)
    listener.setblocking(False)
    return listener


def _accepted(listener: _socket.socket) -> int:
    # what socket.accept calls, without the class that it wraps the descriptor in
    descriptor: int = listener._accept()[0]  # type: ignore[attr-defined]
    os.set_blocking(descriptor, True)
    return descriptor


def _unknown(request: Message, descriptors: list[int]) -> Message:
    for descriptor in descriptors:
        os.close(descriptor)
    return {"error": f"unknown verb: {request.get('op')}"}


def _who(_request: Message, _descriptors: list[int]) -> Message:
    return {"pid": os.getpid()}


def _never() -> float:
    return -1


def _nothing() -> None:
    return None
