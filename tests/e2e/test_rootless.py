"""An engine of a plain user: `lading run` without root, in namespaces that the test makes.

The user is one of the test's own: names, subordinate ids and /dev/net/tun are the test's, seen in a
mount namespace, and the host has an address to be reached in a network namespace. What is left of
the user's processes at the end is a failure.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lading
from lading.kernel import netns
from lading.kernel.cgroup import hierarchies
from lading.kernel.cgroup.hierarchy import LEAF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UID, FIRST = 1_000_000_000 + os.getpid(), 700_000  # whose processes are counted: of this run alone
HOST_ADDRESS = "10.55.9.9"
BOOT = "import sys; from lading.app.{0} import main; sys.exit(main())"
SETUP = """
mount --make-rprivate / &&
for file in subuid subgid passwd; do mount --bind $0/$file /etc/$file || exit 1; done &&
mount -t tmpfs x /dev/net && mknod -m 666 /dev/net/tun c 10 200 &&
ip link set lo up && ip address add {host}/32 dev lo &&
ip link add outside type veth peer name other && ip link set other up && ip link set outside up &&
ip address add 10.55.0.2/24 dev outside && ip route add default via 10.55.0.1 &&
{more} && echo ready && exec sleep infinity
"""
PROGRAMS = ("newuidmap", "pasta", "setpriv", "unshare", "nsenter", "ip")
missing = [name for name in PROGRAMS if not shutil.which(name)]
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"not installed: {' '.join(missing)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the user of the test"),
]


class User:
    """A user with a home and a session, on a host of their own."""

    def __init__(self, more: str = "true") -> None:
        """`more`: shell commands for the host, whose $0 is a directory of its own."""
        self.place = Path(tempfile.mkdtemp(prefix="lading-user-", dir="/tmp"))
        self.place.chmod(0o755)
        for name in ("home", "session"):
            (self.place / name).mkdir(mode=0o700)
            os.chown(self.place / name, UID, UID)
        passwd = Path("/etc/passwd").read_text()
        line = f"tester:x:{UID}:{UID}::{self.place}/home:/bin/sh\n"
        (self.place / "passwd").write_text(passwd + line)
        for name in ("subuid", "subgid"):
            (self.place / name).write_text(f"tester:{FIRST}:65536\n")
        setup = SETUP.format(host=HOST_ADDRESS, more=more)
        words = ["unshare", "-n", "-m", "sh", "-c", setup, str(self.place)]
        self.group = f"{hierarchies().v2}/lading-user-{os.getpid()}"
        self.started: list[subprocess.Popen[bytes]] = []  # engines that are our children
        self.host = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.host.stdout is not None
        assert self.host.stdout.readline() == "ready\n"

    def words(self, *words: str, **environ: str) -> list[str]:
        source = str(Path(lading.__file__).parent.parent)
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": source,
            "HOME": f"{self.place}/home",
            "XDG_RUNTIME_DIR": f"{self.place}/session",
        } | environ
        settings = [f"{name}={value}" for name, value in variables.items() if value]
        who = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups"]
        enter = ["nsenter", "-t", str(self.host.pid), "-n", "-m"]
        return [*enter, *who, "env", "-i", "-C", "/", *settings, *words]

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """`lading` with these words."""
        command = self.words(sys.executable, "-c", BOOT.format("lading"), *words, **environ)
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def start_delegated(self) -> None:
        """An engine in a control group that was handed to the user."""
        # the second time as systemd does it with DelegateSubgroup
        script = (
            "mkdir -p $0 && chown $1 $0 $0/cgroup.procs $0/cgroup.subtree_control"
            f" $0/cgroup.threads && leaf=$0/{LEAF} && [ -d $leaf ] || leaf=$0;"
            ' echo $$ > $leaf/cgroup.procs && shift && exec setsid "$@"'
        )
        enter = ["nsenter", "-t", str(self.host.pid), "-n", "-m", "sh", "-c", script]
        daemon = self.words(sys.executable, "-c", BOOT.format("ladingd"))
        inside = daemon[daemon.index("setpriv") :]
        null = subprocess.DEVNULL
        words = [*enter, self.group, str(UID), "--", *inside]
        with open(self.place / "log", "ab") as log:
            self.started.append(subprocess.Popen(words, stdin=null, stdout=null, stderr=log))
        eventually(self._answers, (self.place / "log").read_text)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(f"{self.place}/session/lading.sock") == 0

    def end_delegation(self) -> None:
        for engine in self.started:
            engine.kill()
            engine.wait()
        for place, _, _ in os.walk(self.group, topdown=False):
            os.rmdir(place)

    def text(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, (done.stderr, self.log())
        return done.stdout

    def daemon(self, **environ: str) -> subprocess.CompletedProcess[str]:
        """`ladingd`, which is to fail."""
        command = self.words(sys.executable, "-c", BOOT.format("ladingd"), **environ)
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def log(self) -> str:
        path = self.place / "session/lading/autostart.log"
        return path.read_text() if path.exists() else ""

    def processes(self) -> dict[int, str]:
        """The user's, with their command lines; those of the dead are empty."""
        found = {}
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            try:
                if os.stat(entry.path).st_uid == UID:
                    command = Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if command:
                        found[int(entry.name)] = command
            except OSError:
                continue
        return found

    def engine(self) -> int:
        """The pid of the engine; 0 if there is none."""
        found = [pid for pid, words in self.processes().items() if "lading.app.ladingd" in words]
        return found[0] if found else 0

    def stop_engine(self, number: int = signal.SIGTERM) -> None:
        pid = self.engine()
        if pid:
            os.kill(pid, number)
            eventually(lambda: is_over(pid))

    def close(self) -> None:
        try:
            names = self.text("ps", "-aq").split()
            if names:
                self.text("rm", "-f", *names)
            self.stop_engine()
            eventually(lambda: not self.processes())
        finally:
            self.leave()

    def leave(self) -> None:
        """Whatever is still there goes."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.host.kill()
        self.host.wait()
        assert self.host.stdout is not None
        self.host.stdout.close()
        shutil.rmtree(self.place)


def eventually(condition: Callable[[], bool], tell: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.02)


def is_over(pid: int) -> bool:
    """Whether a process has closed everything: it loses its command line earlier."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    made = User()
    yield made
    made.close()


