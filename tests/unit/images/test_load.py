"""Loading archives of skopeo, umoci and old Dockers, and refusing hostile ones."""

import asyncio
import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import LadingError
from lading.images.image import Image
from lading.images.service import Images

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.conftest import DockerRegistry
    from tests.unit.images.conftest import Engine, Layer, Pushing

FILES: dict[str, bytes] = {"etc/a": b"one", "noise": os.urandom(300_000)}


async def chunks(data: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0)


def load(engine: "Engine", data: bytes) -> "tuple[Sequence[Image], list[str]]":
    messages: list[dict[str, Any]] = []

    async def use(images: Images) -> "Sequence[Image]":
        return await images.load(chunks(data), progress=messages.append)

    loaded = engine.run(use)
    return loaded, [str(message["stream"]) for message in messages if "stream" in message]


def content_of(engine: "Engine", image: Image) -> dict[str, bytes]:
    top = Path(engine.stores.snapshots.layer_directories(image.chain_id)[0])
    return {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*") if p.is_file()}


def skopeo(*arguments: str) -> None:
    subprocess.run(["skopeo", "copy", "-q", *arguments], check=True, capture_output=True)


def tar_of(directory: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(directory, arcname=".")
    return buffer.getvalue()


@pytest.fixture
def pushed(docker_registry: "DockerRegistry", make: "Pushing") -> str:
    """A source for skopeo."""
    layers = [make.layer({"lower": b"x"}), make.layer(FILES)]
    make.image(docker_registry, "load/source", "v1", layers)
    return f"docker://{docker_registry.address}/load/source:v1"


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "oci"])
def test_what_skopeo_writes_is_loaded(
    engine: "Engine", pushed: str, tmp_path: Path, form: str
) -> None:
    target = tmp_path / "written"
    skopeo("--src-tls-verify=false", pushed, f"{form}:{target}:example.org/team/app:v2")
    data = tar_of(target) if form == "oci" else target.read_bytes()
    (image,), told = load(engine, data)
    assert content_of(engine, image) == FILES
    assert image.repo_tags == ["example.org/team/app:v2"]
    assert told == ["Loaded image: example.org/team/app:v2\n"]
    assert engine.events() == [("load", image.id)]


@pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed")
def test_what_umoci_writes_is_loaded_by_id(engine: "Engine", tmp_path: Path) -> None:
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"

    def umoci(command: str) -> None:
        subprocess.run(["umoci", *command.split()], check=True, capture_output=True)

    umoci(f"init --layout {layout}")
    umoci(f"new --image {layout}:latest")
    umoci(f"unpack --image {layout}:latest {bundle}")
    (bundle / "rootfs" / "file").write_bytes(b"repacked")
    umoci(f"repack --image {layout}:latest {bundle}")
    (image,), told = load(engine, tar_of(layout))
    assert content_of(engine, image) == {"file": b"repacked"}
    assert (image.repo_tags, told) == ([], [f"Loaded image ID: {image.id}\n"])


class OldArchive:
    """The layout of `docker save` before 25: <id>/layer.tar, manifest.json last."""

    def __init__(self, make: "Pushing") -> None:
        self.make = make
        self.members: list[tuple[str, bytes | str]] = []

    def image(self, tag: str, layers: "list[Layer]", paths: list[str]) -> dict[str, object]:
        self.members.append((f"{tag}.json", self.make.config(layers)))
        return {"Config": f"{tag}.json", "RepoTags": [f"{tag}:1"], "Layers": paths}

    def bytes(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, data in self.members:
                member = tarfile.TarInfo(name)
                if isinstance(data, str):
                    member.type, member.linkname = tarfile.SYMTYPE, data
                    archive.addfile(member)
                else:
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
        return buffer.getvalue()


@pytest.fixture
def old_archive(make: "Pushing") -> bytes:
    """Two images that share a layer, which is linked in the second; uncompressed layers."""
    archive = OldArchive(make)
    shared, other = make.layer(FILES), make.layer({"b": b"two"})
    archive.members += [("aa/layer.tar", make.tar(FILES)), ("bb/layer.tar", "../aa/layer.tar")]
    archive.members += [("cc/layer.tar", make.tar({"b": b"two"})), ("aa/VERSION", b"1.0")]
    items = [
        archive.image("first", [shared], ["aa/layer.tar"]),
        archive.image("second", [shared, other], ["bb/layer.tar", "cc/layer.tar"]),
    ]
    archive.members.append(("manifest.json", json.dumps(items).encode()))
    return archive.bytes()


def test_the_old_layout_gets_manifests_that_are_the_same_each_time(
    engine: "Engine", old_archive: bytes
) -> None:
    images, told = load(engine, old_archive)
    assert [image.repo_tags for image in images] == [["first:1"], ["second:1"]]
    assert told == ["Loaded image: first:1\n", "Loaded image: second:1\n"]
    assert content_of(engine, images[0]) == FILES
    assert content_of(engine, images[1]) == {"b": b"two"}
    again, _ = load(engine, old_archive)
    assert [image.id for image in again] == [image.id for image in images]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, "zstd"])
