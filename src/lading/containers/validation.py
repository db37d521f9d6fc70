"""What a client may not ask for at create, whatever the host: contradictions and nonsense. Pure.

Checks run in dockerd's order and speak its words, for clients match on them (moby:
daemon/container.go and daemon/pkg/... `validateContainerConfig`, `validateHostConfig`, and
runconfig's conflicts of network modes).
"""

import ipaddress
import posixpath
import re

from msgspec import UNSET

from lading import quantities
from lading.containers import signals
from lading.errors import InvalidArgument, SystemFault
from lading.networks.ports import wishes
from lading.wire.containers import ContainerConfig, Healthcheck
from lading.wire.host_config import HostConfig

SHORTEST_PROBE_NS = 1_000_000  # Docker's floor for the durations of a health check
RUNTIMES = ("runc", "io.containerd.runc.v2", "lading")  # all mean our own
_PROBE_TIMES = ("interval", "timeout", "start_period", "start_interval")


class BadSecurityOption(SystemFault):
    """invalid --security-opt {0}: "{1}\""""


class UnknownStorageOption(SystemFault):
    """Unknown option {0}"""


def check(config: ContainerConfig, host: HostConfig, *, has_hostname: bool) -> list[str]:
    """Warnings for what is pointless. Raises InvalidArgument, BadSecurityOption.

    `has_hostname`: the user gave one, which not every mode allows.
    """
    _config(config)
    _conflicts(config, host, has_hostname)
    _modes(host)
    _hosts(host)
    _ports(host)
    _numbers(host)
    _options(host)
    return _pointless(config, host)


def _refuse(is_wrong: object, text: str) -> None:
    if is_wrong:
        raise InvalidArgument(text)


def _config(config: ContainerConfig) -> None:
    place = config.working_dir
    _refuse(
        place and not place.startswith("/"),
        f"the working directory '{place}' is invalid, it needs to be an absolute path",
    )
    if config.stop_signal and not config.stop_signal.isdecimal():
        signals.parse(config.stop_signal)
    for entry in config.env or []:
        _refuse(not entry or entry.startswith("="), f"invalid environment variable: {entry}")
    if config.healthcheck:
        _probe(config.healthcheck)


def _probe(probe: Healthcheck) -> None:
    for name in _PROBE_TIMES:
        value = getattr(probe, name)
        told = "".join(word.capitalize() for word in name.split("_"))
        _refuse(
            value and value < SHORTEST_PROBE_NS, f"{told} in Healthcheck cannot be less than 1ms"
        )
    _refuse(probe.retries and probe.retries < 0, "Retries in Healthcheck cannot be negative")


def _conflicts(config: ContainerConfig, host: HostConfig, has_hostname: bool) -> None:
    """Options that exclude each other because a namespace is somebody else's."""
    mode = host.network_mode
    conflict = "conflicting options: "
    _refuse(has_hostname and host.uts_mode == "host", f"{conflict}hostname and the UTS mode")
    undefined = "can't be used with links. This would result in undefined behavior"
    if mode == "host":
        _refuse(host.links, f"{conflict}host type networking {undefined}")
    if not mode.startswith("container:"):
        return
    _refuse(
        not mode.removeprefix("container:"),
        "invalid network mode: invalid container format container:<name|id>",
    )
    _refuse(has_hostname, f"{conflict}hostname and the network mode")
    _refuse(host.links, f"{conflict}container type network {undefined}")
    _refuse(host.dns, f"{conflict}dns and the network mode")
    _refuse(host.extra_hosts, f"{conflict}custom host-to-IP mapping and the network mode")
    _refuse(
        host.port_bindings or host.publish_all_ports,
        f"{conflict}port publishing and the container type network mode",
    )
    _refuse(config.exposed_ports, f"{conflict}port exposing and the container type network mode")


