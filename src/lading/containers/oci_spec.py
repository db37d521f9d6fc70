"""From a container's record to the OCI runtime spec: a pure function, compared as JSON by tests.

Nothing is looked up here: mounts, namespaces and paths come in as `Surroundings`. Two extensions to
the spec (`process.user.username` and `groupAdd`) are resolved by our init inside the root, because
/etc/passwd of a container may be read only there. Spec: opencontainers/runtime-spec, config.md.
"""

import posixpath
from typing import NamedTuple

from lading.containers import resources, userns
from lading.containers.defaults import SHM_SIZE
from lading.containers.devices import Devices
from lading.containers.record import ContainerRecord
from lading.containers.userns import IdMap
from lading.kernel import capabilities
from lading.wire.host_config import HostConfig

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TTY = 5  # the group of that name on every distribution

# moby: daemon/pkg/oci/defaults.go
MASKED_PATHS = [
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
]  # fmt: skip
READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


class Bind(NamedTuple):
    """One mount of the host in the container, as the rules of mounts have decided it."""

    source: str
    destination: str
    options: tuple[str, ...] = ("rbind", "rprivate")
    subpath: str = ""  # only this of the source, which no link in it leads out of
    layers: tuple[str, ...] = ()  # of an image: its trees, top first, in place of the source


class Walls(NamedTuple):
    """What else keeps a container's processes in: the security modules, where "" is nothing, and
    that none gains privileges by executing a program.
    """

    apparmor: str = ""
    process_label: str = ""
    mount_label: str = ""
    no_new_privileges: bool = False


class Surroundings(NamedTuple):
    """What the container is placed in."""

    hostname: str
    cgroup_path: str
    binds: tuple[Bind, ...]  # /etc/hosts and its kin first, then the user's
    namespace_paths: dict[str, str]  # joined namespaces: {"network": "/proc/17/ns/net"}
    init_path: str = ""  # the program behind --init, "" when it was not asked for
    has_swap_limit: bool = True
    is_nested: bool = False  # the engine is root of a user namespace, not the host's
    has_queues: bool = True  # /dev/mqueue is mounted on the host
    devices: Devices = Devices([], [], {})
    walls: Walls = Walls()
    variables: tuple[str, ...] = ()  # of links; the user's own go before them


def build(record: ContainerRecord, around: Surroundings) -> dict[str, object]:
    """The runtime spec of one start. `record.config` is already merged with the image's."""
    host = record.host_config
    spec: dict[str, object] = {
        "ociVersion": "1.2.0",
        "root": {"path": "rootfs", "readonly": bool(host.readonly_rootfs)},
        "process": _process(record, around),
        "mounts": _mounts(record, around),
        "linux": _linux(record, around),
    }
    if host.uts_mode != "host":
        spec["hostname"] = around.hostname
        domain = record.config.domainname or ""
        if domain:
            spec["domainname"] = domain
    return spec


def arguments(record: ContainerRecord) -> list[str]:
    """Entrypoint and command together: what is executed, before --init is put in front."""
    entrypoint = record.config.entrypoint or []
    return [*entrypoint, *(record.config.cmd or [])]


def environment(record: ContainerRecord, hostname: str, *, tty: bool) -> list[str]:
    """PATH, HOSTNAME and TERM by default, overridden by image and user. HOME is set by init."""
    variables = {"PATH": f"PATH={DEFAULT_PATH}", "HOSTNAME": f"HOSTNAME={hostname}"}
    if tty:
        variables["TERM"] = "TERM=xterm"
    for entry in record.config.env or []:
        name, equals, _ = entry.partition("=")
        if equals:
            variables[name] = entry
        else:
            variables.pop(name, None)  # `-e KEY` without a value takes the variable away
    return list(variables.values())


def capability_names(host: HostConfig) -> list[str]:
    """The capabilities of the container, by --cap-add, --cap-drop and --privileged."""
    if host.privileged:
        return all_capabilities()
    asked = capabilities.tweak(host.cap_add or [], host.cap_drop or [])
    return sorted(set(asked) & set(capabilities.available()))


