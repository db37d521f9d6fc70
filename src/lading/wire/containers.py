"""Documents of the tags Container and Exec (exec lives in `lading.wire.exec`)."""

from msgspec import UNSET, UnsetType, field
from msgspec.structs import fields

from lading.wire.base import Asked, Document, KeySet, StrSlice
from lading.wire.host_config import HostConfig, Resources, RestartPolicy
from lading.wire.mounts import MountPoint
from lading.wire.networks import NetworkingConfig, NetworkSettings, NetworkSettingsSummary, PortMap

ZERO_TIME = "0001-01-01T00:00:00Z"  # Go's zero time.Time: "never" in every document of Docker


class Healthcheck(Asked):
    """A probe; durations in nanoseconds, 0 inherits. `test`: ["CMD", ..], ["CMD-SHELL", s], .."""

    test: list[str] | UnsetType = UNSET
    interval: int | UnsetType = UNSET
    timeout: int | UnsetType = UNSET
    start_period: int | UnsetType = UNSET
    start_interval: int | UnsetType = UNSET
    retries: int | UnsetType = UNSET


class ContainerConfig(Asked):
    """What runs in the container, whichever host it is on."""

    hostname: str = ""
    domainname: str = ""
    user: str = ""
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    exposed_ports: KeySet | UnsetType = UNSET
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    env: list[str] | None = None
    cmd: StrSlice | None = None
    healthcheck: Healthcheck | UnsetType = UNSET
    args_escaped: bool | UnsetType = UNSET
    image: str = ""
    volumes: KeySet | None = None
    working_dir: str = ""
    entrypoint: StrSlice | None = None
    network_disabled: bool | UnsetType = UNSET
    mac_address: str | UnsetType = UNSET
    on_build: list[str] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str | UnsetType = UNSET
    stop_timeout: int | UnsetType = UNSET  # seconds
    shell: StrSlice | UnsetType = UNSET


class ContainerCreate(ContainerConfig):
    """The body of `POST /containers/create`: the config's own fields, and two objects beside."""

    host_config: HostConfig | None = None
    networking_config: NetworkingConfig | None = None

    def config(self) -> ContainerConfig:
        """The container's own part, to be kept as it was asked."""
        return ContainerConfig(
            **{known.name: getattr(self, known.name) for known in fields(ContainerConfig)}
        )


class ContainerCreated(Document):
    """The answer to a create; `warnings` is never null."""

    id: str
    warnings: list[str] = field(default_factory=list)


class HealthResult(Document):
    """One probe that ran; times are RFC 3339 text."""

    start: str
    end: str
    exit_code: int
    output: str


class Health(Document):
    """Health of a container: `starting`, `healthy`, `unhealthy`; the last probes, oldest first."""

    status: str
    failing_streak: int = 0
    log: list[HealthResult] | None = None


class State(Document):
    """Where a container is in its life. `status` is the word, the booleans repeat it."""

    status: str  # created running paused restarting removing exited dead
    running: bool = False
    paused: bool = False
    restarting: bool = False
    oom_killed: bool = False
    dead: bool = False
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    started_at: str = ZERO_TIME
    finished_at: str = ZERO_TIME
    health: Health | UnsetType = UNSET


class GraphDriver(Document):
    """The snapshot driver and where it keeps a container's or an image's files."""

    data: dict[str, str] | None = None
    name: str = ""


class ContainerInspect(Document):
    """The answer to `GET /containers/{id}/json`."""

    id: str
    created: str
    path: str
    args: list[str]
    state: State
    image: str
    resolv_conf_path: str = ""
    hostname_path: str = ""
    hosts_path: str = ""
    log_path: str = ""
    name: str = ""  # with a leading slash
    restart_count: int = 0
    driver: str = ""
    platform: str = "linux"
    mount_label: str = ""
    process_label: str = ""
    app_armor_profile: str = ""
    exec_ids: list[str] | None = None
    host_config: HostConfig
    graph_driver: GraphDriver = field(default_factory=GraphDriver)
    size_rw: int | UnsetType = UNSET
    size_root_fs: int | UnsetType = UNSET
    mounts: list[MountPoint] = field(default_factory=list)
    config: ContainerConfig
    network_settings: NetworkSettings = field(default_factory=NetworkSettings)
    image_manifest_descriptor: dict[str, object] | UnsetType = UNSET


class PortSummary(Document):
    """One port of a container in a list."""

    ip: str | UnsetType = field(default=UNSET, name="IP")
    private_port: int
    public_port: int | UnsetType = UNSET
    type: str


class HostConfigSummary(Document):
    """The part of the host config that a list shows."""

    network_mode: str | UnsetType = UNSET
    annotations: dict[str, str] | UnsetType = UNSET


class ContainerSummary(Document):
    """One row of `GET /containers/json`; `created` in seconds, `names` with leading slashes."""

    id: str
    names: list[str]
    image: str
    image_id: str
    image_manifest_descriptor: dict[str, object] | UnsetType = UNSET
    command: str
    created: int
    ports: list[PortSummary] = field(default_factory=list)
    size_rw: int | UnsetType = UNSET
    size_root_fs: int | UnsetType = UNSET
    labels: dict[str, str] = field(default_factory=dict)
    state: str
    status: str
    host_config: HostConfigSummary = field(default_factory=HostConfigSummary)
    network_settings: NetworkSettingsSummary = field(default_factory=NetworkSettingsSummary)
    mounts: list[MountPoint] = field(default_factory=list)


class PathStat(Document):
    """A file of a container, in the header of `docker cp`; `mode` as Go's os.FileMode."""

    name: str = field(name="name")
    size: int = field(name="size")
    mode: int = field(name="mode")
    mtime: str = field(name="mtime")
    link_target: str = field(name="linkTarget")


class FilesystemChange(Document):
    """A path that the container changed. `kind`: 0 modified, 1 added, 2 deleted."""

    path: str
    kind: int


class ContainerTop(Document):
    """The processes of a container, as `ps` prints them."""

    titles: list[str]
    processes: list[list[str]]


class ContainerUpdate(Resources):
    """The body of `POST /containers/{id}/update`: limits, and the restart policy."""

    restart_policy: RestartPolicy = field(default_factory=RestartPolicy)
    publish_add: PortMap | None = None  # our extension: ports to publish from now on
    publish_rm: PortMap | None = None  # and no longer; a port without places: all of its places


class ContainerUpdated(Document):
    """The answer to an update."""

    warnings: list[str] | None = None


class ContainersPruned(Document):
    """The answer to a prune; bytes."""

    containers_deleted: list[str] | None = None
    space_reclaimed: int = 0


class WaitError(Document):
    """Why a wait could not end as it was asked."""

    message: str | UnsetType = UNSET


class WaitResult(Document):
    """The answer to a wait."""

    error: WaitError | UnsetType = UNSET
    status_code: int
