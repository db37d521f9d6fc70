"""A layer is published when its bytes are what was promised, and leaves nothing otherwise."""

import gzip
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading import errors
from lading.state import Database
from lading.storage.layers import TarEntry, TarWriter
from lading.storage.layers.tar_entry import HARDLINK
from lading.storage.snapshots import SCHEMA, OverlayDriver, SnapshotNotFound
from lading.storage.unpack import DiffIDMismatch, chain_id_of, unpack_layer


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[OverlayDriver]:
    database = Database(str(tmp_path / "state.db"), [SCHEMA])
    driver = OverlayDriver(str(tmp_path / "snapshots"), database)
    yield driver
    driver.close()
    database.close()


def layer(*entries: TarEntry) -> bytes:
    buffer = io.BytesIO()
    writer = TarWriter(buffer.write)
    for entry in entries:
        writer.add(entry, io.BytesIO(b"x" * entry.size))
    writer.close()
    return buffer.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


BASE = layer(TarEntry(b"a", size=5))
UPPER = layer(TarEntry(b"b", HARDLINK, link=b"a"))


def test_chain_ids_are_those_of_the_specification() -> None:
    assert chain_id_of(None, "sha256:a") == "sha256:a"
    assert chain_id_of("sha256:a", "sha256:b") == digest(b"sha256:a sha256:b")


def test_layers_are_published_one_on_the_other(driver: OverlayDriver) -> None:
    base, applied = unpack_layer(driver, io.BytesIO(gzip.compress(BASE)), parent=None)
    assert (base, applied.diff_id, applied.size_bytes) == (digest(BASE), digest(BASE), 5)
    upper, applied = unpack_layer(driver, io.BytesIO(UPPER), parent=base, diff_id=digest(UPPER))
    assert upper == chain_id_of(base, digest(UPPER))
    assert sorted(os.listdir(driver.layer_directories(upper)[0])) == ["a", "b"]
    assert applied.size_bytes == 5


@pytest.mark.parametrize(
    ("raw", "diff_id"),
    [
        (BASE, digest(b"something else")),
        (BASE[:514], None),
        (gzip.compress(BASE)[:-9], None),
        (layer(TarEntry(b"../a")), None),
    ],
    ids=["wrong digest", "truncated", "truncated gzip", "hostile"],
)
def test_a_bad_layer_leaves_nothing(driver: OverlayDriver, raw: bytes, diff_id: str | None) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(errors.InvalidArgument):
        unpack_layer(driver, io.BytesIO(raw), parent=None, diff_id=diff_id)
    driver.sweep()
    for place in ("layers", "staging", "trash"):
        assert os.listdir(os.path.join(driver.root, place)) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_text_of_a_wrong_digest_names_both(driver: OverlayDriver) -> None:
    with pytest.raises(DiffIDMismatch, match=f"expected diff id sha256:0, got {digest(BASE)}"):
        unpack_layer(driver, io.BytesIO(BASE), parent=None, diff_id="sha256:0")


def test_an_unknown_parent_is_refused(driver: OverlayDriver) -> None:
    with pytest.raises(SnapshotNotFound):
        unpack_layer(driver, io.BytesIO(BASE), parent="sha256:0")
    assert os.listdir(os.path.join(driver.root, "staging")) == []
