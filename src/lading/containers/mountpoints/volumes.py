"""The volumes of one container: found or made at create, filled with what the image has there.

Copying is done with the container's file system as root (`files.view`), so no link of an image
leads out of it, and from descriptor to descriptor. A volume of ours is filled before the container
has a row (`Claim.fill`); one that must be mounted is filled when it is first mounted and empty.
"""

import os
from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from lading.containers.container import Container
from lading.containers.files.view import View, run_in
from lading.containers.mountpoints.asked import Wish
from lading.containers.mountpoints.record import MountRecord
from lading.errors import InvalidArgument
from lading.kernel import safepath
from lading.storage import clone
from lading.volumes import ANONYMOUS_LABEL, Volumes
from lading.volumes.claim import Claim


class OverFile(InvalidArgument):
    """cannot mount volume over existing file, file exists {0}"""


def names_of(mounts: Sequence[MountRecord]) -> list[str]:
    """The volumes among the mounts."""
    return [mount.name for mount in mounts if mount.type == "volume"]


async def use(claim: Claim, volumes: Volumes, wishes: Sequence[Wish]) -> list[MountRecord]:
    """The mounts, with every volume there. Raises NoSuchVolume, NoSuchDriver, NameTaken, ..."""
    return [await _use(claim, volumes, wish) for wish in wishes]


async def _use(claim: Claim, volumes: Volumes, wish: Wish) -> MountRecord:
    mount = wish.mount
    if mount.type != "volume":
        return mount
    if wish.is_inherited:  # it exists, or its container is being removed just now
        return replace(mount, driver=volumes.find(mount.name).driver)
    labels = wish.labels
    if mount.is_anonymous:
        labels = {**(labels or {}), ANONYMOUS_LABEL: ""}
    volume = await claim.use(mount.name, mount.driver, wish.options, labels)
    return replace(mount, driver=volume.driver)


async def copy_up(
    claim: Claim, volumes: Volumes, mounts: Sequence[MountRecord], view: View
) -> None:
    """Fill the empty plain volumes with what the image has at their places. Raises OverFile."""
    for mount in mounts:
        if mount.type != "volume":
            continue
        volume = claim.volume(mount.name)
        if mount.copies and volumes.is_plain(volume) and volumes.directories.is_empty(volume.name):
            await claim.fill(volume, partial(copy_from, view, mount.destination))


def copy_from(view: View, place: str, target: int) -> bool:
    """Copy what is at a place of the view into a directory; False if there is nothing."""
    return run_in(view, partial(_copy, place=place, target=target)).result()


def _copy(root: int, *, place: str, target: int) -> bool:
    try:
        source = safepath.open_in_root(root, place, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise OverFile(place) from None
    try:
        clone.copy_tree(source, target)
    finally:
        os.close(source)
    return True


def of_container(container: Container, volumes: Volumes) -> list[str]:
    """The anonymous volumes that go with a container: those that no other one has."""
    found = []
    for mount in container.record.mounts or []:
        if mount.type == "volume" and mount.is_anonymous:
            others = set(volumes.users(mount.name)) - {container.id}
            if not others and volumes.has(mount.name):
                found.append(mount.name)
    return found
