"""A process in between, which joins namespaces for a child that it then makes.

We stay where we are, and the child is ours all the same (CLONE_PARENT); the stage sends us its pid
and a pidfd, and ends.
"""

from __future__ import annotations

import os

from lading.kernel import namespaces as ns
from lading.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


class StageFailed(Exception):
    """Why it could not join, or make the child."""


def born(
    join: Callable[[], object], child: Callable[[], NoReturn], *, flags: int, cgroup: int | None
) -> tuple[int, int]:
    """The child's pid and pidfd; `join` runs in the stage, `child` in the child.

    Raises StageFailed.
    """
    answers, answer = messages.pair()
    stage = os.fork()
    if stage == 0:
        try:
            join()
            pid, descriptor = ns.clone3(flags | ns.CLONE_PARENT, cgroup=cgroup)
            if pid == 0:
                child()
            messages.send(answer, {"pid": pid}, [descriptor])
        except OSError as error:
            messages.send(answer, {"failed": str(error)})
        finally:
            os._exit(0)
    answer.close()
    message, fds = messages.receive(answers)
    answers.close()
    os.waitpid(stage, 0)
    if not message or not fds:
        raise StageFailed(message["failed"] if message else "the process that joins was killed")
    return message["pid"], fds[0]
