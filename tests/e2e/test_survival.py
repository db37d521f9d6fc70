"""What a crash of the daemon costs: nothing that a container has done or said.

Containers run on under their monitors; the next daemon finds them again. The campaign kills the
daemon at every failpoint that one container's life passes, and then asks: done, or absent?
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

COUNT = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done"
CONFIG: dict[str, object] = {"Image": "base", "Cmd": ["sh", "-c", "trap 'exit 3' TERM; " + COUNT]}
NAME = "counter"
IS_REMOVED_BY_ITSELF = {"HostConfig": {"AutoRemove": True}}


def create(engine: Engine, name: str, **words: object) -> str:
    host = {"NetworkMode": "none"}
    identity: str = engine.post(
        f"/containers/create?name={name}", {**CONFIG, "HostConfig": host, **words}
    )["Id"]
    return identity


def run(engine: Engine, name: str, **words: object) -> str:
    identity = create(engine, name, **words)
    engine.post(f"/containers/{name}/start")
    return identity


def state(engine: Engine, name: str) -> dict[str, object]:
    found: dict[str, object] = engine.get(f"/containers/{name}/json")["State"]
    return found


def numbers(engine: Engine, name: str) -> list[int]:
    """The numbers that a container has printed, by its log."""
    status, body = engine.call("GET", f"/containers/{name}/logs?stdout=1&stderr=1")
    assert status == 200
    text = b""
    while body:  # frames: stream, 3 zeros, length
        size = int.from_bytes(body[4:8], "big")
        text += body[8 : 8 + size]
        body = body[8 + size :]
    return [int(line) for line in text.split()]


def execute(engine: Engine, name: str, *words: str) -> tuple[int, bytes]:
    """`exec`, on a terminal so that its output is not framed."""
    config = {"Cmd": words, "AttachStdout": True, "Tty": True}
    session = engine.post(f"/containers/{name}/exec", config)["Id"]
    _, output = engine.call("POST", f"/exec/{session}/start", {"Detach": False, "Tty": True})
    return engine.get(f"/exec/{session}/json")["ExitCode"], output


def counted(engine: Engine, name: str, least: int) -> Callable[[], bool]:
    return lambda: len(numbers(engine, name)) >= least


def has_ended(engine: Engine, *identities: str) -> Callable[[], bool]:
    """Whether the monitors have written down their containers' exits, engine or not."""
    runs = Path(f"{engine.directory}/exec/containers")
    return lambda: all((runs / identity / "exit.json").exists() for identity in identities)


def log_size(engine: Engine, identity: str) -> int:
    """Bytes that a container's log has, without asking the engine."""
    place = Path(f"{engine.directory}/data/containers/{identity}")
    return sum(path.stat().st_size for path in place.rglob("*.seg"))


def exits_unseen(engine: Engine, until: Until) -> str:
    """Two containers end while there is no daemon, one of them with --rm; the other one's id."""
    script = "trap 'echo 2; exit 7' USR1; echo 1; while :; do sleep 0.01; done"
    identity = run(engine, NAME, Cmd=["sh", "-c", script], HostConfig={})
    removed = run(engine, "removed", Cmd=["sleep", "600"], **IS_REMOVED_BY_ITSELF)
    until(counted(engine, NAME, 1))
    pids = [int(str(state(engine, name)["Pid"])) for name in (NAME, "removed")]
    engine.kill9()
    for pid, number in zip(pids, (signal.SIGUSR1, signal.SIGKILL), strict=True):
        os.kill(pid, number)
    until(has_ended(engine, identity, removed))
    return identity


@pytest.fixture
def engine(fragile_engine: Engine) -> Engine:
    """An engine to kill: it runs, with no container, when a test begins."""
    fragile_engine.revive()
    fragile_engine.remove_everything()
    assert fragile_engine.findings() == []
    return fragile_engine


