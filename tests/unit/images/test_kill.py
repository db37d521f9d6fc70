"""Killed at any failpoint, an image is whole or absent, and nothing is left that nobody keeps.

A child walks through one operation and dies at one failpoint; the parent opens what it left as an
engine does at its start, looks, and does the operation once more. Every pass of a failpoint counts.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from lading import failpoints
from lading.images import gc, records
from lading.images.leases import Leases
from lading.images.lookup import NoSuchImage
from lading.images.make import CommitRequest
from lading.images.service import Images
from lading.images.stores import Stores
from lading.oci import reference as references
from lading.oci.config import ExecutionConfig
from lading.registry.client import Registry
from lading.registry.client.retry import RetryPolicy
from lading.state import Database, Journal, journal
from lading.storage import snapshots
from lading.storage.content import ContentStore

if TYPE_CHECKING:
    from tests.conftest import DockerRegistry
    from tests.unit.images.conftest import Pushing

KILLED = 9
NAME = "victim:1"
Work = Callable[[Images], Awaitable[object]]


class Word(str):
    """A failpoint's name that knows how often each was passed: "a:2" is the second pass of "a"."""

    passed: dict[str, int]
    seen: list[str]
    __hash__ = str.__hash__

    def __new__(cls, name: str) -> "Word":
        word = super().__new__(cls, name)
        word.passed, word.seen = {}, []
        return word

    def __eq__(self, name: object) -> bool:
        count = self.passed[str(name)] = self.passed.get(str(name), 0) + 1
        self.seen.append(f"{name}:{count}")
        return f"{name}:{count}" == str(self)


class Story(NamedTuple):
    """What is there before, what is done, and whether the image is there when it is done."""

    before: Work
    act: Work
    is_made: bool


class Root:
    """A store on the disk, opened anew for every life."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def open(self) -> Stores:
        schemas = [journal.SCHEMA, snapshots.SCHEMA, records.SCHEMA]
        database = Database(str(self.root / "state.db"), schemas)
        driver = snapshots.OverlayDriver(str(self.root / "snapshots"), database)
        return Stores(ContentStore(str(self.root / "content")), driver, database, Leases())

    def live(self, *works: Work) -> None:
        """One life of an engine that does these things."""
        stores = self.open()
        stores.snapshots.recover()
        stores.snapshots.sweep()

        async def main() -> None:
            images = Images(
                stores.database,
                stores.content,
                stores.snapshots,
                journal=Journal(stores.database),
                registry=Registry(policy=RetryPolicy(first_s=0.0)),
            )
            for work in works:
                await work(images)
            await images.aclose()

        asyncio.run(main())
        stores.snapshots.close()
        stores.database.close()

    def die(self, story: Story, failpoint: str) -> tuple[int, list[str]]:
        """A life that ends at the failpoint: its wait status, and the failpoints it passed."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            word = Word(failpoint)

            async def arm(_: Images) -> None:
                failpoints._armed = word

            async def disarm(_: Images) -> None:
                failpoints._armed = ""
                os.write(writer, " ".join(word.seen).encode())

            status = 1
            try:
                self.live(story.before, arm, story.act, disarm)
                status = 0
            finally:
                os._exit(status)
        os.close(writer)
        with open(reader, "rb") as pipe:
            seen = pipe.read().decode().split()
        return os.waitpid(pid, 0)[1], seen

    def check(self, story: Story) -> None:
        """Look at what a life has left, then live on."""
        self.live(_is_whole_or_absent)
        stores = self.open()
        stores.snapshots.recover()
        gc.collect(stores, older_than_s=0)
        kept = stores.database.read(records.kept_blobs)
        assert {blob.digest for blob in stores.content.walk()} == kept
        chains = stores.database.read(records.kept_chains)
        assert {layer.chain_id for layer in stores.snapshots.layers()} == chains
        assert len(os.listdir(self.root / "snapshots/layers")) == len(chains)
        for place in ("snapshots/staging", "snapshots/trash", "content/ingest"):
            assert os.listdir(self.root / place) == [], place
        stores.snapshots.close()
        stores.database.close()
        self.live(story.before, story.act, _is_there if story.is_made else _is_absent)


async def _is_whole_or_absent(images: Images) -> None:
    try:
        image = await images.resolve(NAME)
    except NoSuchImage:
        return
    assert await images.fsck() == [] or {f.kind for f in await images.fsck()} == {"unused blob"}
    for layer in image.layers:
        assert images.stores.snapshots.exists(layer.chain)


async def _is_there(images: Images) -> None:
    await images.resolve(NAME)


async def _is_absent(images: Images) -> None:
    with pytest.raises(NoSuchImage):
        await images.resolve(NAME)


async def nothing(_: Images) -> None:
    """The store is empty."""


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture
def stories(make: "Pushing", docker_registry: "DockerRegistry", tmp_path: Path) -> dict[str, Story]:
    lower, upper = make.tar({"a": b"1" * 5000}), make.tar({"b": b"2" * 5000})
    layers = [make.layer({"a": b"1" * 5000}), make.layer({"b": b"2"})]
    make.image(docker_registry, "kill/app", "1", layers)

    async def import_(images: Images) -> None:
        await images.making.import_(chunks(lower), name=NAME)

    async def base(images: Images) -> None:
        await images.making.import_(chunks(lower), name="base-image")

    async def commit(images: Images) -> None:
        name = references.parse(NAME)
        below = await images.resolve("base-image")
        request = CommitRequest(lambda write: write(upper), below, ExecutionConfig(), name=name)
        await images.making.commit(request)

    async def load(images: Images) -> None:
        await images.load(chunks(archive))

    async def pull(images: Images) -> None:
        await images.pull(f"{docker_registry.address}/kill/app:1")
        await images.tag(f"{docker_registry.address}/kill/app:1", NAME)

    async def remove(images: Images) -> None:
        await images.remove(NAME)

    async def prune(images: Images) -> None:
        await images.prune({"dangling": ["false"]})

    saved: list[bytes] = []

    async def save(images: Images) -> None:
        await base(images)
        await commit(images)
        saved.extend([piece async for piece in await images.outgoing.save([NAME])])

    source = Root(tmp_path / "source")
    source.live(save)
    archive = b"".join(saved)
    return {
        "commit": Story(base, commit, True),
        "import": Story(nothing, import_, True),
        "load": Story(nothing, load, True),
        "prune": Story(import_, prune, False),
        "pull": Story(nothing, pull, True),
        "remove": Story(import_, remove, False),
    }


@pytest.mark.parametrize("name", ["commit", "import", "load", "prune", "pull", "remove"])
def test_a_kill_at_any_failpoint_leaves_an_image_whole_or_absent(
    name: str, stories: dict[str, Story], tmp_path: Path
) -> None:
    story = stories[name]
    status, seen = Root(tmp_path / "learn").die(story, "none")
    assert status == 0
    assert len(seen) > 4
    for number, failpoint in enumerate(seen):
        root = Root(tmp_path / str(number))
        status, _ = root.die(story, failpoint)
        assert status == KILLED, failpoint
        root.check(story)
