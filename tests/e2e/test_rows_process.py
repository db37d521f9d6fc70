"""Behaviours that re-implementers get wrong, by their row: what a process in a container finds.

2 exec, 23 init, 24 memory, 25 terminals, 26 variables, 30 input, 31 walls, 32 users.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(engine: Engine) -> Iterator[Run]:
    """Runs a script in a container: exit code and what it printed."""
    made: list[str] = []

    def go(script: str, *, host: Any = None, **config: Any) -> tuple[int, str]:
        document = {
            "Image": "base",
            "Cmd": ["sh", "-c", script],
            "HostConfig": host or {},
            **config,
        }
        container: str = engine.post("/containers/create", document)["Id"]
        made.append(container)
        engine.post(f"/containers/{container}/start")
        code = int(engine.post(f"/containers/{container}/wait")["StatusCode"])
        return code, output(engine, container, tty=bool(config.get("Tty")))

    yield go
    for each in made:
        engine.call("DELETE", f"/containers/{each}?force=1")


def output(engine: Engine, container: str, *, tty: bool = False) -> str:
    data = engine.call("GET", f"/containers/{container}/logs?stdout=1&stderr=1")[1]
    if tty:
        return data.decode()
    text = b""
    while data:
        size = int.from_bytes(data[4:8], "big")
        text, data = text + data[8 : 8 + size], data[8 + size :]
    return text.decode()


@pytest.fixture(scope="module")
def sleeper(engine: Engine) -> Iterator[str]:
    document = {"Image": "base", "Cmd": ["sleep", "600"], "Env": ["A=1", "B=2"]}
    container: str = engine.post("/containers/create", document)["Id"]
    engine.post(f"/containers/{container}/start")
    yield container
    engine.call("DELETE", f"/containers/{container}?force=1")


def execute(engine: Engine, container: str, words: list[str], **config: Any) -> tuple[int, str]:
    asked = {"Cmd": words, "AttachStdout": True, "AttachStderr": True, **config}
    exec_id = engine.post(f"/containers/{container}/exec", asked)["Id"]
    status, data = engine.call("POST", f"/exec/{exec_id}/start", {})
    assert status == 200, data
    code = engine.get(f"/exec/{exec_id}/json")["ExitCode"]
    return code, data.decode(errors="replace")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["nope"], 127, "executable file not found in $PATH"),
        (["/etc/passwd"], 126, "permission denied"),
        (["sh", "-c", "exit 3"], 3, ""),
        (["true"], 0, ""),
    ],
)
def test_row_2_the_exit_code_of_an_exec(
    engine: Engine, sleeper: str, words: list[str], code: int, text: str
) -> None:
    found, said = execute(engine, sleeper, words)
    assert (found, text in said) == (code, True), said


def test_row_2_an_exec_is_started_once(engine: Engine, sleeper: str) -> None:
    exec_id = engine.post(f"/containers/{sleeper}/exec", {"Cmd": ["true"]})["Id"]
    engine.post(f"/exec/{exec_id}/start", {"Detach": True})
    status, body = engine.call("POST", f"/exec/{exec_id}/start", {})
    assert (status, b"already" in body) == (409, True)


def test_row_2_a_paused_container_takes_no_exec(engine: Engine, sleeper: str) -> None:
    engine.post(f"/containers/{sleeper}/pause")
    try:
        status, body = engine.call("POST", f"/containers/{sleeper}/exec", {"Cmd": ["true"]})
        assert (status, b"is paused, unpause the container before exec" in body) == (409, True)
    finally:
        engine.post(f"/containers/{sleeper}/unpause")


def test_row_23_a_first_process_ignores_signals_that_it_does_not_handle(run: Run) -> None:
    assert run("kill -TERM $$; kill -KILL $$; echo alive") == (0, "alive\n")


def test_row_23_init_is_the_first_process_and_reaps(run: Run) -> None:
    code, text = run("tr '\\0' ' ' </proc/1/cmdline; echo; echo $$", host={"Init": True})
    first, own = text.splitlines()
    assert (code, first.split()[:2]) == (0, ["/sbin/docker-init", "--"])
    assert own != "1"


def test_row_24_a_container_that_runs_out_of_memory_is_told(engine: Engine, run: Run) -> None:
    hungry = "head -c 200m /dev/zero | tail >/dev/null"
    code, _ = run(f"exec sh -c '{hungry}'", host={"Memory": 16 << 20, "MemorySwap": 16 << 20})
    assert code != 0
    [found] = engine.get("/containers/json?all=1&limit=1")
    assert engine.get(f"/containers/{found['Id']}/json")["State"]["OOMKilled"]


def test_row_25_a_terminal_has_the_size_that_was_asked(run: Run) -> None:
    code, text = run("stty size", Tty=True, host={"ConsoleSize": [31, 77]})
    assert (code, text) == (0, "31 77\r\n")


def test_row_25_term_is_set_for_terminals_only(run: Run) -> None:
    assert run("echo ${TERM-none}", Tty=True) == (0, "xterm\r\n")
    assert run("echo ${TERM-none}") == (0, "none\n")


def test_row_25_the_size_of_an_exec_is_its_own(engine: Engine, sleeper: str) -> None:
    code, text = execute(engine, sleeper, ["stty", "size"], Tty=True, ConsoleSize=[11, 22])
    assert (code, "11 22" in text) == (0, True)


def test_row_26_variables_have_defaults_and_the_users_win(run: Run) -> None:
    code, text = run("env", Env=["FOO=bar", "EMPTY=", "HOSTNAME=mine"], Hostname="h")
    found = dict(line.partition("=")[::2] for line in text.splitlines())
    assert code == 0
    assert found["PATH"].startswith("/usr/local/sbin:")
    assert (found["HOME"], found["FOO"], found["EMPTY"]) == ("/root", "bar", "")
    assert found["HOSTNAME"] == "mine"


def test_row_26_an_exec_has_the_containers_variables_and_its_own(
    engine: Engine, sleeper: str
) -> None:
    code, text = execute(engine, sleeper, ["sh", "-c", "echo $A $B"], Env=["B=3"])
    assert (code, "1 3" in text) == (0, True)


def test_row_31_a_plain_container_has_dockers_walls(run: Run) -> None:
    script = """
        touch /sys/x 2>/dev/null || echo sys read-only
        echo 1 2>/dev/null >/proc/sys/kernel/domainname || echo proc-sys read-only
        cat /proc/kcore 2>/dev/null | head -c 1 | wc -c
        grep -h CapEff /proc/self/status
        grep -h NoNewPrivs /proc/self/status
        grep -h Seccomp: /proc/self/status
        df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2
    """
    code, text = run(script)
    assert code == 0
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "sys read-only",
        "proc-sys read-only",
        "0",
        "CapEff: 00000000a80425fb",
        "NoNewPrivs: 0",
        "Seccomp: 2",
        "65536",
    ]


def test_row_31_masked_paths_can_be_chosen(run: Run) -> None:
    shown = run("wc -c </proc/timer_list", host={"MaskedPaths": ["/proc/keys"]})
    assert int(shown[1]) > 0
    assert run("wc -c </proc/timer_list")[1].strip() == "0"


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ("nobody", "65534:65534"),
        ("65534", "65534:65534"),
        ("1234", "1234:0"),
        ("1234:5", "1234:5"),
        ("nobody:tty", "65534:5"),
    ],
)
def test_row_32_a_user_is_looked_up_in_the_image(run: Run, user: str, text: str) -> None:
    assert run("echo $(id -u):$(id -g)", User=user) == (0, f"{text}\n")


def test_row_32_a_user_that_is_not_there_is_told(engine: Engine) -> None:
    document = {"Image": "base", "Cmd": ["true"], "User": "nosuchuser"}
    container = engine.post("/containers/create", document)["Id"]
    status, body = engine.call("POST", f"/containers/{container}/start")
    text = "unable to find user nosuchuser: no matching entries in passwd file"
    assert (status, text in json.loads(body)["message"]) == (500, True)
    engine.call("DELETE", f"/containers/{container}")


def test_row_32_groups_are_added(run: Run) -> None:
    code, text = run("id -G", User="1234:5", host={"GroupAdd": ["tty", "77"]})
    assert (code, set(text.split())) == (0, {"5", "77"})
