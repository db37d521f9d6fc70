"""Hooks: programs that run at fixed points of a container's life, with its state on their stdin.

Spec: OCI runtime-spec, config.md "POSIX-platform Hooks". A hook that fails ends what it was part
of, but poststop's are only warned of. A hook without an environment gets that of the caller, as
from runc. Those of the container run in its root, the others in the bundle's directory.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is it, wrapped in enums
import os
import select
import time

from lading.errors import LadingError
from lading.kernel import pidfd, process
from lading.runtime import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lading.runtime.spec import Hook

KINDS = (
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
)
MAX_OUTPUT = 64 * 1024  # bytes of a hook's output that an error tells
PIECE = 4096


class HookFailed(LadingError):
    """error running {0} hook #{1}: error running hook: {2}"""

    # the first half as in runc since 1.2, the second as in 1.1: both are looked for


def run(
    hooks: list[Hook],
    kind: str,
    state: bytes,
    directory: str,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Run all of one kind in order. Raises HookFailed at the first that fails.

    `environment` is for those that have none of their own.
    """
    for index, hook in enumerate(hooks):
        reason = _run_one(hook, state, directory, environment)
        if reason:
            raise HookFailed(kind, index, reason)


def run_tolerantly(hooks: list[Hook], kind: str, state: bytes, directory: str) -> list[str]:
    """Run all of them, whatever happens; what went wrong."""
    problems = []
    for index, hook in enumerate(hooks):
        reason = _run_one(hook, state, directory, os.environ)
        if reason:
            problems.append(str(HookFailed(kind, index, reason)))
    return problems


def _run_one(hook: Hook, state: bytes, directory: str, inherited: Mapping[str, str]) -> str:
    """Why it failed, or ""."""
    stdin, ours = os.pipe2(os.O_CLOEXEC)
    output, theirs = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _become(hook, stdin, theirs, directory, inherited)
    watched = pidfd.pidfd_open(pid)
    os.close(stdin)
    os.close(theirs)
    try:
        said, in_time = _feed(watched, ours, output, state, hook.get("timeout"))
        if not in_time:
            pidfd.pidfd_send_signal(watched, pidfd.SIGKILL)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(output)
        os.close(watched)
    if not in_time:
        return f"hook ran past specified timeout of {float(hook['timeout']):.1f}s"
    code = os.waitstatus_to_exitcode(status)
    how = f"exit status {code}"
    if code < 0:
        how = f"signal: {_signal.strsignal(-code)}".lower()
    return f"{how}, output: {said.decode(errors='replace').strip()}" if code else ""


def _become(
    hook: Hook, stdin: int, output: int, directory: str, inherited: Mapping[str, str]
) -> None:
    try:
        os.chdir(directory)
        process.default_signals()
        os.dup2(stdin, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        process.close_range(3, process.LAST_DESCRIPTOR, process.CLOSE_RANGE_CLOEXEC)
        environment = dict(inherited)
        if hook.get("env") is not None:
            pairs = (variable.partition("=") for variable in hook["env"])
            environment = {name: value for name, _, value in pairs if name}
        arguments = hook.get("args") or [hook["path"]]
        os.execve(hook["path"], arguments, environment)
    except OSError as error:
        os.write(2, f"exec {hook['path']}: {error.strerror}".encode())
    finally:
        os._exit(127)


def _feed(
    watched: int, stdin: int, output: int, state: bytes, timeout_s: int | None
) -> tuple[bytes, bool]:
    """Write the state and close, read what it says until it ends; and whether it did in time."""
    os.set_blocking(stdin, False)
    deadline = time.monotonic() + timeout_s if timeout_s else None
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.register(output, select.POLLIN)
    poll.register(stdin, select.POLLOUT)
    said = b""
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        events = dict(poll.poll(left))
        if not events:
            _close_if(stdin, state)
            return said, False
        if stdin in events:
            state = _write_some(stdin, state)
            if not state:
                poll.unregister(stdin)
                os.close(stdin)  # it sees the end of file
        if output in events:
            piece = os.read(output, PIECE)
            said = (said + piece)[:MAX_OUTPUT]
            if not piece:
                poll.unregister(output)
        elif watched in events:
            _close_if(stdin, state)
            return said, True


def _close_if(stdin: int, state: bytes) -> None:
    if state:  # else it is closed since all was written
        os.close(stdin)


def _write_some(stdin: int, state: bytes) -> bytes:
    try:
        return state[os.write(stdin, state) :]
    except BlockingIOError:
        return state
    except BrokenPipeError:
        return b""


def encode_state(state: dict[str, Any], pid: int, status: str) -> bytes:
    """The state document as hooks get it."""
    return json_text.encode({**state, "pid": pid, "status": status}).encode()