def test_a_container_prints_on_while_there_is_no_daemon(engine: Engine, until: Until) -> None:
    identity = run(engine, NAME)
    until(counted(engine, NAME, 3))
    before = state(engine, NAME)
    engine.kill9()
    size = log_size(engine, identity)
    until(lambda: log_size(engine, identity) > size + 300)  # a record takes 22 bytes or so
    engine.start()
    [row] = engine.get("/containers/json")
    assert (row["Id"], row["State"]) == (identity, "running")
    assert state(engine, NAME) == before
    seen = numbers(engine, NAME)
    assert len(seen) > 10
    until(counted(engine, NAME, len(seen) + 3))  # and still does
    found = numbers(engine, NAME)
    assert found == list(range(1, len(found) + 1))
    assert engine.findings() == []


def test_every_verb_works_on_what_was_found_again(engine: Engine, until: Until) -> None:
    run(engine, NAME)
    until(counted(engine, NAME, 1))
    engine.kill9()
    engine.start()
    assert execute(engine, NAME, "sh", "-c", "echo hello; exit 4") == (4, b"hello\r\n")
    engine.post(f"/containers/{NAME}/pause")
    engine.kill9()
    engine.start()
    assert state(engine, NAME)["Status"] == "paused"
    engine.post(f"/containers/{NAME}/unpause")
    engine.post(f"/containers/{NAME}/stop?t=5")
    assert engine.post(f"/containers/{NAME}/wait")["StatusCode"] == 3
    assert state(engine, NAME)["Status"] == "exited"
    engine.post(f"/containers/{NAME}/start")  # a second run, by a daemon that did not see the first
    engine.post(f"/containers/{NAME}/kill")
    assert state(engine, NAME)["ExitCode"] == 137
    assert engine.findings() == []


def test_an_exit_that_no_daemon_saw_is_there(engine: Engine, until: Until) -> None:
    identity = exits_unseen(engine, until)
    engine.start()
    found = state(engine, NAME)
    assert (found["Status"], found["ExitCode"], found["Pid"]) == ("exited", 7, 0)
    assert numbers(engine, NAME) == [1, 2]
    assert engine.post(f"/containers/{NAME}/wait")["StatusCode"] == 7
    assert [row["Names"] for row in engine.get("/containers/json?all=1")] == [[f"/{NAME}"]]
    _, body = engine.call("GET", f"/events?since=0&until={time.time() + 0.1:.3f}")
    events = [json.loads(line) for line in body.splitlines()]
    died = [e for e in events if e["Action"] == "die" and e["Actor"]["ID"] == identity]
    assert [e["Actor"]["Attributes"]["exitCode"] for e in died] == ["7"]
    assert engine.findings() == []


@pytest.mark.parametrize("is_removed_by_itself", [False, True])
def test_a_life_that_no_daemon_recorded_is_there(
    engine: Engine, is_removed_by_itself: bool, until: Until
) -> None:
    words = IS_REMOVED_BY_ITSELF if is_removed_by_itself else {}
    identity = create(engine, NAME, Cmd=["sh", "-c", "echo 1; exit 7"], **words)
    engine.arm("start.after-spawn")
    with contextlib.suppress(OSError, http.client.HTTPException):
        engine.post(f"/containers/{NAME}/start")
    assert engine.wait_dead() == -signal.SIGKILL
    until(has_ended(engine, identity))
    engine.start()
    if is_removed_by_itself:
        assert engine.get("/containers/json?all=1") == []
    else:
        found = state(engine, NAME)
        assert (found["Status"], found["ExitCode"]) == ("exited", 7)
        assert numbers(engine, NAME) == [1]
    assert engine.findings() == []


def test_an_exit_just_after_the_return_of_the_daemon_is_seen(engine: Engine) -> None:
    run(engine, NAME, Cmd=["sh", "-c", "sleep 1; exit 9"])
    engine.kill9()
    engine.start()
    assert engine.post(f"/containers/{NAME}/wait")["StatusCode"] == 9
    assert engine.findings() == []


def test_a_restart_policy_holds_over_a_crash(engine: Engine, until: Until) -> None:
    policy = {"RestartPolicy": {"Name": "always"}, "NetworkMode": "none"}
    run(engine, NAME, Cmd=["sleep", "0.3"], HostConfig=policy)
    engine.kill9()
    time.sleep(0.6)
    engine.start()
    until(lambda: state(engine, NAME)["Status"] == "running")


