"""Pulling from Debian's registry, and from one that fails."""

import asyncio
import random
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import LadingError
from lading.images.pull import NoMatchingPlatform
from lading.images.service import Images
from lading.oci import media_types
from lading.registry.client import Repository
from lading.storage.content import DigestMismatch
from lading.storage.layers import BadTar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CuttingProxy, DockerRegistry
    from tests.unit.images.conftest import Engine, Pushing

    from lading.oci.manifest import Descriptor
    from lading.registry.client.response import Response

NEVER = 1 << 60  # for the first connection, which asks whether https is spoken
NOISE = random.Random(1).randbytes(2_000_000)


def tree_of(engine: "Engine", chain: str) -> Path:
    return Path(engine.stores.snapshots.layer_directories(chain)[0])


def ingests(engine: "Engine", tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "content" / "ingest").iterdir()]


def test_an_image_is_pulled_unpacked_and_named(
    engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing"
) -> None:
    layers = [make.layer({"etc/a": b"one"}), make.layer({"etc/b": b"two", "noise": NOISE})]
    digest = make.image(docker_registry, "pull/app", "v1", layers)
    name = f"{docker_registry.address}/pull/app"
    messages: list[dict[str, Any]] = []

    async def use(images: Images) -> None:
        image = await images.pull(f"{name}:v1", progress=messages.append)
        assert image.id == image.manifest_digest == digest
        assert image.repo_tags == [f"{name}:v1"]
        assert image.repo_digests == [f"{name}@{digest}"]
        assert image.config.execution.cmd == ["sh"]
        assert image.size == len(NOISE) + 6
        assert (tree_of(engine, image.chain_id) / "etc" / "b").read_bytes() == b"two"
        assert engine.stores.content.has(image.config_digest)

    engine.run(use)
    statuses = [message["status"] for message in messages if "id" in message]
    assert messages[0] == {"status": "Pulling from pull/app", "id": "v1"}
    for status in ("Pulling fs layer", "Downloading", "Verifying Checksum", "Download complete"):
        assert status in statuses
    assert statuses.count("Pull complete") == 2
    assert [message["status"] for message in messages[-2:]] == [
        f"Digest: {digest}",
        f"Status: Downloaded newer image for {name}:v1",
    ]
    assert engine.events() == [("pull", name)]


def test_a_second_pull_finds_everything_there(
    engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing"
) -> None:
    make.image(docker_registry, "pull/again", "v1", [make.layer({"a": b"x"})])
    name = f"{docker_registry.address}/pull/again:v1"
    messages: list[dict[str, Any]] = []

    async def use(images: Images) -> None:
        await images.pull(name)
        await images.pull(name, progress=messages.append)

    engine.run(use)
    statuses = [message["status"] for message in messages]
    assert "Already exists" in statuses
    assert statuses[-1] == f"Status: Image is up to date for {name}"


def test_the_entry_of_the_wanted_platform_is_pulled(
    engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing"
) -> None:
    repository = "pull/index"
    entries: list[dict[str, object]] = []
    for architecture in ("arm64", "amd64"):
        layer = make.layer({architecture: b"x"})
        digest = make.image(
            docker_registry, repository, architecture, [layer], architecture=architecture
        )
        platform = {"architecture": architecture, "os": "linux"}
        entries.append(entry(docker_registry, repository, digest, platform))
    unknown = {"architecture": "unknown", "os": "unknown"}
    entries.insert(0, {**entries[0], "platform": unknown})
    index: dict[str, object] = {"schemaVersion": 2, "mediaType": media_types.INDEX}
    digest = docker_registry.push_manifest(repository, "all", {**index, "manifests": entries})
    name = f"{docker_registry.address}/{repository}:all"

    async def use(images: Images) -> None:
        image = await images.pull(name)
        assert (image.id, image.platform) == (digest, "linux/amd64")
        assert image.manifest_digest == entries[2]["digest"]
        other = await images.pull(name, platform="linux/arm64")
        assert (other.id, other.platform) == (digest, "linux/arm64")
        assert (await images.resolve(name)).platform == "linux/amd64"
        assert len(await images.list()) == 1
        with pytest.raises(NoMatchingPlatform, match="no matching manifest for linux/s390x in"):
            await images.pull(name, platform="linux/s390x")

    engine.run(use)


def entry(
    registry: "DockerRegistry", repository: str, digest: str, platform: dict[str, str]
) -> dict[str, object]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", registry.port)
    headers = {"Accept": media_types.MANIFEST}
    connection.request("GET", f"/v2/{repository}/manifests/{digest}", headers=headers)
    size = len(connection.getresponse().read())
    connection.close()
    base = {"mediaType": media_types.MANIFEST, "digest": digest, "size": size}
    return {**base, "platform": platform}


def test_a_zstd_layer_is_pulled(
    engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing"
) -> None:
    plain = make.layer({"big": NOISE, "a": b"x"})
    tar = make.tar({"big": NOISE, "a": b"x"})
    packed = subprocess.run(["zstd", "-q", "-c"], input=tar, capture_output=True, check=True).stdout
    layer = plain._replace(blob=packed, media_type=media_types.LAYER_ZSTD)
    make.image(docker_registry, "pull/zstd", "v1", [layer])

    async def use(images: Images) -> None:
        image = await images.pull(f"{docker_registry.address}/pull/zstd:v1")
        assert (tree_of(engine, image.chain_id) / "big").read_bytes() == NOISE

    engine.run(use)


