"""Mounts and links of ours that nobody has."""

import errno
from functools import partial
from typing import TYPE_CHECKING

from lading.engine.audit.finding import Finding
from lading.kernel import mount
from lading.kernel.netlink import link
from lading.kernel.netlink.socket import NetlinkSocket
from lading.networks.catalog import PREDEFINED

if TYPE_CHECKING:
    from lading.engine.engine import Engine

# below these nothing is ever mounted for the host to see
_BARE = ("containers", "snapshots", "content")


def find(engine: "Engine") -> list[Finding]:
    """What the kernel has of ours and no record names."""
    return [*_mounts(engine), *_links(engine), *_profiles(engine)]


def _profiles(engine: "Engine") -> list[Finding]:
    """Our AppArmor profile, if something else has removed it."""
    found = engine.context.security.apparmor
    if not found.is_missing():
        return []
    return [Finding("AppArmor profile", found.default, "missing in the kernel", found.reload)]


def _mounts(engine: "Engine") -> list[Finding]:
    options = engine.options
    places = [f"{options.data_root}/{name}/" for name in _BARE] + [f"{options.exec_root}/"]
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split(" ")[4] for line in file]
    return [
        Finding("mount", point, "in the host's view", partial(_unmount, point))
        for point in points
        if point.startswith(tuple(places))
    ]


def _unmount(point: str) -> None:
    mount.umount2(point, mount.MNT_DETACH | mount.UMOUNT_NOFOLLOW)


def _links(engine: "Engine") -> list[Finding]:
    """Ports of our bridges that no endpoint has, bridges without a network, and what is lost."""
    owner = f"lading:{engine.engine_id}"
    networks = engine.networks.list()
    known = {
        endpoint.host_interface
        for network in networks
        for endpoint in engine.networks.endpoints_of(network.id)
    }
    names = {network.bridge for network in networks}
    with NetlinkSocket() as socket:
        links = [one for one in link.dump(socket) if not link.is_ending(socket, one)]
    bridges = {one.ifindex for one in links if one.kind == "bridge" and one.alias == owner}
    strays = [
        *((one, "of no endpoint") for one in links if _is_port(one, bridges, known)),
        *(
            (one, "of no network")
            for one in links
            if one.alias.startswith(owner) and one.name not in names
        ),
    ]
    present = {one.name for one in links}
    return [
        *(
            Finding("link", one.name, detail, partial(_delete, one.ifindex))
            for one, detail in strays
        ),
        *(
            Finding("link", network.bridge, f"of network {network.name} is lost", None)
            for network in networks
            if network.name not in PREDEFINED and network.bridge and network.bridge not in present
        ),
    ]


def _is_port(one: link.Link, bridges: set[int], known: set[str]) -> bool:
    return one.master in bridges and one.kind == "veth" and one.name not in known


def _delete(index: int) -> None:
    with NetlinkSocket() as socket:
        try:
            socket.request(link.delete(index))
        except OSError as error:
            if error.errno != errno.ENODEV:  # gone by itself
                raise