def test_an_orderly_stop_leaves_containers_alone_as_well(engine: Engine, until: Until) -> None:
    run(engine, NAME)
    until(counted(engine, NAME, 3))
    engine.stop()
    engine.start()
    found = numbers(engine, NAME)
    until(counted(engine, NAME, len(found) + 3))
    found = numbers(engine, NAME)
    assert found == list(range(1, len(found) + 1))


# --- the campaign -----------------------------------------------------------------------------


def do_create(engine: Engine) -> None:
    engine.post(f"/containers/create?name={NAME}", {**CONFIG, "HostConfig": {}})


def do_create_published(engine: Engine) -> None:
    ports = {"80/tcp": [{"HostPort": "8080"}], "53/udp": [{"HostIp": "127.0.0.1"}]}
    asked = {**CONFIG, "HostConfig": {"PortBindings": ports}}
    engine.in_namespace("ip", "link", "set", "lo", "up")
    engine.post(f"/containers/create?name={NAME}", asked)


def do_create_removed(engine: Engine) -> None:
    host = {"AutoRemove": True}
    engine.post(f"/containers/create?name={NAME}", {**CONFIG, "HostConfig": host})


def do_start(engine: Engine) -> None:
    engine.post(f"/containers/{NAME}/start")


def do_stop(engine: Engine) -> None:
    engine.post(f"/containers/{NAME}/stop?t=5")


def do_remove(engine: Engine) -> None:
    status, body = engine.call("DELETE", f"/containers/{NAME}?force=1")
    assert status == 204, body


def do_update(engine: Engine) -> None:
    engine.post(f"/containers/{NAME}/update", {"CpuShares": 512})


def do_pause(engine: Engine) -> None:
    engine.post(f"/containers/{NAME}/pause")


def do_unpause(engine: Engine) -> None:
    engine.post(f"/containers/{NAME}/unpause")


def do_restart(engine: Engine) -> None:
    engine.post(f"/containers/{NAME}/restart?t=5")


class Step(NamedTuple):
    """An operation: the states that it leads from and to ("": no container), its failpoints."""

    do: Callable[[Engine], None]
    before: str
    after: str
    failpoints: list[str]
    between: str | None = None  # where a crash may leave it: the operation is two of Docker's own
    elsewhere: list[str] = []  # noqa: RUF012 - failpoints that another life goes through


def commits(count: int) -> list[str]:
    """The failpoints of up to so many transactions."""
    numbers = ["", *(f":{number}" for number in range(2, count + 1))]
    return [f"state.{side}-commit{number}" for side in ("before", "after") for number in numbers]