@pytest.fixture
def box(user: User) -> Iterator[str]:
    """A running container."""
    name = user.text("run", "-d", "base", "sh", "-c", "echo ready; exec sleep 600").strip()
    yield name
    user.run("rm", "-f", name)


def test_run_starts_an_engine_of_the_user_and_is_root_inside(user: User) -> None:
    found = user.text("run", "--rm", "base", "sh", "-c", "id -u; cat /proc/self/uid_map").split()
    assert found == ["0", "0", str(UID), "1", "1", str(FIRST), "65536"]
    assert os.stat(f"{user.place}/session/lading.sock").st_uid == UID
    assert os.path.isdir(f"{user.place}/home/.local/share/lading/snapshots")


def test_info_says_what_kind_of_engine_it_is(user: User) -> None:
    info = user.text("info")
    assert "name=rootless" in info
    assert "Storage Driver: overlay2-userxattr" in info
    assert "Cgroup Driver: none" in info


def test_files_belong_to_the_users_subordinate_ids(user: User, box: str) -> None:
    user.text("exec", box, "sh", "-c", "touch /mine /other; chown 7:8 /other")
    place = f"{user.place}/home/.local/share/lading/snapshots/active/{box}/fs"
    assert os.stat(f"{place}/mine").st_uid == UID
    assert os.stat(f"{place}/other").st_uid == FIRST + 6


