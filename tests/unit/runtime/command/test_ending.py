"""kill and delete."""

import json
import os
import subprocess

import pytest
from tests.unit.runtime.command.bundle import SOURCE, Bundle, linux

from lading.runtime.command.ending import UnknownSignal, signal_number


@pytest.mark.parametrize(
    ("text", "number"), [("9", 9), ("KILL", 9), ("SIGTERM", 15), ("hup", 1), ("RTMIN+3", 37)]
)
def test_signals_have_names_and_numbers(text: str, number: int) -> None:
    assert signal_number(text) == number


@pytest.mark.parametrize("text", ["", "65", "NOSUCH", "KILL+x", "-9"])
def test_other_words_are_no_signals(text: str) -> None:
    with pytest.raises(UnknownSignal):
        signal_number(text)


def test_all_of_a_container_without_a_pid_namespace_is_killed(bundle: Bundle) -> None:
    spaces = [{"type": kind} for kind in ("mount", "ipc", "uts", "network")]
    script = "sleep 1001 & sleep 1002 & wait"
    bundle.start("sh", "-c", script, change=linux(namespaces=spaces))
    while len(pids := json.loads(bundle.call("ps", "--format", "json", "c1").stdout)) < 3:
        continue
    assert bundle.call("kill", "c1", "KILL").returncode == 0
    bundle.wait_for("stopped")
    assert [pid for pid in pids if is_alive(pid)] == []


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_paused_container_can_be_killed(bundle: Bundle) -> None:
    bundle.start("sleep", "1000")
    bundle.call("pause", "c1")
    assert bundle.call("kill", "c1", "KILL").returncode == 0
    bundle.wait_for("stopped")


def test_delete_of_a_created_container_needs_no_force(bundle: Bundle) -> None:
    bundle.start("sleep", "1000", verb="create")
    assert bundle.call("delete", "c1").returncode == 0
    assert os.listdir(bundle.state) == []


def test_a_create_that_was_killed_leaves_what_delete_removes(bundle: Bundle) -> None:
    bundle.write("true")
    points = bundle.path / "points"
    environment = {"LADING_FAILPOINT": f"list:{points}"}
    bundle.call("run", "-b", str(bundle.path), "c1", env=environment)
    names = [name for name in points.read_text().split() if name.startswith("create.")]
    assert len(names) >= 4
    for name in names:
        words = bundle.command("run", "-b", str(bundle.path), "c1")
        environment = {"PYTHONPATH": SOURCE, "LADING_FAILPOINT": name}
        with open("/dev/null", "r+") as null:  # init may be left waiting: it keeps its stdio
            done = subprocess.run(words, stdin=null, stdout=null, stderr=null, env=environment)
        assert done.returncode == -9, name
        assert bundle.call("delete", "--force", "c1").returncode == 0, name
        assert os.listdir(bundle.state) == []
        cgroup = f"/sys/fs/cgroup/pids/{bundle.group}/{bundle.path.name}"
        assert not os.path.exists(cgroup), name
