"""An engine of the source tree, in a network namespace of its own, for every test that runs it.

`engine` lives for the session; `fragile_engine` is one that a test may kill. Both leave nothing
behind, and say so: processes, cgroups and mounts are looked for after the end.
LADING_TEST_ENGINE (`unix:///path`) names another engine for the tests that only talk to one.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lading
from lading.kernel import netns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OTHER_ENGINE = os.environ.get("LADING_TEST_ENGINE", "")
SOURCE = str(Path(lading.__file__).parent.parent)
START_S = 60.0
SETTLED_S = 30.0  # what goes on in the background is through then, on a loaded host, too
SUBID_TABLES = ("/etc/subuid", "/etc/subgid")
PLUGINS = "/run/docker/plugins"
CLONE_NEWNET = 0x40000000  # linux/sched.h

# SIGUSR1 arms the failpoint that a file names: after the start, so that only the operation meets
# it. "name:2" is the second time that it is passed; "list:FILE" writes down all that are.
BOOT = f"""
import signal, sys
sys.path.insert(0, {SOURCE!r})
from lading import failpoints
from lading.app.ladingd import main

order = sys.argv.pop(1)

class Word(str):
    passed = {{}}
    __hash__ = str.__hash__

    def __eq__(self, name):
        count = self.passed[name] = self.passed.get(name, 0) + 1
        here = name if count == 1 else f"{{name}}:{{count}}"
        if not self.startswith("list:"):
            return here == str(self)
        with open(self[5:], "a") as file:
            print(here, file=file)
        return False

def arm(*_):
    with open(order) as file:
        failpoints._armed = Word(file.read())
    Word.passed.clear()
    open(order + ".heard", "w").close()

