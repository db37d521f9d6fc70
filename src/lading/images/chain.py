"""Building the chain of an image's layers: fetched and unpacked side by side, published in order.

    worker threads   blob -> decompress -> staged snapshot, one pass          (three at a time)
    the caller       waits for layer 0, 1, 2 ... and publishes each on its parent

A staged snapshot is published only when the blob's digest and the DiffID are right. After a failure
every staged snapshot is gone; what was published stays and is found again by the next attempt.
"""

import os
import secrets
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import NamedTuple

from lading.errors import InvalidArgument
from lading.failpoints import fp
from lading.images import progress as progress_texts
from lading.images.flights import Flight, Flights
from lading.images.progress import LayerProgress, Progress
from lading.images.stores import Stores
from lading.oci import digest as digests
from lading.oci.config import ImageConfig
from lading.oci.manifest import Descriptor, Manifest
from lading.registry.client import Cancellation, Cancelled
from lading.storage.layers import Applied, Prefetch, Source, apply_layer, open_compressed

WORKERS = 3  # layers at once, where --max-concurrent-downloads has no say
DRAIN_BYTES = 256 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class LayersDiffer(InvalidArgument):
    """the manifest has {0} layers, the config {1}"""


class DiffIdMismatch(InvalidArgument):
    """layer {0}: its content is {1}, the config says {2}"""


class LayerPlan(NamedTuple):
    """One layer to be: its blob, what it must unpack to, and where it stands."""

    blob: Descriptor
    diff_id: str
    chain: str
    parent: str | None

    @property
    def key(self) -> str:
        """What two pulls of the same layer have in common."""
        return f"{self.chain} {self.blob.digest}"


# Opens the compressed bytes of a blob that is not here yet. Leaving it without an error means that
# they were read to the end: then it stores the blob, and raises if it is another one.
Fetch = Callable[[Descriptor, LayerProgress], AbstractContextManager[Source]]


class _Staged(NamedTuple):
    key: str
    applied: Applied
    flight: Flight


def plan(manifest: Manifest, config: ImageConfig) -> list[LayerPlan]:
    """What has to be done for the layers of an image, lowest first. Raises LayersDiffer."""
    if len(manifest.layers) != len(config.diff_ids):
        raise LayersDiffer(len(manifest.layers), len(config.diff_ids))
    chains = digests.chain_ids(config.diff_ids)
    parents: list[str | None] = [None, *chains]
    rows = zip(manifest.layers, config.diff_ids, chains, parents, strict=False)
    return [LayerPlan(*row) for row in rows]


