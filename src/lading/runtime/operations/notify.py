"""A seccomp filter some of whose calls are answered by an agent outside (SCMP_ACT_NOTIFY)."""

from __future__ import annotations

import os

from lading.kernel.seccomp import load
from lading.runtime import messages
from lading.runtime.operations.identity import LoadSeccomp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child


class LoadNotifying(LoadSeccomp):
    """Load it, and let the parent take the listener from us.

    With the filter on, sending might be one of the filtered calls; so the parent is told before
    which number the listener will have, and takes it by pidfd_getfd. It says when it has it; a
    filter that forbids to hear that is no reason to stop.
    """

    __slots__ = ()

    def describe(self) -> str:
        return f"{super().describe()}, notifying"

    def execute(self, child: Child) -> None:
        number = os.dup(0)  # the lowest that is free, which is what the kernel will choose, too
        os.close(number)
        messages.send(child.sync, {"listener": number})
        load.load_filter(self.program, flags=self.flags | load.SECCOMP_FILTER_FLAG_NEW_LISTENER)
        try:
            child.sync.recv(1)
        except OSError:
            return
