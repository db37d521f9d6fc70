"""Reading side of the room: images by name or ID, and lists of them, with their configs parsed."""

import functools
from collections.abc import Callable, Mapping, Sequence
from sqlite3 import Connection
from typing import TypeVar

from lading.errors import LadingError, NotFound
from lading.images import filters as image_filters
from lading.images import image as images
from lading.images import lookup, records
from lading.images.filters import Filters
from lading.images.image import Image
from lading.images.records import ImageRecord, PlatformRecord
from lading.images.stores import Stores
from lading.oci import config as configs
from lading.oci import platform as platforms
from lading.oci.config import ImageConfig
from lading.oci.platform import Platform

T = TypeVar("T")

CONFIGS_KEPT = 256  # parsed image configs in memory; they never change


class PlatformNotHere(NotFound):
    """image {0} was found but does not provide the specified platform ({1})"""


class Catalog:
    """What images there are. Synchronous: milliseconds, but it may read the disk."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._config = functools.lru_cache(CONFIGS_KEPT)(self._read_config)

    def find(self, reference: str, wanted: Platform | None = None) -> Image:
        """Raises NoSuchImage, AmbiguousImage, InvalidReference, PlatformNotHere."""
        found = self._read(lambda connection: lookup.find(connection, reference))
        chosen = _choose(found.record, wanted)
        if chosen is None:
            raise PlatformNotHere(reference, wanted or platforms.host())
        return self._make(found.record, chosen)

    def list(self, filters: Filters) -> Sequence[Image]:
        """Every image that passes, newest first, each as the platform that runs here best."""
        image_filters.check(filters)
        all_records = self._read(records.get_all)
        chosen = [(record, _choose(record, None)) for record in all_records]
        made = [self._make(record, platform) for record, platform in chosen if platform]
        made.sort(key=image_filters.created_s, reverse=True)
        return image_filters.apply(made, filters, find=self.find)

    def _make(self, record: ImageRecord, platform: PlatformRecord) -> Image:
        return images.make(record, platform, self._config(platform.config))

    def _read_config(self, digest: str) -> ImageConfig:
        return configs.parse(self._stores.content.read_bytes(digest, configs.CONFIG_LIMIT))

    def _read(self, query: Callable[[Connection], T]) -> T:
        return self._stores.database.read(query)


def labels(stores: Stores, record: ImageRecord) -> Mapping[str, str]:
    """What events of the image bear; nothing when its config cannot be read, for it may go then."""
    try:
        data = stores.content.read_bytes(record.platforms[0].config, configs.CONFIG_LIMIT)
        return configs.parse(data).execution.labels or {}
    except (LadingError, OSError, IndexError):
        return {}


def _choose(record: ImageRecord, wanted: Platform | None) -> PlatformRecord | None:
    """The platform that was asked for; else the best for this host, else whatever is there."""
    names = [each.platform for each in record.platforms]
    offered = [platforms.parse(name) if name else None for name in names]
    position = platforms.select(offered, wanted or platforms.host())
    if position is not None:
        return record.platforms[position]
    return record.platforms[0] if record.platforms and wanted is None else None