CREATION = [*commits(1), "create.after-row", "create.before-snapshot", "snapshots.prepared"]
NETWORKING = ["before-lease", "bridge-made", "filter-replaced", "joined", "leased"]
FIRST_USE = ("networks.bridge-made", "networks.filter-replaced")
RELEASE = ["networks.before-release", "networks.released"]
REMOVAL = ["remove.after-bytes", "remove.before-bytes", "snapshots.removed", "snapshots.removing"]
EXIT = ["exit.after-record", "exit.before-record", *RELEASE]
START = [
    *commits(2),
    *(f"networks.{name}" for name in NETWORKING),
    *("start.after-spawn", "start.before-spawn", "start.network-attached"),
]
AGAIN = [name for name in START if not name.startswith(("state.", *FIRST_USE))]
LIVES = {
    "a life": {
        "create": Step(do_create, "", "created", CREATION),
        "start": Step(do_start, "created", "running", START),
        "stop": Step(do_stop, "running", "exited", [*commits(3), *EXIT]),
        "remove": Step(
            do_remove,
            "exited",
            "",
            [*commits(1), "remove.after-row", "remove.before-row", *REMOVAL],
        ),
    },
    "forced": {
        "create": Step(do_create, "", "created", []),
        "start": Step(do_start, "created", "running", []),
        "remove": Step(
            do_remove,
            "running",
            "",
            [*commits(3), *EXIT, "remove.after-row", "remove.before-row", *REMOVAL],
            between="exited",
        ),
    },
    "with --rm": {
        "create": Step(do_create_removed, "", "created", []),
        "start": Step(do_start, "created", "running", []),
        "stop": Step(do_stop, "running", "", [*commits(3), *EXIT, *REMOVAL]),
    },
}
LIVES["changed"] = {
    "create": Step(do_create, "", "created", []),
    "start": Step(do_start, "created", "running", []),
    "update": Step(
        do_update, "running", "running", [*commits(1), "update.before-row", "update.after-row"]
    ),
    "pause": Step(do_pause, "running", "paused", commits(1)),
    "unpause": Step(do_unpause, "paused", "running", commits(1)),
    "restart": Step(
        do_restart,
        "running",
        "running",
        [*commits(2), *EXIT, *AGAIN],
        between="exited",
    ),
}
LIVES["published"] = {
    "create": Step(do_create_published, "", "created", []),
    "start": Step(
        do_start,
        "created",
        "running",
        ["ports.recorded", "ports.held", "ports.redirected", "networks.filter-changed"],
        elsewhere=START,
    ),
    "stop": Step(
        do_stop,
        "running",
        "exited",
        ["ports.before-release", "ports.shut", "ports.dropped", "ports.released"],
        elsewhere=[*commits(3), *EXIT, "networks.filter-changed"],
    ),
}
CAMPAIGN = [
    (life, operation, name)
    for life, steps in LIVES.items()
    for operation, step in steps.items()
    for name in step.failpoints
]


def ends(counted: list[int]) -> list[int]:
    """How far each run has counted: the log of a container that was restarted has several."""
    following = [*counted[1:], 1]
    return [n for n, after in zip(counted, following, strict=True) if after == 1]


def outcome(engine: Engine) -> str:
    """The state that the container is in, "" when there is none."""
    rows = engine.get("/containers/json?all=1")
    assert len(rows) <= 1
    return str(rows[0]["State"]) if rows else ""


@pytest.mark.parametrize("life", LIVES)
def test_the_campaign_knows_every_failpoint(
    engine: Engine, tmp_path: Path, until: Until, life: str
) -> None:
    do_create(engine)  # whose image may have to be made first, and the first network completed
    do_start(engine)
    do_remove(engine)
    engine.kill9()
    engine.forget_bridge()
    engine.start()
    known = {
        operation: {name.partition(":")[0] for name in (*step.failpoints, *step.elsewhere)}
        for operation, step in LIVES[life].items()
    }
    found: dict[str, set[str]] = {}

    def passed(operation: str) -> set[str]:
        text = (tmp_path / operation).read_text()
        return {line.partition(":")[0] for line in text.split()}

    for operation, step in LIVES[life].items():
        names = tmp_path / operation
        names.touch()
        engine.arm(f"list:{names}")
        step.do(engine)
        if operation == "start":
            until(counted(engine, NAME, 1))
        with contextlib.suppress(AssertionError):  # the comparison below says what is missing
            until(partial(lambda name: known[name] <= passed(name), operation))
        time.sleep(0.2)  # what goes on after the answer, and nobody knows of
        found[operation] = passed(operation)
    engine.arm("")
    assert {operation: found[operation] for operation in known if known[operation]} == {
        operation: names for operation, names in known.items() if names
    }


