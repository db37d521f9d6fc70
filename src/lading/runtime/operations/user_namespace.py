"""The first step in a new user namespace: wait for ids, then be its root."""

from __future__ import annotations

import os

from lading.kernel import process
from lading.runtime.operations.step import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child

DENIED = b"d"  # ids are there, but setgroups is denied


class ArriveInUserNamespace(Operation):
    """Be root of the user namespace in which we were born, for exec by a plain user."""

    __slots__ = ()

    def describe(self) -> str:
        return "become root of the user namespace"

    def execute(self, child: Child) -> None:
        with open("/proc/self/setgroups", "rb", buffering=0) as file:
            child.may_set_groups = file.read().strip() == b"allow"
        process.set_ids(0, 0, [] if child.may_set_groups else None)


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
        # the kernel changes both when ids change; the other to what fs.suid_dumpable says
        process.prctl(process.PR_SET_PDEATHSIG, 9)
        process.prctl(process.PR_SET_DUMPABLE, 0)
