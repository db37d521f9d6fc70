"""Copies between registries and archives: every digest stays, and nothing is left in the store."""

import io
import json
import tarfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading.images.archive import BadArchive
from lading.images.service import Images
from lading.images.stores import Stores
from lading.oci import media_types

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import DockerRegistry
    from tests.unit.images.conftest import Engine, Pushing

ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}


async def chunks(data: bytes) -> "AsyncIterator[bytes]":
    yield data


def get(url: str) -> bytes:
    headers = {"Accept": ", ".join(media_types.ACCEPTED)}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
        data: bytes = response.read()
        return data


@pytest.fixture
def index(docker_registry: "DockerRegistry", make: "Pushing") -> str:
    """An index of two platforms and an attestation, in the repository copy/from; its digest."""
    entries: list[object] = []
    for architecture in ("amd64", "arm64", "unknown"):
        layers = [make.layer({"a": architecture.encode() * 100})]
        tag = architecture
        digest = make.image(docker_registry, "copy/from", tag, layers, architecture=architecture)
        data = get(f"http://{docker_registry.address}/v2/copy/from/manifests/{digest}")
        system = "unknown" if architecture == "unknown" else "linux"
        entry: dict[str, object] = {
            "mediaType": media_types.MANIFEST,
            "digest": digest,
            "size": len(data),
            "platform": {"os": system, "architecture": architecture},
        }
        if architecture == "unknown":
            entry["annotations"] = ATTESTATION
        entries.append(entry)
    document = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": entries}
    return docker_registry.push_manifest("copy/from", "all", document)


def assert_nothing_left(stores: Stores, tmp_path: Path) -> None:
    assert list(stores.content.walk()) == []
    assert list((tmp_path / "content/ingest").iterdir()) == []


def test_a_whole_index_goes_from_registry_to_registry(
    engine: "Engine", stores: Stores, docker_registry: "DockerRegistry", index: str, tmp_path: Path
) -> None:
    source = f"{docker_registry.address}/copy/from:all"
    # by another name the same registry is another one: nothing can be mounted
    target = f"localhost:{docker_registry.port}/copy/to:all"

    async def use(images: Images) -> None:
        await images.outgoing.copy(source, target, archive=chunks(b""))

    engine.run(use)
    data = get(f"http://{docker_registry.address}/v2/copy/to/manifests/all")
    assert data == get(f"http://{docker_registry.address}/v2/copy/from/manifests/{index}")
    for entry in json.loads(data)["manifests"]:
        get(f"http://{docker_registry.address}/v2/copy/to/manifests/{entry['digest']}")
    assert_nothing_left(stores, tmp_path)


def test_within_a_registry_blobs_are_mounted_and_not_fetched(
    engine: "Engine", stores: Stores, docker_registry: "DockerRegistry", index: str, tmp_path: Path
) -> None:
    address = docker_registry.address
    said: list[dict[str, object]] = []

    async def use(images: Images) -> None:
        await images.outgoing.copy(
            f"{address}/copy/from:all",
            f"{address}/copy/near:all",
            archive=chunks(b""),
            platform="linux/arm64",
            progress=said.append,
        )

    engine.run(use)
    assert "Mounted from copy/from" in [message.get("status") for message in said]
    assert "config" in json.loads(get(f"http://{address}/v2/copy/near/manifests/all"))
    assert_nothing_left(stores, tmp_path)


def test_an_archive_of_a_registrys_image_goes_to_another(
    engine: "Engine", stores: Stores, docker_registry: "DockerRegistry", index: str, tmp_path: Path
) -> None:
    address = docker_registry.address

    async def use(images: Images) -> bytes:
        pieces = await images.outgoing.fetch_archive(f"{address}/copy/from:all")
        data = b"".join([piece async for piece in pieces])
        await images.outgoing.copy("", f"{address}/copy/archived:x", archive=chunks(data))
        return data

    data = engine.run(use)
    names = tarfile.open(fileobj=io.BytesIO(data)).getnames()  # noqa: SIM115 - in memory
    assert {"index.json", "manifest.json", "oci-layout"} <= set(names)
    assert get(f"http://{address}/v2/copy/archived/manifests/x") == get(
        f"http://{address}/v2/copy/from/manifests/{index}"
    )
    assert_nothing_left(stores, tmp_path)


def test_an_image_of_the_store_goes_under_another_name(
    engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing"
) -> None:
    address = docker_registry.address

    async def use(images: Images) -> str:
        image = await images.making.import_(chunks(make.tar({"a": b"1"})), name="mine:1")
        pushed = await images.outgoing.copy(
            "store:mine:1", f"{address}/copy/mine:2", archive=chunks(b"")
        )
        assert pushed.descriptor.digest == image.id
        return image.id

    engine.run(use)
    assert json.loads(get(f"http://{address}/v2/copy/mine/manifests/2"))["schemaVersion"] == 2


def test_a_bad_archive_is_refused_and_leaves_nothing(
    engine: "Engine",
    stores: Stores,
    docker_registry: "DockerRegistry",
    make: "Pushing",
    tmp_path: Path,
) -> None:
    async def use(images: Images) -> None:
        target = f"{docker_registry.address}/copy/bad:1"
        await images.outgoing.copy("", target, archive=chunks(make.tar({"a": b"1"})))

    with pytest.raises(BadArchive):
        engine.run(use)
    assert_nothing_left(stores, tmp_path)