def test_a_cut_connection_costs_only_what_was_missing(
    engine: "Engine",
    docker_registry: "DockerRegistry",
    cutting_proxy: "Callable[[int, list[int]], CuttingProxy]",
    make: "Pushing",
) -> None:
    make.image(docker_registry, "pull/cut", "v1", [make.layer({"noise": NOISE})])
    proxy = cutting_proxy(docker_registry.port, [NEVER, 1_000_000, 600_000])
    messages: list[dict[str, Any]] = []

    async def use(images: Images) -> None:
        await images.pull(f"{proxy.address}/pull/cut:v1", progress=messages.append)

    engine.run(use)
    assert proxy.connections == 4
    assert any("Retrying in" in str(message["status"]) for message in messages)


def test_a_pull_that_broke_off_is_resumed_by_the_next(
    engine: "Engine",
    docker_registry: "DockerRegistry",
    cutting_proxy: "Callable[[int, list[int]], CuttingProxy]",
    make: "Pushing",
    tmp_path: Path,
) -> None:
    make.image(docker_registry, "pull/resume", "v1", [make.layer({"noise": NOISE})])
    proxy = cutting_proxy(docker_registry.port, [NEVER, 1_000_000, 0, 0, 0, 0, 0])
    name = f"{proxy.address}/pull/resume:v1"
    messages: list[dict[str, Any]] = []

    async def use(images: Images) -> None:
        with pytest.raises(LadingError, match="EOF"):
            await images.pull(name)
        assert len(ingests(engine, tmp_path)) == 1
        assert await images.list() == []
        proxy.cuts.clear()
        image = await images.pull(name, progress=messages.append)
        assert (tree_of(engine, image.chain_id) / "noise").read_bytes() == NOISE

    engine.run(use)
    details = [message.get("progressDetail", {}) for message in messages]
    first = next(detail["current"] for detail in details if "current" in detail)
    assert first > 900_000
    assert ingests(engine, tmp_path) == []


@pytest.mark.parametrize("fault", ["digest", "diff_id", "tar"])
def test_a_damaged_layer_is_refused_and_nothing_is_left(
    engine: "Engine",
    docker_registry: "DockerRegistry",
    make: "Pushing",
    tmp_path: Path,
    fault: str,
) -> None:
    good, layer = make.layer({"a": b"good"}), make.layer({fault: NOISE})
    if fault == "diff_id":
        layer = layer._replace(diff_id="sha256:" + "0" * 64)
    if fault == "tar":
        layer = layer._replace(blob=b"this is not an archive" * 100)
    make.image(docker_registry, f"pull/bad-{fault}", "v1", [good, layer])
    if fault == "digest":
        docker_registry.damage_blob(layer.blob)

    async def use(images: Images) -> None:
        with pytest.raises(LadingError) as caught:
            await images.pull(f"{docker_registry.address}/pull/bad-{fault}:v1")
        expected: Any = {"digest": DigestMismatch, "tar": BadTar}.get(fault, LadingError)
        assert isinstance(caught.value, expected)
        assert await images.list() == []
        await images.collect(older_than_s=0)

    engine.run(use)
    assert ingests(engine, tmp_path) == []
    assert list(engine.stores.content.walk()) == []
    assert list((tmp_path / "snapshots" / "layers").iterdir()) == []
    assert engine.events() == []


def test_pulls_at_once_share_the_layers(
    engine: "Engine",
    docker_registry: "DockerRegistry",
    make: "Pushing",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer = make.layer({"noise": NOISE, "shared": b""})
    make.image(docker_registry, "pull/shared", "v1", [layer])
    name = f"{docker_registry.address}/pull/shared:v1"
    opened: list[int] = []
    original = Repository.open_blob

    def counting(self: Repository, blob: "Descriptor", offset: int = 0) -> "tuple[Response, int]":
        opened.append(blob.size)
        return original(self, blob, offset)

    monkeypatch.setattr(Repository, "open_blob", counting)

    async def use(images: Images) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(images.pull(name))
        assert len(await images.list()) == 1

    engine.run(use)
    assert opened.count(len(layer.blob)) == 1


def test_who_waits_for_a_layer_takes_over_when_its_puller_goes_away(
    engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing"
) -> None:
    make.image(docker_registry, "pull/heir", "v1", [make.layer({"noise": NOISE})])
    name = f"{docker_registry.address}/pull/heir:v1"

    async def use(images: Images) -> None:
        reached = asyncio.Event()
        first = asyncio.ensure_future(
            images.pull(name, progress=lambda message: reached.set() if "id" in message else None)
        )
        await reached.wait()
        second = asyncio.ensure_future(images.pull(name))
        await asyncio.sleep(0.01)
        first.cancel()
        image = await second
        assert (tree_of(engine, image.chain_id) / "noise").read_bytes() == NOISE
        await asyncio.wait([first])

    engine.run(use)


def test_a_cancelled_pull_stops_and_can_be_resumed(
    engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing", tmp_path: Path
) -> None:
    make.image(docker_registry, "pull/cancel", "v1", [make.layer({"noise": NOISE})])
    name = f"{docker_registry.address}/pull/cancel:v1"

    async def use(images: Images) -> None:
        reached = asyncio.Event()

        def progress(message: dict[str, Any]) -> None:
            if message["status"] == "Downloading":
                reached.set()

        pulling = asyncio.ensure_future(images.pull(name, progress=progress))
        await reached.wait()
        pulling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pulling
        assert not [t for t in threading.enumerate() if t.name.startswith("layer")]
        await images.pull(name)

    engine.run(use)