def test_exec_cp_diff_and_top_work(user: User, box: str) -> None:
    user.text(
        "exec", box, "sh", "-c", "touch /fresh; rm -r /mnt; rm -r /usr/share; mkdir /usr/share"
    )
    assert user.text("exec", "-u", "7:8", box, "id", "-g") == "8\n"
    changes = user.text("diff", box).splitlines()
    assert {"A /fresh", "D /mnt", "C /usr/share"} <= set(changes)
    assert "fresh" in user.text("cp", f"{box}:/fresh", "-")
    assert "sleep 600" in user.text("top", box)
    assert "ready" in user.text("logs", box)


def test_a_removed_directory_that_was_made_anew_stays_empty_in_an_image(
    user: User, box: str
) -> None:
    user.text("exec", box, "sh", "-c", "rm -r /usr/share; mkdir /usr/share; rm /etc/group")
    user.text("commit", box, "remade")
    script = "ls /usr/share | wc -l; test -e /etc/group || echo gone"
    assert user.text("run", "--rm", "remade", "sh", "-c", script) == "0\ngone\n"
    archive = f"{user.place}/home/remade.tar"
    user.text("save", "-o", archive, "remade")
    user.text("rmi", "remade")
    user.text("load", "-i", archive)
    assert user.text("run", "--rm", "remade", "sh", "-c", script) == "0\ngone\n"
    user.text("rmi", "remade")


def test_a_container_reaches_the_hosts_network_and_not_its_loopback(user: User) -> None:
    with _server(user, HOST_ADDRESS) as open_port, _server(user, "127.0.0.1") as closed_port:
        script = "exec 3<>/dev/tcp/{0}/{1} && head -1 <&3"
        asked = script.format(HOST_ADDRESS, open_port)
        assert user.text("run", "--rm", "base", "bash", "-c", asked) == "hello\n"
        for address in ("10.55.0.1", "127.0.0.1"):
            asking = ("timeout", "2", "bash", "-c", script.format(address, closed_port))
            done = user.run("run", "--rm", "--network", "host", "base", *asking)
            assert done.returncode != 0


class _server:
    """Says hello on an address of the user's host."""

    def __init__(self, user: User, address: str) -> None:
        self._socket: socket.socket | None = None
        ready = threading.Event()

        def serve() -> None:
            descriptor = os.open(f"/proc/{user.host.pid}/ns/net", os.O_RDONLY)
            netns.setns(descriptor)
            os.close(descriptor)
            self._socket = socket.create_server((address, 0))
            ready.set()
            while True:
                try:
                    connection, _ = self._socket.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"hello\n")

        threading.Thread(target=serve, daemon=True).start()
        assert ready.wait(30)

    def __enter__(self) -> int:
        assert self._socket is not None
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        assert self._socket is not None
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.mark.parametrize("place", ["127.0.0.1", HOST_ADDRESS])
def test_a_published_port_is_reached_on_the_users_host(user: User, place: str) -> None:
    serve = "while :; do echo hello | nc -l -p 99 -q 0; done"
    words = ("run", "-d", "-p", "8099:99", "-p", "0:98", "base", "sh", "-c", serve)
    name = user.text(*words).strip()
    try:
        assert "0.0.0.0:8099" in user.text("port", name, "99")
        asked = ["bash", "-c", f"exec 3<>/dev/tcp/{place}/8099 && head -1 <&3"]
        enter = ["nsenter", "-t", str(user.host.pid), "-n"]

        def answers() -> bool:
            return subprocess.run([*enter, *asked], capture_output=True).stdout == b"hello\n"

        eventually(answers)
        user.stop_engine(signal.SIGKILL)
        assert "8099" in user.text("port", name)
        eventually(answers)
        done = user.run("run", "--rm", "-p", "8099:1", "base", "true")
        assert "port is already allocated" in done.stderr
    finally:
        user.text("rm", "-f", name)


def test_a_port_that_the_host_reserves_is_refused_in_dockerds_words(user: User) -> None:
    done = user.run("run", "--rm", "-p", "80:80", "base", "true")
    assert "failed to bind host port for 0.0.0.0:80" in done.stderr
    assert "permission denied" in done.stderr