@pytest.mark.parametrize(("life", "operation", "failpoint"), CAMPAIGN)
def test_a_crash_at_a_failpoint_leaves_it_done_or_absent(
    engine: Engine, until: Until, life: str, operation: str, failpoint: str
) -> None:
    step = LIVES[life][operation]
    if failpoint in FIRST_USE:
        engine.kill9()
        engine.forget_bridge()
        engine.start()
    for earlier, preparation in LIVES[life].items():
        if earlier == operation:
            break
        preparation.do(engine)
        if earlier == "start":
            until(counted(engine, NAME, 1))  # from now on it heeds SIGTERM
    assert outcome(engine) == step.before
    assert engine.findings() == []
    engine.arm(failpoint)
    try:
        step.do(engine)
    except (OSError, http.client.HTTPException):
        allowed = {step.before, step.between, step.after}
    else:
        allowed = {step.after}  # it died in what follows the answer
    try:
        assert engine.wait_dead(1 if ":" in failpoint else 10) == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        assert ":" in failpoint  # transactions that met were committed as one
        engine.kill9()
    engine.start()
    assert outcome(engine) in allowed
    assert engine.findings() == []
    if outcome(engine) == "running":
        until(counted(engine, NAME, 1))
    if outcome(engine) in ("running", "exited"):
        found = numbers(engine, NAME)
        assert found == [n for end in ends(found) for n in range(1, end + 1)]
    engine.remove_everything()
    assert outcome(engine) == ""
    assert engine.findings() == []
    do_create(engine)  # the name, and whatever else it had, is free again
    do_start(engine)


RECOVERY = [*commits(1), "exit.after-record", "exit.before-record"]


@pytest.mark.parametrize("failpoint", RECOVERY)
def test_a_crash_while_a_crash_is_being_mended(
    engine: Engine, failpoint: str, until: Until
) -> None:
    exits_unseen(engine, until)
    engine.launch(failpoint)
    assert engine.wait_dead() == -signal.SIGKILL
    engine.start()
    assert outcome(engine) == "exited"
    assert state(engine, NAME)["ExitCode"] == 7
    assert engine.findings() == []


def live_and_die(engine: Engine, name: str) -> None:
    """Containers come and go, one after the other, until the daemon dies."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        for number in itertools.count():
            host = {"AutoRemove": number % 2 == 0}
            run(engine, f"{name}-{number}", Cmd=["sleep", "0.05"], HostConfig=host)
            status, body = engine.call("DELETE", f"/containers/{name}-{number - 1}?force=1")
            assert status in (204, 404, 409), body


@pytest.mark.parametrize("after_s", [0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
def test_a_crash_in_the_midst_of_much_leaves_nothing_unaccounted_for(
    engine: Engine, after_s: float
) -> None:
    with ThreadPoolExecutor() as pool:
        lives = [pool.submit(live_and_die, engine, f"life{number}") for number in range(4)]
        time.sleep(after_s)
        engine.kill9()
    for life in lives:
        life.result()
    engine.start()
    rows = engine.get("/containers/json?all=1")
    assert {row["State"] for row in rows} <= {"created", "running", "exited"}
    assert engine.findings() == []
    engine.remove_everything()
    assert engine.get("/containers/json?all=1") == []
    assert engine.findings() == []


@pytest.fixture
def mortal(fragile_engine: Engine) -> Iterator[Callable[[str], None]]:
    """Has the monitors of containers that are started from now on die at a failpoint."""

    def arm(failpoint: str) -> None:
        fragile_engine.remove_everything()
        fragile_engine.stop()
        fragile_engine.start(failpoint)

    yield arm
    arm("")


@pytest.mark.parametrize("failpoint", ["rundir.exit.json.renamed", "exit.told"])
def test_a_monitor_that_dies_after_its_last_word_leaves_exit_code_and_no_group(
    fragile_engine: Engine, mortal: Callable[[str], None], failpoint: str
) -> None:
    mortal(failpoint)
    run(fragile_engine, "brief", Cmd=["sh", "-c", "exit 7"])
    assert fragile_engine.post("/containers/brief/wait")["StatusCode"] == 7
    assert (fragile_engine.findings(), fragile_engine.cgroups()) == ([], [])


def test_a_group_that_monitor_and_daemon_left_goes_at_the_next_start(
    fragile_engine: Engine,
) -> None:
    fragile_engine.remove_everything()
    identity = create(fragile_engine, "idle")
    groups = fragile_engine.make_cgroups(identity)
    fragile_engine.kill9()
    fragile_engine.start()
    assert groups
    assert fragile_engine.cgroups() == []
    fragile_engine.remove_everything()
