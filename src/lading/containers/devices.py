"""Devices of the host in a container: --device, --device-cgroup-rule, block I/O limits.

They are looked up at each start, for a number may change between two boots. What is made is nodes
(`linux.devices`), and rules who may open them (`linux.resources.devices`). A privileged container
gets every node of the host. Source: runtime-spec, config-linux.md; moby: daemon/pkg/oci.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lading.errors import SystemFault
from lading.wire.host_config import DeviceMapping, HostConfig, ThrottleDevice

_RULE = re.compile(r"([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})")
# of the host's /dev; containers have their own of these (runc: libcontainer/devices)
_NOT_TAKEN = frozenset(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"])
_THROTTLES = {
    "blkio_device_read_bps": "throttleReadBpsDevice",
    "blkio_device_write_bps": "throttleWriteBpsDevice",
    "blkio_device_read_iops": "throttleReadIOPSDevice",
    "blkio_device_write_iops": "throttleWriteIOPSDevice",
}


class BadRule(SystemFault):
    """invalid device cgroup rule format: '{0}'"""


class NoSuchDevice(SystemFault):
    """error gathering device information while adding custom device "{0}": {1}"""


class NoBlockDevice(SystemFault):
    """stat {0}: {1}"""


class NoDriver(SystemFault):
    """could not select device driver "{0}" with capabilities: {1}"""


class Devices(NamedTuple):
    """Nodes to make, rules to set, and limits of block devices, as the runtime spec has them."""

    nodes: list[dict[str, object]]
    rules: list[dict[str, object]]
    block_io: dict[str, object]


def gather(host: HostConfig) -> Devices:
    """What a container is to have. Raises NoSuchDevice, BadRule, NoDriver."""
    for request in host.device_requests or []:
        wanted = " ".join(f"[{' '.join(each)}]" for each in request.capabilities or [])
        raise NoDriver(request.driver, f"[{wanted}]")
    nodes, rules = [], []
    if host.privileged:
        nodes = list(_all("/dev"))
        rules = [{"allow": True, "access": "rwm"}]
    for mapping in host.devices or []:
        access = mapping.cgroup_permissions or "rwm"
        for node in _mapped(mapping):
            nodes.append(node)
            rules.append(_allow(node, access))
    rules += [parse_rule(text) for text in host.device_cgroup_rules or []]
    return Devices(nodes, rules, block_io(host))


def parse_rule(text: str) -> dict[str, object]:
    """`c 1:3 rwm`, `a *:* r`. Raises BadRule."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise BadRule(text)
    rule: dict[str, object] = {"allow": True, "type": match[1], "access": match[4]}
    for name, number in (("major", match[2]), ("minor", match[3])):
        if number != "*":
            rule[name] = int(number)
    return rule


def _mapped(mapping: DeviceMapping) -> Iterator[dict[str, object]]:
    """The node of one --device, or those below it when it is a directory."""
    source = mapping.path_on_host
    target = mapping.path_in_container or source
    try:
        resolved = os.path.realpath(source, strict=True)
        status = os.stat(resolved)
        if stat.S_ISDIR(status.st_mode):
            found = list(_all(resolved))
            for node in found:
                path = str(node["path"]).removeprefix(resolved)
                yield {**node, "path": f"{target}{path}"}
            if not found:
                raise NoSuchDevice(source, "no device nodes in it")
            return
    except OSError as error:
        raise NoSuchDevice(source, (error.strerror or str(error)).lower()) from error
    single = _node(target, status)
    if single is None:
        raise NoSuchDevice(source, "not a device node")
    yield single


def _all(directory: str) -> Iterator[dict[str, object]]:
    """Every node below a directory of the host's."""
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return  # gone, or not for us
    for entry in entries:
        if entry.is_symlink() or entry.name in _NOT_TAKEN:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _all(entry.path)
            continue
        try:
            node = _node(entry.path, entry.stat(follow_symlinks=False))
        except OSError:
            continue  # gone meanwhile
        if node is not None:
            yield node


def _node(path: str, status: os.stat_result) -> dict[str, object] | None:
    """A node as the spec has it; None for what is no device."""
    if stat.S_ISCHR(status.st_mode):
        kind = "c"
    elif stat.S_ISBLK(status.st_mode):
        kind = "b"
    else:
        return None
    return {
        "path": path,
        "type": kind,
        "major": os.major(status.st_rdev),
        "minor": os.minor(status.st_rdev),
        "fileMode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
    }


def _allow(node: dict[str, object], access: str) -> dict[str, object]:
    kept = {name: node[name] for name in ("type", "major", "minor")}
    return {"allow": True, **kept, "access": access}


def block_io(host: HostConfig) -> dict[str, object]:
    """linux.resources.blockIO. Raises NoBlockDevice for a path that is none."""
    limits: dict[str, object] = {}
    if host.blkio_weight:
        limits["weight"] = host.blkio_weight
    if host.blkio_weight_device:
        limits["weightDevice"] = [
            {**_numbers(each.path), "weight": each.weight} for each in host.blkio_weight_device
        ]
    for name, key in _THROTTLES.items():
        asked: Sequence[ThrottleDevice] = getattr(host, name) or ()
        if asked:
            limits[key] = [{**_numbers(each.path), "rate": each.rate} for each in asked]
    return limits


def _numbers(path: str) -> dict[str, object]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise NoBlockDevice(path, (error.strerror or str(error)).lower()) from error
    return {"major": os.major(status.st_rdev), "minor": os.minor(status.st_rdev)}
