"""kill and delete."""

from __future__ import annotations

import os

from lading.errors import Conflict, InvalidArgument, LadingError
from lading.kernel import pidfd
from lading.runtime import hooks
from lading.runtime.command import store
from lading.runtime.command.store import NoSuchContainer, NotRunning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.kernel.cgroup import Cgroup
    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation
    from lading.runtime.command.store import Entry, State
    from lading.runtime.spec import Hook

SIGKILL = 9
DEATH_S = 10.0  # how long the kernel may take to end a process that was killed


class StillRunning(Conflict):
    """cannot delete container {0} that is not stopped: {1}"""


class UnknownSignal(InvalidArgument):
    """unknown signal {0!r}"""


def kill(invocation: Invocation, options: Options) -> int:
    """Signal init, or with --all every process. A stopped container is an error, as in runc."""
    entry = invocation.entry(options)
    state = entry.read()
    number = signal_number(options.words[1] if len(options.words) > 1 else "TERM")
    status = store.status(entry, state)
    group = store.cgroup(state)
    if options.switch("all") and group is not None:
        _signal_all(state, number)  # of a stopped container that is nobody, and no error
        return 0
    if status == "stopped" and number == SIGKILL and group is not None and group.pids():
        group.kill()  # its init is gone, but without a pid namespace the others live on
        return 0
    if status == "stopped":
        raise NotRunning()
    if number == SIGKILL and group is not None and not has_pid_namespace(state["pid"]):
        group.kill()  # the others would live on
        return 0
    try:
        process = store.open_init(state)
        pidfd.pidfd_send_signal(process, number)
    except ProcessLookupError:
        raise NotRunning() from None
    os.close(process)
    if number == SIGKILL and status == "paused" and group is not None:
        group.thaw()  # v1: what is frozen does not even die
    return 0


def _signal_all(state: State, number: int) -> None:
    """All at one instant: they stand still meanwhile, so that none forks."""
    group = store.cgroup(state)
    assert group is not None  # the caller looked
    if number == SIGKILL:
        group.kill()
        return
    is_frozen = _try_to_freeze(group)
    for pid in group.pids():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
    if is_frozen:
        group.thaw()


def _try_to_freeze(group: Cgroup) -> bool:
    try:
        group.freeze()
    except OSError:  # no freezer: then one by one
        return False
    return True


def has_pid_namespace(pid: int) -> bool:
    """Whether it is in another one than we are."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    except OSError:
        return True


def delete(invocation: Invocation, options: Options) -> int:
    """Remove a stopped container; with --force, or when it was never started, end it first."""
    entry = invocation.entry(options)
    try:
        lock = entry.lock()
        state = entry.read()
    except NoSuchContainer:
        if not options.switch("force"):
            raise
        entry.forget()  # what a create left that was killed before its state
        return 0
    status = store.status(entry, state)
    if status not in ("stopped", "created") and not options.switch("force"):
        raise StillRunning(entry.id, status)
    remove(invocation, entry, state)
    os.close(lock)
    return 0


def remove(invocation: Invocation, entry: Entry, state: State) -> None:
    """End what still runs, give everything back, and run the poststop hooks."""
    group = store.cgroup(state)
    try:
        process = store.open_init(state)
    except ProcessLookupError:
        process = -1
    if process >= 0:
        pidfd.kill(process)
    is_alone = group is not None and _end_group(entry, state, group)
    if process >= 0:
        pidfd.wait_dead(process, DEATH_S)
        os.close(process)
    if group is not None and (is_alone or not group.pids()):
        group.remove()
    if state["intel_rdt"]:
        from lading.kernel import resctrl

        resctrl.remove(state["intel_rdt"])
    asked = _poststop_hooks(entry)
    entry.forget()
    if asked:
        document = store.encode(store.document(state, "stopped"))
        invocation.warn(hooks.run_tolerantly(asked, "poststop", document, state["bundle"]))


def _end_group(entry: Entry, state: State, group: Cgroup) -> bool:
    """Kill who outlives init; whether nobody else can be in the group.

    With init goes its pid namespace. Who is in the group then is of another container, which was
    told that it shares. An init that nobody wrote down, for its create was killed, is killed here.
    """
    if not state["pid"] and not state["is_shared"]:
        group.kill()
        return True
    try:
        namespaces = (entry.spec().get("linux") or {}).get("namespaces") or []
    except NoSuchContainer:  # its create was killed before there was a spec
        namespaces = []
    if not any(n["type"] == "pid" and not n.get("path") for n in namespaces):
        group.kill()
        return True
    try:
        group.thaw()  # v1: what is frozen does not even die
    except (OSError, LadingError):  # no freezer here
        return False
    return False


def _poststop_hooks(entry: Entry) -> list[Hook]:
    try:
        return (entry.spec().get("hooks") or {}).get("poststop") or []
    except NoSuchContainer:  # its create was killed before there was a spec
        return []


def signal_number(text: str) -> int:
    """`9`, `KILL`, `SIGKILL`, `RTMIN+3`. Raises UnknownSignal."""
    if text.isdigit() and int(text) <= 64:  # 0 asks whether it is there, man 2 kill
        return int(text)
    import signal

    name = "SIG" + text.upper().removeprefix("SIG")
    base, plus, offset = name.partition("+")
    if base not in signal.Signals.__members__ or (plus and not offset.isdigit()):
        raise UnknownSignal(text)
    return signal.Signals[base].value + int(offset or 0)
