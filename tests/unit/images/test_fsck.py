"""The check of the image store finds what is broken, and mends what can be."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lading.images.fsck import Finding
from lading.images.image import Image
from lading.images.service import Images
from lading.images.stores import Stores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.images.conftest import Engine, Pushing


async def chunks(data: bytes) -> "AsyncIterator[bytes]":
    yield data


def made(engine: "Engine", make: "Pushing") -> Image:
    data = make.tar({"a": b"1" * 1000})
    return engine.run(lambda images: images.making.import_(chunks(data), name="x:1"))


def check(engine: "Engine", *, repair: bool = False) -> list[Finding]:
    async def use(images: Images) -> list[Finding]:
        return list(await images.fsck(repair=repair))

    return engine.run(use)


def layer_of(engine: "Engine", image: Image) -> str:
    stores = engine.stores
    kept = {blob.digest for blob in stores.content.walk()}
    [layer] = kept - {image.id, image.config_digest}
    return layer


def path_of(tmp_path: Path, digest: str) -> Path:
    algorithm, _, name = digest.partition(":")
    return tmp_path / "content/blobs" / algorithm / name[:2] / name


def test_a_sound_store_has_no_findings(engine: "Engine", make: "Pushing") -> None:
    made(engine, make)
    assert check(engine) == []


def test_a_flipped_bit_is_found_and_the_blob_removed(
    engine: "Engine", make: "Pushing", tmp_path: Path
) -> None:
    layer = layer_of(engine, made(engine, make))
    path = path_of(tmp_path, layer)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    os.chmod(path, 0o600)
    path.write_bytes(bytes(data))
    assert [(f.kind, f.name, f.is_repaired) for f in check(engine)] == [
        ("damaged blob", layer, False)
    ]
    kinds = [(f.kind, f.is_repaired) for f in check(engine, repair=True)]
    assert kinds == [("damaged blob", True), ("missing blob", False)]
    assert not path.exists()


def test_a_lost_layer_is_unpacked_again(
    engine: "Engine", make: "Pushing", stores: Stores, tmp_path: Path
) -> None:
    image = made(engine, make)
    [tree] = stores.snapshots.layer_directories(image.chain_id)
    shutil.rmtree(os.path.dirname(tree))
    stores.snapshots.recover()
    assert [f.kind for f in check(engine)] == ["missing layer"]
    assert [(f.kind, f.is_repaired) for f in check(engine, repair=True)] == [
        ("missing layer", True)
    ]
    assert check(engine) == []
    [tree] = stores.snapshots.layer_directories(image.chain_id)
    assert Path(tree, "a").read_bytes() == b"1" * 1000


def test_a_blob_of_nobody_is_told(engine: "Engine", make: "Pushing", stores: Stores) -> None:
    made(engine, make)
    digest = stores.content.write_bytes(b"nobody's")
    assert [(f.kind, f.name) for f in check(engine)] == [("unused blob", digest)]
