"""What clients may ask of a monitor: one function per request, and the table of them.

A request is {"op": name, "seq": number, ...}, with descriptors beside it. Its reply is
{"reply": number, "error": null or {"message", "errno"}, ...}.
"""

from __future__ import annotations

import os
from errno import ESRCH

from lading.kernel import pidfd, tty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.runtime.connections import Connection
    from lading.runtime.messages import Message
    from lading.runtime.monitor import Monitor

    Request = Callable[[Monitor, Connection, Message, list[int]], Message | None]


def answer(monitor: Monitor, connection: Connection, message: Message, fds: list[int]) -> None:
    """Answer one request; a request without "seq" gets no reply. Descriptors left over close."""
    request = REQUESTS.get(message.get("op", ""))
    sequence = message.get("seq")
    reply: Message | None
    try:
        if request is None:
            raise ValueError(f"no such operation: {message.get('op')}")
        reply = request(monitor, connection, message, fds)
    except Exception as error:  # no request may end the monitor, and with it the container
        number = getattr(error, "errno", None) or 0
        text = getattr(error, "strerror", None) or str(error)
        reply = {"error": {"message": text, "errno": number}}
    finally:
        for fd in fds:
            os.close(fd)
    if sequence is not None and reply is not None:
        connection.send({"reply": sequence, "error": None, **reply})


def signal(monitor: Monitor, _c: Connection, message: Message, _fds: list[int]) -> Message:
    """Signal init."""
    if monitor.is_over:  # a request in the midst of the end: the pidfd is closed
        raise ProcessLookupError(ESRCH, "the process has ended")
    pidfd.pidfd_send_signal(monitor.init.pidfd, message["signal"])
    return {}


def resize(monitor: Monitor, _c: Connection, message: Message, _fds: list[int]) -> Message:
    """Set the size of the container's terminal, or of an exec's."""
    name = message.get("exec")
    terminal = monitor.terminal if name is None else monitor.execs.terminal(name)
    if terminal >= 0:  # who has none does not mind: so it is with Docker
        tty.set_size(terminal, message["height"], message["width"])
    return {}


def stdin(monitor: Monitor, _c: Connection, message: Message, fds: list[int]) -> Message:
    """Pump from the descriptor that came along into the container's stdin."""
    if monitor.stdin is not None:
        monitor.stdin.add(fds.pop(0), close_on_eof=bool(message.get("close_on_eof")))
    elif not monitor.head["stdin"]:
        raise ValueError("stdin is not open")
    return {}  # or an earlier shift has closed it: what comes now is dropped


def close_stdin(monitor: Monitor, _c: Connection, _message: Message, _fds: list[int]) -> Message:
    """End the container's stdin."""
    if monitor.stdin is not None:
        monitor.stdin.close()
    return {}


def watch_log(_m: Monitor, connection: Connection, message: Message, _fds: list[int]) -> Message:
    """Tell this client, once, when the log goes on after the position that it knows."""
    connection.watched_end = message["end"]
    return {}


def hold_log(
    monitor: Monitor, connection: Connection, message: Message, _fds: list[int]
) -> Message:
    """Keep the log from a segment on, for this client to read; 0 lets go."""
    connection.held_segment = message["segment"]
    monitor.hold_log()
    return {}


def run_exec(
    monitor: Monitor, connection: Connection, message: Message, fds: list[int]
) -> Message | None:
    """Start one more process."""
    if not monitor.is_running:
        raise ValueError("container not running")
    monitor.execs.start(connection, message, fds)
    return None  # the reply follows when execve has succeeded or failed


def exec_signal(monitor: Monitor, _c: Connection, message: Message, _fds: list[int]) -> Message:
    """Signal an exec, or with `group` all that it has started and that did not leave its group."""
    monitor.execs.signal(message["exec_id"], message["signal"], group=bool(message.get("group")))
    return {}


def state(monitor: Monitor, _c: Connection, _message: Message, _fds: list[int]) -> Message:
    """What there is to know; the status as the OCI standard names it."""
    return {
        "status": "running" if monitor.is_running else "creating",
        "pid": monitor.init.pid,
        "log_end": monitor.log.end,
        "execs": monitor.execs.pids(),
    }


REQUESTS: dict[str, Request] = {
    "signal": signal,
    "resize": resize,
    "stdin": stdin,
    "close_stdin": close_stdin,
    "watch_log": watch_log,
    "hold_log": hold_log,
    "exec": run_exec,
    "exec_signal": exec_signal,
    "state": state,
}