signal.signal(signal.SIGUSR1, arm)
sys.exit(main())
"""


class UnixConnection(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("engine", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """A daemon, its directories and its network namespace; both outlive the daemon."""

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="lading-e2e-", dir="/tmp")
        self.socket = f"{self.directory}/engine.sock"
        self.address = f"unix://{self.socket}"
        self.flags: list[str] = []  # further ones, from the next start on
        self._namespace = _network_namespace()
        self.subids = ""  # what the daemon finds in /etc/subuid and /etc/subgid
        self.plugins = (
            ""  # a directory that it sees as /run/docker/plugins, and nothing else in /run
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._id = ""

    def start(self, failpoint: str = "") -> None:
        """Start the daemon and wait until it answers; `failpoint` is armed at once."""
        self.launch(failpoint)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, self.log()
            with contextlib.suppress(OSError):
                self._id = self.get("/info")["ID"]
                return
            time.sleep(0.02)
        raise TimeoutError(self.log())

    def launch(self, failpoint: str = "") -> None:
        """Start the daemon without waiting for anything."""
        assert self._process is None
        words = [sys.executable, "-c", BOOT, f"{self.directory}/failpoint"]
        words += ["--data-root", f"{self.directory}/data", "--exec-root", f"{self.directory}/exec"]
        words += ["-H", self.address, "-p", f"{self.directory}/pid", *self.flags]
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environ["LADING_FAILPOINT"] = failpoint
        enter = ["nsenter", f"--net=/proc/self/fd/{self._namespace}", *self._own_mounts()]
        with open(f"{self.directory}/log", "ab") as log:
            self._process = subprocess.Popen(
                [*enter, *words],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[self._namespace],
            )

    def _own_mounts(self) -> list[str]:
        """The start of a command line that sees other files than the host has."""
        steps = []
        if self.subids:
            table = Path(f"{self.directory}/subids")
            table.write_text(self.subids)
            steps += [f"mount --bind {table} {path}" for path in SUBID_TABLES]
        if self.plugins:
            steps += ["mount -t tmpfs run /run", f"mkdir -p {PLUGINS}"]
            steps += [f"mount --bind {self.plugins} {PLUGINS}"]
        if not steps:
            return []
        script = " && ".join(["mount --make-rprivate /", *steps, 'exec "$@"'])
        return ["unshare", "-m", "sh", "-c", script, "sh"]

    def beside(self, *words: str, port: int = 0) -> subprocess.Popen[bytes]:
        """A program in the engine's network namespace, the caller's to end; wait for its `port`."""
        enter = ["nsenter", f"--net=/proc/self/fd/{self._namespace}"]
        up = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        process = subprocess.Popen(
            [*enter, *up, *words], stdin=subprocess.DEVNULL, pass_fds=[self._namespace]
        )
        deadline = time.monotonic() + START_S
        while port:
            assert process.poll() is None, f"it has ended: {words}"
            with contextlib.suppress(OSError), self.connect("127.0.0.1", port):
                break
            assert time.monotonic() < deadline, f"nobody listens on {port}: {words}"
            time.sleep(0.02)
        return process

    def log(self) -> str:
        return Path(f"{self.directory}/log").read_text()

    def kill9(self) -> None:
        """End the daemon as a crash does; containers and their monitors are left alone."""
        assert self._process is not None
        self._process.kill()
        self.wait_dead()

    def wait_dead(self, timeout_s: float = 60.0) -> int:
        """Wait until the daemon has died by itself; returns its return code."""
        assert self._process is not None
        code = self._process.wait(timeout_s)
        self._process = None
        return code

    def hang_up(self) -> None:
        """Tell the daemon to read its configuration anew."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def revive(self) -> None:
        """Start the daemon if it does not run."""
        if not self.is_alive():
            self._process = None
            self.start()

    def stop(self) -> None:
        """End the daemon as an operator does."""
        assert self._process is not None
        self._process.terminate()
        assert self.wait_dead() == 0, self.log()

    def arm(self, word: str) -> None:
        """From now on the daemon dies at a failpoint, or lists those it passes (`list:FILE`)."""
        assert self._process is not None
        order = Path(f"{self.directory}/failpoint")
        heard = Path(f"{self.directory}/failpoint.heard")
        order.write_text(word)
        heard.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + START_S
        while not heard.exists():
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def call(
        self, method: str, path: str, document: object = None, timeout_s: float = 30.0
    ) -> tuple[int, bytes]:
        """One request; OSError or HTTPException when the daemon dies under it."""
        connection = UnixConnection(self.socket, timeout_s)
        body = None if document is None else json.dumps(document)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def exchange(
        self, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request with a body of any kind: status, headers and body of the answer."""
        connection = UnixConnection(self.socket, 30.0)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def get(self, path: str) -> Any:
        """The document at a path."""
        status, body = self.call("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, document: object = None) -> Any:
        """What a request that must succeed answers."""
        status, body = self.call("POST", path, document)
        assert status < 300 or status == 304, body
        return json.loads(body) if body else None

    def in_namespace(
        self, *words: str, stdin: bytes = b"", environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command in the network namespace of the engine; it may fail."""
        return subprocess.run(
            ["nsenter", f"--net=/proc/self/fd/{self._namespace}", *words],
            pass_fds=[self._namespace],
            input=stdin,
            capture_output=True,
            env=environ,
            timeout=60,
        )

    def connect(self, address: str, port: int, timeout_s: float = 20.0) -> socket.socket:
        """A TCP connection from the network namespace of the engine. Raises OSError."""

        def connect() -> socket.socket:
            netns.setns(self._namespace)
            return socket.create_connection((address, port), timeout_s)

        with ThreadPoolExecutor(1) as thread:  # which has a network namespace of its own
            return thread.submit(connect).result()

    def forget_bridge(self) -> None:
        """Delete the default bridge, if there is one, so that the next start has to make it."""
        self.in_namespace("ip", "link", "delete", "lading0")

    def findings(self) -> list[object]:
        """What the audit says, once what goes on in the background has had time to end."""
        deadline = time.monotonic() + SETTLED_S
        while True:
            answer = self.get("/lading/system/check")
            found: list[object] = answer["findings"]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.02)

    def remove_everything(self) -> None:
        """`rm -f` of every container."""
        for container in self.get("/containers/json?all=1"):
            status, body = self.call("DELETE", f"/containers/{container['Id']}?force=1")
            assert status in (204, 404), body

    def limit_descriptors(self, spare: int) -> int:
        """Let the daemon open only so many more (or, large, so many); returns its limit before."""
        assert self._process is not None
        pid = self._process.pid
        opened = len(os.listdir(f"/proc/{pid}/fd"))
        before, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        limit = spare if spare > 1000 else opened + spare
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
        return before

    def close(self, *, keep: bool = False) -> None:
        """Remove all containers, stop the daemon, and assert that nothing of them is left.

        With `keep` its directory stays, for something of the test's own is mounted there.
        """
        self.revive()
        self.remove_everything()
        findings = self.findings()
        self.stop()
        left = {
            "findings": findings,
            "processes": self._processes(),
            "cgroups": self._leave_cgroups(),
            "mounts": [line for line in _mountinfo() if self.directory in line],
            "runs": os.listdir(f"{self.directory}/exec/containers"),
        }
        log = self.log()
        os.close(self._namespace)
        if keep:
            del left["mounts"]
        elif not left["mounts"]:
            shutil.rmtree(self.directory)
        assert not any(left.values()), (left, log)

    def process_ids(self) -> list[int]:
        """The daemon, spawner and monitors of now: whoever is in our network namespace."""
        ours = os.fstat(self._namespace).st_ino
        found = []
        for path in glob.glob("/proc/[0-9]*/ns/net"):
            with contextlib.suppress(OSError):
                if os.stat(path).st_ino == ours:
                    found.append(int(Path(path).parents[1].name))
        return found

    def _processes(self) -> list[str]:
        """Whoever is in our network namespace: the spawner and every monitor are."""
        ours = os.fstat(self._namespace).st_ino
        found: list[str] = []
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = []
            for path in glob.glob("/proc/[0-9]*/ns/net"):
                with contextlib.suppress(OSError):
                    if os.stat(path).st_ino == ours:
                        command = Path(path).parents[1] / "cmdline"
                        found.append(f"{path}: {command.read_bytes()!r}")
            if not found:
                break
            time.sleep(0.05)
        return found

    def cgroups(self) -> list[str]:
        """The cgroups of containers that are there."""
        found: list[str] = []
        for parent in self._cgroup_parents():
            found += [entry.path for entry in os.scandir(parent) if entry.is_dir()]
        return found

    def make_cgroups(self, name: str) -> list[str]:
        """A cgroup as of a container, in each tree that has one for this engine or could."""
        trees = ["/sys/fs/cgroup", *glob.glob("/sys/fs/cgroup/*/")]
        trees = [tree for tree in trees if os.path.exists(f"{tree}/cgroup.procs")]
        made = [f"{tree}/lading/{self._id}/{name}" for tree in trees]
        for path in made:
            os.makedirs(path, exist_ok=True)
        return made

    def _cgroup_parents(self) -> list[str]:
        trees = ["/sys/fs/cgroup", *glob.glob("/sys/fs/cgroup/*/")]  # v2's alone, or each of v1
        return [*filter(os.path.isdir, (f"{tree}/lading/{self._id}" for tree in trees))]

    def _leave_cgroups(self) -> list[str]:
        """The cgroups of containers that are still there; the emptied parents are removed."""
        left = self.cgroups()
        for parent in self._cgroup_parents():
            for path in (parent, os.path.dirname(parent)):
                with contextlib.suppress(OSError):
                    os.rmdir(path)
        return left


