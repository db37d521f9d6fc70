"""Behaviours that re-implementers get wrong, by their row: what goes in and what comes out.

The rows are those of the comparison with moby's integration tests: 5 signals of the client, 6
detach keys, 27 logs, 29 attaching, 30 stdin.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from lading.runtime.segments import STDERR, STDOUT

if TYPE_CHECKING:
    from tests.e2e.conftest import Engine

Make = Callable[..., str]
Until = Callable[[Callable[[], bool]], None]
docker_only = pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
CATCH = 'for s in HUP INT QUIT USR1 USR2 ALRM TERM CONT WINCH; do trap "echo $s" $s; done; '
LOOP = "echo ready; while :; do sleep 0.05; done"
EOF_KEYS = b"\x10\x11"


def hijacked(engine: Engine, path: str) -> socket.socket:
    """A connection after the head of its answer."""
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(20)
    connected.connect(engine.socket)
    line = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    connected.sendall(line.encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connected.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connected


def attached(engine: Engine, container: str, query: str) -> socket.socket:
    return hijacked(engine, f"/containers/{container}/attach?stream=1&{query}")


def rest(connected: socket.socket) -> bytes:
    with connected:
        return b"".join(iter(lambda: connected.recv(65536), b""))


def frames(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        size = int.from_bytes(data[4:8], "big")
        found.append((data[0], data[8 : 8 + size]))
        data = data[8 + size :]
    return found


def text(data: bytes) -> bytes:
    return b"".join(part for _, part in frames(data))


def logs(engine: Engine, container: str, query: str = "stdout=1") -> bytes:
    status, body = engine.call("GET", f"/containers/{container}/logs?{query}")
    assert status == 200, body
    return body


def status_of(engine: Engine, container: str) -> str:
    return str(engine.get(f"/containers/{container}/json")["State"]["Status"])


# --- row 5: signals of the client ---------------------------------------------------------------


@docker_only
@pytest.mark.parametrize("verb", ["run", "start", "attach"])
def test_row_5_dockers_signals_become_the_containers(
    engine: Engine, make: Make, verb: str, until: Until
) -> None:
    container = make(CATCH + LOOP)
    environ = os.environ | {"DOCKER_HOST": engine.address}
    words = {"start": ["start", "-a", container], "attach": ["attach", container]}
    if verb == "attach":
        engine.post(f"/containers/{container}/start")
        until(lambda: b"ready" in logs(engine, container))
    command = words.get(verb)
    if command is None:
        script = CATCH + LOOP
        command = ["run", "--rm", "--network", "none", "--name", "row5", "base", "sh", "-c", script]
    process = subprocess.Popen(
        ["docker", *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ
    )
    name = "row5" if verb == "run" else container
    assert process.stdout is not None
    if verb != "attach":
        assert process.stdout.readline() == b"ready\n"
    else:
        time.sleep(0.5)  # it tells nobody that it is attached
    # not SIGTERM: docker 28.2's `start -a` gives up by itself then
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        process.send_signal(number)
        told = number.name.removeprefix("SIG").encode() + b"\n"
        assert process.stdout.readline() == told
    engine.post(f"/containers/{name}/kill")
    process.stdout.close()
    assert process.wait(20) == 137


def test_row_5_every_name_and_number_of_a_signal_is_understood(
    engine: Engine, make: Make, until: Until
) -> None:
    container = make(CATCH + LOOP)
    engine.post(f"/containers/{container}/start")
    until(lambda: b"ready" in logs(engine, container))
    heard = [b"ready"]
    for asked, told in (("HUP", b"HUP"), ("SIGUSR1", b"USR1"), ("12", b"USR2"), ("alrm", b"ALRM")):
        engine.post(f"/containers/{container}/kill?signal={asked}")
        heard.append(told)
        until(lambda: text(logs(engine, container)).split() == heard)
    assert status_of(engine, container) == "running"


# --- row 6: detach keys -------------------------------------------------------------------------


def test_row_6_a_partial_match_is_passed_on(engine: Engine, make: Make) -> None:
    container = make("stty -icanon -echo; echo ready; cat -v", Tty=True, OpenStdin=True)
    connection = attached(engine, container, "stdin=1&stdout=1")
    engine.post(f"/containers/{container}/start")
    received = b""
    while b"ready" not in received:
        received += connection.recv(100)
    connection.sendall(b"\x10x")
    received = b""
    while len(received) < 3:
        received += connection.recv(100)
    assert received == b"^Px"
    connection.sendall(EOF_KEYS)
    assert rest(connection) == b""
    assert status_of(engine, container) == "running"


def test_row_6_keys_are_chosen_and_the_detaching_is_told(
    engine: Engine, make: Make, until: Until
) -> None:
    container = make("exec cat", Tty=True, OpenStdin=True)
    engine.post(f"/containers/{container}/start")
    since = time.time()
    connection = attached(engine, container, "stdin=1&stdout=1&detachKeys=ctrl-a,z")
    connection.sendall(EOF_KEYS + b"\x01z")
    assert b"z" not in rest(connection)

    def actions() -> list[str]:
        path = f"/events?since={since:.6f}&until={time.time():.6f}"
        _, body = engine.call("GET", path)
        found = [json.loads(line) for line in body.splitlines()]
        return [event["Action"] for event in found if event["Actor"]["ID"] == container]

    until(lambda: actions() == ["attach", "detach"])


@pytest.mark.parametrize("keys", ["ctrl-", "ctrl-é", "ctrl-%2C", "abc"])
def test_row_6_keys_that_are_none_are_refused(engine: Engine, make: Make, keys: str) -> None:
    container = make("exec cat", Tty=True, OpenStdin=True)
    engine.post(f"/containers/{container}/start")
    path = f"/containers/{container}/attach?stream=1&stdin=1&detachKeys={quote(keys, safe='%')}"
    assert engine.call("POST", path)[0] == 400
    asked = {"Cmd": ["true"], "DetachKeys": keys.replace("%2C", ",")}
    assert engine.call("POST", f"/containers/{container}/exec", asked)[0] == 400


# --- row 27: logs -------------------------------------------------------------------------------


def test_row_27_each_stream_has_its_frames_and_its_order(engine: Engine, make: Make) -> None:
    container = make("for n in 1 2 3; do echo o$n; echo e$n >&2; sleep 0.05; done")
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    both = frames(logs(engine, container, "stdout=1&stderr=1"))
    expected = [(s, b"%s%d\n" % (name, n)) for n in (1, 2, 3) for s, name in
                ((STDOUT, b"o"), (STDERR, b"e"))]  # fmt: skip
    assert both == expected
    assert text(logs(engine, container, "stderr=1")) == b"e1\ne2\ne3\n"


def test_row_27_one_of_the_streams_must_be_asked_for(engine: Engine, make: Make) -> None:
    container = make("true")
    status, body = engine.call("GET", f"/containers/{container}/logs")
    assert (status, json.loads(body)["message"]) == (
        400,
        "Bad parameters: you must choose at least one stream",
    )


@pytest.mark.parametrize(
    ("tail", "expected"),
    [("0", b""), ("2", b"2\n3\n"), ("9", b"1\n2\n3\n"), ("all", b"1\n2\n3\n"), ("x", b"1\n2\n3\n"),
     ("-1", b"1\n2\n3\n")],
)  # fmt: skip
def test_row_27_tail_counts_lines_and_a_non_number_is_all(
    engine: Engine, make: Make, tail: str, expected: bytes
) -> None:
    container = make("echo 1; echo 2; echo 3")
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    assert text(logs(engine, container, f"stdout=1&tail={tail}")) == expected


def test_row_27_a_time_has_nine_digits(engine: Engine, make: Make) -> None:
    container = make("echo x")
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    stamp, word = text(logs(engine, container, "stdout=1&timestamps=1")).split()
    assert (len(stamp), stamp[-1:], word) == (len("2026-11-30T12:00:00.000000001Z"), b"Z", b"x")


def test_row_27_following_what_has_ended_ends(engine: Engine, make: Make) -> None:
    container = make("echo x")
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    assert text(logs(engine, container, "stdout=1&follow=1")) == b"x\n"


def test_row_27_a_page_and_more_comes_whole(engine: Engine, make: Make) -> None:
    container = make("head -c 40000 /dev/zero | tr '\\0' x; echo; echo end")
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    assert text(logs(engine, container)) == b"x" * 40000 + b"\nend\n"


def test_row_27_following_ends_at_a_time_to_come(engine: Engine, make: Make) -> None:
    container = make("while :; do echo x; sleep 0.05; done")
    engine.post(f"/containers/{container}/start")
    until = time.time() + 0.5
    assert text(logs(engine, container, f"stdout=1&follow=1&until={until:.9f}")).startswith(b"x\n")
    assert status_of(engine, container) == "running"


def test_row_27_the_log_is_whole_when_wait_returns(engine: Engine, make: Make) -> None:
    for _ in range(5):
        container = make("seq 1 2000")
        engine.post(f"/containers/{container}/start")
        engine.post(f"/containers/{container}/wait")
        assert text(logs(engine, container)).split()[-1:] == [b"2000"]


def test_row_27_a_terminal_has_no_frames(engine: Engine, make: Make) -> None:
    container = make("echo x; echo y >&2", Tty=True)
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    _, headers, body = engine.exchange("GET", f"/v1.42/containers/{container}/logs?stdout=1")
    assert body == b"x\r\ny\r\n"
    assert headers["Content-Type"] == "application/vnd.docker.raw-stream"
    _, headers, _ = engine.exchange("GET", f"/v1.42/containers/{make('true')}/logs?stdout=1")
    assert headers["Content-Type"] == "application/vnd.docker.multiplexed-stream"
    _, headers, _ = engine.exchange("GET", f"/v1.41/containers/{make('true')}/logs?stdout=1")
    assert headers["Content-Type"] == "application/vnd.docker.raw-stream"


# --- row 29: attaching --------------------------------------------------------------------------


def test_row_29_attaching_before_the_start_loses_nothing(engine: Engine, make: Make) -> None:
    container = make("seq 1 3000")
    connections = [attached(engine, container, "stdout=1&stderr=1") for _ in range(3)]
    engine.post(f"/containers/{container}/start")
    expected = b"".join(b"%d\n" % number for number in range(1, 3001))
    assert [text(rest(connection)) for connection in connections] == [expected] * 3


def test_row_29_a_slow_reader_blocks_nobody_and_misses_nothing(engine: Engine, make: Make) -> None:
    container = make(f"i=0; while [ $i -lt 3000 ]; do echo {'x' * 500}; i=$((i+1)); done")
    connection = attached(engine, container, "stdout=1")
    engine.post(f"/containers/{container}/start")
    assert engine.post(f"/containers/{container}/wait")["StatusCode"] == 0  # nothing is read yet
    assert len(text(rest(connection))) == 3000 * 501


def test_row_29_who_goes_away_leaves_nothing_open(engine: Engine, make: Make, until: Until) -> None:
    container = make("while :; do echo x; sleep 0.01; done")
    engine.post(f"/containers/{container}/start")

    def opened() -> int:
        return int(engine.get("/info")["NFd"])

    attached(engine, container, "stdout=1").close()
    time.sleep(0.2)
    before = opened()
    for _ in range(20):
        attached(engine, container, "stdout=1").close()
    until(lambda: opened() <= before)
    assert status_of(engine, container) == "running"


# --- row 30: stdin ------------------------------------------------------------------------------


def with_stdin(engine: Engine, container: str, data: bytes) -> bytes:
    connection = attached(engine, container, "stdin=1&stdout=1&stderr=1")
    engine.post(f"/containers/{container}/start")
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)
    return text(rest(connection))


def test_row_30_the_end_of_stdin_is_passed_on(engine: Engine, make: Make) -> None:
    container = make("cat; echo end", OpenStdin=True, StdinOnce=True)
    data = os.urandom(1 << 20).hex().encode()
    assert with_stdin(engine, container, data) == data + b"end\n"


def test_row_30_without_once_stdin_stays_open_for_the_next(engine: Engine, make: Make) -> None:
    container = make("while read line; do echo got $line; done", OpenStdin=True)
    engine.post(f"/containers/{container}/start")
    for word in (b"one", b"two"):
        connection = attached(engine, container, "stdin=1&stdout=1")
        connection.sendall(word + b"\n")
        received = b""
        while b"\n" not in received:
            received += connection.recv(100)
        assert text(received) == b"got " + word + b"\n"
        connection.close()
    assert status_of(engine, container) == "running"


def test_row_30_an_exit_ends_who_still_writes(engine: Engine, make: Make) -> None:
    container = make("exit 3", OpenStdin=True, StdinOnce=True)
    connection = attached(engine, container, "stdin=1&stdout=1")
    engine.post(f"/containers/{container}/start")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(b"x" * (1 << 20))
    with contextlib.suppress(ConnectionResetError):
        assert rest(connection) == b""
    assert engine.post(f"/containers/{container}/wait")["StatusCode"] == 3


def test_row_30_an_exec_hears_of_the_end_of_stdin(engine: Engine, make: Make) -> None:
    container = make("exec sleep 600")
    engine.post(f"/containers/{container}/start")
    asked: dict[str, Any] = {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True}
    exec_id = engine.post(f"/containers/{container}/exec", asked)["Id"]
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(engine.socket)
    body = b'{"Detach":false,"Tty":false}'
    head = (
        f"POST /exec/{exec_id}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body + b"in the same packet\n")
    connection.shutdown(socket.SHUT_WR)
    answer = rest(connection)
    assert text(answer.partition(b"\r\n\r\n")[2]) == b"in the same packet\n"
