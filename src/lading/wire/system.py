"""Documents of the tag System: version and info."""

from msgspec import UNSET, UnsetType, field

from lading.wire.base import Document
from lading.wire.containers import ContainerSummary
from lading.wire.images import ImageSummary
from lading.wire.volumes import Volume


class PlatformName(Document):
    """The product's name."""

    name: str


class ComponentVersion(Document):
    """One program behind the API."""

    name: str
    version: str
    details: dict[str, str] | UnsetType = UNSET


class Version(Document):
    """The answer to `GET /version`."""

    platform: PlatformName
    components: list[ComponentVersion] = field(default_factory=list)
    version: str
    api_version: str
    min_api_version: str
    git_commit: str = ""
    go_version: str = ""
    os: str = "linux"
    arch: str
    kernel_version: str = ""
    experimental: bool | UnsetType = UNSET
    build_time: str = ""


class Plugins(Document):
    """Names of the drivers, by what they drive."""

    volume: list[str] | None = None
    network: list[str] | None = None
    authorization: list[str] | None = None
    log: list[str] | None = None


class RegistryIndex(Document):
    """How one registry is reached."""

    name: str
    mirrors: list[str] = field(default_factory=list)
    secure: bool = True
    official: bool = False


class RegistryConfig(Document):
    """How registries are reached."""

    insecure_registry_cidrs: list[str] = field(default_factory=lambda: ["::1/128", "127.0.0.0/8"])
    index_configs: dict[str, RegistryIndex] = field(default_factory=dict)
    mirrors: list[str] | None = None


class Runtime(Document, rename=None):
    """An OCI runtime; small letters, as the wire has them."""

    path: str | UnsetType = UNSET
    args: list[str] | UnsetType = field(default=UNSET, name="runtimeArgs")
    type: str | UnsetType = field(default=UNSET, name="runtimeType")
    options: dict[str, object] | UnsetType = UNSET
    status: dict[str, str] | UnsetType = UNSET


class Commit(Document):
    """The version of a program that the engine runs."""

    id: str = field(default="", name="ID")
    expected: str | UnsetType = UNSET


class AddressPool(Document):
    """Subnets of `size` bits are cut from `base` for networks without one."""

    base: str
    size: int


class FirewallInfo(Document):
    """The firewall that published ports go through."""

    driver: str
    info: list[tuple[str, str]] | UnsetType = UNSET


class Swarm(Document):
    """The swarm state of an engine that is in none."""

    node_id: str = ""
    node_addr: str = ""
    local_node_state: str = "inactive"
    control_available: bool = False
    error: str = ""
    remote_managers: list[dict[str, str]] | None = None


class Info(Document):
    """The answer to `GET /info`."""

    id: str = field(name="ID")
    containers: int = 0
    containers_running: int = 0
    containers_paused: int = 0
    containers_stopped: int = 0
    images: int = 0
    driver: str = ""
    driver_status: list[tuple[str, str]] | None = None
    plugins: Plugins = field(default_factory=Plugins)
    memory_limit: bool = False
    swap_limit: bool = False
    cpu_cfs_period: bool = False
    cpu_cfs_quota: bool = False
    cpu_shares_supported: bool = False
    cpu_set: bool = False
    pids_limit: bool = False
    ipv4_forwarding: bool = False
    debug: bool = False
    n_fd: int = 0
    oom_kill_disable: bool = False
    n_goroutines: int = 0
    system_time: str = ""
    logging_driver: str = ""
    cgroup_driver: str = ""
    cgroup_version: str | UnsetType = UNSET
    n_events_listener: int = 0
    kernel_version: str = ""
    operating_system: str = ""
    os_version: str = ""
    os_type: str = "linux"
    architecture: str = ""
    index_server_address: str = ""
    registry_config: RegistryConfig | None = None
    n_cpu: int = 0
    mem_total: int = 0
    generic_resources: list[dict[str, object]] | None = None
    docker_root_dir: str = ""
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    name: str = ""
    labels: list[str] = field(default_factory=list)
    experimental_build: bool = False
    server_version: str = ""
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    default_runtime: str = ""
    swarm: Swarm = field(default_factory=Swarm)
    live_restore_enabled: bool = False
    isolation: str = ""
    init_binary: str = ""
    containerd_commit: Commit = field(default_factory=Commit)
    runc_commit: Commit = field(default_factory=Commit)
    init_commit: Commit = field(default_factory=Commit)
    security_options: list[str] = field(default_factory=list)
    product_license: str | UnsetType = UNSET
    default_address_pools: list[AddressPool] | UnsetType = UNSET
    firewall_backend: FirewallInfo | UnsetType = UNSET
    cdi_spec_dirs: list[str] = field(default_factory=list)
    warnings: list[str] | None = None


class DiskUsage(Document):
    """The answer to `GET /system/df`; bytes, and null for what was not asked."""

    layers_size: int = 0
    images: list[ImageSummary] | None = None
    containers: list[ContainerSummary] | None = None
    volumes: list[Volume] | None = None
    build_cache: list[dict[str, object]] | None = None
