"""The new process: plans its way, walks it, tells the monitor when a step fails, never returns.

It is a copy of the monitor until execve, so whatever needs memory is done here and not there: the
request is decoded and compiled in this process, and all of that is gone with execve.
Nothing here catches and continues: a container starts as planned or not at all.
"""

from __future__ import annotations

import os
import sys

from lading.kernel import process, safepath
from lading.runtime import messages, plan
from lading.runtime.operations.step import Child

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable
    from typing import NoReturn

    from lading.runtime.operations.step import Operation
    from lading.runtime.plan import Host
    from lading.runtime.spec import Process, Request

FAILED = 127  # exit status of a child that did not get to execve; nobody is shown it
PDEATHSIG = 9
MAX_FILTER = 1 << 20  # bytes of a compiled seccomp filter; the kernel takes 4096 instructions


def run(
    sync: _socket.socket,
    stdio: tuple[int, int, int] | None,
    prepare: Callable[[], list[Operation]],
    *,
    listener: int = -1,
    stone: int = -1,
) -> NoReturn:
    """Become the container's process by what `prepare` plans; its last step is execve.

    `listener` is for a plan that waits for its start, `stone` for one who is not sealed.
    """
    step: Operation | None = None
    child = Child(sync=sync, stdio=stdio)
    try:
        process.prctl(process.PR_SET_PDEATHSIG, PDEATHSIG)
        os.umask(0)
        child.listener = listener
        child.stone = stone
        steps = prepare()
        # whatever is imported later would be a file of the container's, run with our rights
        sys.meta_path.clear()
        for step in steps:
            step.execute(child)
    except BaseException as error:
        _report(child.sync, step.describe() if step else "plan", error)
    finally:
        os._exit(FAILED)


def plan_container(body: bytes, host: Host, fds: list[int]) -> list[Operation]:
    """Decode and compile a spawn request."""
    request: Request = messages.decode(body)  # type: ignore[assignment]
    return plan.compile(request, host, fds, seccomp=seccomp_filter(request))


def plan_exec(
    process: Process,
    host: Host,
    *,
    cgroup_path: str,
    container: int,
    seccomp_filter: str | None,
    joined: int,
) -> list[Operation]:
    """Compile one more process of the container whose init the pidfd `container` is."""
    program = _read_filter(seccomp_filter) if seccomp_filter else None
    return plan.compile_exec(
        process, host, cgroup_path=cgroup_path, pidfd=container, seccomp=program, joined=joined
    )


def seccomp_filter(request: Request) -> bytes | None:
    """The compiled filter, or the spec's own profile compiled now."""
    path = request.get("seccomp_filter")
    if path:
        return _read_filter(path)
    profile = (request["spec"].get("linux") or {}).get("seccomp")
    if not profile:
        return None
    # a module of tables that only specs with a profile of their own need: not in every monitor
    from lading.kernel.seccomp.bpf import compile_filter

    return compile_filter(profile, os.uname().machine)


def _read_filter(path: str) -> bytes:
    return safepath.read_regular(os.open(path, os.O_RDONLY | os.O_CLOEXEC), MAX_FILTER)


def _report(sync: _socket.socket, what: str, error: BaseException) -> None:
    number = getattr(error, "errno", 0) or 0
    message = str(error)
    if isinstance(error, OSError):
        reason = (error.strerror or message).lower()
        where = f" ({error.filename})" if error.filename else ""
        message = f"{what}: {reason}{where}"
    elif not hasattr(error, "status"):  # not of our taxonomy: a bug, so name it
        message = f"{what}: {type(error).__name__}: {message}"
    failure = {"step": what, "errno": number, "message": message}
    messages.send(sync, {"failed": failure})
