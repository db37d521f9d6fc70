"""Which driver made a root: noted so that a power cut leaves the note or none."""

import os
from pathlib import Path

import pytest

from lading.storage.snapshots import places


def test_a_root_belongs_to_the_driver_that_made_it(tmp_path: Path) -> None:
    places.claim(str(tmp_path), "vfs", is_new=True)
    places.claim(str(tmp_path), "vfs", is_new=False)
    with pytest.raises(places.OtherDriver, match="made by the storage driver vfs"):
        places.claim(str(tmp_path), "overlay2", is_new=False)
    assert [path.name for path in tmp_path.iterdir()] == ["driver"]


@pytest.mark.parametrize(("is_new", "known"), [(True, "vfs"), (False, "overlay2")])
def test_an_empty_note_is_none(tmp_path: Path, is_new: bool, known: str) -> None:
    (tmp_path / "driver").touch()
    places.claim(str(tmp_path), known, is_new=is_new)
    assert (tmp_path / "driver").read_text() == known


def test_the_note_is_durable_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def watch(name: str) -> None:
        real = getattr(os, name)

        def watched(*words: object) -> None:
            steps.append(name)
            real(*words)

        monkeypatch.setattr(os, name, watched)

    watch("fsync")
    watch("rename")
    places.claim(str(tmp_path), "vfs", is_new=True)
    assert steps == ["fsync", "rename", "fsync"]
