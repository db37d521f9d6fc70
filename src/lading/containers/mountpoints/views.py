"""The mounts of a container as inspect and lists tell them. Nothing is decided here."""

from collections.abc import Callable, Sequence

from msgspec import UNSET

from lading.containers.mountpoints.record import MountRecord
from lading.wire.mounts import MountPoint


def documents(mounts: Sequence[MountRecord], path_of: Callable[[str], str]) -> list[MountPoint]:
    """`path_of` tells where a volume's content is."""
    return [_document(mount, path_of) for mount in mounts]


def _document(mount: MountRecord, path_of: Callable[[str], str]) -> MountPoint:
    is_volume = mount.type == "volume"
    return MountPoint(
        type=mount.type,
        name=mount.name or UNSET,
        source=path_of(mount.name) if is_volume else mount.source,
        destination=mount.destination,
        driver=mount.driver or UNSET,
        mode=mount.mode,
        rw=not mount.is_read_only,
        propagation=mount.propagation,
    )
