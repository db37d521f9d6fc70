"""A root that fuse-overlayfs serves: what the container has, and when the server ends."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.box import Boxes, Container, eventually, is_running

from lading.runtime import served_root

PROGRAM = shutil.which("fuse-overlayfs") or ""
# by us, or by the kernel when it reads a page of its program that is not there any more
KILLED = (128 + signal.SIGKILL, 128 + signal.SIGBUS)
pytestmark = pytest.mark.skipif(not PROGRAM, reason="fuse-overlayfs is not installed")


def start(boxes: Boxes, *arguments: str, program: str = PROGRAM) -> tuple[Container, Path]:
    """The container, and its upper directory."""
    upper, work = boxes.work / "served", boxes.work / "served-work"
    upper.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    overlay: dict[str, Any] = {
        "lower": [str(boxes.root)], "upper": str(upper), "work": str(work), "server": program,
    }  # fmt: skip
    return boxes.start(*arguments, overlay=overlay, fds={"trees": {"": 0}}), upper


def server(boxes: Boxes) -> int:
    (pid,) = served_root.servers(boxes.exec_root)
    return pid


def test_what_the_container_writes_is_in_its_upper_directory_at_once(boxes: Boxes) -> None:
    script = "echo 1 > /new; grep -c ' / / .*fuse' /proc/self/mountinfo; sleep 600"
    container, upper = start(boxes, "sh", "-c", script)
    container.wait("started")
    assert eventually(lambda: container.output() == "1\n")
    assert (upper / "new").read_text() == "1\n"


def test_the_server_is_none_of_the_containers_processes(boxes: Boxes) -> None:
    container, _ = start(boxes, "sleep", "600")
    started = container.wait("started")
    pid = server(boxes)
    groups = Path(f"/proc/{pid}/cgroup").read_text()
    assert container.cgroup not in groups
    assert container.cgroup in Path(f"/proc/{started['pid']}/cgroup").read_text()
    for kind in ("pid", "mnt", "ipc"):
        mine, theirs = (os.readlink(f"/proc/{p}/ns/{kind}") for p in (pid, started["pid"]))
        assert mine != theirs
    status = Path(f"/proc/{pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert set(os.listdir(f"/proc/{pid}/fd")) >= {"0", "1", "2", "3"}


def test_the_server_ends_with_its_container(boxes: Boxes) -> None:
    container, upper = start(boxes, "sh", "-c", "echo last > /words")
    assert container.ended()["exit_code"] == 0
    assert (upper / "words").read_text() == "last\n"
    assert eventually(lambda: not served_root.servers(boxes.exec_root))


def test_a_container_whose_server_dies_ends_too(boxes: Boxes) -> None:
    container, _ = start(boxes, "sleep", "600")
    container.wait("started")
    os.kill(server(boxes), signal.SIGKILL)
    assert container.ended()["exit_code"] in KILLED


def test_a_sleeping_keeper_hears_of_the_servers_death(boxes: Boxes) -> None:
    container, _ = start(boxes, "sleep", "600")
    state = container.wait("started") and container.state()
    keeper = state["monitor_pid"]
    children = Path(f"/proc/{keeper}/task/{keeper}/children")
    assert eventually(lambda: len(children.read_text().split()) == 2)  # init and the server
    os.kill(server(boxes), signal.SIGKILL)
    assert container.ended()["exit_code"] in KILLED


def test_a_server_dies_with_the_keeper(boxes: Boxes) -> None:
    container, _ = start(boxes, "sleep", "600")
    container.wait("started")
    state, pid = container.state(), server(boxes)
    os.kill(state["monitor_pid"], signal.SIGKILL)
    assert eventually(lambda: not is_running(pid) and not is_running(state["pid"]))


def test_a_server_that_cannot_be_started_fails_the_start(boxes: Boxes, tmp_path: Path) -> None:
    container, _ = start(boxes, "true", program="/nowhere/fuse-overlayfs")
    error = container.wait("failed")["error"]["message"]
    assert error == "mount fuse-overlayfs: /nowhere/fuse-overlayfs: No such file or directory"
    container, upper = start(boxes, "true")
    container.ended()
    shutil.rmtree(tmp_path / "served-work")
    upper.rmdir() if not os.listdir(upper) else shutil.rmtree(upper)
    overlay = {"lower": [str(boxes.root), "/nowhere"], "upper": str(upper), "work": str(upper),
               "server": PROGRAM}  # fmt: skip
    container = boxes.start("true", overlay=overlay, fds={"trees": {"": 0}})
    assert "No such file or directory" in container.wait("failed")["error"]["message"]
    assert eventually(lambda: not served_root.servers(boxes.exec_root))


def test_layers_are_named_by_what_separates_nothing() -> None:
    place, words = served_root.command(
        {
            "lower": ["/a:b,c/snapshots/layers/2/fs", "/a:b,c/snapshots/layers/1/fs"],
            "upper": "/a:b,c/snapshots/active/x/fs",
            "work": "/a:b,c/snapshots/active/x/work",
            "server": "/usr/bin/fuse-overlayfs",
        },
        3,
    )
    assert place == "/a:b,c/snapshots"
    assert words == [
        "/usr/bin/fuse-overlayfs",
        "-f",
        "-o",
        "lowerdir=layers/2/fs:layers/1/fs,writeback=0,upperdir=active/x/fs,workdir=active/x/work",
        "/dev/fd/3",
    ]
