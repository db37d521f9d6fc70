"""Behaviours that re-implementers get wrong, by their row: a container's life.

The rows are those of the comparison with moby's integration tests: 1 exit codes, 3 waits, 4 --rm,
7 restart policies, 8 stop, 9 names, 10 ids, 28 the daemon's absence, 34 prunes, 35 conflicts.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Engine

Make = Callable[..., str]


def state(engine: Engine, container: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.get(f"/containers/{container}/json")["State"]
    return found


def run(engine: Engine, container: str) -> int:
    engine.post(f"/containers/{container}/start")
    return int(engine.post(f"/containers/{container}/wait")["StatusCode"])


@pytest.mark.parametrize(
    ("words", "status", "code", "text"),
    [
        (["/nope"], 400, 127, "no such file or directory"),
        (["nope"], 400, 127, "executable file not found in $PATH"),
        (["/etc/passwd"], 400, 126, "permission denied"),
        (["/etc"], 400, 126, "is a directory"),
    ],
)
def test_row_1_a_program_that_cannot_be_started_is_told_and_recorded(
    engine: Engine, make: Make, words: list[str], status: int, code: int, text: str
) -> None:
    container = make("", Cmd=words)
    answered, body = engine.call("POST", f"/containers/{container}/start")
    assert (answered, text in json.loads(body)["message"]) == (status, True), body
    found = state(engine, container)
    assert (found["Status"], found["ExitCode"], text in found["Error"]) == ("created", code, True)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"HostConfig": {"Sysctls": {"kernel.bogus": "1"}}}, "not in a separate kernel namespace"),
        ({"Hostname": "x" * 70}, "invalid argument"),
        ({"HostConfig": {"Tmpfs": {"/t": "bogus"}}}, "bogus"),
    ],
)
def test_row_1_what_the_runtime_refuses_is_told_with_its_reason(
    engine: Engine, make: Make, config: dict[str, Any], text: str
) -> None:
    container = make("true", **config)
    status, body = engine.call("POST", f"/containers/{container}/start")
    assert (status, text in json.loads(body)["message"]) == (500, True), body
    assert state(engine, container)["ExitCode"] == 128


@pytest.mark.parametrize("code", [0, 3, 255])
def test_row_1_the_exit_code_is_the_programs(engine: Engine, make: Make, code: int) -> None:
    assert run(engine, make(f"exit {code}")) == code


def test_row_1_a_signal_is_128_and_its_number(engine: Engine, make: Make) -> None:
    container = make("exec sleep 600")
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/kill?signal=KILL")
    assert state(engine, container)["ExitCode"] == 137


class Waiting(threading.Thread):
    """A wait that was sent, and its answer."""

    def __init__(self, engine: Engine, container: str, condition: str) -> None:
        super().__init__()
        self._engine, self._path = engine, f"/containers/{container}/wait?condition={condition}"
        self.answer: Any = None
        self.start()
        time.sleep(0.2)  # until it is registered: there is nothing to be seen of that

    def run(self) -> None:
        self.answer = json.loads(self._engine.call("POST", self._path)[1])

    def result(self) -> Any:
        self.join(20)
        return self.answer


def test_row_3_a_wait_before_the_start_hears_of_the_exit(engine: Engine, make: Make) -> None:
    container = make("exit 7")
    waiting = Waiting(engine, container, "next-exit")
    engine.post(f"/containers/{container}/start")
    assert waiting.result() == {"StatusCode": 7}


def test_row_3_a_wait_for_the_removal_outlives_the_exit(engine: Engine, make: Make) -> None:
    container = make("exit 5")
    waiting = Waiting(engine, container, "removed")
    run(engine, container)
    assert waiting.is_alive()
    engine.call("DELETE", f"/containers/{container}")
    assert waiting.result() == {"StatusCode": 5}


def test_row_3_a_wait_survives_rm(engine: Engine, make: Make) -> None:
    container = make("exit 6", host={"AutoRemove": True})
    waiting = Waiting(engine, container, "removed")
    engine.post(f"/containers/{container}/start")
    assert waiting.result() == {"StatusCode": 6}
    assert engine.call("GET", f"/containers/{container}/json")[0] == 404


def test_row_3_next_exit_is_not_the_last_one(engine: Engine, make: Make) -> None:
    container = make("exit 4")
    run(engine, container)
    assert engine.post(f"/containers/{container}/wait")["StatusCode"] == 4  # not-running: at once
    waiting = Waiting(engine, container, "next-exit")
    assert waiting.is_alive()
    engine.post(f"/containers/{container}/start")
    assert waiting.result() == {"StatusCode": 4}


def test_row_4_rm_removes_also_when_the_start_fails(engine: Engine, make: Make) -> None:
    container = make("", Cmd=["/nope"], host={"AutoRemove": True})
    assert engine.call("POST", f"/containers/{container}/start")[0] == 400
    assert engine.call("GET", f"/containers/{container}/json")[0] == 404


def test_row_4_restart_does_not_remove(engine: Engine, make: Make) -> None:
    container = make("exec sleep 600", host={"AutoRemove": True})
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/restart?t=0")
    assert state(engine, container)["Running"]


def test_row_4_rm_excludes_a_restart_policy_also_later(engine: Engine, make: Make) -> None:
    container = make("exec sleep 600", host={"AutoRemove": True})
    asked = {"RestartPolicy": {"Name": "always"}}
    status, body = engine.call("POST", f"/containers/{container}/update", asked)
    assert (status, b"AutoRemove is enabled" in body) == (409, True)


def test_row_7_on_failure_counts_and_gives_up(engine: Engine, make: Make, until: Any) -> None:
    policy = {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}}
    container = make("exit 3", host=policy)
    engine.post(f"/containers/{container}/start")

    def has_given_up() -> bool:
        found = engine.get(f"/containers/{container}/json")
        return bool(found["RestartCount"] == 2 and found["State"]["Status"] == "exited")

    until(has_given_up)
    assert state(engine, container)["ExitCode"] == 3


def test_row_7_a_success_is_no_failure(engine: Engine, make: Make) -> None:
    container = make("exit 0", host={"RestartPolicy": {"Name": "on-failure"}})
    assert run(engine, container) == 0
    assert engine.get(f"/containers/{container}/json")["RestartCount"] == 0


def test_row_7_while_it_waits_it_is_restarting_and_stop_ends_that(
    engine: Engine, make: Make, until: Any
) -> None:
    container = make("exit 1", host={"RestartPolicy": {"Name": "always"}})
    engine.post(f"/containers/{container}/start")
    until(lambda: state(engine, container)["Restarting"])
    until(lambda: engine.get(f"/containers/{container}/json")["RestartCount"] >= 3)
    until(lambda: state(engine, container)["Status"] == "restarting")
    status, body = engine.call("DELETE", f"/containers/{container}")
    assert (status, b"container is restarting: stop the container before" in body) == (409, True)
    status, body = engine.call("POST", f"/containers/{container}/pause")
    assert status == 409
    engine.post(f"/containers/{container}/stop")
    assert state(engine, container)["Status"] == "exited"
    time.sleep(1)
    assert state(engine, container)["Status"] == "exited"


def test_row_7_a_kill_by_hand_is_final(engine: Engine, make: Make) -> None:
    container = make("exec sleep 600", host={"RestartPolicy": {"Name": "always"}})
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/kill")
    time.sleep(0.5)
    assert state(engine, container)["Status"] == "exited"


def test_row_8_stop_sends_the_images_signal_and_then_kills(
    engine: Engine, make: Make, until: Callable[[Callable[[], bool]], None]
) -> None:
    def is_ready(container: str) -> bool:
        return b"ready" in engine.call("GET", f"/containers/{container}/logs?stdout=1")[1]

    script = "trap 'exit 9' USR1; trap '' TERM; echo ready; while :; do sleep 0.05; done"
    gentle = make(script, StopSignal="SIGUSR1")
    engine.post(f"/containers/{gentle}/start")
    until(lambda: is_ready(gentle))
    engine.post(f"/containers/{gentle}/stop?t=10")
    assert state(engine, gentle)["ExitCode"] == 9
    stubborn = make("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    engine.post(f"/containers/{stubborn}/start")
    until(lambda: is_ready(stubborn))
    begun = time.monotonic()
    engine.post(f"/containers/{stubborn}/stop?t=1")
    assert 0.9 < time.monotonic() - begun < 9  # less than the 10 s of who asks for nothing
    assert state(engine, stubborn)["ExitCode"] == 137


@pytest.mark.parametrize("verb", ["stop?t=0", "kill", "restart?t=0"])
def test_row_8_a_paused_container_is_thawed(engine: Engine, make: Make, verb: str) -> None:
    container = make("exec sleep 600")
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/pause")
    assert state(engine, container)["Paused"]
    engine.post(f"/containers/{container}/{verb}")
    found = state(engine, container)
    assert (found["Paused"], found["Running"]) == (False, verb.startswith("restart"))


def test_row_8_a_paused_container_is_removed_by_force(engine: Engine, make: Make) -> None:
    container = make("exec sleep 600")
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/pause")
    assert engine.call("DELETE", f"/containers/{container}?force=1")[0] == 204


def test_row_9_a_generated_name_is_two_words(engine: Engine, make: Make) -> None:
    name = engine.get(f"/containers/{make('true')}/json")["Name"]
    assert re.fullmatch(r"/[a-z]+_[a-z]+[0-9]?", name)


def test_row_9_a_name_is_free_again_after_a_failed_create(engine: Engine, make: Make) -> None:
    asked = {"Image": "base", "HostConfig": {"Memory": 1}}
    assert engine.call("POST", "/containers/create?name=row9", asked)[0] == 400
    container = make("true", name="row9")
    status, body = engine.call("POST", "/containers/create?name=row9", {"Image": "base"})
    assert status == 409
    assert f'is already in use by container "{container}"' in json.loads(body)["message"]


def test_row_10_a_name_wins_over_a_prefix_of_an_id(engine: Engine, make: Make) -> None:
    other = make("true")
    named = make("true", name=other[:5])
    assert engine.get(f"/containers/{other[:5]}/json")["Id"] == named
    assert engine.get(f"/containers/{other[:12]}/json")["Id"] == other
    assert engine.get(f"/containers/{other}/json")["Id"] == other


def test_row_28_what_happened_without_the_daemon_is_known_afterwards(
    fragile_engine: Engine, until: Any
) -> None:
    engine = fragile_engine
    long = {"Image": "base", "Cmd": ["sh", "-c", "while :; do echo tick; sleep 0.1; done"]}
    short = {"Image": "base", "Cmd": ["sh", "-c", "sleep 1; echo bye; exit 8"]}
    ids = [engine.post("/containers/create", each)["Id"] for each in (long, short)]
    for each in ids:
        engine.post(f"/containers/{each}/start")
    pid = state(engine, ids[0])["Pid"]
    engine.kill9()
    time.sleep(1.3)
    engine.start()
    assert state(engine, ids[0])["Pid"] == pid
    found = state(engine, ids[1])
    assert (found["Status"], found["ExitCode"]) == ("exited", 8)
    assert b"bye" in engine.call("GET", f"/containers/{ids[1]}/logs?stdout=1")[1]
    before = engine.call("GET", f"/containers/{ids[0]}/logs?stdout=1")[1].count(b"tick")
    assert before >= 10
    engine.remove_everything()


def test_row_34_a_second_prune_is_refused_or_finds_nothing(engine: Engine, make: Make) -> None:
    made = {make("true", Labels={"row": "34"}) for _ in range(5)}
    path = f"/containers/prune?filters={quote(json.dumps({'label': ['row=34']}))}"
    answers: list[tuple[int, Any]] = []

    def prune() -> None:
        status, body = engine.call("POST", path)
        answers.append((status, json.loads(body)))

    threads = [threading.Thread(target=prune) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    removed = [
        i for status, body in answers if status == 200 for i in body["ContainersDeleted"] or []
    ]
    assert sorted(removed) == sorted(made)
    assert {status for status, _ in answers} <= {200, 409}


def test_row_34_prune_keeps_what_runs_and_what_is_too_young(engine: Engine, make: Make) -> None:
    running, young = make("exec sleep 600", Labels={"r": "1"}), make("true", Labels={"r": "1"})
    engine.post(f"/containers/{running}/start")
    for filters in ({"label": ["r=1"], "until": ["1h"]}, {"label!": ["r"], "label": ["r=1"]}):
        answer = engine.post(f"/containers/prune?filters={quote(json.dumps(filters))}")
        assert answer == {"ContainersDeleted": None, "SpaceReclaimed": 0}
    answer = engine.post(f"/containers/prune?filters={quote(json.dumps({'label': ['r=1']}))}")
    assert answer["ContainersDeleted"] == [young]


def test_row_35_a_link_is_an_address_variables_and_a_name(engine: Engine, make: Make) -> None:
    child = make("exec sleep 600", name="row35-db", Env=["SECRET=x"], ExposedPorts={"5432/tcp": {}})
    engine.post(f"/containers/{child}/start")
    script = "env; cat /etc/hosts"
    parent = make(script, name="row35-web", host={"Links": ["row35-db:db"]})
    assert run(engine, parent) == 0
    output = engine.call("GET", f"/containers/{parent}/logs?stdout=1")[1]
    networks = engine.get(f"/containers/{child}/json")["NetworkSettings"]["Networks"]
    ip = networks["bridge"]["IPAddress"]
    for text in (
        "DB_NAME=/row35-web/db",
        f"DB_PORT_5432_TCP_ADDR={ip}",
        f"DB_PORT=tcp://{ip}:5432",
        "DB_ENV_SECRET=x",
        f"{ip}\tdb row35-db",
    ):
        assert text.encode() in output
    found = engine.get("/containers/row35-web/json")["HostConfig"]["Links"]
    assert found == ["/row35-db:/row35-web/db"]
    assert engine.get("/containers/row35-web/db/json")["Id"] == child
    rows = {row["Id"]: row["Names"] for row in engine.get("/containers/json?all=1")}
    assert rows[child] == ["/row35-db", "/row35-web/db"]
    assert engine.call("DELETE", "/containers/row35-web/db?link=1")[0] == 204
    rows = {row["Id"]: row["Names"] for row in engine.get("/containers/json?all=1")}
    assert rows[child] == ["/row35-db"]
