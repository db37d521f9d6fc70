"""Carrying removals out: one image by its name or ID, or all that nobody uses.

What goes is decided by `remove.decide` and by filters; rows go first, then the bytes that no other
row keeps.
"""

from collections.abc import Callable, Sequence
from functools import partial
from sqlite3 import Connection
from typing import NamedTuple

from lading.errors import Conflict
from lading.failpoints import fp
from lading.images import catalog, gc, lookup, records, remove
from lading.images import filters as image_filters
from lading.images.catalog import Catalog
from lading.images.filters import Filters
from lading.images.image import Image
from lading.images.lookup import NoSuchImage
from lading.images.remove import Removal, User
from lading.images.stores import Stores
from lading.images.workers import Workers
from lading.oci import reference as references

InUse = Callable[[str], Sequence[User]]
Told = dict[str, str]  # {"Untagged": name} or {"Deleted": digest}


class Pruned(NamedTuple):
    """What a prune did, or would do."""

    told: list[Told]
    bytes: int


async def remove_one(
    stores: Stores, workers: Workers, in_use: InUse, reference: str, *, force: bool
) -> Pruned:
    """Untag or delete by Docker's rules. Raises NoSuchImage, ReferenceInUse, ImageConflict."""
    found = stores.database.read(lambda c: lookup.find(c, reference))
    users, labels = in_use(found.record.digest), catalog.labels(stores, found.record)

    def write(connection: Connection) -> tuple[Removal, str, set[str]]:
        image, name = lookup.find(connection, reference)
        removal = remove.decide(image, name, users, force=force)
        parts = records.parts(connection, image.digest)
        remove.carry_out(connection, image.digest, removal, labels)
        return removal, image.digest, parts

    fp("images.before-remove")
    removal, digest, parts = await stores.database.write(write)
    fp("images.removed")
    told = [{"Untagged": references.parse(name).familiar} for name in removal.names]
    freed = 0
    if removal.is_deleted:
        collected = await workers.run(gc.collect_blobs, stores, parts)
        freed = collected.bytes
        told.append({"Deleted": digest})
    return Pruned(told, freed)


async def prune(
    stores: Stores,
    workers: Workers,
    in_use: InUse,
    catalog: Catalog,
    filters: Filters,
    *,
    dry_run: bool = False,
) -> Pruned:
    """Delete the images without a tag (`dangling=false`: all) that no container uses.

    With them goes what pulls and loads left that were killed: all of it when every unused image is
    asked for, else what is a day old, for it may be resumed. Raises InvalidFilter.
    """
    wants_dangling = _wants_dangling(filters)
    rest = {key: values for key, values in filters.items() if key != "dangling"}
    image_filters.check(rest)
    doomed = [
        image
        for image in await workers.run(catalog.list, rest)
        if not in_use(image.id) and not (wants_dangling and image.repo_tags)
    ]
    if dry_run:
        return _would_prune(doomed)
    told: list[Told] = []
    freed = 0
    for image in doomed:
        try:
            done = await remove_one(stores, workers, in_use, image.id, force=True)
        except (Conflict, NoSuchImage):  # somebody uses it by now, or was faster
            continue
        told += done.told
        freed += done.bytes
    wants_everything = not wants_dangling and not rest
    older_than_s = gc.FRESH_S if wants_everything else gc.GRACE_S
    left = await workers.run(partial(gc.collect, stores, older_than_s=older_than_s))
    return Pruned(told, freed + left.bytes)


def _would_prune(doomed: Sequence[Image]) -> Pruned:
    """The same answer without doing it; the bytes are those of the layers, each once."""
    told: list[Told] = []
    layers: dict[str, int] = {}
    for image in doomed:
        told += [{"Untagged": name} for name in (*image.repo_tags, *image.repo_digests)]
        told.append({"Deleted": image.id})
        layers.update((layer.chain, layer.size) for layer in image.layers)
    return Pruned(told, sum(layers.values()))


def _wants_dangling(filters: Filters) -> bool:
    values = filters.get("dangling", ["true"])
    image_filters.check_truth("dangling", values)
    return values[0].lower() in ("true", "1") if values else True
