"""Names, IDs, lists, tags and removals, by Docker's rules."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading.errors import Conflict, LadingError
from lading.images import records
from lading.images.filters import InvalidFilter
from lading.images.lookup import NoSuchImage
from lading.images.remove import User
from lading.images.service import Images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import DockerRegistry
    from tests.unit.images.conftest import Engine, Pushing

    from lading.images.image import Image


@pytest.fixture
def app(docker_registry: "DockerRegistry", make: "Pushing") -> str:
    """An image in the registry: one layer, one history step without a layer."""
    history = [{"created": "2026-01-01T00:00:00Z", "created_by": "COPY"}, {"empty_layer": True}]
    make.image(docker_registry, "svc/app", "v1", [make.layer({"a": b"abc"})], history=history)
    return f"{docker_registry.address}/svc/app"


@pytest.fixture
def other(docker_registry: "DockerRegistry", make: "Pushing") -> str:
    """A later image with the same layer and one more, and another label."""
    layers = [make.layer({"a": b"abc"}), make.layer({"b": b"more"})]
    config = {"Labels": {"kind": "other"}}
    created = "2026-06-01T00:00:00Z"
    make.image(docker_registry, "svc/other", "v1", layers, config=config, created=created)
    return f"{docker_registry.address}/svc/other:v1"


def test_an_image_is_found_by_every_name_that_it_has(engine: "Engine", app: str) -> None:
    async def use(images: Images) -> None:
        image = await images.pull(f"{app}:v1")
        config = image.config_digest
        for text in (
            f"{app}:v1",
            f"{app}@{image.id}",
            f"{app}:any@{image.id}",
            image.id,
            image.id.removeprefix("sha256:"),
            image.id[7:19],
            config,
            config[7:19],
        ):
            assert (await images.resolve(text)).id == image.id

    engine.run(use)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nosuch", "nosuch:latest"),
        ("example.org/x:1", "example.org/x:1"),
        ("abc123", "abc123:latest"),
        ("sha256:" + "0" * 64, "sha256:" + "0" * 64),
    ],
)
def test_a_missing_image_is_told_in_dockers_words(engine: "Engine", text: str, shown: str) -> None:
    with pytest.raises(NoSuchImage) as caught:
        engine.run(lambda images: images.resolve(text))
    assert (caught.value.status, str(caught.value)) == (404, f"No such image: {shown}")


def test_a_digest_is_not_found_under_another_repository(engine: "Engine", app: str) -> None:
    async def use(images: Images) -> None:
        image = await images.pull(f"{app}:v1")
        with pytest.raises(NoSuchImage):
            await images.resolve(f"busybox@{image.id}")

    engine.run(use)


def test_history_gives_sizes_to_the_steps_with_layers(engine: "Engine", app: str) -> None:
    async def use(images: Images) -> None:
        image = await images.pull(f"{app}:v1")
        newest, oldest = await images.history(f"{app}:v1")
        assert (newest.id, newest.size, newest.tags) == (image.id, 0, [f"{app}:v1"])
        assert (oldest.id, oldest.size, oldest.created_by) == ("<missing>", 3, "COPY")

    engine.run(use)


def test_a_tag_moves_and_leaves_the_old_image_dangling(
    engine: "Engine", app: str, other: str
) -> None:
    async def use(images: Images) -> None:
        first, second = await images.pull(f"{app}:v1"), await images.pull(other)
        await images.tag(f"{app}:v1", "mine")
        assert (await images.resolve("mine")).id == first.id
        await images.tag(other, "mine:latest")
        assert (await images.resolve("mine")).id == second.id
        await images.remove(f"{app}:v1")
        with pytest.raises(NoSuchImage):
            await images.resolve(first.id)

    engine.run(use)
    events = list(engine.journal.read(after=0))
    assert [(event.action, event.attributes.get("kind")) for event in events] == [
        ("pull", "test"), ("pull", "other"), ("tag", "test"), ("tag", "other"),
        ("untag", "test"), ("delete", None),
    ]  # fmt: skip


def names(found: "Sequence[Image]") -> list[str]:
    return [tag for image in found for tag in image.repo_tags]


def test_filters_of_a_list(engine: "Engine", app: str, other: str) -> None:
    first = f"{app}:v1"

    async def use(images: Images) -> None:
        await images.pull(first)
        await images.pull(other)
        expectations: list[tuple[dict[str, list[str]], list[str]]] = [
            ({}, [other, first]),
            ({"label": ["kind=other"]}, [other]),
            ({"label": ["kind"]}, [other, first]),
            ({"label": ["kind", "none"]}, []),
            ({"label!": ["kind=other"]}, [first]),
            ({"before": [other]}, [first]),
            ({"since": [first]}, [other]),
            ({"until": ["2026-03-01T00:00:00Z"]}, [first]),
            ({"dangling": ["true"]}, []),
            ({"dangling": ["false"]}, [other, first]),
            ({"reference": ["127.0.0.1:*/svc/app"]}, [first]),
            ({"reference": ["127.0.0.1:*/*/*:v1"]}, [other, first]),
            ({"reference": ["*"]}, []),
        ]
        for filters, expected in expectations:
            assert names(await images.list(filters)) == expected, filters
        with pytest.raises(InvalidFilter, match="invalid filter 'colour'"):
            await images.list({"colour": ["red"]})

    engine.run(use)


def test_removing_the_last_name_deletes_what_nobody_else_needs(
    engine: "Engine", app: str, other: str, tmp_path: "Path"
) -> None:
    async def use(images: Images) -> None:
        first, second = await images.pull(f"{app}:v1"), await images.pull(other)
        assert await images.remove(f"{app}:v1") == [
            {"Untagged": f"{app}:v1"},
            {"Deleted": first.id},
        ]
        assert not engine.stores.content.has(first.id)
        assert not engine.stores.content.has(first.config_digest)
        assert engine.stores.snapshots.exists(first.chain_id)  # the other's lower layer
        assert engine.stores.snapshots.exists(second.chain_id)
        await images.remove(second.id)

    engine.run(use)
    assert list(engine.stores.content.walk()) == []
    assert list((tmp_path / "snapshots" / "layers").iterdir()) == []
    assert list((tmp_path / "snapshots" / "trash").iterdir()) == []


def test_removing_one_of_several_names_only_untags(engine: "Engine", app: str) -> None:
    async def use(images: Images) -> None:
        image = await images.pull(f"{app}:v1")
        await images.tag(f"{app}:v1", "mine:1")
        engine.users[image.id] = [User("c" * 64, is_running=True)]
        assert await images.remove("mine:1") == [{"Untagged": "mine:1"}]
        assert (await images.resolve(image.id)).repo_tags == [f"{app}:v1"]

    engine.run(use)


async def conflict(images: Images, text: str, *, force: bool = False) -> str:
    with pytest.raises(Conflict) as caught:
        await images.remove(text, force=force)
    return str(caught.value)


def test_conflicts_are_told_in_dockers_words(engine: "Engine", app: str) -> None:
    container = "0123456789abcdef" * 4

    async def use(images: Images) -> None:
        image = await images.pull(f"{app}:v1")
        short = image.id[7:19]
        engine.users[image.id] = [User(container, is_running=False)]
        assert await conflict(images, f"{app}:v1") == (
            f'conflict: unable to remove repository reference "{app}:v1" (must force)'
            f" - container 0123456789ab is using its referenced image {short}"
        )
        assert await conflict(images, short) == (
            f"conflict: unable to delete {short} (must be forced)"
            " - image is being used by stopped container 0123456789ab"
        )
        engine.users[image.id] = [User(container, is_running=True)]
        assert await conflict(images, short, force=True) == (
            f"conflict: unable to delete {short} (cannot be forced)"
            " - image is being used by running container 0123456789ab"
        )
        await images.tag(image.id, "mine:1")
        engine.users.clear()
        assert await conflict(images, image.id) == (
            f"conflict: unable to delete {short} (must be forced)"
            " - image is referenced in multiple repositories"
        )

    engine.run(use)


def test_forcing_away_the_image_of_a_stopped_container_keeps_its_layers(
    engine: "Engine", app: str
) -> None:
    async def use(images: Images) -> None:
        image = await images.pull(f"{app}:v1")
        engine.stores.snapshots.prepare("container", image.chain_id)
        engine.users[image.id] = [User("c" * 64, is_running=False)]
        told = await images.remove(image.id, force=True)
        assert told[-1] == {"Deleted": image.id}
        assert engine.stores.snapshots.exists(image.chain_id)
        engine.stores.snapshots.remove("container")
        collected = await images.collect(older_than_s=0)
        assert collected.chains == (image.chain_id,)

    engine.run(use)


def test_forcing_the_last_name_off_a_running_image_keeps_the_image(
    engine: "Engine", app: str
) -> None:
    async def use(images: Images) -> None:
        image = await images.pull(f"{app}:v1")
        engine.users[image.id] = [User("c" * 64, is_running=True)]
        assert await images.remove(f"{app}:v1", force=True) == [{"Untagged": f"{app}:v1"}]
        assert (await images.resolve(image.id)).is_dangling

    engine.run(use)


def test_what_is_leased_is_not_collected(engine: "Engine") -> None:
    stores = engine.stores
    digest = stores.content.write_bytes(b"needed soon")

    async def use(images: Images) -> None:
        with images.stores.leases.lease() as lease:
            lease.add(digest)
            await images.collect(older_than_s=0)
            assert stores.content.has(digest)
        collected = await images.collect(older_than_s=0)
        assert (collected.blobs, collected.bytes) == ((digest,), 11)

    engine.run(use)


def test_the_embedded_image_is_made_on_first_use(engine: "Engine") -> None:
    async def use(images: Images) -> None:
        base = await images.resolve("base")
        assert base.repo_tags == ["base:latest"]
        assert base.config.execution.cmd == ["sh"]
        assert base.size < 25_000_000
        assert (await images.resolve("base:latest")).id == base.id
        with pytest.raises(LadingError, match="No such image: base:other"):
            await images.resolve("base:other")

    engine.run(use)


@pytest.mark.parametrize(("dangling", "age_s", "is_left"), [
    ("false", 60, False), ("false", 0, True), ("true", 60, True), ("true", 90_000, False),
])  # fmt: skip
def test_a_prune_takes_what_killed_pulls_left(
    engine: "Engine", tmp_path: Path, dangling: str, age_s: int, is_left: bool
) -> None:
    content = engine.stores.content
    digest = content.write_bytes(b"left by a pull that was killed")
    path = tmp_path / "content/blobs/sha256" / digest[7:9] / digest[7:]
    with content.ingest("blob begun") as begun:
        begun.write(b"half")
    then = time.time() - age_s
    [ingest] = (tmp_path / "content" / "ingest").iterdir()
    for each in (path, ingest, *ingest.iterdir()):
        os.utime(each, (then, then))
    done = engine.run(lambda images: images.prune({"dangling": [dangling]}))
    assert content.has(digest) == ingest.exists() == is_left
    assert done.bytes == (0 if is_left else 30)


def test_images_can_be_found_by_how_long_nobody_used_them(engine: "Engine", app: str) -> None:
    async def use(images: Images) -> None:
        image = await images.pull(f"{app}:v1")
        assert await images.list({"unused-for": ["1h"]}) == []
        hour_ns = 3600 * 10**9
        await images.stores.database.write(
            lambda c: c.execute("UPDATE images SET added_ns = added_ns - ?", (3 * hour_ns,))
        )
        assert [found.id for found in await images.list({"unused-for": ["2h"]})] == [image.id]
        now_ns = time.time_ns()
        await images.stores.database.write(
            lambda c: records.use(c, image.id, now_ns - hour_ns // 2)
        )
        assert await images.list({"unused-for": ["2h"]}) == []
        assert (await images.resolve(image.id)).used_ns == now_ns - hour_ns // 2
        done = await images.prune({"dangling": ["false"], "unused-for": ["10m"]})
        assert {"Deleted": image.id} in done.told
        await images.stores.database.write(lambda c: records.use(c, image.id, now_ns))  # gone

    engine.run(use)
