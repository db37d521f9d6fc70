"""A crash of the daemon, or of a monitor, at every step that logs and health make durable."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

NAME = "survivor"
LIMITED = {"max-size": "64k", "max-file": "4", "compress": "true", "mirror": "true"}
COUNT = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.001; done"
OF_DAEMON = [
    *("health.before-record", "health.after-record"),
    *("shipment.before-progress", "shipment.after-progress"),
]
OF_COMPRESSION = ["compress.written", "compress.renamed"]
OF_MONITOR = ["segments.next", "segments.pruned"]


@pytest.fixture
def engine(fragile_engine: Engine) -> Iterator[Engine]:
    """An engine to kill."""
    fragile_engine.revive()
    fragile_engine.remove_everything()
    yield fragile_engine
    if fragile_engine.is_alive():
        fragile_engine.kill9()  # it may have been started with a failpoint
    fragile_engine.start()
    fragile_engine.remove_everything()


def run(engine: Engine, script: str, options: dict[str, str] | None = None) -> None:
    config = {
        "Image": "base",
        "Cmd": ["sh", "-c", script],
        "StopTimeout": 0,
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 50_000_000},
        "HostConfig": {
            "NetworkMode": "none",
            "LogConfig": {"Type": "json-file", "Config": options or LIMITED},
        },
    }
    engine.post(f"/containers/create?name={NAME}", config)
    engine.post(f"/containers/{NAME}/start")


def logged(engine: Engine) -> list[int]:
    status, body = engine.call("GET", f"/containers/{NAME}/logs?stdout=1")
    assert status == 200
    found, start = [], 0
    while start < len(body):  # frames of a line each: stream, 3 zeros, length
        end = start + 8 + int.from_bytes(body[start + 4 : start + 8], "big")
        found.append(int(body[start + 8 : end]))
        start = end
    return found


def mirrored(engine: Engine) -> list[int]:
    """What the file of JSON lines has, with the files before it."""
    path = Path(engine.get(f"/containers/{NAME}/json")["LogPath"])
    files = sorted(path.parent.glob(f"{path.name}*"), reverse=True)
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [int(json.loads(line)["log"]) for line in lines]


def is_gapless(numbers: list[int]) -> bool:
    return numbers == list(range(numbers[0], numbers[-1] + 1)) if numbers else True


@pytest.mark.parametrize("failpoint", OF_DAEMON)
def test_a_crash_of_the_daemon_costs_no_line(engine: Engine, until: Until, failpoint: str) -> None:
    engine.arm(failpoint)
    with contextlib.suppress(OSError, http.client.HTTPException):  # it may be quick
        run(engine, COUNT)
    assert engine.wait_dead(20) == -signal.SIGKILL
    engine.start()
    until(lambda: len(logged(engine)) > 50)
    until(lambda: engine.get(f"/containers/{NAME}/json")["State"]["Health"]["Status"] == "healthy")
    last = logged(engine)[-1]
    until(lambda: mirrored(engine)[-1] >= last)
    engine.post(f"/containers/{NAME}/stop")
    assert is_gapless(logged(engine))
    until(lambda: mirrored(engine)[-1] == logged(engine)[-1])
    seen = mirrored(engine)  # what was being sent may have come twice; nothing is missing
    assert is_gapless(sorted(set(seen)))
    assert len(seen) - len(set(seen)) < 2000
    assert engine.findings() == []


@pytest.mark.parametrize("failpoint", OF_COMPRESSION)
def test_a_crash_while_a_segment_is_compressed_loses_nothing(
    engine: Engine, until: Until, failpoint: str
) -> None:
    options = {"max-size": "1m", "max-file": "3", "compress": "true"}
    engine.arm(failpoint)
    with contextlib.suppress(OSError, http.client.HTTPException):  # it may be quick
        run(engine, "seq 1 30000", options)
    assert engine.wait_dead(20) == -signal.SIGKILL
    engine.start()
    assert logged(engine) == list(range(1, 30001))
    engine.post(f"/containers/{NAME}/start")
    until(lambda: len(logged(engine)) == 60_000)
    assert engine.findings() == []


@pytest.mark.parametrize("failpoint", OF_MONITOR)
def test_a_crash_of_a_monitor_leaves_a_log_that_can_be_read_and_continued(
    engine: Engine, until: Until, failpoint: str
) -> None:
    engine.kill9()
    engine.start(failpoint)  # which its monitors inherit
    run(engine, "seq 1 300000", {"max-size": "64k", "max-file": "2"})
    until(lambda: engine.get(f"/containers/{NAME}/json")["State"]["Status"] == "exited")
    assert engine.get(f"/containers/{NAME}/json")["State"]["ExitCode"] == 255
    assert is_gapless(logged(engine))
    engine.kill9()
    engine.start()
    engine.post(f"/containers/{NAME}/start")
    until(lambda: engine.get(f"/containers/{NAME}/json")["State"]["Status"] == "exited")
    found = logged(engine)
    assert found[-1] == 300_000
    assert is_gapless(found[-1000:])
