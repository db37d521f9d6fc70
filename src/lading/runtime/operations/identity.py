"""What the process may do: user, capabilities, limits, no_new_privs, seccomp."""

from __future__ import annotations

import os
import resource

from lading.kernel import capabilities, process, safepath
from lading.kernel.seccomp import load
from lading.runtime import users
from lading.runtime.operations.step import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child
    from lading.runtime.spec import User

PDEATHSIG = 9
RLIMITS = frozenset(name for name in dir(resource) if name.startswith("RLIMIT_"))
INFINITY = (1 << 64) - 1  # how the OCI spec writes RLIM_INFINITY


class Warn(Operation):
    """Tell the user what is not done as asked."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def describe(self) -> str:
        return f"warn: {self.text}"

    def execute(self, child: Child) -> None:
        child.warnings.append(self.text)


class SetOomScoreAdj(Operation):
    """How ready the kernel is to choose this process; lowering it needs CAP_SYS_RESOURCE."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value

    def describe(self) -> str:
        return f"set oom_score_adj {self.value}"

    def execute(self, child: Child) -> None:
        descriptor = safepath.proc_open("self/oom_score_adj", os.O_RDWR)
        try:
            if int(os.read(descriptor, 16)) != self.value:
                os.pwrite(descriptor, str(self.value).encode(), 0)
        except PermissionError:
            child.warnings.append(f"oom_score_adj stays as it is: no right to set {self.value}")
        finally:
            os.close(descriptor)


class SetRlimit(Operation):
    """One resource limit; what only CAP_SYS_RESOURCE could raise is left at the most we may."""

    __slots__ = ("hard", "name", "soft")

    def __init__(self, name: str, soft: int, hard: int) -> None:
        self.name = name
        self.soft = soft
        self.hard = hard

    def describe(self) -> str:
        return f"set {self.name} {_limit(self.soft)}:{_limit(self.hard)}"

    def execute(self, child: Child) -> None:
        which = getattr(resource, self.name)
        soft = -1 if self.soft >= INFINITY else self.soft
        hard = -1 if self.hard >= INFINITY else self.hard
        try:
            resource.prlimit(0, which, (soft, hard))
        except PermissionError:
            _, most = resource.getrlimit(which)
            resource.prlimit(0, which, (most if soft == -1 else min(soft, most), most))
            child.warnings.append(f"{self.name} stays at {most}: no right to raise it")


def _limit(value: int) -> str:
    return "unlimited" if value >= INFINITY else str(value)


class ResolveUser(Operation):
    """Look the user and the groups up in the root; nothing is changed yet."""

    __slots__ = ("user",)

    def __init__(self, user: User) -> None:
        self.user = user

    def describe(self) -> str:
        user = self.user
        name = user.get("username") or f"{user.get('uid', 0)}:{user.get('gid', 0)}"
        groups = [str(gid) for gid in user.get("additionalGids") or []] + (
            user.get("groupAdd") or []
        )
        return f"resolve user {name}" + (f" with groups {' '.join(groups)}" if groups else "")

    def execute(self, child: Child) -> None:
        child.identity = users.resolve(child.root, self.user)


class BecomeUser(Operation):
    """Bounding set, user and groups, then the other capability sets; and die with the monitor.

    Capabilities are kept over the change of user by PR_SET_KEEPCAPS until capset says which stay.
    PR_SET_PDEATHSIG comes after: the kernel clears it when credentials change.
    """

    __slots__ = (
        "ambient",
        "bounding",
        "effective",
        "inheritable",
        "outlives",
        "permitted",
        "umask",
    )

    def __init__(self, sets: dict[str, int], umask: int, *, outlives: bool = False) -> None:
        self.outlives = outlives
        self.bounding = sets["bounding"]
        self.effective = sets["effective"]
        self.permitted = sets["permitted"]
        self.inheritable = sets["inheritable"]
        self.ambient = sets["ambient"]
        self.umask = umask

    def describe(self) -> str:
        sets = f"bounding {self.bounding:x} permitted {self.permitted:x}"
        return f"become the user: {sets} effective {self.effective:x} umask {self.umask:03o}"

    def execute(self, child: Child) -> None:
        identity = child.identity
        assert identity is not None  # ResolveUser comes first in every plan
        capabilities.drop_bounding(self.bounding)
        process.prctl(process.PR_SET_KEEPCAPS, 1)
        groups = identity.groups if child.may_set_groups else None
        process.set_ids(identity.uid, identity.gid, groups)
        process.prctl(process.PR_SET_KEEPCAPS, 0)
        process.capset(self.effective, self.permitted, self.inheritable)
        if self.ambient:
            capabilities.set_ambient(self.ambient)
        os.umask(self.umask)
        process.prctl(process.PR_SET_PDEATHSIG, 0 if self.outlives else PDEATHSIG)


class NoNewPrivileges(Operation):
    """From here on no set-user-id program gives more rights. man 2 prctl."""

    __slots__ = ()

    def describe(self) -> str:
        return "set no_new_privs"

    def execute(self, child: Child) -> None:
        process.prctl(process.PR_SET_NO_NEW_PRIVS, 1)


class LoadSeccomp(Operation):
    """Filter system calls. Without no_new_privs this takes CAP_SYS_ADMIN, so it comes earlier."""

    __slots__ = ("flags", "program")

    def __init__(self, program: bytes, flags: int = 0) -> None:
        self.program = program
        self.flags = flags

    def describe(self) -> str:
        flags = f" with flags {self.flags:x}" if self.flags else ""
        return f"load seccomp filter of {len(self.program) // 8} instructions{flags}"

    def execute(self, child: Child) -> None:
        load.load_filter(self.program, flags=self.flags)
