"""`docker system df`: what images, containers, volumes and caches take on the disk.

Counting reads every writable layer, so calls that come while one counts share its answer.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lading.errors import InvalidArgument
from lading.wire.containers import ContainerSummary
from lading.wire.images import ImageSummary
from lading.wire.system import DiskUsage

if TYPE_CHECKING:
    from lading.engine.engine import Engine
    from lading.images.image import Image

KINDS = ("container", "image", "volume", "build-cache")


class UnknownKind(InvalidArgument):
    """unknown object type: {0}"""


class DiskUsages:
    """Counts for one engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._counting: dict[str, asyncio.Task[object]] = {}

    async def disk_usage(self, kinds: Sequence[str]) -> DiskUsage:
        """The usage of these kinds of things, of all for none. Raises UnknownKind."""
        for kind in kinds:
            if kind not in KINDS:
                raise UnknownKind(kind)
        wanted = kinds or KINDS
        usage = DiskUsage()
        if "image" in wanted:
            images, layers = await self._images()
            usage = replace(usage, images=images, layers_size=layers)
        if "container" in wanted:
            usage = replace(usage, containers=await self._containers())
        if "volume" in wanted:
            usage = replace(usage, volumes=list(await self._engine.volumes.usage()))
        if "build-cache" in wanted:
            usage = replace(usage, build_cache=[])
        return usage

    async def _containers(self) -> list[ContainerSummary]:
        """The list with sizes; one scan for all who ask meanwhile."""
        if "containers" not in self._counting:
            task: asyncio.Task[object] = asyncio.get_running_loop().create_task(self._scan())
            self._counting["containers"] = task
            task.add_done_callback(lambda _: self._counting.pop("containers", None))
        found = await asyncio.shield(self._counting["containers"])
        assert isinstance(found, list)  # what `_scan` returns
        return found

    async def _scan(self) -> list[ContainerSummary]:
        rows = await self._engine.containers.list(all=True, limit=None, size=True, filters={})
        return list(rows)

    async def _images(self) -> tuple[list[ImageSummary], int]:
        """The images with shared sizes and numbers of containers; bytes of all layers together."""
        found = await self._engine.store.list({})
        users = Counter(c.record.image_id for c in self._engine.containers.all())
        listed = await self._engine.images.list(
            all=True, filters={}, shared_size=True, manifests=False
        )
        shared = shared_sizes(found)
        rows = [
            replace(row, containers=users[row.id], shared_size=shared.get(row.id, 0))
            for row in listed
        ]
        sizes = {layer.chain: layer.size for image in found for layer in image.layers}
        return rows, sum(sizes.values())


def shared_sizes(images: Iterable["Image"]) -> dict[str, int]:
    """For each image, by id, the bytes of its layers that other images have, too."""
    images = list(images)
    uses = Counter(layer.chain for image in images for layer in image.layers)
    return {
        image.id: sum(layer.size for layer in image.layers if uses[layer.chain] > 1)
        for image in images
    }