def all_capabilities() -> list[str]:
    """What --privileged gives: every capability that the engine itself has."""
    return list(capabilities.available())


def _process(record: ContainerRecord, around: Surroundings) -> dict[str, object]:
    config, host = record.config, record.host_config
    names = capability_names(host)
    init = [around.init_path, "--"] if around.init_path else []
    process: dict[str, object] = {
        "terminal": bool(config.tty),
        "user": {
            "username": config.user or _default_user(host),
            "groupAdd": host.group_add or [],
        },
        "args": [*init, *arguments(record)],
        "env": [*around.variables, *environment(record, around.hostname, tty=config.tty)],
        "cwd": (config.working_dir or "") or "/",
        # inheritable and ambient stay empty: CVE-2022-24769
        "capabilities": {"bounding": names, "effective": names, "permitted": names},
        "rlimits": resources.rlimits(host),
        **confined(around.walls),
    }
    size = host.console_size
    if config.tty and size and any(size):
        process["consoleSize"] = {"height": size[0], "width": size[1]}
    adjustment = host.oom_score_adj or 0
    if adjustment:
        process["oomScoreAdj"] = adjustment
    return process


def confined(walls: Walls) -> dict[str, object]:
    """The fields of an OCI process for these walls."""
    fields: dict[str, object] = {
        "apparmorProfile": walls.apparmor,
        "selinuxLabel": walls.process_label,
    }
    found = {name: value for name, value in fields.items() if value}
    return {"noNewPrivileges": walls.no_new_privileges, **found}


def _default_user(host: HostConfig) -> str:
    """Root, or with keep-id who is kept."""
    mode = userns.parse(host.userns_mode)
    return f"{mode.uid}:{mode.gid}" if mode.kind == "keep-id" else "0"


def security_options(host: HostConfig) -> list[tuple[str, str]]:
    """--security-opt as (word, value): `word=value`, or `word:value` when there is no `=`."""
    pairs = []
    for option in host.security_opt or []:
        word, _, value = option.partition("=" if "=" in option else ":")
        pairs.append((word, value))
    return pairs


def _mounts(record: ContainerRecord, around: Surroundings) -> list[dict[str, object]]:
    """The system's file systems, and then everything else, outer places first.

    What is asked for at a place of the system's is there in its stead.
    """
    asked = [*(_bind(bind) for bind in around.binds), *_tmpfs(record)]
    asked.sort(key=lambda mount: str(mount["destination"]).count("/"))
    taken = {str(mount["destination"]) for mount in asked}
    system = [
        mount
        for mount in _system_mounts(record.host_config, around, record.ids)
        if mount["destination"] not in taken
        and not ("/dev" in taken and str(mount["destination"]).startswith("/dev/"))
    ]
    return [*system, *asked]


def _system_mounts(
    host: HostConfig, around: Surroundings, ids: IdMap | None
) -> list[dict[str, object]]:
    system = ["nosuid", "noexec", "nodev"]
    read_only = [] if host.privileged else ["ro"]
    mounts: list[dict[str, object]] = [
        # root of a user namespace may not mount the processes of the host
        _bind(Bind("/proc", "/proc", ("rbind", "rprivate", *system)))
        if around.is_nested and host.pid_mode == "host"
        else _mount("/proc", "proc", system),
        _mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount(
            "/dev/pts",
            "devpts",
            ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", *_of_tty(ids)],
        ),
        _mount("/sys", "sysfs", [*system, *read_only]),
        _mount("/sys/fs/cgroup", "cgroup", [*system, *read_only]),
    ]
    if not (ids and host.ipc_mode == "host"):
        mounts.append(_mount("/dev/mqueue", "mqueue", system))
    elif around.has_queues:  # root of a user namespace may not mount those of the host
        mounts.append(_bind(Bind("/dev/mqueue", "/dev/mqueue")))
    if host.ipc_mode == "host":
        mounts.append(_bind(Bind("/dev/shm", "/dev/shm")))
    elif host.ipc_mode != "none":
        size = (host.shm_size or 0) or SHM_SIZE
        mounts.append(_mount("/dev/shm", "tmpfs", [*system, "mode=1777", f"size={size}"], "shm"))
    return mounts