def test_limits_are_a_warning_without_cgroups(user: User) -> None:
    done = user.run("run", "--rm", "-m", "64m", "--pids-limit", "50", "base", "true")
    assert done.returncode == 0
    assert "does not support memory limit capabilities" in done.stderr


def test_what_would_need_cgroups_says_so(user: User, box: str) -> None:
    assert "cgroup" in user.run("pause", box).stderr
    assert "0.00%" in user.text("stats", "--no-stream", box)


@pytest.mark.skipif(hierarchies().v2 is None, reason="needs a tree of cgroup v2")
def test_a_control_group_that_was_handed_to_the_user_is_used(user: User) -> None:
    user.stop_engine()
    eventually(lambda: not user.processes(), user.processes)
    user.start_delegated()
    try:
        assert "Cgroup Driver: cgroupfs" in user.text("info")
        name = user.text("run", "-d", "base", "sh", "-c", "sleep 600 & exec sleep 600").strip()
        user.text("pause", name)
        assert "Paused" in user.text("ps")
        user.text("unpause", name)
        user.text("exec", name, "true")
        assert user.text("top", name).count("sleep 600") == 2
        user.stop_engine(signal.SIGKILL)
        user.start_delegated()
        assert user.text("exec", name, "echo", "there") == "there\n"
        assert "everything is accounted for" in user.run("system", "check").stderr
        user.text("rm", "-f", name)
        user.stop_engine()
        eventually(lambda: not user.processes(), user.processes)
    finally:
        user.end_delegation()


def test_privileged_is_privileged_in_the_users_namespace_only(user: User) -> None:
    script = "mount -t tmpfs x /mnt && echo mounted; mknod /x b 8 0 || echo denied"
    found = user.text("run", "--rm", "--privileged", "base", "sh", "-c", script)
    assert found.split() == ["mounted", "denied"]


def test_the_hosts_processes_can_be_seen_where_that_is_asked_for(user: User) -> None:
    found = user.text("run", "--rm", "--pid", "host", "base", "ps", "ax")
    assert "lading-nest" in found


def test_ids_of_ones_own_are_refused_with_the_reason(user: User) -> None:
    done = user.run("run", "--rm", "--userns=auto", "base", "true")
    assert "needs an engine that is root" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_containers_outlive_the_engine_and_the_next_one_finds_them(
    user: User, box: str, number: signal.Signals
) -> None:
    before = user.text("exec", box, "readlink", "/proc/1/ns/pid")
    user.stop_engine(number)
    assert user.text("exec", box, "readlink", "/proc/1/ns/pid") == before
    assert "everything is accounted for" in user.run("system", "check").stderr


def test_the_last_engine_without_containers_leaves_no_process(user: User) -> None:
    user.text("run", "--rm", "base", "true")
    user.stop_engine()
    eventually(lambda: not user.processes(), user.processes)
    assert not os.path.exists(f"{user.place}/session/lading/nest.json")


def test_everything_that_is_missing_is_told_at_once(user: User) -> None:
    user.stop_engine()
    (user.place / "subuid").write_text("somebody:1:1\n")
    try:
        done = user.daemon(XDG_RUNTIME_DIR="")
    finally:
        (user.place / "subuid").write_text(f"tester:{FIRST}:65536\n")
    assert done.returncode == 1
    assert "usermod --add-subuids 100000-165535 tester" in done.stderr
    assert "XDG_RUNTIME_DIR is not set" in done.stderr
    assert "/etc/subgid" not in done.stderr


def test_a_nest_whose_network_cannot_be_connected_is_taken_back(user: User) -> None:
    user.stop_engine()
    eventually(lambda: not user.processes(), user.processes)
    fake = user.place / "bin"
    fake.mkdir()
    program = fake / "pasta"
    program.write_text("#!/bin/sh\necho no way >&2\nexit 1\n")
    program.chmod(0o755)
    done = user.daemon(PATH=f"{fake}:{os.environ['PATH']}")
    assert "pasta did not connect the network: no way" in done.stderr
    assert user.processes() == {}