def test_a_compressed_archive_is_loaded(
    engine: "Engine", old_archive: bytes, compress: "Callable[[bytes], bytes] | str"
) -> None:
    if isinstance(compress, str):
        command = [compress, "-q", "-c"]
        done = subprocess.run(command, input=old_archive, capture_output=True, check=True)
        packed = done.stdout
    else:
        packed = compress(old_archive)
    assert len(load(engine, packed)[0]) == 2


def test_an_archive_is_loaded_from_a_descriptor(
    engine: "Engine", old_archive: bytes, tmp_path: Path
) -> None:
    (tmp_path / "archive.tar").write_bytes(old_archive)

    async def use(images: Images) -> int:
        with (tmp_path / "archive.tar").open("rb") as file:
            return len(await images.load(file.fileno()))

    assert engine.run(use) == 2


def hostile(make: "Pushing") -> dict[str, bytes]:
    """Archives that must be refused, by what is wrong with them."""
    good = make.layer({"a": b"x"})
    plain = make.tar({"a": b"x"})

    def archive(*members: tuple[str, bytes | str], **item: object) -> bytes:
        made = OldArchive(make)
        described = {**made.image("evil", [good], ["l.tar"]), **item}
        made.members += [*members, ("manifest.json", json.dumps([described]).encode())]
        return made.bytes()

    digest = "0" * 64
    index = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    return {
        "nothing": b"",
        "no tar": b"hello" * 1000,
        "no manifest": OldArchive(make).bytes(),
        "a name that leads out": archive(("../../etc/passwd", b"x"), ("l.tar", plain)),
        "an absolute name": archive(("/etc/passwd", b"x"), ("l.tar", plain)),
        "a link that leads out": archive(("l.tar", "../../../etc/passwd")),
        "an absolute link": archive(("l.tar", "/etc/passwd")),
        "a loop of links": archive(("l.tar", "m.tar"), ("m.tar", "l.tar")),
        "a missing layer": archive(),
        "a config outside": archive(("l.tar", plain), Config="/etc/passwd"),
        "another layer": archive(("l.tar", make.tar({"a": b"y"}))),
        "too few layers": archive(("l.tar", plain), Layers=[]),
        "a name that is none": archive(("l.tar", plain), RepoTags=["../x"]),
        "a wrong digest": archive((f"blobs/sha256/{digest}", b"x"), ("l.tar", plain)),
        "a truncated end": archive(("l.tar", plain))[:2500],
        "an empty index": archive(("l.tar", plain), ("index.json", index)),
        "a layer that is no tar": archive(("l.tar", b"no tar at all" * 100)),
        "manifest.json of another form": archive(("l.tar", plain), Layers={"a": 1}),
    }


FAULTS = (
    "nothing", "no tar", "no manifest", "a name that leads out", "an absolute name",
    "a link that leads out", "an absolute link", "a loop of links", "a missing layer",
    "a config outside", "another layer", "too few layers", "a name that is none",
    "a wrong digest", "a truncated end", "an empty index", "a layer that is no tar",
    "manifest.json of another form",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hostile_archive_is_refused_and_leaves_nothing(
    engine: "Engine", make: "Pushing", tmp_path: Path, fault: str
) -> None:
    with pytest.raises(LadingError) as caught:
        load(engine, hostile(make)[fault])
    assert caught.value.status == 400
    assert list(engine.stores.content.walk()) == []
    assert list((tmp_path / "content" / "ingest").iterdir()) == []
    assert list((tmp_path / "snapshots" / "layers").iterdir()) == []
    assert engine.events() == []


def test_a_sender_that_goes_away_leaves_nothing(
    engine: "Engine", old_archive: bytes, tmp_path: Path
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield old_archive[:200_000]
        raise ConnectionResetError("gone")

    async def use(images: Images) -> None:
        with pytest.raises(ConnectionError):
            await images.load(broken())

    engine.run(use)
    assert list(engine.stores.content.walk()) == []
    assert list((tmp_path / "content" / "ingest").iterdir()) == []


def test_a_cancelled_load_leaves_nothing(
    engine: "Engine", old_archive: bytes, tmp_path: Path
) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield old_archive[:200_000]
        await asyncio.sleep(60)

    async def use(images: Images) -> None:
        loading = asyncio.ensure_future(images.load(stuck()))
        await asyncio.sleep(0.2)
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading

    engine.run(use)
    assert list(engine.stores.content.walk()) == []
    assert list((tmp_path / "content" / "ingest").iterdir()) == []
