"""Looking whether everything that the rows promise is here and sound, and mending what can be.

    finding          what it means                            with `repair`
    damaged blob     its bytes are not what its name says     removed: the next pull fetches it
    missing blob     an image needs it                        nothing: pull the image again
    missing layer    an image's snapshot is not published     unpacked again from its blob
    unused blob      nobody needs it                          removed when it is a day old

Reads every byte of the content store. Runs beside pulls: what they lease is looked at, not touched.
"""

from collections.abc import Iterator
from typing import NamedTuple

from lading.errors import LadingError
from lading.images import chain, gc, push_plan, records
from lading.images import progress as progress_texts
from lading.images.flights import Flights
from lading.images.load import nothing_to_fetch
from lading.images.records import ImageRecord, PlatformRecord
from lading.images.stores import Stores
from lading.oci import config as configs
from lading.oci import digest as digests
from lading.oci.manifest import Descriptor, Index
from lading.registry.client import Cancellation
from lading.storage.content import digest as content_digests

READ_BYTES = 1 << 20


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    kind: str
    name: str
    detail: str
    is_repaired: bool = False


def fsck(
    stores: Stores, flights: Flights, cancellation: Cancellation, *, repair: bool = False
) -> list[Finding]:
    """Check everything; with `repair` mend what can be. Blocks, for as long as reading takes."""
    found = list(_damaged(stores, cancellation, repair=repair))
    for image in stores.database.read(records.get_all):
        for platform in image.platforms:
            cancellation.check()
            found += _platform(stores, flights, cancellation, image, platform, repair=repair)
    found += _unused(stores, repair=repair)
    return found


def _damaged(stores: Stores, cancellation: Cancellation, *, repair: bool) -> Iterator[Finding]:
    for blob in stores.content.walk():
        actual = _hash(stores, blob.digest, cancellation)
        if actual in (None, blob.digest):
            continue
        if repair:
            stores.content.delete(blob.digest)
        yield Finding("damaged blob", blob.digest, f"its bytes are {actual}", repair)


def _hash(stores: Stores, digest: str, cancellation: Cancellation) -> str | None:
    """The digest of what is there; None when it has gone meanwhile."""
    algorithm = digest.partition(":")[0]
    running = content_digests.new_hash(algorithm)
    try:
        descriptor = stores.content.open(digest)
    except LadingError:
        return None
    with open(descriptor, "rb", buffering=0) as file:
        while data := file.read(READ_BYTES):
            cancellation.check()
            running.update(data)
    return f"{algorithm}:{running.hexdigest()}"


def _platform(
    stores: Stores,
    flights: Flights,
    cancellation: Cancellation,
    image: ImageRecord,
    platform: PlatformRecord,
    *,
    repair: bool,
) -> Iterator[Finding]:
    """What one platform of an image lacks."""
    shown = f"{digests.short(image.digest)} {platform.platform}".strip()
    wanted = [image.digest, platform.manifest, platform.config]
    missing = [digest for digest in dict.fromkeys(wanted) if not stores.content.has(digest)]
    for digest in missing:
        yield Finding("missing blob", digest, f"image {shown} needs it")
    if missing:
        return
    layers = _layers(stores, platform)
    absent = {e.blob.digest for e in layers if not stores.content.has(e.blob.digest)}
    for digest in sorted(absent):
        yield Finding("missing blob", digest, f"a layer of image {shown}")
    lost = [each for each in layers if not stores.snapshots.exists(each.chain)]
    for each in lost:
        is_mended = repair and not absent and _unpack(stores, flights, cancellation, layers)
        yield Finding("missing layer", each.chain, f"a snapshot of image {shown}", is_mended)


def _layers(stores: Stores, platform: PlatformRecord) -> list[chain.LayerPlan]:
    document = push_plan.read(stores.content, Descriptor("", platform.manifest, 0))
    if isinstance(document.parsed, Index):
        return []
    data = stores.content.read_bytes(platform.config, configs.CONFIG_LIMIT)
    return chain.plan(document.parsed, configs.parse(data))


def _unpack(
    stores: Stores, flights: Flights, cancellation: Cancellation, layers: list[chain.LayerPlan]
) -> bool:
    """Publish the snapshots again; whether that worked."""
    with stores.leases.lease() as lease:
        lease.add(*(name for each in layers for name in (each.blob.digest, each.chain)))
        try:
            chain.ChainBuilder(
                stores,
                layers,
                fetch=nothing_to_fetch,
                flights=flights,
                progress=progress_texts.ignore,
                cancellation=cancellation,
            ).build()
        except LadingError:
            cancellation.check()
            return False
    return True


def _unused(stores: Stores, *, repair: bool) -> Iterator[Finding]:
    kept = stores.database.read(records.kept_blobs)
    unused = [blob for blob in stores.content.walk() if blob.digest not in kept]
    with stores.leases.excluding([blob.digest for blob in unused]) as free:
        idle = set(free)
    removed = set(gc.collect(stores).blobs) if repair else set()
    for blob in unused:
        if blob.digest in idle:
            detail = f"{blob.size} bytes that no image keeps"
            yield Finding("unused blob", blob.digest, detail, blob.digest in removed)