def _modes(host: HostConfig) -> None:
    joined = re.compile(r"container:.+")
    _refuse(
        host.isolation not in ("", "default"),
        f"invalid isolation ({host.isolation}): linux only supports 'default'",
    )
    is_pid = host.pid_mode in ("", "host") or joined.fullmatch(host.pid_mode)
    _refuse(not is_pid, f"invalid PID mode: {host.pid_mode}")
    is_ipc = host.ipc_mode in ("", "none", "private", "shareable", "host") or (
        joined.fullmatch(host.ipc_mode)
    )
    _refuse(not is_ipc, f"invalid IPC mode: {host.ipc_mode}")
    _refuse(host.uts_mode not in ("", "host"), f"invalid UTS mode: {host.uts_mode}")
    _refuse(
        host.cgroupns_mode not in ("", "private", "host"),
        f"invalid cgroup namespace mode: {host.cgroupns_mode}",
    )
    runtime = host.runtime or ""
    _refuse(runtime and runtime not in RUNTIMES, f"unknown or invalid runtime name: {runtime}")


def _hosts(host: HostConfig) -> None:
    for entry in host.extra_hosts or []:
        name, colon, address = entry.partition(":")
        _refuse(not colon or not name, f'bad format for add-host: "{entry}"')
        if address == "host-gateway":
            continue
        try:
            ipaddress.ip_address(address.strip("[]"))
        except ValueError:
            raise InvalidArgument(f'invalid IP address in add-host: "{address}"') from None


def _ports(host: HostConfig) -> None:
    for port in host.port_bindings or {}:
        number, _, protocol = port.partition("/")
        _refuse(
            "-" in number and protocol.lower() in ("", *wishes.PROTOCOLS),
            f'invalid port specification: "{number}"',
        )
    wishes.read(host.port_bindings)  # dockerd takes any text for an address, and publishes to all


def _numbers(host: HostConfig) -> None:
    _refuse(
        "" in (host.annotations or {}),
        "invalid Annotations: the empty string is not permitted as an annotation key",
    )
    _refuse(host.shm_size < 0, "SHM size can not be less than 0")
    adjustment = host.oom_score_adj
    _refuse(
        not -1000 <= adjustment <= 1000,
        f"Invalid value {adjustment}, range for oom score adj is [-1000, 1000]",
    )
    _refuse(
        host.cpu_shares < 0,
        f"invalid CPU shares ({host.cpu_shares}): value must be a positive integer",
    )
    unsupported = "configuration is not supported on linux"
    _refuse(host.io_maximum_bandwidth, f"invalid option: QoS maximum bandwidth {unsupported}")
    _refuse(host.io_maximum_iops, f"invalid option: QoS maximum IOPs {unsupported}")
    for target in host.tmpfs or {}:
        _refuse(
            not target.startswith("/"),
            f"invalid mount path: '{target}' mount path must be absolute",
        )
        _refuse(
            not posixpath.normpath(target).strip("/"),
            "invalid specification: destination can't be '/'",
        )


def _options(host: HostConfig) -> None:
    for text in host.security_opt or []:
        _security_option(text)
    size_limit(host)


def size_limit(host: HostConfig) -> int:
    """Bytes that the container's own files may have (`--storage-opt size=`); 0: no bound.

    Raises UnknownStorageOption, and what parse_bytes says.
    """
    size = 0
    for name, value in (host.storage_opt or {}).items():
        if name.lower() != "size":
            raise UnknownStorageOption(name)
        size = quantities.parse_bytes(value)
    return size


def _security_option(text: str) -> None:
    """Raises BadSecurityOption; 1 for a single word that means nothing, 2 for a pair."""
    if text in ("no-new-privileges", "disable"):
        return
    word, separator, value = text.partition("=" if "=" in text else ":")
    if not separator:
        raise BadSecurityOption(1, text)
    if word in ("no-new-privileges", "writable-cgroups"):
        if value.lower() not in ("true", "false", "1", "0", "t", "f"):
            raise BadSecurityOption(2, text)
    elif word == "systempaths":
        if value != "unconfined":
            raise BadSecurityOption(2, text)
    elif word not in ("seccomp", "apparmor", "label"):
        raise BadSecurityOption(2, text)


def _pointless(config: ContainerConfig, host: HostConfig) -> list[str]:
    warnings = []
    if host.network_mode == "host" and (host.port_bindings or host.publish_all_ports):
        warnings.append("Published ports are discarded when using host network mode")
    if config.mac_address is not UNSET and config.mac_address:
        warnings.append(
            "The container-wide MacAddress field is now deprecated. "
            "It should be specified in EndpointsConfig instead."
        )
    return warnings
