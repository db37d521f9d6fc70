"""A start, and the races between the starter and the child that it makes."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.box import Boxes, eventually
from tests.unit.runtime.test_keeper import children


@pytest.fixture
def held(tmp_path: Path, busybox: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Boxes]:
    """Containers whose starter stops as soon as their first process goes on."""
    monkeypatch.setenv("LADING_FAILPOINT", "stop:starter.init_cloned")
    boxes = Boxes(tmp_path, busybox)
    yield boxes
    boxes.close()
    shutil.rmtree(tmp_path)


def family(pid: int) -> dict[int, str]:
    """All descendants of a process with their states."""
    found = children(pid)
    for child in list(found):
        found |= family(child)
    return found


def stopped_starter(boxes: Boxes) -> int | None:
    return next((p for p, state in family(boxes.spawner.pid).items() if state == "T"), None)


def test_a_child_that_is_dead_before_its_starter_looks_still_says_why(held: Boxes) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["sysctl"] = {"kernel.bogus": "1"}

    container = held.start("true", spec=change)
    assert eventually(lambda: stopped_starter(held))
    assert eventually(lambda: "Z" in family(held.spawner.pid).values())
    starter = stopped_starter(held)
    assert starter is not None
    os.kill(starter, signal.SIGCONT)
    failed = container.wait("failed")
    assert "not in a separate kernel namespace" in failed["error"]["message"]