def _of_tty(ids: IdMap | None) -> list[str]:
    """The group of terminals is tty, unless a narrow user namespace has no such id."""
    is_there = ids is None or any(first <= TTY < first + count for first, _, count in ids.gids)
    return [f"gid={TTY}"] if is_there else []


def _tmpfs(record: ContainerRecord) -> list[dict[str, object]]:
    """--tmpfs and --mount type=tmpfs; the latter wins where both name a place."""
    found = {}
    for target, text in (record.host_config.tmpfs or {}).items():
        options = [option for option in text.split(",") if option]
        place = posixpath.normpath(target)
        found[place] = _mount(place, "tmpfs", ["noexec", "nosuid", "nodev", *options])
    for mount in record.mounts or []:
        if mount.type == "tmpfs":
            found[mount.destination] = _mount(mount.destination, "tmpfs", list(mount.options))
    return list(found.values())


def _mount(target: str, kind: str, options: list[str], source: str = "") -> dict[str, object]:
    return {"destination": target, "type": kind, "source": source or kind, "options": options}


def _bind(bind: Bind) -> dict[str, object]:
    """`subpath` and `layers` are extensions of ours to the runtime spec."""
    kind = "image" if bind.layers else "bind"
    mount = _mount(bind.destination, kind, list(bind.options), bind.source)
    if bind.subpath:
        mount["subpath"] = bind.subpath
    if bind.layers:
        mount["layers"] = list(bind.layers)
    return mount


def _linux(record: ContainerRecord, around: Surroundings) -> dict[str, object]:
    host = record.host_config
    # The runtime denies every device and then allows Docker's list: that is not said again, for
    # each rule costs three system calls a start (lading.kernel.cgroup.device_rules.DEFAULTS).
    limits = resources.limits(host, has_swap_limit=around.has_swap_limit)
    limits["devices"] = around.devices.rules
    if around.devices.block_io:
        limits["blockIO"] = around.devices.block_io
    linux: dict[str, object] = {
        "cgroupsPath": around.cgroup_path,
        "namespaces": _namespaces(host, around, record.ids),
        "resources": limits,
        "sysctl": host.sysctls or {},
        "rootfsPropagation": "rslave" if _wants_slave(around) else "private",
    }
    if not host.privileged:
        masked, read_only = host.masked_paths, host.readonly_paths
        unconfined = ("systempaths", "unconfined") in security_options(host)
        linux["maskedPaths"] = [] if unconfined else MASKED_PATHS if masked is None else masked
        linux["readonlyPaths"] = (
            [] if unconfined else READONLY_PATHS if read_only is None else read_only
        )
    linux["devices"] = around.devices.nodes
    if around.walls.mount_label:
        linux["mountLabel"] = around.walls.mount_label
    if record.ids:
        linux["uidMappings"] = _mappings(record.ids.uids)
        linux["gidMappings"] = _mappings(record.ids.gids)
    return linux


def _mappings(mappings: list[tuple[int, int, int]]) -> list[dict[str, int]]:
    return [
        {"containerID": inside, "hostID": outside, "size": count}
        for inside, outside, count in mappings
    ]


def _wants_slave(around: Surroundings) -> bool:
    propagating = {"slave", "rslave", "shared", "rshared"}
    return any(propagating & set(bind.options) for bind in around.binds)


def _namespaces(host: HostConfig, around: Surroundings, ids: IdMap | None) -> list[dict[str, str]]:
    shared = {
        "pid": host.pid_mode == "host",
        "ipc": host.ipc_mode == "host",
        "uts": host.uts_mode == "host",
        "network": host.network_mode == "host",
        "cgroup": (host.cgroupns_mode or "") == "host",
    }
    namespaces = [{"type": "mount"}, *([{"type": "user"}] if ids else [])]
    for kind, is_hosts in shared.items():
        if is_hosts:
            continue
        path = around.namespace_paths.get(kind)
        namespaces.append({"type": kind, "path": path} if path else {"type": kind})
    return namespaces
