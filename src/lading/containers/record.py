"""What is stored of a container: what the user asked, verbatim, and what is.

Records are frozen; a change is `msgspec.structs.replace` and one transaction. The asked part is
what `inspect` echoes; the state part is our own. Live things (connections, waiters, locks) are in
`lading.containers.container` and hold a record.
"""

from msgspec import Struct, field

from lading.containers.mountpoints.record import MountRecord
from lading.containers.userns import IdMap
from lading.errors import Conflict, InvalidArgument, NotFound
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig


class NoSuchContainer(NotFound):
    """No such container: {0}"""


class AmbiguousId(InvalidArgument):
    """multiple IDs found with provided prefix: {0}"""


class NameInUse(Conflict):
    """Conflict. The container name "/{0}" is already in use by container "{1}". \
You have to remove (or rename) that container to be able to reuse that name."""


class NotRunning(Conflict):
    """container {0} is not running"""


class Restarting(Conflict):
    """Container {0} is restarting, wait until the container is running"""


class ProbeResult(Struct, frozen=True, array_like=True):
    """One probe of a health check that ran; times are nanoseconds since 1970."""

    start_ns: int
    end_ns: int
    exit_code: int  # -1: it did not end in time, or could not be started
    output: str


class Health(Struct, frozen=True):
    """What the probes say; the results are the last ones, oldest first."""

    status: str = "starting"  # starting, healthy, unhealthy
    failing_streak: int = 0
    log: list[ProbeResult] = []


class ContainerState(Struct, frozen=True, omit_defaults=True):
    """What is. Times are nanoseconds since 1970, 0 for never; `start_time` is ticks since boot.

    created --start--> running <--pause/unpause--> paused
                       running --exit--> exited --start--> running
                       running --exit, policy--> restarting --wait--> running
    any but running --remove--> (gone)
    """

    status: str = "created"  # created, running, paused, restarting, exited, removing
    pid: int = 0
    start_time: int = (
        0  # with the pid, the identity of the first process: proc_pid_stat(5), field 22
    )
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    started_ns: int = 0
    finished_ns: int = 0
    health: Health | None = None  # None without a health check
    was_stopped: bool = False  # by `stop` or `kill`: restart policy `unless-stopped` heeds it
    restart_count: int = 0  # by the restart policy, since it was started by hand

    @property
    def is_running(self) -> bool:
        """Whether its first process exists; a paused container runs too."""
        return self.status in ("running", "paused")

    @property
    def is_up(self) -> bool:
        """What Docker calls running: it also is while the restart policy waits."""
        return self.is_running or self.status == "restarting"


class ContainerRecord(Struct, frozen=True):
    """One container as stored. `config` is merged with the image's at create, as Docker does."""

    id: str
    name: str
    created_ns: int
    image_reference: str  # as the user wrote it
    image_id: str
    config: ContainerConfig
    host_config: HostConfig
    networking: NetworkingConfig
    platform: str = "linux"
    mounts: list[MountRecord] | None = None  # None: made before there were volumes
    links: dict[str, str] = field(default_factory=dict)  # alias -> id of the linked container
    selinux_level: str = ""  # its categories: "s0:c17,c250"; "" where SELinux is not used
    state: ContainerState = ContainerState()
    ids: IdMap | None = None  # of its user namespace; None: it has those of the host

    @property
    def is_auto_removed(self) -> bool:
        """Whether the engine removes it when it has exited (`--rm`)."""
        return bool(self.host_config.auto_remove)
