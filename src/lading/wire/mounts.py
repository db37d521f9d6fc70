"""Mounts as they are asked (`HostConfig.Mounts`) and as they are (`MountPoint` of an inspect)."""

from msgspec import UNSET, UnsetType

from lading.wire.base import Asked, Document


class BindOptions(Asked):
    """How a host path is bound."""

    propagation: str | UnsetType = UNSET
    non_recursive: bool | UnsetType = UNSET
    create_mountpoint: bool | UnsetType = UNSET
    read_only_non_recursive: bool | UnsetType = UNSET
    read_only_force_recursive: bool | UnsetType = UNSET


class VolumeDriver(Asked):
    """The driver that makes a volume, and what it is told."""

    name: str | UnsetType = UNSET
    options: dict[str, str] | UnsetType = UNSET


class VolumeOptions(Asked):
    """How a volume is made and mounted."""

    no_copy: bool | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    subpath: str | UnsetType = UNSET
    driver_config: VolumeDriver | UnsetType = UNSET


class ImageOptions(Asked):
    """Which part of an image is mounted."""

    subpath: str | UnsetType = UNSET


class TmpfsOptions(Asked):
    """Size in bytes, mode as a number (0o1777), further options as [name] or [name, value]."""

    size_bytes: int | UnsetType = UNSET
    mode: int | UnsetType = UNSET
    options: list[list[str]] | UnsetType = UNSET


class Mount(Asked):
    """One mount that the user asked for. `type` is bind, volume, tmpfs, image, npipe, cluster."""

    type: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    target: str | UnsetType = UNSET
    read_only: bool | UnsetType = UNSET
    consistency: str | UnsetType = UNSET
    bind_options: BindOptions | UnsetType = UNSET
    volume_options: VolumeOptions | UnsetType = UNSET
    image_options: ImageOptions | UnsetType = UNSET
    tmpfs_options: TmpfsOptions | UnsetType = UNSET
    cluster_options: dict[str, object] | UnsetType = UNSET


class MountPoint(Document):
    """One mount that a container has."""

    type: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    source: str = ""
    destination: str = ""
    driver: str | UnsetType = UNSET
    mode: str = ""
    rw: bool = True
    propagation: str = ""
