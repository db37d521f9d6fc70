"""Failpoints: named instants before and after each durable step, for kill campaigns.

`fp("snapshot.prepared")` does nothing unless `LADING_FAILPOINT=snapshot.prepared` was in the
environment when the process started; then the process ends there as by kill -9, so a campaign can
stop the engine at every instant that matters. `LADING_FAILPOINT=list:FILE` appends each name that
is passed to FILE once: a campaign learns the names by running the operation first. With
`LADING_FAILPOINT=stop:NAME` the process stops there until it is sent SIGCONT: a test holds it while
something else overtakes it.
This module imports `os` only and is loaded in every process.
"""

import os

SIGKILL, SIGSTOP = 9, 19  # without the module `signal` and its enums
_armed = os.environ.get("LADING_FAILPOINT", "")
_listing = _armed.removeprefix("list:") if _armed.startswith("list:") else ""
_stopping = _armed.removeprefix("stop:") if _armed.startswith("stop:") else ""
_seen: set[str] = set()


def fp(name: str) -> None:
    """Die here if this failpoint is armed. Costs one comparison when none is."""
    if not _armed:
        return
    if _listing:
        _record(name)
    elif name == _armed:
        os.kill(os.getpid(), SIGKILL)
    elif name == _stopping:
        os.kill(os.getpid(), SIGSTOP)


def _record(name: str) -> None:
    if name in _seen:
        return
    _seen.add(name)
    descriptor = os.open(_listing, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.write(descriptor, name.encode() + b"\n")
    os.close(descriptor)
