"""Steps from the finished root to execve: session, limits, user, program."""

from __future__ import annotations

from lading.kernel import capabilities
from lading.runtime.operations import identity, namespaces, program
from lading.runtime.planning.errors import BadSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Operation
    from lading.runtime.spec import Process

CAPABILITY_SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
DEFAULT_UMASK = 0o022
# fields that few specs have: their steps are in `rare`
RARE = (
    "apparmorProfile",
    "selinuxLabel",
    "scheduler",
    "ioPriority",
    "execCPUAffinity",
    "personality",
    "memoryPolicy",
    "landlock",
    "listener",
)


class Finish:
    """What the last steps need beside the process of the spec."""

    __slots__ = (
        "extra",
        "flags",
        "gate",
        "grantable",
        "is_exec",
        "keyring",
        "outlives",
        "preserved",
        "seccomp",
        "start_hooks",
    )

    def __init__(self, seccomp: bytes | None, keyring: str | None) -> None:
        self.seccomp = seccomp
        self.flags = 0  # SECCOMP_FILTER_FLAG_*
        self.keyring = keyring
        self.is_exec = False  # one more process of a container that runs
        self.grantable = -1  # capabilities that we may hand on
        self.gate = False  # wait before execve until somebody says start
        self.outlives = False  # does not die with its parent
        self.preserved: list[int] = []  # descriptors after stdio that the program gets
        self.start_hooks: list[Operation] = []
        self.extra: dict[str, object] = {}  # of linux, what is in RARE


def add(steps: list[Operation], process: Process, finish: Finish) -> None:
    """The steps of any process, be it the first of a container or one more."""
    check(process)
    rare = {key: process.get(key) for key in RARE if process.get(key)} | finish.extra
    if not finish.is_exec:
        rare.pop("execCPUAffinity", None)
    sets = _sets(process)
    if sets["ambient"] & ~(sets["inheritable"] & sets["permitted"]):
        sets["ambient"] &= sets["inheritable"] & sets["permitted"]
        text = "ambient capabilities that are not permitted and inheritable are not raised"
        steps.append(identity.Warn(text))
    if finish.grantable != -1:
        sets = _granted(steps, sets, finish.grantable)
    if rare:
        from lading.runtime.planning import rare as planning

        planning.add_key_label(steps, rare)
    steps.append(namespaces.NewSession(finish.keyring))
    for limit in process.get("rlimits") or []:
        steps.append(identity.SetRlimit(limit["type"], limit["soft"], limit["hard"]))
    if rare:
        planning.add_tuning(steps, rare)
    user = process.get("user") or {}
    steps.append(identity.ResolveUser(user))
    steps.append(program.SetEnvironment(process.get("env") or []))
    steps.append(program.SetStdio(terminal=bool(process.get("terminal"))))
    steps.append(program.ChangeDirectory(process.get("cwd") or "/", create=not finish.is_exec))
    steps.append(program.FindProgram(process["args"][0]))
    steps.append(program.Report())
    if finish.gate:
        steps.append(program.WaitForStart(finish.preserved))
    if rare:
        planning.add_confinement(steps, rare)
    steps.append(program.CloseDescriptors(finish.preserved))
    no_new_privileges = bool(process.get("noNewPrivileges"))
    load = _load(finish, rare)
    if load and not no_new_privileges:
        steps.append(load)
    umask = user.get("umask")
    mask = DEFAULT_UMASK if umask is None else umask
    steps.append(identity.BecomeUser(sets, mask, outlives=finish.outlives))
    if no_new_privileges:
        steps.append(identity.NoNewPrivileges())
        if load:
            steps.append(load)
    steps.extend(finish.start_hooks)  # programs of the container's: they may no more than it
    steps.append(program.Execute(process["args"]))


def _load(finish: Finish, rare: dict[str, object]) -> Operation | None:
    if not finish.seccomp:
        return None
    if "listener" in rare:
        from lading.runtime.operations.notify import LoadNotifying

        return LoadNotifying(finish.seccomp, finish.flags)
    return identity.LoadSeccomp(finish.seccomp, finish.flags)


def check(process: Process) -> None:
    """Refuse what the kernel would misread."""
    if not process.get("args"):
        raise BadSpec("process.args must not be empty")
    cwd = process.get("cwd") or "/"
    if not cwd.startswith("/"):
        raise BadSpec(f"process.cwd must be an absolute path: {cwd!r}")
    seen: set[str] = set()
    for limit in process.get("rlimits") or []:
        if limit["type"] not in identity.RLIMITS:
            raise BadSpec(f'wrong rlimit value: "{limit["type"]}"')
        if limit["type"] in seen:
            raise BadSpec(f"rlimit {limit['type']} is given twice")
        seen.add(limit["type"])


def _sets(process: Process) -> dict[str, int]:
    """The five masks; a spec without capabilities means none."""
    names: dict[str, list[str]] = dict(process.get("capabilities") or {})  # type: ignore[arg-type]
    return {kind: capabilities.to_mask(names.get(kind) or []) for kind in CAPABILITY_SETS}


def _granted(steps: list[Operation], sets: dict[str, int], grantable: int) -> dict[str, int]:
    """What we have ourselves; of the rest the standard says to warn."""
    missing = 0
    for mask in sets.values():
        missing |= mask & ~grantable
    if missing:
        names = " ".join(capabilities.to_names(missing))
        steps.append(identity.Warn(f"capabilities that we do not have are not granted: {names}"))
    return {kind: mask & grantable for kind, mask in sets.items()}
