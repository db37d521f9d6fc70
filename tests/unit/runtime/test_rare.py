"""What few specs ask for, each in a container that has it."""

import array
import fcntl
import json
import os
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.command.bundle import Bundle, Change, linux, process

from lading.kernel import landlock


def bind(source: Path, destination: str, *options: str) -> Change:
    entry = {"destination": destination, "type": "bind", "source": str(source)}
    return lambda spec: spec["mounts"].append(entry | {"options": list(options)})


def test_scheduler_and_io_priority_are_set(bundle: Bundle) -> None:
    change = process(
        scheduler={"policy": "SCHED_BATCH", "nice": 5},
        ioPriority={"class": "IOPRIO_CLASS_IDLE", "priority": 0},
    )
    pid = bundle.start("sleep", "1000", change=change)
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH
    assert os.getpriority(os.PRIO_PROCESS, pid) == 5
    done = subprocess.run(["ionice", "-p", str(pid)], capture_output=True, text=True)
    assert done.stdout == "idle\n"


def test_a_personality_changes_what_uname_says(bundle: Bundle) -> None:
    change = linux(personality={"domain": "LINUX32"})
    assert bundle.shell("busybox uname -m", change=change) in ("i686\n", "armv8l\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (linux(personality={"domain": "SUNOS"}), "invalid personality domain: 'SUNOS'"),
        (process(ioPriority={"class": "X"}), "invalid I/O priority class: 'X'"),
        (process(scheduler={"policy": "SCHED_X"}), "invalid scheduler policy: 'SCHED_X'"),
        (linux(memoryPolicy={"mode": "MPOL_X"}), "invalid memory policy mode: 'MPOL_X'"),
        (linux(memoryPolicy={"nodes": "0"}), "invalid memory policy mode: ''"),
        (process(apparmorProfile="x"), "apparmor not supported"),
        (process(selinuxLabel="x"), "selinux is disabled or not supported"),
        (linux(rootfsPropagation="x"), "rootfsPropagation=x is not supported"),
        (linux(intelRdt={"closID": "x"}), "intel rdt is not supported or enabled"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(
    bundle: Bundle, change: Change, message: str
) -> None:
    done = bundle.run("true", change=change)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr
    assert list(bundle.state.iterdir()) == []


def test_a_tmpfs_can_begin_with_what_the_image_has(bundle: Bundle) -> None:
    def change(spec: dict[str, Any]) -> None:
        options = ["tmpcopyup", "mode=755"]
        spec["mounts"].append({"destination": "/etc", "type": "tmpfs", "options": options})

    output = bundle.shell(
        "grep -c root /etc/passwd; echo x >> /etc/passwd && echo ok", change=change
    )
    assert output == "1\nok\n"
    assert "x" not in (bundle.rootfs / "etc/passwd").read_text().splitlines()


def test_recursive_attributes_reach_mounts_below(bundle: Bundle, tmp_path: Path) -> None:
    from lading.kernel import mount, namespaces

    (tmp_path / "data/below").mkdir(parents=True)
    pid = os.fork()
    if pid == 0:  # a mount below, which only this process and its container see
        code = 1
        try:
            namespaces.unshare(namespaces.CLONE_NEWNS)
            mount.mount("none", "/", "", mount.MS_PRIVATE | mount.MS_REC)
            mount.mount("x", str(tmp_path / "data/below"), "tmpfs")
            script = "touch /data/below/a 2>&1; touch /data2/below/a && echo ok"
            plain = bind(tmp_path / "data", "/data2", "rbind", "ro")

            def change(spec: dict[str, Any]) -> None:
                bind(tmp_path / "data", "/data", "rbind", "rro")(spec)
                plain(spec)

            output = bundle.shell(script, change=change)
            code = int(output != "touch: /data/below/a: Read-only file system\nok\n")
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("name", ["shared", "rshared", "slave", "rslave", "private", "unbindable"])
def test_the_root_has_the_propagation_of_the_spec(bundle: Bundle, name: str) -> None:
    output = bundle.shell("cat /proc/self/mountinfo", change=linux(rootfsPropagation=name))
    optional = output.splitlines()[0].split(" - ")[0].split()[6:]
    kinds = {word.partition(":")[0] for word in optional}
    expected = {"shared": {"shared"}, "unbindable": {"unbindable"}}
    assert kinds == expected.get(name.removeprefix("r"), set())


def test_an_agent_answers_system_calls_that_are_notified(bundle: Bundle) -> None:
    agent = Agent(bundle.path / "agent")
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": str(bundle.path / "agent"),
        "listenerMetadata": "from the test",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}],
    }
    output = bundle.shell("busybox mkdir /nowhere/x 2>&1 || true", change=linux(seccomp=profile))
    agent.join()
    assert "Directory not empty" in output  # ENOTEMPTY, which is what the agent answers
    assert agent.state["fds"] == ["seccompFd"]
    assert agent.state["metadata"] == "from the test"
    assert agent.state["state"]["id"] == "c1"


def test_an_agent_is_told_of_a_container_that_notifies_of_nothing(bundle: Bundle) -> None:
    agent = Agent(bundle.path / "agent", answers=False)
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": str(bundle.path / "agent")}
    bundle.shell("true", change=linux(seccomp=profile))
    agent.join()
    assert agent.state["state"]["id"] == "c1"


class Agent(threading.Thread):
    """Takes one listener and answers one call with ENOTEMPTY. man 2 seccomp_unotify."""

    RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, _SEND
    ENOTEMPTY = 39

    def __init__(self, path: Path, *, answers: bool = True) -> None:
        super().__init__()
        self._answers = answers
        self.state: dict[str, Any] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._listener.settimeout(20)
        self.start()

    def run(self) -> None:
        connection, _ = self._listener.accept()
        data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4))
        self.state = json.loads(data)
        fds = array.array("i")
        fds.frombytes(ancillary[0][2])
        if self._answers:
            request = bytearray(80)
            fcntl.ioctl(fds[0], self.RECEIVE, request)
            (number,) = struct.unpack_from("Q", request)
            fcntl.ioctl(fds[0], self.SEND, struct.pack("QqiI", number, 0, -self.ENOTEMPTY, 0))
        os.close(fds[0])
        connection.close()
        self._listener.close()


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no landlock")
def test_a_fence_allows_what_it_names_and_nothing_else(bundle: Bundle) -> None:
    fence = {
        "paths": [
            {"path": "/bin", "access": "rx"},
            {"path": "/dev", "access": "rw"},
            {"path": "/nowhere", "access": "r"},
        ]
    }
    script = "cat /etc/passwd 2>&1; echo x > /dev/shm/x && cat /dev/shm/x; ls /bin > /dev/null && "
    script += "echo ok"
    output = bundle.shell(script, change=linux(landlock=fence))
    assert output == "cat: can't open '/etc/passwd': Permission denied\nx\nok\n"
