"""Blobs appear whole and verified, or not at all."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.kernel import mount
from lading.storage.content import (
    BlobNotFound,
    BlobTooLarge,
    ContentStore,
    DigestMismatch,
    SizeMismatch,
    digest,
)
from lading.storage.durable import DiskFull

DATA = b"one layer, verbatim " * 1000
DIGEST = digest.of(DATA)


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(str(tmp_path / "content"))


def files(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def add(store: ContentStore, data: bytes = DATA) -> str:
    with store.ingest("ref") as ingest:
        ingest.write(data)
        return ingest.commit()


def test_a_committed_blob_can_be_read_back(store: ContentStore) -> None:
    assert add(store) == DIGEST
    assert store.has(DIGEST)
    assert store.size(DIGEST) == len(DATA)
    assert store.read_bytes(DIGEST, len(DATA)) == DATA
    descriptor = store.open(DIGEST)
    assert os.pread(descriptor, 3, 0) == DATA[:3]
    os.close(descriptor)


def test_a_blob_lies_under_its_digest_and_is_read_only(store: ContentStore, tmp_path: Path) -> None:
    add(store)
    encoded = DIGEST.removeprefix("sha256:")
    assert files(tmp_path) == [f"content/blobs/sha256/{encoded[:2]}/{encoded}"]
    status = os.stat(tmp_path / "content/blobs/sha256" / encoded[:2] / encoded)
    assert stat.S_IMODE(status.st_mode) == 0o400


def test_an_unfinished_blob_is_not_there(store: ContentStore) -> None:
    with store.ingest("ref", expected_digest=DIGEST) as ingest:
        ingest.write(DATA)
    assert not store.has(DIGEST)
    with pytest.raises(BlobNotFound):
        store.open(DIGEST)
    with pytest.raises(BlobNotFound):
        store.size(DIGEST)


def test_an_ingest_goes_on_where_it_was_left(store: ContentStore) -> None:
    size = len(DATA)
    with store.ingest("ref", expected_digest=DIGEST, expected_size=size) as ingest:
        ingest.write(DATA[:777])
    with store.ingest("ref", expected_digest=DIGEST, expected_size=size) as ingest:
        assert ingest.offset == 777
        ingest.write(DATA[777:])
        assert ingest.commit() == DIGEST


def test_an_ingest_goes_on_in_another_process_lifetime(store: ContentStore, tmp_path: Path) -> None:
    with store.ingest("ref", expected_digest=DIGEST) as ingest:
        ingest.write(DATA[:5])
    reopened = ContentStore(str(tmp_path / "content"))
    with reopened.ingest("ref", expected_digest=DIGEST) as ingest:
        assert ingest.offset == 5


def test_bytes_that_were_promised_to_be_another_blob_are_dropped(store: ContentStore) -> None:
    with store.ingest("ref", expected_digest=digest.of(b"other")) as ingest:
        ingest.write(b"oth")
    with store.ingest("ref", expected_digest=DIGEST) as ingest:
        assert ingest.offset == 0


def test_a_wrong_digest_is_an_error_and_leaves_nothing(store: ContentStore, tmp_path: Path) -> None:
    ingest = store.ingest("ref", expected_digest=DIGEST)
    ingest.write(b"something else")
    with pytest.raises(DigestMismatch, match=f"expected {DIGEST}, got sha256:"):
        ingest.commit()
    assert files(tmp_path) == []
    assert os.listdir(tmp_path / "content/ingest") == []


def test_too_few_bytes_are_an_error_and_leave_nothing(store: ContentStore, tmp_path: Path) -> None:
    ingest = store.ingest("ref", expected_size=10)
    ingest.write(b"12345")
    with pytest.raises(SizeMismatch, match="expected 10 bytes, got 5"):
        ingest.commit()
    assert files(tmp_path) == []


def test_too_many_bytes_are_refused_as_they_come(store: ContentStore, tmp_path: Path) -> None:
    ingest = store.ingest("ref", expected_size=10)
    ingest.write(b"1234567890")
    with pytest.raises(SizeMismatch, match="expected 10 bytes, got at least 11"):
        ingest.write(b"1")
    assert files(tmp_path) == []


def test_sha512_blobs_are_verified_as_such(store: ContentStore) -> None:
    expected = digest.of(DATA, "sha512")
    with store.ingest("ref", expected_digest=expected) as ingest:
        ingest.write(DATA)
        assert ingest.commit() == expected
    assert store.has(expected)


def test_two_ingests_of_one_ref_at_the_same_time_both_finish(store: ContentStore) -> None:
    first = store.ingest("ref", expected_digest=DIGEST)
    second = store.ingest("ref", expected_digest=DIGEST)
    first.write(DATA[:10])
    second.write(DATA)
    assert second.commit() == DIGEST
    first.write(DATA[10:])
    assert first.commit() == DIGEST
    assert store.usage() == (len(DATA), 1)


def test_many_threads_may_store_the_same_blob(store: ContentStore, tmp_path: Path) -> None:
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda: results.append(store.write_bytes(DATA))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [DIGEST] * 8
    assert os.listdir(tmp_path / "content/ingest") == []


def test_a_deleted_blob_is_gone_and_deleting_again_is_no_error(store: ContentStore) -> None:
    add(store)
    assert store.delete(DIGEST) == len(DATA)
    assert not store.has(DIGEST)
    assert store.delete(DIGEST) == 0


def test_walk_tells_every_blob_and_its_size(store: ContentStore) -> None:
    digests = {store.write_bytes(data): len(data) for data in [b"", b"a", b"bb"]}
    assert {blob.digest: blob.size for blob in store.walk()} == digests
    assert store.usage() == (3, 3)


def test_a_blob_over_the_limit_is_not_read(store: ContentStore) -> None:
    add(store)
    with pytest.raises(BlobTooLarge):
        store.read_bytes(DIGEST, len(DATA) - 1)


def test_stale_ingests_are_dropped_and_busy_ones_kept(store: ContentStore, tmp_path: Path) -> None:
    store.ingest("left").close()
    busy = store.ingest("busy")
    assert store.drop_stale_ingests(older_than_s=3600) == 0
    assert store.drop_stale_ingests(older_than_s=0) == 1
    assert len(os.listdir(tmp_path / "content/ingest")) == 1
    busy.close()


def test_a_full_disk_is_a_clean_error_and_gives_its_space_back(
    tmp_path: Path, in_mount_namespace: Callable[[Callable[[], object]], None]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()

    def fill() -> None:
        mount.mount("tmpfs", str(disk), "tmpfs", 0, "size=1m")
        store = ContentStore(str(disk / "content"))
        ingest = store.ingest("ref")
        with pytest.raises(DiskFull, match="no space left on the disk: ref"):
            ingest.write(bytes(2 << 20))
        assert files(disk) == []
        assert store.write_bytes(DATA) == DIGEST

    in_mount_namespace(fill)
