"""Volumes as documents: what is asked, told, listed and pruned. Engine API, tag Volume."""

from msgspec import UNSET, UnsetType

from lading.wire.base import Asked, Document


class VolumeCreate(Asked):
    """The body of `POST /volumes/create`."""

    name: str = ""
    driver: str = ""
    driver_opts: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    cluster_volume_spec: dict[str, object] | UnsetType = UNSET


class UsageData(Document):
    """What a volume takes on the disk, -1 when nobody knows, and how many containers have it."""

    ref_count: int = -1
    size: int = -1


class Volume(Document):
    """One volume."""

    created_at: str | UnsetType = UNSET
    driver: str = ""
    labels: dict[str, str] | None = None
    mountpoint: str = ""
    name: str = ""
    options: dict[str, str] | None = None
    scope: str = "local"
    status: dict[str, object] | UnsetType = UNSET
    usage_data: UsageData | UnsetType = UNSET


class VolumeList(Document):
    """The answer to `GET /volumes`."""

    volumes: list[Volume]
    warnings: list[str] | None = None


class VolumesPruned(Document):
    """The answer to `POST /volumes/prune`; bytes."""

    volumes_deleted: list[str]
    space_reclaimed: int = 0
