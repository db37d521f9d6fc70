"""The new process: runs its operations, tells the monitor when one fails, and never returns.

It is a copy of the monitor until execve. Nothing here catches and continues: a container starts as
planned or not at all.
"""

from __future__ import annotations

import os

from lading.kernel import process
from lading.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from lading.runtime.operations.step import Child, Operation

FAILED = 127  # exit status of a child that did not get to execve; nobody is shown it
PDEATHSIG = 9


def run(child: Child, operations: list[Operation]) -> NoReturn:
    """Become the container's process. `operations` ends with execve."""
    step: Operation | None = None
    try:
        process.prctl(process.PR_SET_PDEATHSIG, PDEATHSIG)
        os.umask(0)
        for step in operations:
            step.execute(child)
    except BaseException as error:
        _report(child, step, error)
    finally:
        os._exit(FAILED)


def _report(child: Child, step: Operation | None, error: BaseException) -> None:
    what = step.describe() if step else "start"
    number = getattr(error, "errno", 0) or 0
    message = str(error)
    if isinstance(error, OSError):
        reason = (error.strerror or message).lower()
        where = f" ({error.filename})" if error.filename else ""
        message = f"{what}: {reason}{where}"
    elif not hasattr(error, "status"):  # not of our taxonomy: a bug, so name it
        message = f"{what}: {type(error).__name__}: {message}"
    failure = {"step": what, "errno": number, "message": message}
    messages.send(child.sync, {"failed": failure})
