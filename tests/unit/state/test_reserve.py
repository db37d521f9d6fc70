"""Blocks kept back for the records of what ends on a full disk."""

import os
from pathlib import Path

from lading.state import reserve
from lading.state.reserve import Reserve


def test_the_blocks_are_taken_and_given_back_once(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    kept = Reserve(str(path))
    assert os.stat(path).st_blocks * 512 >= reserve.SIZE
    assert kept.release()
    assert not kept.release()
    assert not path.exists()


def test_they_are_taken_again_after_a_pause(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    kept = Reserve(str(path))
    kept.release()
    kept.renew()
    assert not path.exists()  # not at once: whoever made room wants it
    kept._tried_s -= reserve.PAUSE_S
    kept.renew()
    assert path.exists()
