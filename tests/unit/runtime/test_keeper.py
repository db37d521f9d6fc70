"""A container that is left alone sleeps, and nobody can tell when it is asked for something."""

import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.unit.runtime.box import Boxes, Container, eventually
from tests.unit.runtime.test_monitor import run_exec

from lading.runtime import client, messages
from lading.runtime.segments import list_segments


def children(pid: int) -> dict[int, str]:
    """Pid and state of the children of a process, man 5 proc_pid_stat."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found[int(entry.name)] = fields[0]
    return found


def is_asleep(container: Container) -> bool:
    """The keeper has one child only: init."""
    state = container.state()
    return list(children(state["monitor_pid"])) == [state["pid"]]


def asleep(boxes: Boxes, *arguments: str, **changes: Any) -> Container:
    container = boxes.start(*arguments, **changes)
    container.wait("started")
    assert eventually(lambda: is_asleep(container))
    return container


def test_after_its_first_words_a_container_sleeps(boxes: Boxes) -> None:
    container = asleep(boxes, "sh", "-c", "echo ready; sleep 1000")
    assert container.output() == "ready\n"


def test_output_between_two_sleeps_goes_on_in_the_same_segment(boxes: Boxes) -> None:
    container = asleep(boxes, "sh", "-c", "echo one; read x; echo two; read x", stdin=True)
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    container.ask("stdin", [theirs], close_on_eof=False)
    os.close(theirs)
    end = container.ask("state")["log_end"]
    container.ask("watch_log", end=end)
    os.write(ours, b"\n")
    container.wait("log")
    os.close(ours)
    assert eventually(lambda: is_asleep(container))
    assert container.output() == "one\ntwo\n"
    assert len(list_segments(str(container.log))) == 1


def test_a_watcher_that_slept_along_hears_of_the_log(boxes: Boxes) -> None:
    container = boxes.start("sh", "-c", "sleep 1; echo late; sleep 1000")
    container.wait("started")
    container.ask("watch_log", end=0)
    assert container.wait("log")["end"] > 0
    assert container.output() == "late\n"


def test_exec_and_signals_wake_it(boxes: Boxes) -> None:
    container = asleep(boxes, "sleep", "1000")
    assert run_exec(container, "echo hello") == (0, "hello\n")
    container.ask("signal", signal=signal.SIGKILL)
    assert container.ended()["exit_code"] == 137


def test_all_clients_of_a_sleeping_container_hear_of_its_end(boxes: Boxes) -> None:
    container = asleep(boxes, "sleep", "1000")
    os.kill(container.state()["pid"], signal.SIGKILL)
    assert container.ended()["exit_code"] == 137


def test_a_terminal_still_works_after_a_sleep(boxes: Boxes) -> None:
    def terminal(spec: dict[str, Any]) -> None:
        spec["process"]["terminal"] = True

    container = asleep(boxes, "cat", stdin=True, spec=terminal)
    assert container.ask("resize", height=11, width=22)["error"] is None
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    container.ask("stdin", [theirs], close_on_eof=False)
    os.write(ours, b"hello\n")
    assert eventually(lambda: container.output() == "hello\r\nhello\r\n")
    os.close(ours)
    os.close(theirs)


def test_stdin_that_was_closed_before_the_sleep_stays_closed(boxes: Boxes) -> None:
    container = boxes.start("sh", "-c", "cat; sleep 1000", stdin=True)
    container.wait("started")
    container.ask("close_stdin")
    assert eventually(lambda: is_asleep(container))
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    assert container.ask("stdin", [theirs], close_on_eof=False)["error"] is None
    os.close(ours)
    os.close(theirs)


def test_a_host_pid_namespace_leaves_no_zombie_of_the_child_that_waited(boxes: Boxes) -> None:
    def host_pids(spec: dict[str, Any]) -> None:
        kinds = spec["linux"]["namespaces"]
        spec["linux"]["namespaces"] = [kind for kind in kinds if kind["type"] != "pid"]

    container = asleep(boxes, "sleep", "1000", spec=host_pids)
    assert "Z" not in children(container.state()["monitor_pid"]).values()
    container.ask("signal", signal=signal.SIGKILL)
    container.ended()


def test_a_killed_shift_takes_the_container_along(boxes: Boxes) -> None:
    container = boxes.start("sleep", "1000")
    container.wait("started")
    state = container.state()
    (shift,) = set(children(state["monitor_pid"])) - {state["pid"]}
    os.kill(shift, signal.SIGKILL)
    assert container.receive() == (None, [])
    assert eventually(lambda: not Path(f"/proc/{state['pid']}").exists())


def test_a_new_client_reaches_a_sleeping_container(boxes: Boxes) -> None:
    container = asleep(boxes, "sleep", "1000")
    with closing(messages.adopt(client.connect(boxes.exec_root, container.name))) as second:
        messages.send(second, {"op": "state", "seq": 1})
        reply, _ = messages.receive(second)
        assert reply is not None
        assert reply["status"] == "running"
        assert eventually(lambda: is_asleep(container))
        os.kill(container.state()["pid"], signal.SIGKILL)
        event, _ = messages.receive(second)
        assert event is not None
        assert event["event"] == "exited"