def _network_namespace() -> int:
    """A new network namespace, kept by a descriptor."""
    made: list[int] = []

    def make() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

    thread = threading.Thread(target=make)  # a thread has a network namespace of its own
    thread.start()
    thread.join()
    assert made, "unshare(CLONE_NEWNET) failed"
    return made[0]


def _mountinfo() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def _opened() -> Iterator[Engine]:
    if os.geteuid() != 0:
        pytest.skip("an engine needs root")
    engine = Engine()
    engine.start()
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="session")
def new_engine() -> Callable[[], Engine]:
    """Makes engines that do not run yet, for tests that prepare their directory."""
    if os.geteuid() != 0:
        pytest.skip("an engine needs root")
    return Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine that most tests share."""
    yield from _opened()


@pytest.fixture(scope="module")
def fragile_engine() -> Iterator[Engine]:
    """An engine that tests may kill and start again; it runs when a test begins and ends."""
    yield from _opened()


@pytest.fixture(scope="session")
def address(request: pytest.FixtureRequest) -> str:
    """Where the engine under test listens: ours, unless LADING_TEST_ENGINE names another."""
    if OTHER_ENGINE:
        return OTHER_ENGINE
    ours: Engine = request.getfixturevalue("engine")
    return ours.address


@pytest.fixture(scope="session")
def image() -> str:
    """An image with a shell and the usual tools."""
    return os.environ.get("LADING_TEST_IMAGE", "busybox" if OTHER_ENGINE else "base")


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something holds, or fail."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "it did not come true"
            time.sleep(0.02)

    return wait


@pytest.fixture
def make(engine: Engine) -> Iterator[Callable[..., str]]:
    """Creates containers of a shell script; removes them after the test."""
    made: list[str] = []

    def create(script: str, *, name: str = "", host: Any = None, **config: Any) -> str:
        document = {
            "Image": "base",
            "Cmd": ["sh", "-c", script],
            "HostConfig": host or {},
            **config,
        }
        found: str = engine.post(f"/containers/create?name={name}", document)["Id"]
        made.append(found)
        return found

    yield create
    for each in made:
        engine.call("DELETE", f"/containers/{each}?force=1")
