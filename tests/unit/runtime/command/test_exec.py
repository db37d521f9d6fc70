"""One more process in a container."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.command.bundle import SOURCE, Bundle, process

from lading.errors import InvalidArgument
from lading.kernel.cgroup import Hierarchies
from lading.runtime.command.exec import open_groups


@pytest.fixture
def running(bundle: Bundle) -> Bundle:
    bundle.start("sleep", "1000")
    return bundle


def test_user_groups_directory_and_environment_are_those_of_the_flags(running: Bundle) -> None:
    flags = ("--user", "5:6", "-g", "7", "--cwd", "/tmp", "-e", "A=b")
    done = running.call("exec", *flags, "c1", "sh", "-c", "id; pwd; echo $A")
    assert done.stdout == "uid=5 gid=6 groups=7\n/tmp\nb\n"


def test_a_capability_is_never_added_to_the_inheritable_set(running: Bundle) -> None:
    done = running.call("exec", "--cap", "CAP_CHOWN", "c1", "grep", "Cap", "/proc/self/status")
    sets = dict(line.split(":\t") for line in done.stdout.splitlines())
    assert (int(sets["CapEff"], 16) & 1, sets["CapInh"], sets["CapAmb"]) == (1, "0" * 16, "0" * 16)


def test_a_process_file_says_all(running: Bundle) -> None:
    path = running.path / "process.json"
    path.write_text('{"args": ["pwd"], "cwd": "/tmp", "env": ["PATH=/bin"], "user": {"uid": 1}}')
    assert running.call("exec", "--process", str(path), "c1").stdout == "/tmp\n"


def test_a_detached_one_outlives_the_command(running: Bundle) -> None:
    pid_file = running.path / "pid2"
    command = running.command("exec", "-d", "--pid-file", str(pid_file), "c1", "sleep", "99")
    with open("/dev/null", "r+") as null:
        environment = {"PYTHONPATH": SOURCE}
        subprocess.run(command, stdin=null, stdout=null, stderr=null, env=environment, check=True)
    pid = int(pid_file.read_text())
    assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x0099\x00"
    os.kill(pid, 9)


def test_failures_of_ours_are_not_those_of_a_program(running: Bundle) -> None:
    done = running.call("exec", "c1", "nosuch")
    assert (done.returncode, "executable file not found in $PATH" in done.stderr) == (255, True)
    assert running.call("exec", "c1", "sh", "-c", "exit 7").returncode == 7


def test_a_stopped_container_takes_no_exec(running: Bundle) -> None:
    running.call("kill", "c1", "KILL")
    running.wait_for("stopped")
    assert "cannot exec in a stopped container" in running.call("exec", "c1", "true").stderr


def test_the_filter_of_the_container_is_loaded_for_execs_too(bundle: Bundle) -> None:
    profile: Any = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}],
    }
    bundle.start("sleep", "1000", change=lambda spec: spec["linux"].update(seccomp=profile))
    done = bundle.call("exec", "c1", "busybox", "mkdir", "/dev/x")
    assert "No space left on device" in done.stderr


def test_an_affinity_is_for_execs_and_not_for_init(bundle: Bundle) -> None:
    bundle.start("sleep", "1000", change=process(execCPUAffinity={"final": "0"}))
    allowed = ("grep", "Cpus_allowed_list", "/proc/self/status")
    assert bundle.call("exec", "c1", *allowed).stdout.split()[1] == "0"
    state = bundle.call("state", "c1").stdout
    pid = state.partition('"pid": ')[2].partition(",")[0]
    with open(f"/proc/{pid}/status") as status, open("/proc/self/status") as own:
        init, ours = grep("Cpus_allowed_list", status.read()), grep("Cpus_allowed_list", own.read())
    assert init == ours


def grep(word: str, text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(word))


def test_a_group_below_the_containers_is_one_that_exists(tmp_path: Path) -> None:
    for place in ("memory/c/sub", "pids/c"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "tasks").touch()
    (tmp_path / "memory/c/tasks").touch()
    trees = Hierarchies({n: str(tmp_path / n) for n in ("memory", "pids")}, None)
    files, _ = open_groups("/c", ["sub"], trees)
    places = [os.readlink(f"/proc/self/fd/{file}").removeprefix(str(tmp_path)) for file in files]
    for file in files:
        os.close(file)
    assert places == ["/memory/c/sub/tasks", "/pids/c/tasks"]
    with pytest.raises(InvalidArgument, match=r"/c/other/cgroup\.procs: no such file"):
        open_groups("/c", ["other"], trees)
    with pytest.raises(InvalidArgument, match=r"/pids/c/sub/cgroup\.procs: no such file"):
        open_groups("/c", ["pids:sub"], trees)
    with pytest.raises(InvalidArgument, match="unknown controller cpu"):
        open_groups("/c", ["cpu:sub"], trees)
    with pytest.raises(InvalidArgument, match="components are not allowed"):
        open_groups("/c", ["../c2"], trees)
