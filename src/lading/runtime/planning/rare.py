"""What few specs ask for; nothing here is loaded for a container that does not."""

from __future__ import annotations

from lading.kernel import lsm
from lading.kernel.seccomp import load
from lading.runtime.operations import confinement, hooks, tuning
from lading.runtime.operations.user_namespace import EnterUserNamespace
from lading.runtime.planning.errors import BadSpec

NOTIFY = "SCMP_ACT_NOTIFY"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.operations.step import Operation
    from lading.runtime.planning.process import Finish
    from lading.runtime.spec import Linux, Namespace, Request


def add_user_namespace(
    steps: list[Operation], request: Request, asked: dict[str, Namespace]
) -> None:
    """New or joined, its root is who we are from here on."""
    linux: Linux = request["spec"].get("linux") or {}
    mappings = linux.get("uidMappings") or [], linux.get("gidMappings") or []
    if "user" not in asked:
        raise BadSpec("user namespace mappings specified, but user namespace isn't enabled")
    if not asked["user"].get("path") and not all(mappings):
        raise BadSpec("user namespaces enabled, but no mapping found")
    if not request.get("gate") and (request.get("fds") or {}).get("users") is None:
        raise BadSpec("a container of the engine's gets its user namespace as a descriptor")
    steps.append(EnterUserNamespace())


def add_hooks(steps: list[Operation], finish: Finish, request: Request) -> None:
    """The runtime's and the container's now, those before the program at its place."""
    asked = request["spec"].get("hooks") or {}
    state: dict[str, Any] = request.get("state") or {}
    if not request.get("gate") and any(asked.values()):
        raise BadSpec("hooks are for lading-runtime only")
    if asked.get("prestart") or asked.get("createRuntime"):
        steps.append(hooks.AskParent())
    if asked.get("createContainer"):
        steps.append(hooks.RunHooks("createContainer", asked["createContainer"], state, "creating"))
    if asked.get("startContainer"):
        found = hooks.RunHooks("startContainer", asked["startContainer"], state, "created")
        finish.start_hooks.append(found)


def add_tuning(steps: list[Operation], asked: dict[str, Any]) -> None:
    """While rights are whole: some of these take CAP_SYS_NICE."""
    affinity = asked.get("execCPUAffinity") or {}
    for key in ("initial", "final"):
        if affinity.get(key):
            steps.append(tuning.SetAffinity(affinity[key]))
    if "personality" in asked:
        steps.append(tuning.SetPersonality(asked["personality"]))
    if "memoryPolicy" in asked:
        steps.append(tuning.SetMemoryPolicy(asked["memoryPolicy"]))
    if asked.get("scheduler"):
        steps.append(tuning.SetScheduler(asked["scheduler"]))
    if asked.get("ioPriority"):
        steps.append(tuning.SetIoPriority(asked["ioPriority"]))


def add_key_label(steps: list[Operation], asked: dict[str, Any]) -> None:
    """Before the session's keyring is made: it is the program's, not the runtime's."""
    if asked.get("selinuxLabel"):
        steps.append(confinement.LabelKeys(asked["selinuxLabel"]))


def add_confinement(steps: list[Operation], asked: dict[str, Any]) -> None:
    """Labels of the program to come, and a fence. Raises NotSupported without the module."""
    if asked.get("apparmorProfile"):
        if not lsm.has_apparmor():
            raise lsm.AppArmorMissing()
        steps.append(confinement.SetAppArmor(asked["apparmorProfile"]))
    if asked.get("selinuxLabel"):
        if not lsm.has_selinux():
            raise lsm.SelinuxMissing()
        steps.append(confinement.SetSelinux(asked["selinuxLabel"]))
    if asked.get("landlock"):
        steps.append(confinement.Fence(asked["landlock"]))


def set_filter_flags(finish: Finish, profile: dict[str, Any]) -> None:
    """Flags and listener of a spec's own seccomp profile."""
    for flag in profile.get("flags") or []:
        if flag not in load.FLAGS:
            raise BadSpec(f"unknown seccomp flag {flag!r}")
        finish.flags |= load.FLAGS[flag]
    notified = [
        name
        for rule in profile.get("syscalls") or []
        if rule.get("action") == NOTIFY
        for name in rule.get("names") or []
    ]
    if profile.get("defaultAction") == NOTIFY or "write" in notified:
        raise BadSpec("SCMP_ACT_NOTIFY cannot be used for the write syscall")
    if notified and not profile.get("listenerPath"):
        raise BadSpec("seccomp listenerPath is not set, but SCMP_ACT_NOTIFY is used")
    if profile.get("listenerPath"):  # also without a rule that notifies: the agent is told
        if not finish.gate:
            raise BadSpec("a seccomp listener is for lading-runtime only")
        # TSYNC and a listener exclude each other, and there is one thread only
        finish.flags &= ~load.SECCOMP_FILTER_FLAG_TSYNC
        finish.extra["listener"] = profile["listenerPath"]
