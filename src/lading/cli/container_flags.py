"""The flags of `run` and `create`: what a container can be asked to be, as words.

Stage one of two: `CreateArguments` holds what was typed, each value read by its kind.
`create_request.to_create_request` says what it means.
"""

from __future__ import annotations

from lading.cli import devices, health, limit_flags, mounts, option_values
from lading.cli.flags import (
    BOOL,
    BYTES,
    INT,
    LIST,
    MAP,
    STRING,
    Flag,
    Kind,
    parsed_list,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.sdk.request import Document

ATTACH = parsed_list("list", option_values.stream_name)
BPS = parsed_list("list", devices.bytes_rate)
DEVICE = parsed_list("list", option_values.device)
DEVICE_RULE = parsed_list("list", devices.cgroup_rule)
DNS = parsed_list("list", option_values.ip_address)
ENV = parsed_list("list", option_values.variable)
GPUS = parsed_list("gpu-request", devices.gpus)
HOST = parsed_list("list", option_values.extra_host)
IOPS = parsed_list("list", devices.operations_rate)
IP = Kind("ip", option_values.one_ip_address, str)
MOUNT = parsed_list("mount", mounts.parse_mount)
NETWORK = parsed_list("network", option_values.network)
ULIMIT = parsed_list("ulimit", option_values.ulimit)
WEIGHT = parsed_list("list", devices.weight)

FLAGS = (
    Flag("add-host", "", HOST, "Add a custom host-to-IP mapping (host:ip)"),
    Flag("annotation", "", MAP, "Add an annotation to the container (passed to the OCI runtime)"),
    Flag("attach", "a", ATTACH, "Attach to STDIN, STDOUT or STDERR"),
    Flag("blkio-weight-device", "", WEIGHT, "Block IO weight (relative device weight)"),
    Flag("cap-add", "", LIST, "Add Linux capabilities"),
    Flag("cap-drop", "", LIST, "Drop Linux capabilities"),
    Flag("cgroup-parent", "", STRING, "Optional parent cgroup for the container"),
    Flag("cgroupns", "", STRING, "Cgroup namespace to use (host|private)"),
    Flag("cidfile", "", STRING, "Write the container ID to the file"),
    Flag("cpu-count", "", INT, "CPU count (Windows only)", hidden=True),
    Flag("cpu-percent", "", INT, "CPU percent (Windows only)", hidden=True),
    Flag("device", "", DEVICE, "Add a host device to the container"),
    Flag("device-cgroup-rule", "", DEVICE_RULE, "Add a rule to the cgroup allowed devices list"),
    Flag("device-read-bps", "", BPS, "Limit read rate (bytes per second) from a device"),
    Flag("device-read-iops", "", IOPS, "Limit read rate (IO per second) from a device"),
    Flag("device-write-bps", "", BPS, "Limit write rate (bytes per second) to a device"),
    Flag("device-write-iops", "", IOPS, "Limit write rate (IO per second) to a device"),
    Flag("disable-content-trust", "", BOOL, "Skip image verification", default=True, hidden=True),
    Flag("dns", "", DNS, "Set custom DNS servers"),
    Flag("dns-option", "", LIST, "Set DNS options", also=("dns-opt",)),
    Flag("dns-search", "", LIST, "Set custom DNS search domains"),
    Flag("domainname", "", STRING, "Container NIS domain name"),
    Flag("entrypoint", "", STRING, "Overwrite the default ENTRYPOINT of the image"),
    Flag("env", "e", ENV, "Set environment variables (KEY alone takes the host's value)"),
    Flag("env-file", "", LIST, "Read in a file of environment variables"),
    Flag("expose", "", LIST, "Expose a port or a range of ports"),
    Flag("gpus", "", GPUS, "GPU devices to add to the container ('all' to pass all GPUs)"),
    Flag("group-add", "", LIST, "Add additional groups to join"),
    Flag("hostname", "h", STRING, "Container host name"),
    Flag("init", "", BOOL, "Run an init inside the container that forwards signals and reaps"),
    Flag("interactive", "i", BOOL, "Keep STDIN open even if not attached"),
    Flag("io-maxbandwidth", "", BYTES, "Maximum IO bandwidth (Windows only)", hidden=True),
    Flag("io-maxiops", "", INT, "Maximum IOps (Windows only)", hidden=True),
    Flag("ip", "", IP, "IPv4 address (e.g., 172.30.100.104)"),
    Flag("ip6", "", IP, "IPv6 address (e.g., 2001:db8::33)"),
    Flag("ipc", "", STRING, "IPC mode to use"),
    Flag("isolation", "", STRING, "Container isolation technology"),
    Flag("label", "l", LIST, "Set meta data on a container"),
    Flag("label-file", "", LIST, "Read in a line delimited file of labels"),
    Flag("link", "", LIST, "Add link to another container"),
    Flag("link-local-ip", "", LIST, "Container IPv4/IPv6 link-local addresses"),
    Flag("log-driver", "", STRING, "Logging driver for the container"),
    Flag("log-opt", "", LIST, "Log driver options"),
    Flag("mac-address", "", STRING, "Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
    Flag(
        "memory-swappiness",
        "",
        INT,
        "Tune container memory swappiness (0 to 100)",
        default=-1,
    ),
    Flag("mount", "", MOUNT, "Attach a filesystem mount to the container"),
    Flag("name", "", STRING, "Assign a name to the container"),
    Flag("network", "", NETWORK, "Connect a container to a network", also=("net",)),
    Flag(
        "network-alias",
        "",
        LIST,
        "Add network-scoped alias for the container",
        also=("net-alias",),
    ),
    *health.FLAGS,
    *limit_flags.FLAGS,
    Flag("oom-kill-disable", "", BOOL, "Disable OOM Killer"),
    Flag("oom-score-adj", "", INT, "Tune host's OOM preferences (-1000 to 1000)"),
    Flag("pid", "", STRING, "PID namespace to use"),
    Flag("platform", "", STRING, "Set platform if the image is for several"),
    Flag("privileged", "", BOOL, "Give extended privileges to this container"),
    Flag("publish", "p", LIST, "Publish a container's port(s) to the host"),
    Flag("publish-all", "P", BOOL, "Publish all exposed ports to random ports"),
    Flag(
        "pull",
        "",
        STRING,
        'Pull image before creating ("always", "missing", "never")',
        default="missing",
    ),
    Flag("quiet", "q", BOOL, "Suppress the pull output"),
    Flag("read-only", "", BOOL, "Mount the container's root filesystem as read only"),
    Flag("restart", "", STRING, "Restart policy to apply when a container exits", default="no"),
    Flag("rm", "", BOOL, "Remove the container and its anonymous volumes when it exits"),
    Flag("runtime", "", STRING, "Runtime to use for this container"),
    Flag("security-opt", "", LIST, "Security Options"),
    Flag("shm-size", "", BYTES, "Size of /dev/shm"),
    Flag("stop-signal", "", STRING, "Signal to stop the container"),
    Flag("stop-timeout", "", INT, "Timeout (in seconds) to stop a container"),
    Flag("storage-opt", "", LIST, "Storage driver options for the container"),
    Flag("sysctl", "", MAP, "Sysctl options"),
    Flag("tmpfs", "", LIST, "Mount a tmpfs directory"),
    Flag("tty", "t", BOOL, "Allocate a pseudo-TTY"),
    Flag("ulimit", "", ULIMIT, "Ulimit options"),
    Flag("user", "u", STRING, "Username or UID (format: <name|uid>[:<group|gid>])"),
    Flag("userns", "", STRING, "User namespace: host, auto[:size=N], private, keep-id:uid=N,gid=N"),
    Flag("uts", "", STRING, "UTS namespace to use"),
    Flag("volume", "v", LIST, "Bind mount a volume"),
    Flag("volume-driver", "", STRING, "Optional volume driver for the container"),
    Flag("volumes-from", "", LIST, "Mount volumes from the specified container(s)"),
    Flag("workdir", "w", STRING, "Working directory inside the container"),
)


class CreateArguments(health.HealthArguments, limit_flags.LimitArguments):
    """The words of `create` and `run`. Sizes in bytes."""

    add_host: list[str]
    annotation: dict[str, str]
    attach: list[str]
    blkio_weight_device: list[Document]
    cap_add: list[str]
    cap_drop: list[str]
    cgroup_parent: str
    cgroupns: str
    cidfile: str
    cpu_count: int
    cpu_percent: int
    device: list[Document]
    device_cgroup_rule: list[str]
    device_read_bps: list[Document]
    device_read_iops: list[Document]
    device_write_bps: list[Document]
    device_write_iops: list[Document]
    disable_content_trust: bool
    dns: list[str]
    dns_option: list[str]
    dns_search: list[str]
    domainname: str
    entrypoint: str
    env: list[str]
    env_file: list[str]
    expose: list[str]
    gpus: list[Document]
    group_add: list[str]
    hostname: str
    init: bool
    interactive: bool
    io_maxbandwidth: int
    io_maxiops: int
    ip: str
    ip6: str
    ipc: str
    isolation: str
    label: list[str]
    label_file: list[str]
    link: list[str]
    link_local_ip: list[str]
    log_driver: str
    log_opt: list[str]
    mac_address: str
    memory_swappiness: int
    mount: list[Document]
    name: str
    network: list[tuple[str, Document]]
    network_alias: list[str]
    oom_kill_disable: bool
    oom_score_adj: int
    pid: str
    platform: str
    privileged: bool
    publish: list[str]
    publish_all: bool
    pull: str
    quiet: bool
    read_only: bool
    restart: str
    rm: bool
    runtime: str
    security_opt: list[str]
    shm_size: int
    stop_signal: str
    stop_timeout: int
    storage_opt: list[str]
    sysctl: dict[str, str]
    tmpfs: list[str]
    tty: bool
    ulimit: list[Document]
    user: str
    userns: str
    uts: str
    volume: list[str]
    volume_driver: str
    volumes_from: list[str]
    workdir: str

    detach: bool = False  # only `run` has the flag
