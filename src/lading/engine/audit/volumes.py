"""Volumes: rows, directories, mounts and leases, against each other and against the containers.

A volume whose name somebody holds is being made or removed just now: it is not named here.
"""

import os
from functools import partial
from typing import TYPE_CHECKING

from lading.engine.audit.finding import Finding, entries
from lading.kernel import mount
from lading.volumes.directories import DATA, FILLED, FILLING, TRASH
from lading.volumes.drivers.local import mount_points
from lading.volumes.record import LOCAL

if TYPE_CHECKING:
    from lading.engine.engine import Engine
    from lading.volumes import Volumes


def find(engine: "Engine", running: set[str]) -> list[Finding]:
    """Everything about volumes that does not fit together."""
    volumes = engine.volume_store
    return [
        *(Finding("record", name, reason) for name, reason in volumes.damaged.items()),
        *_directories(volumes),
        *_trash(volumes),
        *_references(engine),
        *_leases(volumes, running),
        *_mounts(volumes),
    ]


def _directories(volumes: "Volumes") -> list[Finding]:
    place = volumes.directories
    known = {v.name for v in volumes.all() if v.driver == LOCAL} | volumes.damaged.keys()
    present = set(entries(place.root)) - {TRASH}
    found = [
        *(
            Finding("volume directory", name, "of no volume", partial(place.discard, name))
            for name in present - known
        ),
        *(Finding("volume", name, "lost its directory") for name in known - present),
        *(
            Finding("volume", name, f"has a copy that stopped: {half}", partial(place.settle, name))
            for name in known & present
            for half in (FILLED, FILLING)
            if os.path.exists(f"{place.root}/{name}/{half}")
        ),
    ]
    return [finding for finding in found if not volumes.locks.is_held(finding.name)]


def _trash(volumes: "Volumes") -> list[Finding]:
    """What was removed and could not be deleted; a removal under way holds a lock or a task."""
    if volumes.is_busy:
        return []
    place = volumes.directories
    return [
        Finding("temporary file", f"volumes/{TRASH}/{name}", "was not deleted", place.sweep)
        for name in entries(f"{place.root}/{TRASH}")
    ]


def _references(engine: "Engine") -> list[Finding]:
    """Volumes that containers have and that are not there."""
    volumes = engine.volume_store
    return [
        Finding("volume", each.name, f"of container {container.record.name} is missing")
        for container in engine.containers.all()
        for each in container.record.mounts or []
        if each.type == "volume"
        and not volumes.has(each.name)
        and each.name not in volumes.damaged
        and not volumes.locks.is_held(each.name)
    ]


def _leases(volumes: "Volumes", running: set[str]) -> list[Finding]:
    if volumes.is_busy:
        return []
    ended = [lease for lease in volumes.leases.all() if lease.container_id not in running]
    end = volumes.mounting.give_back_soon
    return [
        Finding("volume lease", lease.user, "of no running container", partial(end, lease))
        for lease in [*ended, *volumes.leases.stray()]
    ]


def _mounts(volumes: "Volumes") -> list[Finding]:
    """File systems mounted on volumes that nobody uses."""
    if volumes.is_busy:
        return []
    root = volumes.directories.root
    used = {f"{root}/{name}/{DATA}" for lease in volumes.leases.all() for name in lease.volumes}
    return [
        Finding("mount", point, "on a volume that nobody uses", partial(_unmount, point))
        for point in sorted(mount_points())
        if point.startswith(f"{root}/")
        and point not in used
        # what a bind brought along goes with it
        and not any(point.startswith(f"{place}/") for place in used)
    ]


def _unmount(point: str) -> None:
    mount.umount2(point, mount.MNT_DETACH | mount.UMOUNT_NOFOLLOW)
