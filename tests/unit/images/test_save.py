"""What is saved is what was there: the same bytes each time, digests and attestations included."""

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from lading.images.image import Image
from lading.images.lookup import NoSuchImage
from lading.images.service import Images
from lading.oci import media_types

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.conftest import DockerRegistry
    from tests.unit.images.conftest import Engine, Pushing

ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}


async def chunks(data: bytes) -> "AsyncIterator[bytes]":
    yield data


def save(engine: "Engine", *names: str, wanted: "Sequence[str]" = ()) -> bytes:
    async def use(images: Images) -> bytes:
        pieces = await images.outgoing.save(names, wanted=wanted)
        return b"".join([piece async for piece in pieces])

    return engine.run(use)


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        files = [(member.name, opened.extractfile(member)) for member in opened]
        return {name: file.read() for name, file in files if file}


def made(engine: "Engine", make: "Pushing", *names: str) -> Image:
    async def use(images: Images) -> Image:
        image = await images.making.import_(chunks(make.tar({"a": b"1" * 9000})), name=names[0])
        for name in names[1:]:
            await images.tag(image.id, name)
        return image

    return engine.run(use)


def test_an_archive_is_a_layout_and_a_docker_archive(engine: "Engine", make: "Pushing") -> None:
    image = made(engine, make, "mine:1")
    found = members(save(engine, "mine:1"))
    [entry] = json.loads(found["index.json"])["manifests"]
    assert entry["digest"] == image.id
    assert entry["annotations"] == {
        "io.containerd.image.name": "docker.io/library/mine:1",
        "org.opencontainers.image.ref.name": "1",
    }
    [item] = json.loads(found["manifest.json"])
    assert item["RepoTags"] == ["mine:1"]
    assert json.loads(found[item["Config"]])["rootfs"]["diff_ids"] == image.config.diff_ids
    assert all(layer in found for layer in item["Layers"])
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def test_the_same_images_give_the_same_bytes(engine: "Engine", make: "Pushing") -> None:
    made(engine, make, "mine:1", "mine:2")
    assert save(engine, "mine:1", "mine:2") == save(engine, "mine:1", "mine:2")


def test_a_repository_means_all_of_its_tags(engine: "Engine", make: "Pushing") -> None:
    image = made(engine, make, "mine:1", "mine:2", "other:1")
    [item] = json.loads(members(save(engine, "mine"))["manifest.json"])
    assert item["RepoTags"] == ["mine:1", "mine:2"]
    [item] = json.loads(members(save(engine, image.id))["manifest.json"])
    assert item["RepoTags"] is None


def test_an_image_that_is_not_here_is_told_before_the_first_byte(engine: "Engine") -> None:
    with pytest.raises(NoSuchImage, match="No such image: nope"):
        save(engine, "nope")


def test_an_archive_that_nobody_reads_holds_nothing(engine: "Engine", make: "Pushing") -> None:
    made(engine, make, "mine:1")

    async def use(images: Images) -> None:
        pieces = await images.outgoing.save(["mine:1"])
        assert images.stores.leases.held
        await pieces.aclose()
        assert not images.stores.leases.held

    engine.run(use)


@pytest.fixture
def archive(engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing") -> bytes:
    """Two platforms and an attestation."""
    entries: list[object] = []
    for architecture in ("amd64", "arm64", "unknown"):
        layers = [make.layer({"a": architecture.encode() * 100})]
        repository = "save/from"
        digest = make.image(
            docker_registry, repository, architecture, layers, architecture=architecture
        )
        system = "unknown" if architecture == "unknown" else "linux"
        entry: dict[str, object] = {
            "mediaType": media_types.MANIFEST,
            "digest": digest,
            "size": 0,
            "platform": {"os": system, "architecture": architecture},
        }
        if architecture == "unknown":
            entry["annotations"] = ATTESTATION
        entries.append(entry)
    document = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": entries}
    docker_registry.push_manifest("save/from", "all", document)

    async def use(images: Images) -> bytes:
        name = f"{docker_registry.address}/save/from:all"
        pieces = await images.outgoing.fetch_archive(name)
        return b"".join([piece async for piece in pieces])

    return engine.run(use)


def test_a_load_keeps_attestations_for_the_next_save(engine: "Engine", archive: bytes) -> None:
    async def use(images: Images) -> str:
        [image] = await images.load(chunks(archive))
        return image.id

    digest = engine.run(use)
    before, after = members(archive), members(save(engine, digest))
    assert {name for name in before if name.startswith("blobs/")} == {
        name for name in after if name.startswith("blobs/")
    }


def test_one_platform_is_saved_with_what_leads_to_it(engine: "Engine", archive: bytes) -> None:
    async def use(images: Images) -> str:
        [image] = await images.load(chunks(archive))
        return image.id

    digest = engine.run(use)
    found = members(save(engine, digest, wanted=["linux/arm64"]))
    [item] = json.loads(found["manifest.json"])
    assert json.loads(found[item["Config"]])["architecture"] == "arm64"
    assert len([name for name in found if name.startswith("blobs/")]) == 4  # index, manifest ...
