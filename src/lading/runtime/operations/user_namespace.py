"""The first step in a new user namespace: wait for ids, then be its root."""

from __future__ import annotations

import os

from lading.kernel import process
from lading.runtime.operations.step import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child

DENIED = b"d"  # ids are there, but setgroups is denied


class EnterUserNamespace(Operation):
    """The parent writes the maps: nobody inside has the right to. man 7 user_namespaces."""

    __slots__ = ()

    def describe(self) -> str:
        return "wait for the ids of the user namespace, become its root"

    def execute(self, child: Child) -> None:
        word = child.sync.recv(1)
        if not word:
            os._exit(1)
        child.may_set_groups = word != DENIED
        process.set_ids(0, 0, [] if child.may_set_groups else None)
        process.prctl(process.PR_SET_PDEATHSIG, 9)  # the kernel clears it when ids change
