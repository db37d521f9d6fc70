"""`HostConfig`: what a container may use of its host. Asked by the client, echoed by inspect.

Every field of API 1.51 is here, also those we do not act on: what was asked is told back.
"""

from msgspec import UNSET, UnsetType, field

from lading.wire.base import Asked, StrSlice
from lading.wire.mounts import Mount
from lading.wire.networks import PortMap


class DeviceMapping(Asked):
    """A device node of the host that appears in the container."""

    path_on_host: str = ""
    path_in_container: str = ""
    cgroup_permissions: str = ""


class DeviceRequest(Asked):
    """Devices asked of a driver by count, id or capability (GPUs, CDI)."""

    driver: str = ""
    count: int = 0
    device_ids: list[str] | None = None
    capabilities: list[list[str]] | None = None
    options: dict[str, str] | None = None


class WeightDevice(Asked):
    """Block I/O weight of one device."""

    path: str = ""
    weight: int = 0


class ThrottleDevice(Asked):
    """Block I/O limit of one device, bytes or operations per second."""

    path: str = ""
    rate: int = 0


class Ulimit(Asked):
    """A resource limit by its setrlimit name in small letters (`nofile`); -1 is unlimited."""

    name: str = ""
    hard: int = 0
    soft: int = 0


class LogConfig(Asked):
    """Log driver and its options; an empty type is the engine's default."""

    type: str = ""
    config: dict[str, str] | None = None


class RestartPolicy(Asked):
    """`no` (or empty), `always`, `unless-stopped`, `on-failure`."""

    name: str = ""
    maximum_retry_count: int = 0


class Resources(Asked):
    """Limits that can also be changed while the container runs. Memory in bytes, times in us."""

    cpu_shares: int = 0
    memory: int = 0
    nano_cpus: int = 0
    cgroup_parent: str = ""
    blkio_weight: int = 0
    blkio_weight_device: list[WeightDevice] | None = None
    blkio_device_read_bps: list[ThrottleDevice] | None = None
    blkio_device_write_bps: list[ThrottleDevice] | None = None
    blkio_device_read_iops: list[ThrottleDevice] | None = None
    blkio_device_write_iops: list[ThrottleDevice] | None = None
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    devices: list[DeviceMapping] | None = None
    device_cgroup_rules: list[str] | None = None
    device_requests: list[DeviceRequest] | None = None
    kernel_memory: int | UnsetType = UNSET
    kernel_memory_tcp: int | UnsetType = UNSET
    memory_reservation: int = 0
    memory_swap: int = 0
    memory_swappiness: int | None = None
    oom_kill_disable: bool | None = None
    pids_limit: int | None = None
    ulimits: list[Ulimit] | None = None
    cpu_count: int = 0
    cpu_percent: int = 0
    io_maximum_iops: int = 0
    io_maximum_bandwidth: int = 0


class HostConfig(Resources):
    """Everything of the host that a container was given; modes are text as the user wrote it."""

    binds: list[str] | None = None
    container_id_file: str = ""
    log_config: LogConfig = field(default_factory=LogConfig)
    network_mode: str = ""
    port_bindings: PortMap | None = None
    restart_policy: RestartPolicy = field(default_factory=RestartPolicy)
    auto_remove: bool = False
    volume_driver: str = ""
    volumes_from: list[str] | None = None
    console_size: tuple[int, int] = (0, 0)  # height, width
    annotations: dict[str, str] | UnsetType = UNSET
    cap_add: StrSlice | None = None
    cap_drop: StrSlice | None = None
    cgroupns_mode: str = ""
    dns: list[str] | None = None
    dns_options: list[str] | None = None
    dns_search: list[str] | None = None
    extra_hosts: list[str] | None = None
    group_add: list[str] | None = None
    ipc_mode: str = ""
    cgroup: str = ""
    links: list[str] | None = None
    oom_score_adj: int = 0
    pid_mode: str = ""
    privileged: bool = False
    publish_all_ports: bool = False
    readonly_rootfs: bool = False
    security_opt: list[str] | None = None
    storage_opt: dict[str, str] | UnsetType = UNSET
    tmpfs: dict[str, str] | UnsetType = UNSET
    uts_mode: str = ""
    userns_mode: str = ""
    shm_size: int = 0
    sysctls: dict[str, str] | UnsetType = UNSET
    runtime: str | UnsetType = UNSET
    isolation: str = ""
    mounts: list[Mount] | UnsetType = UNSET
    masked_paths: list[str] | None = None
    readonly_paths: list[str] | None = None
    init: bool | UnsetType = UNSET
