"""--device, --device-cgroup-rule and --privileged: which nodes appear, and which may be used.

What is looked up on the host (numbers, modes) is looked up at each start, as dockerd does: a device
may have come, gone, or changed its number. Source: moby, daemon/pkg/oci; HostConfig.
"""

import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from lading.errors import SystemFault
from lading.wire.host_config import DeviceMapping, HostConfig, ThrottleDevice, WeightDevice

TYPES = {stat.S_IFCHR: "c", stat.S_IFBLK: "b", stat.S_IFIFO: "p"}
# what has a file system or a terminal of its own in a container (containerd: pkg/oci, getDevices)
SKIPPED = frozenset(("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"))
RULE = re.compile(r"([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})")


class NoSuchDevice(SystemFault):
    """error gathering device information while adding custom device "{0}": {1}"""


class BadDeviceRule(SystemFault):
    """invalid device cgroup rule format: '{0}'"""


class NoDeviceDriver(SystemFault):
    """could not select device driver "{0}" with capabilities: {1}"""


class NoBlockDevice(SystemFault):
    """stat {0}: no such file or directory"""


class Devices(NamedTuple):
    """`nodes` and `rules` as linux.devices and linux.resources.devices; `numbers` by path."""

    nodes: list[dict[str, object]]
    rules: list[dict[str, object]]
    numbers: dict[str, tuple[int, int]]


NO_DEVICES = Devices([], [], {})


def look_up(host: HostConfig) -> Devices:
    """Everything about devices that a start needs. Raises SystemFault, in dockerd's words."""
    for request in host.device_requests or []:
        sets = " ".join("[" + " ".join(each) + "]" for each in request.capabilities or [])
        raise NoDeviceDriver(request.driver, f"[{sets}]")
    if host.privileged:
        # Nothing else is said: all is allowed, also what the runtime allows every container
        nodes = [*_all_nodes(), *_mapped_elsewhere(host)]
        return Devices(nodes, [{"allow": True, "access": "rwm"}], _numbers(host))
    found = [(node, mapping) for mapping in host.devices or [] for node in _mapped(mapping)]
    rules = [
        _rule(node, mapping.cgroup_permissions)
        for node, mapping in found
        if mapping.cgroup_permissions
    ]
    rules += [parse_rule(text) for text in host.device_cgroup_rules or []]
    return Devices([node for node, _ in found], rules, _numbers(host))


def parse_rule(text: str) -> dict[str, object]:
    """`c 10:* rwm`, as --device-cgroup-rule takes it. Raises BadDeviceRule."""
    match = RULE.fullmatch(text)
    if match is None:
        raise BadDeviceRule(text)
    kind, major, minor, access = match.groups()
    rule: dict[str, object] = {"allow": True, "type": kind, "access": access}
    for name, number in (("major", major), ("minor", minor)):
        rule[name] = -1 if number == "*" else int(number)
    return rule


def _mapped(mapping: DeviceMapping) -> list[dict[str, object]]:
    """The node of a mapping, or all nodes of a directory. Raises NoSuchDevice."""
    place = os.path.realpath(mapping.path_on_host)
    target = mapping.path_in_container or mapping.path_on_host
    try:
        status = os.stat(place)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise NoSuchDevice(mapping.path_on_host, reason) from error
    if stat.S_ISDIR(status.st_mode):
        nodes = [_node(found, target + path.removeprefix(place)) for path, found in _walk(place)]
    else:
        nodes = [_node(status, target)] if stat.S_IFMT(status.st_mode) in TYPES else []
    if not nodes:
        raise NoSuchDevice(mapping.path_on_host, "not a device node")
    return nodes


def _all_nodes() -> list[dict[str, object]]:
    """The host's nodes, which a privileged container sees."""
    found = _walk("/dev", SKIPPED)
    return [_node(status, path) for path, status in found if path != "/dev/console"]


def _mapped_elsewhere(host: HostConfig) -> list[dict[str, object]]:
    """Further names that a privileged container gives to devices."""
    return [
        node
        for mapping in host.devices or []
        if mapping.path_in_container not in ("", mapping.path_on_host)
        for node in _mapped(mapping)
    ]


def _walk(
    directory: str, skipped: frozenset[str] = frozenset()
) -> Iterator[tuple[str, os.stat_result]]:
    """Device nodes below a directory; links are not followed, what goes away is passed over."""
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(status.st_mode):
            if entry.name not in skipped:
                yield from _walk(entry.path, skipped)
        elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            yield entry.path, status


def _node(status: os.stat_result, path: str) -> dict[str, object]:
    return {
        "path": path,
        "type": TYPES[stat.S_IFMT(status.st_mode)],
        "major": os.major(status.st_rdev),
        "minor": os.minor(status.st_rdev),
        "fileMode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
    }


def _rule(node: dict[str, object], access: str) -> dict[str, object]:
    numbers = {name: node[name] for name in ("type", "major", "minor")}
    return {"allow": True, **numbers, "access": access}


def _numbers(host: HostConfig) -> dict[str, tuple[int, int]]:
    """The block devices whose I/O is weighed or throttled. Raises NoBlockDevice."""
    asked: list[WeightDevice | ThrottleDevice] = [
        *(host.blkio_weight_device or []),
        *(host.blkio_device_read_bps or []),
        *(host.blkio_device_write_bps or []),
        *(host.blkio_device_read_iops or []),
        *(host.blkio_device_write_iops or []),
    ]
    found = {}
    for device in asked:
        try:
            number = os.stat(device.path).st_rdev
        except OSError as error:
            raise NoBlockDevice(device.path) from error
        found[device.path] = (os.major(number), os.minor(number))
    return found
