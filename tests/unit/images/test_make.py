"""Images made here: imported from an archive, committed from a container's changes."""

import bz2
import gzip
import hashlib
import json
import lzma
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from backports import zstd

from lading.errors import InvalidArgument
from lading.images import gc
from lading.images.image import Image
from lading.images.make import CommitRequest
from lading.images.service import Images
from lading.images.stores import Stores
from lading.oci import reference as references
from lading.oci.config import ExecutionConfig

if TYPE_CHECKING:
    from tests.unit.images.conftest import Engine, Pushing


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


def imported(engine: "Engine", data: bytes, **options: object) -> Image:
    async def use(images: Images) -> Image:
        return await images.making.import_(chunks(data), **options)  # type: ignore[arg-type]

    return engine.run(use)


def committed(engine: "Engine", request: CommitRequest) -> Image:
    async def use(images: Images) -> Image:
        return await images.commit(request)

    return engine.run(use)


def everything(stores: Stores) -> tuple[list[str], list[str]]:
    return (
        [blob.digest for blob in stores.content.walk()],
        sorted(row.chain_id for row in stores.snapshots.layers()),
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress, bz2.compress, lzma.compress])
def test_an_archive_becomes_an_image_of_one_layer(
    engine: "Engine", stores: Stores, make: "Pushing", pack: Callable[[bytes], bytes]
) -> None:
    plain = make.tar({"etc/motd": b"hello\n" * 5000})
    image = imported(engine, pack(plain), name="mine:1", changes=["CMD sh"])
    assert image.repo_tags == ["mine:1"]
    assert image.config.diff_ids == [f"sha256:{hashlib.sha256(plain).hexdigest()}"]
    assert image.config.execution.cmd == ["/bin/sh", "-c", "sh"]
    [tree] = stores.snapshots.layer_directories(image.chain_id)
    assert Path(tree, "etc/motd").read_bytes() == b"hello\n" * 5000
    manifest = json.loads(stores.content.read_bytes(image.manifest_digest, 1 << 20))
    [layer] = manifest["layers"]
    blob = stores.content.read_bytes(layer["digest"], 1 << 20)
    assert layer["mediaType"].endswith("tar+zstd" if pack is zstd.compress else "tar+gzip")
    if pack in (gzip.compress, zstd.compress):
        assert blob == pack(plain) or gzip.decompress(blob) == plain
    else:
        assert gzip.decompress(blob) == plain


def test_an_import_tells_of_itself(engine: "Engine", make: "Pushing") -> None:
    image = imported(engine, make.tar({"a": b"1"}), message="from afar")
    assert image.repo_tags == []
    [step] = image.config.history or []
    assert step.comment == "from afar"
    assert engine.events() == [("import", image.id)]


@pytest.mark.parametrize("data", [b"not a tar" * 200, gzip.compress(b"x" * 9000)[:-9]])
def test_a_bad_archive_leaves_nothing(engine: "Engine", stores: Stores, data: bytes) -> None:
    with pytest.raises(InvalidArgument):
        imported(engine, data, name="bad")
    assert everything(stores) == ([], [])
    assert stores.content.drop_stale_ingests(0) == 0


def test_a_commit_is_a_layer_on_top_of_the_image(
    engine: "Engine", stores: Stores, make: "Pushing"
) -> None:
    base = imported(engine, make.tar({"a": b"1"}), name="base-image")
    upper = make.tar({"b": b"2"})
    request = CommitRequest(
        lambda write: [write(upper[n : n + 100]) for n in range(0, len(upper), 100)],
        base,
        ExecutionConfig(env=["A=1"], cmd=["old"]),
        created_by="sh",
        author="me",
        comment="why",
        changes=['CMD ["new"]'],
        name=references.parse("child").with_default_tag(),
    )
    image = committed(engine, request)
    assert image.repo_tags == ["child:latest"]
    assert image.config.diff_ids[0] == base.config.diff_ids[0]
    assert (image.config.execution.cmd, image.config.author) == (["new"], "me")
    top, below = stores.snapshots.layer_directories(image.chain_id)
    assert (Path(top, "b").read_bytes(), Path(below, "a").read_bytes()) == (b"2", b"1")
    step = (image.config.history or [])[-1]
    assert (step.created_by, step.comment, step.author) == ("sh", "why", "me")


def test_a_commit_whose_tree_cannot_be_read_leaves_nothing_new(
    engine: "Engine", stores: Stores, make: "Pushing"
) -> None:
    base = imported(engine, make.tar({"a": b"1"}), name="base-image")
    before = everything(stores)

    def fail(write: Callable[[bytes], object]) -> None:
        write(make.tar({"b": b"2"})[:600])
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        committed(engine, CommitRequest(fail, base, ExecutionConfig()))
    assert everything(stores) == before


def test_a_commit_without_an_image_below_stands_alone(
    engine: "Engine", stores: Stores, make: "Pushing"
) -> None:
    image = committed(
        engine, CommitRequest(lambda write: write(make.tar({"b": b"2"})), None, ExecutionConfig())
    )
    assert len(image.layers) == 1
    engine.run(lambda images: images.remove(image.id))
    gc.collect(stores, older_than_s=0)
    assert everything(stores) == ([], [])
