"""The engines that are compared: one that is started here, others that run already."""

import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
START_S = 15.0  # an engine answers by then
STOP_S = 20.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("engine")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class Engine:
    """An engine behind a socket."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self.pid = _listener(path)

    @property
    def host(self) -> str:
        return f"unix://{self.path}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request on a connection of its own; the decoded answer. Fails loudly."""
        connection = UnixConnection(self.path)
        text = json.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json"} if text else {}
        try:
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise SystemExit(f"{self.name}: {method} {path}: {answer.status} {data.decode()}")
        return json.loads(data) if data else None

    def run_once(self, image: str) -> None:
        """Create, start and see the end of a container that removes itself."""
        host = {"NetworkMode": "none", "AutoRemove": True}
        config = {"Image": image, "Cmd": ["true"], "HostConfig": host}
        name = self.call("POST", "/containers/create", config)["Id"]
        waiting = UnixConnection(self.path)
        waiting.request("POST", f"/containers/{name}/wait?condition=removed")
        self.call("POST", f"/containers/{name}/start")
        code = json.loads(waiting.getresponse().read())["StatusCode"]
        waiting.close()
        if code != 0:
            raise SystemExit(f"{self.name}: `true` ended with {code}")


def _listener(path: str) -> int:
    """The process that listens on a Unix socket: SO_PEERCRED, unix(7)."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, _uid, _gid = struct.unpack("iII", credentials)
    return int(pid)


def environment() -> dict[str, str]:
    """For the commands that are measured: byte code is cached, no engine is preset."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "DOCKER_HOST", "LADING_HOST")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"PYTHONPATH": str(PROJECT / "src")}


def default_command(name: str) -> str:
    """How the project's own commands start from the source tree, with this interpreter."""
    return shlex.join([sys.executable, str(PROJECT / "bin" / name)])


@contextmanager
def started(command: str, scratch: str | None) -> Iterator[Engine]:
    """Our engine in a network namespace and folders of its own; nothing stays behind."""
    work = Path(tempfile.mkdtemp(prefix="lading-bench-", dir=scratch))
    parent = f"/lading-bench-{os.getpid()}"
    path = str(work / "engine.sock")
    words = [*shlex.split(command), "--data-root", str(work / "data")]
    words += ["--exec-root", str(work / "exec"), "-H", f"unix://{path}", "--cgroup-parent", parent]
    inside = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *words]
    with open(work / "log", "wb") as log:
        process = subprocess.Popen(
            inside, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _await(path, process, work / "log")
        yield Engine("lading", path)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _remove_cgroups(parent)
        shutil.rmtree(work)


def _await(path: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _listener(path)
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"our engine did not start:\n{log.read_text()}")


def _remove_cgroups(parent: str) -> None:
    """The empty cgroups of our containers, in every hierarchy."""
    base = Path("/sys/fs/cgroup")
    for top in (base / parent[1:], *base.glob(f"*{parent}")):
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)
