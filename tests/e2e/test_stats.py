"""What containers use, by docker's command and by the API."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import UnixConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

NAME = "measured"


@pytest.fixture
def busy(engine: Engine) -> Iterator[str]:
    """A container that uses a CPU."""
    host = {"Memory": 64 << 20, "PidsLimit": 50}
    config = {"Image": "base", "Cmd": ["sh", "-c", "while :; do :; done"], "HostConfig": host}
    engine.post(f"/containers/create?name={NAME}", config)
    engine.post(f"/containers/{NAME}/start")
    yield NAME
    engine.call("DELETE", f"/containers/{NAME}?force=1")


def test_one_answer_has_two_samples_and_comes_soon(engine: Engine, busy: str) -> None:
    began = time.monotonic()
    found = engine.get(f"/containers/{busy}/stats?stream=0")
    assert time.monotonic() - began < 0.8  # dockerd takes one to two seconds
    assert found["preread"] < found["read"]
    cpu, before = found["cpu_stats"], found["precpu_stats"]
    assert cpu["cpu_usage"]["total_usage"] > before["cpu_usage"]["total_usage"] > 0
    assert cpu["system_cpu_usage"] > before["system_cpu_usage"]
    assert found["memory_stats"]["limit"] == 64 << 20
    assert found["pids_stats"] == {"current": 1, "limit": 50}
    assert found["networks"]["eth0"]["rx_bytes"] >= 0


def test_one_shot_has_one_sample(engine: Engine, busy: str) -> None:
    found = engine.get(f"/containers/{busy}/stats?stream=0&one-shot=1")
    assert found["preread"] == "0001-01-01T00:00:00Z"
    assert found["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    status, body = engine.call("GET", f"/containers/{busy}/stats?one-shot=1")
    assert (status, b"cannot have stream=true and one-shot=true" in body) == (400, True)


def test_a_stream_goes_on_through_the_end_of_a_run(
    engine: Engine, busy: str, until: Callable[[Callable[[], bool]], None]
) -> None:
    with contextlib.closing(UnixConnection(engine.socket, 20)) as connection:
        connection.request("GET", f"/containers/{busy}/stats")
        answer = connection.getresponse()
        first, second = (json.loads(answer.readline()) for _ in range(2))
        assert first["read"] < second["read"]
        assert second["preread"] == first["read"]
        engine.post(f"/containers/{busy}/kill")
        assert json.loads(answer.readline())["memory_stats"] == {}
        engine.call("DELETE", f"/containers/{busy}")
        assert [line for line in answer if line.strip()] == []


@pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
def test_docker_stats_prints_them(engine: Engine, busy: str) -> None:
    environ = os.environ | {"DOCKER_HOST": engine.address}
    words = ["docker", "stats", "--no-stream", "--format", "{{json .}}", busy]
    done = subprocess.run(words, capture_output=True, env=environ, timeout=30, check=True)
    row: dict[str, Any] = json.loads(done.stdout)
    assert (row["Name"], row["PIDs"]) == (NAME, "1")
    assert row["MemUsage"].endswith("/ 64MiB")
    assert float(row["CPUPerc"].rstrip("%")) > 1
