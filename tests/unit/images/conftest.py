"""Stores on a temporary directory, images to put into them, and a registry that has them."""

import asyncio
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pytest

from lading.images import records
from lading.images.flights import Flights
from lading.images.leases import Leases
from lading.images.service import Images
from lading.images.stores import Stores
from lading.oci import media_types
from lading.registry.client import Registry
from lading.registry.client.retry import RetryPolicy
from lading.state import Database, Journal, journal
from lading.storage import snapshots
from lading.storage.content import ContentStore

if TYPE_CHECKING:
    from tests.conftest import DockerRegistry

    from lading.images.remove import User
    from lading.images.trust import Trust

T = TypeVar("T")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """Empty stores; nothing staged may be left in them."""
    schemas = [journal.SCHEMA, snapshots.SCHEMA, records.SCHEMA]
    database = Database(str(tmp_path / "state.db"), schemas)
    driver = snapshots.OverlayDriver(str(tmp_path / "snapshots"), database)
    yield Stores(ContentStore(str(tmp_path / "content")), driver, database, Leases())
    assert list((tmp_path / "snapshots" / "staging").iterdir()) == []
    driver.close()
    database.close()


@pytest.fixture
def flights() -> Flights:
    return Flights()


class Engine:
    """An image service whose containers are made up by the test."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.users: dict[str, list[User]] = {}
        self.trust: Trust | None = None
        self.journal = Journal(stores.database)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Images]:
        images = Images(
            self.stores.database,
            self.stores.content,
            self.stores.snapshots,
            journal=self.journal,
            registry=Registry(policy=RetryPolicy(first_s=0.0)),
            in_use=lambda digest: self.users.get(digest, []),
            trust=self.trust,
        )
        try:
            yield images
        finally:
            await images.aclose()

    def run(self, use: Callable[[Images], Coroutine[Any, Any, T]]) -> T:
        """Open the service, use it, close it."""

        async def main() -> T:
            async with self.open() as images:
                return await use(images)

        return asyncio.run(main())

    def events(self) -> list[tuple[str, str]]:
        """(action, name) of all events."""
        return [(e.action, e.attributes["name"]) for e in self.journal.read(after=0)]


@pytest.fixture
def engine(stores: Stores) -> Engine:
    return Engine(stores)


def layer_tar(files: dict[str, bytes]) -> bytes:
    """A tar of regular files; deterministic."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Layer(NamedTuple):
    """A layer as it is sent, and the digest of what it unpacks to."""

    blob: bytes
    diff_id: str
    media_type: str


def gzip_layer(files: dict[str, bytes]) -> Layer:
    plain = layer_tar(files)
    blob = gzip.compress(plain, 1, mtime=0)
    return Layer(blob, digest_of(plain), media_types.LAYER_GZIP)


def config_of(layers: list[Layer], **fields: object) -> bytes:
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-02T03:04:05.123456789Z",
            "config": {"Cmd": ["sh"], "Labels": {"kind": "test"}},
            "rootfs": rootfs,
            **fields,
        }
    ).encode()


def push_image(
    registry: "DockerRegistry", repository: str, tag: str, layers: list[Layer], **fields: object
) -> str:
    """Push an image; returns its digest."""
    config = registry.push_blob(repository, config_of(layers, **fields))
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": media_types.MANIFEST,
        "config": {"mediaType": media_types.CONFIG, **config},
        "layers": [
            {"mediaType": layer.media_type, **registry.push_blob(repository, layer.blob)}
            for layer in layers
        ],
    }
    return registry.push_manifest(repository, tag, document)


class Pushing(NamedTuple):
    """Functions of this file for tests, which cannot import it."""

    image: Callable[..., str]
    layer: Callable[[dict[str, bytes]], Layer]
    config: Callable[..., bytes]
    tar: Callable[[dict[str, bytes]], bytes]


@pytest.fixture
def make() -> Pushing:
    """make.layer(files), make.config(layers), make.image(registry, repository, tag, layers)."""
    return Pushing(push_image, gzip_layer, config_of, layer_tar)
