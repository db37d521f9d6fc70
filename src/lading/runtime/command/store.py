"""What is kept of a container below --root: one directory each, with a state file.

config.json  the spec that it was created by
state.json   see `State`; written whole, by rename
start.sock   init listens there until it is told to start, and whoever does removes it
root/        where the root is mounted, of a container without a mount namespace
notify/      the container's end of NOTIFY_SOCKET
"""

from __future__ import annotations

import errno
import fcntl
import os

from lading.errors import Conflict, InvalidArgument, NotFound
from lading.kernel import mount, namespaces, pidfd
from lading.kernel.cgroup import Cgroup
from lading.kernel.cgroup.setting import LimitUnavailable
from lading.runtime import json_text, rundir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    from lading.runtime.spec import Spec

    class State(TypedDict):
        """`pid` with `start_time` (clock ticks since boot) is init; `created` is RFC 3339.

        `resources` are the limits now, `cgroup_path` "" when there is no cgroup of ours.
        """

        id: str
        pid: int
        start_time: int
        bundle: str
        rootfs: str
        annotations: dict[str, str]
        created: str
        owner: int
        cgroup_path: str
        is_shared: bool  # somebody else's processes were in the group before ours
        systemd: bool
        is_sealed: bool  # whether init, while it waits, is nothing that a container could harm
        resources: dict[str, Any]
        intel_rdt: str


STATE = rundir.STATE
CONFIG = "config.json"
NOTIFY = "notify"
ROOT = "root"
START_SOCKET = "start.sock"
OCI_VERSION = "1.2.0"
ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-."
DEFAULT_ROOT = "/run/lading/oci"


# the texts of these are what containerd and podman look for
class NoSuchContainer(NotFound):
    """container {0!r} does not exist"""


class ContainerExists(Conflict):
    """container with id exists: {0}"""


class InvalidId(InvalidArgument):
    """invalid container id format: {0!r}"""


class NotRunning(Conflict):
    """container not running"""


def default_root(environment: dict[str, str], uid: int) -> str:
    """Root's is below /run; a plain user's is in the user's own runtime directory, also when they
    are root of a user namespace (podman calls us so).
    """
    runtime = environment.get("XDG_RUNTIME_DIR")
    is_users = uid or (environment.get("USER") != "root" and namespaces.in_user_namespace())
    return f"{runtime}/lading/oci" if is_users and runtime else DEFAULT_ROOT


class Entry:
    """One container's directory."""

    __slots__ = ("directory", "id", "root")

    def __init__(self, root: str, name: str) -> None:
        if not name or name in (".", "..") or name.strip(ID_CHARACTERS):
            raise InvalidId(name)
        self.root = root
        self.id = name
        self.directory = f"{root}/{name}"

    def make(self) -> int:
        """Claim the id; a descriptor of its directory. Raises ContainerExists."""
        os.makedirs(self.root, 0o700, exist_ok=True)
        try:
            os.mkdir(self.directory, 0o711)
        except FileExistsError:
            raise ContainerExists(self.id) from None
        return self.open()

    def open(self) -> int:
        return os.open(self.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def read(self) -> State:
        """The state. Raises NoSuchContainer."""
        state: State | None = rundir.read(self.directory, STATE)  # type: ignore[assignment]
        if state is None:
            raise NoSuchContainer(self.id)
        return state

    def write(self, state: State) -> None:
        directory = self.open()
        try:
            rundir.write(directory, STATE, dict(state))
        finally:
            os.close(directory)

    def spec(self) -> Spec:
        """What it was created by: a config.json that changes later is not heeded."""
        spec = rundir.read(self.directory, CONFIG)
        if spec is None:
            raise NoSuchContainer(self.id)
        found: Spec = spec  # type: ignore[assignment]
        return found

    def lock(self) -> int:
        """Only one command at a time changes a container; released when closed, or by our end."""
        try:
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NoSuchContainer(self.id) from None
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def forget(self) -> None:
        """Remove the directory. What is missing is fine."""
        _detach(f"{self.directory}/{ROOT}")
        files = ("notify/notify.sock", START_SOCKET, CONFIG + ".tmp", CONFIG, STATE + ".tmp", STATE)
        for path in files:
            try:
                os.unlink(f"{self.directory}/{path}")
            except (FileNotFoundError, NotADirectoryError):
                continue
        for path in (f"{self.directory}/notify", f"{self.directory}/{ROOT}", self.directory):
            try:
                os.rmdir(path)
            except FileNotFoundError:
                continue


def _detach(place: str) -> None:
    """Unmount the root of a container without a mount namespace; others took theirs along."""
    try:
        mount.umount2(place, mount.MNT_DETACH | mount.UMOUNT_NOFOLLOW)
    except OSError:  # nothing is mounted there
        return


def ids(root: str) -> list[str]:
    """All containers below the root."""
    try:
        with os.scandir(root) as entries:
            return sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def cgroup(state: State) -> Cgroup | None:
    path = state["cgroup_path"]
    return Cgroup(path, systemd=state.get("systemd", False)) if path else None


def remove_if_empty(group: Cgroup) -> None:
    """Before init was born whatever is in it is not ours."""
    try:
        group.remove(timeout_s=0.0)
    except OSError:
        return


def is_frozen(group: Cgroup) -> bool:
    """Whether who is born in it would stand still at once."""
    try:
        return group.is_frozen()
    except (OSError, LimitUnavailable):  # no freezer here
        return False


def open_init(state: State) -> int:
    """A pidfd of the container's init. Raises ProcessLookupError when it has ended or never was."""
    if state["pid"] <= 0:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    return pidfd.open_started(state["pid"], state["start_time"])


def status(entry: Entry, state: State) -> str:
    """As the standard names it, and "paused"."""
    try:
        os.close(open_init(state))
    except ProcessLookupError:
        return "stopped"
    if os.path.exists(f"{entry.directory}/{START_SOCKET}"):
        return "created"
    group = cgroup(state)
    try:
        return "paused" if group is not None and group.is_frozen() else "running"
    except (OSError, LimitUnavailable):  # no freezer, or it is being removed
        return "running"


def document(state: State, status: str) -> dict[str, Any]:
    """The state document of the standard (runtime.md, "State"), as hooks get it too."""
    described: dict[str, Any] = {
        "ociVersion": OCI_VERSION,
        "id": state["id"],
        "pid": 0 if status == "stopped" else state["pid"],
        "status": status,
        "bundle": state["bundle"],
    }
    if state["annotations"]:
        described["annotations"] = state["annotations"]
    return described


def encode(document: dict[str, Any]) -> bytes:
    return json_text.encode(document).encode()
