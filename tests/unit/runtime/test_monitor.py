"""Output, input, signals, terminals, exec, and what survives whose death."""

import os
import signal
from typing import Any

import pytest
from tests.unit.runtime.box import Boxes, Container, eventually, is_running

from lading.kernel import pidfd, tty
from lading.runtime import client, messages


def exec_process(arguments: list[str], **changes: Any) -> dict[str, Any]:
    return {"args": arguments, "env": ["PATH=/bin"], "cwd": "/", "user": {}, **changes}


def run_exec(container: Container, script: str, **changes: Any) -> tuple[int, str]:
    """Exec a shell script; its exit code and output."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    process = exec_process(["sh", "-c", script], **changes)
    reply = container.ask("exec", [null, theirs, theirs], exec_id="e1", process=process)
    os.close(theirs)
    os.close(null)
    assert reply["error"] is None, reply["error"]
    code = container.wait("exec_exited")["exit_code"]
    with open(ours, "rb") as output:
        return code, output.read().decode()


@pytest.fixture
def sleeper(boxes: Boxes) -> Container:
    container = boxes.start("sleep", "1000")
    container.wait("started")
    return container


def test_exit_codes_are_the_programs(boxes: Boxes) -> None:
    assert boxes.run("sh", "-c", "exit 42")[0] == 42


def test_a_killed_program_ends_with_128_and_the_signal(sleeper: Container) -> None:
    assert sleeper.ask("signal", signal=signal.SIGKILL)["error"] is None
    assert sleeper.ended()["exit_code"] == 137


def test_stdout_and_stderr_are_kept_apart(boxes: Boxes) -> None:
    container = boxes.start("sh", "-c", "echo out; echo err >&2")
    container.ended()
    assert (container.output(1), container.output(2)) == ("out\n", "err\n")


def test_no_byte_of_a_large_output_is_lost(boxes: Boxes) -> None:
    output = boxes.shell("seq 1 300000")
    assert output == "".join(f"{n}\n" for n in range(1, 300001))


def test_exit_is_recorded_before_it_is_told(boxes: Boxes) -> None:
    container = boxes.start("false")
    event = container.wait("exited")
    record = client.read_exit(boxes.exec_root, container.name)
    assert record == {key: event[key] for key in ("exit_code", "oom_killed", "finished_at_ns")}


def test_nothing_is_left_after_the_end(boxes: Boxes) -> None:
    container = boxes.start("true")
    container.ended()
    monitor = container.state()["monitor_pid"]
    assert eventually(lambda: not is_running(monitor))
    assert not os.path.exists(f"/sys/fs/cgroup/pids{container.cgroup}")
    client.clean(boxes.exec_root, container.name, container.cgroup)
    client.clean(boxes.exec_root, container.name, container.cgroup)
    assert not os.path.exists(client.run_directory(boxes.exec_root, container.name))


def test_stdin_is_pumped_until_its_end(boxes: Boxes) -> None:
    container = boxes.start("cat", stdin=True)
    container.wait("started")
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    container.ask("stdin", [theirs], close_on_eof=True)
    os.close(theirs)
    text = "line\n" * 100_000  # more than all pipes on the way hold
    with open(ours, "w") as source:
        source.write(text)
    assert container.ended()["exit_code"] == 0
    assert container.output() == text


def test_stdin_stays_open_for_the_next_client_unless_told(boxes: Boxes) -> None:
    container = boxes.start("head", "-n2", stdin=True)
    container.wait("started")
    for text in (b"one\n", b"two\n"):
        theirs, ours = os.pipe2(os.O_CLOEXEC)
        container.ask("stdin", [theirs], close_on_eof=False)
        os.close(theirs)
        os.write(ours, text)
        os.close(ours)
    assert container.ended()["exit_code"] == 0


def test_close_stdin_ends_it(boxes: Boxes) -> None:
    container = boxes.start("cat", stdin=True)
    container.wait("started")
    container.ask("close_stdin")
    assert container.ended()["exit_code"] == 0


def test_without_stdin_the_program_reads_an_end_of_file(boxes: Boxes) -> None:
    assert boxes.run("cat") == (0, "")


def test_a_watcher_hears_when_the_log_has_grown(boxes: Boxes) -> None:
    container = boxes.start("cat", stdin=True)
    container.wait("started")
    container.ask("watch_log", end=0)
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    container.ask("stdin", [theirs], close_on_eof=True)
    os.close(theirs)
    os.write(ours, b"x")
    end = container.wait("log")["end"]
    os.close(ours)
    container.ended()
    assert end == 1 << 32 | os.stat(container.log / "00000001.seg").st_size


def test_a_terminal_is_the_containers_console(boxes: Boxes) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["process"] |= {"terminal": True, "consoleSize": {"height": 33, "width": 77}}

    script = "tty; stty size; test -t 0 && test -c /dev/console && echo yes > /dev/tty"
    container = boxes.start("sh", "-c", script, spec=change)
    assert container.ended()["exit_code"] == 0
    assert container.output() == "/dev/pts/0\r\n33 77\r\nyes\r\n"


def test_a_terminal_takes_input_and_sizes(boxes: Boxes) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["process"]["terminal"] = True

    container = boxes.start("sh", "-c", "read line; stty size; echo $line", spec=change, stdin=True)
    container.wait("started")
    assert container.ask("resize", height=10, width=20)["error"] is None
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    container.ask("stdin", [theirs], close_on_eof=False)
    os.close(theirs)
    os.write(ours, b"hello\n")
    container.ended()
    os.close(ours)
    assert container.output() == "hello\r\n10 20\r\nhello\r\n"


def test_exec_joins_the_namespaces_and_the_cgroup(sleeper: Container) -> None:
    links = "for n in mnt pid ipc uts net cgroup; do readlink /proc/self/ns/$n; done"
    code, output = run_exec(
        sleeper, f"{links}; grep -e pids -e ^0:: /proc/self/cgroup | head -1; hostname"
    )
    pid = sleeper.state()["pid"]
    names = ("mnt", "pid", "ipc", "uts", "net", "cgroup")
    expected = [os.readlink(f"/proc/{pid}/ns/{name}") for name in names]
    lines = output.splitlines()
    assert (code, lines[:6], lines[-1]) == (0, expected, "box")
    assert lines[6].endswith(":/")


def test_exec_has_its_own_user_and_directory(sleeper: Container) -> None:
    code, output = run_exec(sleeper, "id -u; pwd; exit 3", user={"username": "bob"}, cwd="/tmp")
    assert (code, output) == (3, "1000\n/tmp\n")


def test_exec_of_a_missing_program_says_so(sleeper: Container) -> None:
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    process = exec_process(["nosuch"])
    reply = sleeper.ask("exec", [null] * 3, exec_id="e", process=process)
    os.close(null)
    assert reply["error"]["message"] == 'exec: "nosuch": executable file not found in $PATH'


def test_exec_can_have_a_terminal(sleeper: Container) -> None:
    process = exec_process(["sh", "-c", "tty; read x"], terminal=True)
    reply, fds = sleeper.ask_fds("exec", exec_id="t", process=process)
    assert reply["error"] is None
    assert sleeper.ask("resize", exec="t", height=5, width=6)["error"] is None
    assert tty.get_size(fds[0]) == (5, 6)
    assert os.read(fds[0], 100).startswith(b"/dev/pts/")
    os.write(fds[0], b"\n")
    assert sleeper.wait("exec_exited")["exit_code"] == 0
    os.close(fds[0])


def test_exec_can_be_signalled(sleeper: Container) -> None:
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    process = exec_process(["sleep", "1000"])
    sleeper.ask("exec", [null] * 3, exec_id="s", process=process)
    os.close(null)
    assert sleeper.ask("exec_signal", exec_id="s", signal=15)["error"] is None
    assert sleeper.wait("exec_exited")["exit_code"] == 143


def test_execs_end_with_the_container(sleeper: Container) -> None:
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    sleeper.ask("exec", [null] * 3, exec_id="s", process=exec_process(["sleep", "1000"]))
    os.close(null)
    sleeper.ask("signal", signal=9)
    assert sleeper.wait("exec_exited")["exit_code"] == 137
    assert sleeper.ended()["exit_code"] == 137


def test_several_clients_see_the_same_end(boxes: Boxes, sleeper: Container) -> None:
    other = messages.adopt(client.connect(boxes.exec_root, sleeper.name))
    messages.send(other, {"op": "signal", "seq": 1, "signal": 9})
    assert messages.receive(other)[0] == {"reply": 1, "error": None}
    assert messages.receive(other)[0] == {"event": "exited", **without_event(sleeper.ended())}
    other.close()


def without_event(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "event"}


def test_an_unknown_request_is_answered_and_harms_nothing(sleeper: Container) -> None:
    assert "no such operation" in sleeper.ask("dance")["error"]["message"]
    assert sleeper.ask("state")["status"] == "running"


def test_a_killed_monitor_takes_the_container_along(boxes: Boxes, sleeper: Container) -> None:
    state = sleeper.state()
    os.kill(state["monitor_pid"], signal.SIGKILL)
    assert eventually(lambda: not is_running(state["pid"]))
    client.clean(boxes.exec_root, sleeper.name, sleeper.cgroup)
    assert not os.path.exists(f"/sys/fs/cgroup/pids{sleeper.cgroup}")
    assert client.read_exit(boxes.exec_root, sleeper.name) is None


def test_a_killed_spawner_leaves_containers_running(boxes: Boxes, sleeper: Container) -> None:
    os.kill(boxes.spawner.pid, signal.SIGKILL)
    assert eventually(lambda: not boxes.spawner.is_alive())
    assert sleeper.ask("state")["status"] == "running"
    assert run_exec(sleeper, "echo here") == (0, "here\n")
    sleeper.ask("signal", signal=9)
    assert sleeper.ended()["exit_code"] == 137


def test_monitors_hold_nothing_of_the_spawners(sleeper: Container) -> None:
    state = sleeper.state()
    links = [
        os.readlink(f"/proc/{state['monitor_pid']}/fd/{fd}")
        for fd in os.listdir(f"/proc/{state['monitor_pid']}/fd")
    ]
    assert links.count("/dev/null") == 4  # stdio and the one that containers get
    assert os.getsid(state["monitor_pid"]) == state["monitor_pid"]
    assert pidfd.start_time(state["pid"]) == state["start_time"]
