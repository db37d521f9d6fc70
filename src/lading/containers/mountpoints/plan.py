"""All mounts of a new container, from everywhere that they are asked for. Pure.

    --volumes-from   what another container has
    -v               replaces that where it has the same place
    --mount          beside it
    Volumes          of the image and of the user, for places that have nothing yet: anonymous ones

Two of -v and --mount for one place contradict each other. A `--tmpfs` wins over an anonymous
volume.
Source: moby, daemon/volumes.go, registerMountPoints.
"""

import posixpath
from collections.abc import Callable

from msgspec.structs import replace

from lading import names
from lading.containers.mountpoints import asked, modes
from lading.containers.mountpoints.asked import Wish
from lading.containers.mountpoints.errors import (
    DuplicateMount,
    InvalidMount,
    MissingVolumesFrom,
    NoVolumesFrom,
)
from lading.containers.mountpoints.record import MountRecord
from lading.errors import LadingError
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig

OfContainer = Callable[[str], list[MountRecord]]


def plan(
    config: ContainerConfig,
    host: HostConfig,
    of_container: OfContainer,
    new_name: Callable[[], str] = names.new_id,
) -> list[Wish]:
    """What is mounted, outer places first; anonymous volumes have got names.

    Raises InvalidArgument, in dockerd's words.
    """
    inherited = {
        mount.destination: Wish(mount, is_inherited=True)
        for text in host.volumes_from or []
        for mount in _of_other(text, of_container)
    }
    tmpfs = {asked.clean(target) for target in host.tmpfs or {}}
    wanted: dict[str, Wish] = {}
    for text in host.binds or []:
        wish = asked.from_text(text, host.volume_driver)
        _add(wanted, wish, tmpfs)
    for mount in host.mounts or []:
        wish = asked.from_mount(mount)
        _add(wanted, wish, set() if wish.mount.type == "tmpfs" else tmpfs)
    every = inherited | wanted
    for target in config.volumes or {}:
        place = posixpath.normpath("/" + target.lstrip("/"))
        if place in every or place in tmpfs:
            continue
        if place == "/":
            raise InvalidMount("volume", "invalid specification: destination can't be '/'")
        record = MountRecord(
            type="volume",
            destination=place,
            driver=host.volume_driver,
            is_anonymous=True,
            copies=True,
        )
        every[place] = Wish(record)
    named = [_named(wish, new_name) for wish in every.values()]
    return sorted(named, key=lambda wish: depth(wish.mount.destination))


def depth(place: str) -> int:
    """How many directories deep: what is mounted further out comes first."""
    return posixpath.normpath(place).count("/")


def _add(wanted: dict[str, Wish], wish: Wish, taken: set[str]) -> None:
    place = wish.mount.destination
    if place in wanted or place in taken:
        raise DuplicateMount(place)
    wanted[place] = wish


def _named(wish: Wish, new_name: Callable[[], str]) -> Wish:
    if wish.mount.type != "volume" or wish.mount.name:
        return wish
    return wish._replace(mount=replace(wish.mount, name=new_name()))


def _of_other(text: str, of_container: OfContainer) -> list[MountRecord]:
    """`NAME[:MODE]` of --volumes-from. Raises MissingVolumesFrom, InvalidMode, NoVolumesFrom."""
    name, _, mode = text.partition(":")
    if not name:
        raise NoVolumesFrom
    is_read_only = modes.parse_of_volumes_from(mode)
    try:
        mounts = of_container(name)
    except LadingError as error:
        raise MissingVolumesFrom(error) from error
    return [
        replace(
            mount,
            copies=False,
            is_read_only=mount.is_read_only if is_read_only is None else is_read_only,
        )
        for mount in mounts
        if mount.type in ("bind", "volume", "image")
    ]
