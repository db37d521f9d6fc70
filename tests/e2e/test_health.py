"""Health checks of real containers: probes, words of `ps`, events, what outlives an engine."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

NAME = "patient"
MS = 1_000_000  # nanoseconds; docker's floor
BY_FILE = "test -e /tmp/ill && { echo ill; exit 3; }; echo well"


@pytest.fixture
def patient(fragile_engine: Engine) -> Iterator[Callable[..., None]]:
    """Starts a container with a health check: `patient(command, interval=..., ...)`."""
    engine = fragile_engine
    engine.revive()

    def start(command: str, *, host: dict[str, object] | None = None, **check: int) -> None:
        health = {"Interval": 100 * MS, **{k.title().replace("_", ""): v for k, v in check.items()}}
        config = {
            "Image": "base",
            "Cmd": ["sleep", "600"],
            "StopTimeout": 0,
            "Healthcheck": {"Test": ["CMD-SHELL", command], **health},
            "HostConfig": {"NetworkMode": "none", **(host or {})},
        }
        engine.post(f"/containers/create?name={NAME}", config)
        engine.post(f"/containers/{NAME}/start")

    yield start
    engine.revive()
    engine.call("DELETE", f"/containers/{NAME}?force=1")


def health(engine: Engine) -> dict[str, Any]:
    found: dict[str, Any] = engine.get(f"/containers/{NAME}/json")["State"]["Health"]
    return found


def status(engine: Engine) -> str:
    return str(engine.get("/containers/json?all=1")[0]["Status"])


def run(engine: Engine, *words: str) -> None:
    """`exec -d` and wait for its end."""
    session = engine.post(f"/containers/{NAME}/exec", {"Cmd": words})["Id"]
    engine.post(f"/exec/{session}/start", {"Detach": True})
    while engine.get(f"/exec/{session}/json")["Running"]:
        time.sleep(0.01)


def actions(engine: Engine, since: float) -> list[str]:
    path = f"/events?since={since:.6f}&until={time.time():.6f}"
    _, body = engine.call("GET", f'{path}&filters={{"event":["health_status"]}}')
    return [json.loads(line)["Action"] for line in body.splitlines()]


def test_health_comes_and_goes_with_what_the_probes_find(
    fragile_engine: Engine, patient: Callable[..., None], until: Until
) -> None:
    engine, began = fragile_engine, time.time()
    patient(BY_FILE, retries=2)
    assert health(engine)["Status"] == "starting"
    assert "(health: starting)" in status(engine)
    until(lambda: health(engine)["Status"] == "healthy")
    assert "(healthy)" in status(engine)
    run(engine, "touch", "/tmp/ill")
    until(lambda: health(engine)["Status"] == "unhealthy")
    found = health(engine)
    assert found["FailingStreak"] >= 2
    assert found["Log"][-1]["ExitCode"] == 3
    assert found["Log"][-1]["Output"] == "ill\n"
    assert [c["Names"] for c in engine.get('/containers/json?filters={"health":["unhealthy"]}')]
    run(engine, "rm", "/tmp/ill")
    until(lambda: health(engine)["Status"] == "healthy")
    until(lambda: len(health(engine)["Log"]) == 5)
    assert actions(engine, began) == [
        "health_status: healthy",
        "health_status: unhealthy",
        "health_status: healthy",
    ]
    engine.post(f"/containers/{NAME}/stop")
    assert health(engine)["Status"] == "unhealthy"
    assert status(engine).startswith("Exited")


def test_a_probe_that_takes_too_long_is_ended_with_all_its_children(
    fragile_engine: Engine, patient: Callable[..., None], until: Until
) -> None:
    engine = fragile_engine
    patient("echo hello; sleep 97 & sleep 98", timeout=150 * MS, retries=1)
    until(lambda: health(engine)["Status"] == "unhealthy")
    result = health(engine)["Log"][0]
    assert result["ExitCode"] == -1
    assert result["Output"] == "Health check exceeded timeout (150ms): hello\n"
    engine.post(f"/containers/{NAME}/pause")  # no probe begins any more
    engine.post(f"/containers/{NAME}/unpause")
    session = engine.post(
        f"/containers/{NAME}/exec", {"Cmd": ["ps", "-e", "-o", "args"], "AttachStdout": True}
    )["Id"]
    _, output = engine.call("POST", f"/exec/{session}/start", {"Detach": False})
    assert output.count(b"sleep 97") <= 1  # that of a probe that runs just now, if any


def test_output_is_cut_and_a_program_that_is_not_there_fails(
    fragile_engine: Engine, patient: Callable[..., None], until: Until
) -> None:
    engine = fragile_engine
    patient("head -c 100000 /dev/zero | tr '\\0' x")
    until(lambda: bool(health(engine)["Log"]))
    assert health(engine)["Log"][0]["Output"] == "x" * 4096 + "..."
    engine.call("DELETE", f"/containers/{NAME}?force=1")
    config = {
        "Image": "base",
        "Cmd": ["sleep", "60"],
        "Healthcheck": {"Test": ["CMD", "absent"], "Interval": 100 * MS, "Retries": 1},
        "HostConfig": {"NetworkMode": "none"},
    }
    engine.post(f"/containers/create?name={NAME}", config)
    engine.post(f"/containers/{NAME}/start")
    until(lambda: health(engine)["Status"] == "unhealthy")
    result = health(engine)["Log"][0]
    assert result["ExitCode"] == -1
    assert 'exec: "absent": executable file not found in $PATH' in result["Output"]


def test_health_survives_the_engine(
    fragile_engine: Engine, patient: Callable[..., None], until: Until
) -> None:
    engine = fragile_engine
    patient("echo $$", interval=300 * MS)
    until(lambda: len(health(engine)["Log"] or []) >= 2)
    engine.kill9()
    engine.start()
    found = health(engine)
    assert found["Status"] == "healthy"
    assert len(found["Log"]) >= 2
    last = found["Log"][-1]["Start"]
    until(lambda: health(engine)["Log"][-1]["Start"] > last)
    engine.kill9()
    engine.start()
    assert health(engine)["Log"][-1]["Start"] > last


def test_a_hanging_probe_of_an_engine_that_died_is_ended(
    fragile_engine: Engine, patient: Callable[..., None], until: Until
) -> None:
    engine = fragile_engine
    patient("sleep 96", interval=50 * MS, timeout=60_000 * MS)

    def hanging() -> set[str]:
        """The pids of probes."""
        rows = engine.get(f"/containers/{NAME}/top?ps_args=-eo%20pid,args")["Processes"]
        return {pid for pid, words in rows if words == "sleep 96"}

    if engine.call("GET", f"/containers/{NAME}/top")[0] != 200:
        pytest.skip("this engine has no top")
    until(lambda: len(hanging()) == 1)
    earlier = hanging()
    engine.kill9()
    engine.start()
    until(lambda: len(hanging()) == 1 and hanging() != earlier)  # its successor alone


def test_a_policy_of_ours_restarts_what_is_unhealthy(
    fragile_engine: Engine, patient: Callable[..., None], until: Until
) -> None:
    engine = fragile_engine
    policy = {"Name": "unhealthy", "MaximumRetryCount": 2}
    patient("exit 1", retries=1, host={"RestartPolicy": policy})
    until(lambda: engine.get(f"/containers/{NAME}/json")["RestartCount"] == 2)
    until(lambda: engine.get(f"/containers/{NAME}/json")["State"]["Status"] == "exited")
    assert health(engine)["Status"] == "unhealthy"


def test_without_that_policy_it_is_left_alone(
    fragile_engine: Engine, patient: Callable[..., None], until: Until
) -> None:
    patient("exit 1", retries=1, host={"RestartPolicy": {"Name": "always"}})
    until(lambda: health(fragile_engine)["FailingStreak"] >= 3)
    assert fragile_engine.get(f"/containers/{NAME}/json")["RestartCount"] == 0