class ChainBuilder:
    """Builds one chain. `build` is called once, from a worker thread."""

    def __init__(
        self,
        stores: Stores,
        plans: Sequence[LayerPlan],
        *,
        fetch: Fetch,
        flights: Flights,
        progress: Progress,
        cancellation: Cancellation,
        verified: Collection[str] = (),
        workers: int = WORKERS,
    ) -> None:
        """`verified`: blobs of the store whose digest the caller has just computed."""
        self._verified = verified
        self._workers = workers
        self._stores = stores
        self._plans = plans
        self._fetch = fetch
        self._flights = flights
        self._progress = progress
        self._cancellation = cancellation
        self._reports = [self._report(each) for each in plans]
        self._cause: BaseException | None = None

    def build(self) -> None:
        """Publish every layer. Raises the first failure, with the other layers given up."""
        for position, report in enumerate(self._reports):
            if not self._is_complete(self._plans[position]):
                report.status(progress_texts.PULLING_FS_LAYER)
                if position >= self._workers:
                    report.status(progress_texts.WAITING)
        with ThreadPoolExecutor(self._workers, thread_name_prefix="layer") as pool:
            futures = [pool.submit(self._guarded, n) for n in range(len(self._plans))]
            try:
                for position, future in enumerate(futures):
                    self._publish(position, future.result())
            except BaseException as error:
                self._fail(error)
                self._discard(futures)
                raise (self._cause or error) from None

    def _report(self, each: LayerPlan) -> LayerProgress:
        report = LayerProgress(digests.short(each.blob.digest))
        report.listen(self._progress)
        return report

    def _is_complete(self, each: LayerPlan) -> bool:
        stores = self._stores
        return stores.content.has(each.blob.digest) and stores.snapshots.exists(each.chain)

    def _guarded(self, position: int) -> _Staged | None:
        try:
            return self._work(position)
        except BaseException as error:
            self._fail(error)
            raise

    def _fail(self, error: BaseException) -> None:
        """Give the other layers up; that they were cancelled then is not what the caller hears."""
        if self._cause is None and not isinstance(error, Cancelled | CancelledError):
            self._cause = error
        self._cancellation.cancel()

    def _work(self, position: int) -> _Staged | None:
        """Stage the layer; None when it is published already (by whoever)."""
        each, report = self._plans[position], self._reports[position]
        while not self._is_complete(each):
            self._cancellation.check()
            flight, is_mine = self._flights.claim(each.key, report)
            if is_mine:
                return self._fly(flight, each, report)
            flight.progress.listen(self._progress)
            flight.wait(self._cancellation)
        report.status(progress_texts.EXISTS)
        return None

    def _fly(self, flight: Flight, each: LayerPlan, report: LayerProgress) -> _Staged | None:
        """Do the work that was claimed; the flight ends here on failure, else when published."""
        try:
            if self._stores.snapshots.exists(each.chain):
                self._store_blob(each, report)
                self._flights.end(flight)
                return None
            key, applied = self._stage(each, report, is_known=each.parent is None)
            return _Staged(key, applied, flight)
        except BaseException:
            self._flights.end(flight)
            raise

    def _store_blob(self, each: LayerPlan, report: LayerProgress) -> None:
        """The snapshot is here, made of another compression of the layer: fetch the blob only."""
        if not self._stores.content.has(each.blob.digest):
            with self._fetch(each.blob, report) as source:
                _drain(source)
        report.status(progress_texts.PULLED)

    def _stage(
        self, each: LayerPlan, report: LayerProgress, *, is_known: bool
    ) -> tuple[str, Applied]:
        """Unpack the blob into a new staged snapshot, from the network or from the store.

        `is_known`: the parent is published (or there is none), so lower layers can be looked at.
        """
        stores = self._stores
        key = f"layer-{secrets.token_hex(8)}"
        try:
            target = os.open(stores.snapshots.stage(key), _DIRECTORY)
            with ExitStack() as opened:
                opened.callback(os.close, target)
                lowers = self._open_lowers(each.parent, opened) if is_known else None
                with self._open(each.blob, report) as source:
                    applied = self._apply(each, source, target, lowers)
                    _drain(source)
            if applied.diff_id != each.diff_id:
                raise DiffIdMismatch(each.blob.digest, applied.diff_id, each.diff_id)
        except BaseException:
            stores.snapshots.remove(key)
            raise
        fp("images.layer-staged")
        return key, applied

    def _apply(
        self, each: LayerPlan, source: Source, target: int, lowers: list[int] | None
    ) -> Applied:
        if each.blob.digest == each.diff_id and each.blob.digest in self._verified:
            # plain bytes from the page cache: a second thread would only be in the way
            return apply_layer(source, target, lowers=lowers, known_digest=each.diff_id)
        # receiving and decompressing beside the file system calls: a third less wall
        with Prefetch(open_compressed(source)) as plain:
            return apply_layer(plain, target, lowers=lowers)

    def _open(self, blob: Descriptor, report: LayerProgress) -> AbstractContextManager[Source]:
        if not self._stores.content.has(blob.digest):
            return self._fetch(blob, report)
        return _Stored(self._stores, blob, report, self._cancellation)

    def _open_lowers(self, parent: str | None, opened: ExitStack) -> list[int]:
        lowers = []
        for directory in self._stores.snapshots.layer_directories(parent):
            lowers.append(os.open(directory, _DIRECTORY))
            opened.callback(os.close, lowers[-1])
        return lowers

    def _publish(self, position: int, staged: _Staged | None) -> None:
        if staged is None:
            return
        each, report = self._plans[position], self._reports[position]
        snapshots = self._stores.snapshots
        key, applied, flight = staged
        try:
            self._cancellation.check()
            if applied.needs_lower and each.parent is not None:
                snapshots.remove(key)
                key, applied = self._stage(each, report, is_known=True)
            snapshots.commit(key, each.chain, each.parent, inherit_root=not applied.has_root)
        except BaseException:
            snapshots.remove(key)
            raise
        finally:
            self._flights.end(flight)
        fp("images.layer-published")
        report.status(progress_texts.PULLED)

    def _discard(self, futures: "Sequence[Future[_Staged | None]]") -> None:
        """Remove what was staged and will not be published."""
        for future in futures:
            if future.cancel() or future.exception():
                continue
            staged = future.result()
            if staged:
                self._stores.snapshots.remove(staged.key)
                self._flights.end(staged.flight)


class _Stored:
    """A source of a blob that is here, which tells how far the unpacking is."""

    def __init__(
        self, stores: Stores, blob: Descriptor, report: LayerProgress, cancellation: Cancellation
    ) -> None:
        self._file = open(stores.content.open(blob.digest), "rb", buffering=0)  # noqa: SIM115
        self._total = blob.size
        self._report = report
        self._cancellation = cancellation
        self._count = 0

    def read(self, size: int, /) -> bytes:
        self._cancellation.check()
        data = self._file.read(size)
        self._count += len(data)
        self._report.amount(progress_texts.EXTRACTING, self._count, self._total)
        return data

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _drain(source: Source) -> None:
    """Read what follows the archive's end: it belongs to the blob."""
    while source.read(DRAIN_BYTES):
        pass
