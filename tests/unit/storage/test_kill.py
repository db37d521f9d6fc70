"""Killed at any failpoint, the storage room has each blob and snapshot whole or not at all."""

import os
from pathlib import Path

from tests.unit import killed

from lading.state import Database
from lading.storage.content import ContentStore, digest
from lading.storage.snapshots import SCHEMA, OverlayDriver, SnapshotNotFound

BLOB = b"a blob " * 1000

STORY = """
import sys
from pathlib import Path
from lading.state import Database
from lading.storage.content import ContentStore
from lading.storage.snapshots import SCHEMA, OverlayDriver

root = sys.argv[1]
content = ContentStore(root + "/content")
content.write_bytes(b"a blob " * 1000)
driver = OverlayDriver(root + "/snapshots", Database(root + "/state.db", [SCHEMA]))
driver.recover()
for chain_id, parent in (("one", None), ("two", "one")):
    (Path(driver.stage(chain_id)) / "file").write_text(chain_id)
    driver.commit(chain_id, chain_id, parent)
driver.prepare("c", "two")
(Path(driver.mount("c").upper) / "file").write_text("three")
driver.prepare("d", "two")
driver.commit("c", "three", "two")
driver.remove("d")
driver.remove_layer("three")
content.delete(next(content.walk()).digest)
"""


def run(root: Path, failpoint: str) -> int:
    """Run the story in a process that dies at the failpoint; returns its exit code."""
    root.mkdir()
    return killed.run(STORY, str(root), failpoint=failpoint)


def check(root: Path) -> None:
    """Open what was left, as an engine does at its start."""
    content = ContentStore(str(root / "content"))
    for blob in content.walk():
        assert digest.of(content.read_bytes(blob.digest, 1 << 20)) == blob.digest
    content.drop_stale_ingests(older_than_s=0)
    assert os.listdir(root / "content/ingest") == []
    assert content.write_bytes(BLOB) == digest.of(BLOB)
    database = Database(str(root / "state.db"), [SCHEMA])
    driver = OverlayDriver(str(root / "snapshots"), database)
    recovery = driver.recover()
    assert (recovery.missing_keys, recovery.missing_layers) == ([], [])
    check_snapshots(root, driver)
    driver.close()
    database.close()


def check_snapshots(root: Path, driver: OverlayDriver) -> None:
    layers = [chain_id for chain_id in ("one", "two", "three") if driver.exists(chain_id)]
    for chain_id in layers:
        trees = driver.layer_directories(chain_id)
        assert (Path(trees[0]) / "file").read_text() == chain_id
    assert len(os.listdir(root / "snapshots/layers")) == len(layers)
    writable = []
    for key in ("c", "d"):
        try:
            writable.append(driver.mount(key).upper)
        except SnapshotNotFound:
            continue
    assert len(os.listdir(root / "snapshots/active")) == len(writable)
    assert os.listdir(root / "snapshots/staging") == []
    assert driver.sweep() == []
    assert os.listdir(root / "snapshots/trash") == []


def test_a_kill_at_any_failpoint_leaves_all_or_nothing(tmp_path: Path) -> None:
    names = tmp_path / "names"
    assert run(tmp_path / "learn", f"list:{names}") == 0
    failpoints = names.read_text().split()
    assert len(failpoints) > 10
    for name in failpoints:
        root = tmp_path / name
        assert run(root, name) == -9, name
        check(root)
