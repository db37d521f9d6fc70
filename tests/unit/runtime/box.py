"""Containers for tests: a busybox root, a spawner, and one call to run a program in it."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from lading.kernel import capabilities
from lading.runtime import client, messages
from lading.runtime.segments import HEADER, OVERHEAD, list_segments

APPLETS = "sh cat ls id hostname mount sleep true false echo ps touch grep wc head dd stty tty kill"
APPLETS += " env pwd umask stat readlink yes sync test seq ulimit"
TIMEOUT_S = 20.0


def make_root(path: Path) -> Path:
    """A root directory of busybox with the files that user lookup reads."""
    for name in ("bin", "etc", "tmp", "proc", "sys", "dev"):
        (path / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", path / "bin/busybox")
    for applet in APPLETS.split():
        (path / "bin" / applet).symlink_to("busybox")
    (path / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001::/home/bob:/bin/sh\n"
    )
    (path / "etc/group").write_text("root:x:0:\nbob:x:1001:\naudio:x:29:bob\nvideo:x:44:\n")
    return path


def spec_of(arguments: list[str]) -> dict[str, Any]:
    """A spec as Docker's, with all namespaces new."""
    locked = ["nosuid", "noexec", "nodev"]
    names = list(capabilities.DEFAULT)
    return {
        "ociVersion": "1.2.0",
        "process": {
            "args": arguments,
            "env": ["PATH=/bin"],
            "cwd": "/",
            "user": {"uid": 0, "gid": 0},
            "capabilities": {k: names for k in ("bounding", "effective", "permitted")},
        },
        "hostname": "box",
        "mounts": [
            mount("/proc", "proc", locked),
            mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount(
                "/dev/pts",
                "devpts",
                ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
            ),
            mount("/sys", "sysfs", [*locked, "ro"]),
            mount("/sys/fs/cgroup", "cgroup", [*locked, "ro"]),
            mount("/dev/shm", "tmpfs", [*locked, "mode=1777", "size=67108864"]),
        ],
        "linux": {
            "namespaces": [
                {"type": kind} for kind in ("mount", "pid", "ipc", "uts", "network", "cgroup")
            ],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/acpi", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys", "/proc/irq"],
            "resources": {},
        },
    }


def mount(destination: str, fstype: str, options: list[str]) -> dict[str, Any]:
    return {"destination": destination, "type": fstype, "source": fstype, "options": options}


class Container:
    """One container and the connection to its monitor."""

    def __init__(self, boxes: "Boxes", name: str, descriptor: int, cgroup: str, log: Path) -> None:
        self.boxes = boxes
        self.name = name
        self.cgroup = cgroup
        self.log = log
        self.connection = messages.adopt(descriptor)
        self.connection.settimeout(TIMEOUT_S)
        self._sequence = 0
        self.events: list[dict[str, Any]] = []

    def receive(self) -> tuple[dict[str, Any] | None, list[int]]:
        return messages.receive(self.connection)

    def wait(self, event: str) -> dict[str, Any]:
        """The next event of that kind; a failed start is an error of the test."""
        while True:
            for seen in self.events:
                if seen.get("event") == event:
                    self.events.remove(seen)
                    return seen
            message, _ = self.receive()
            assert message is not None, f"the monitor ended before {event!r}: {self.events}"
            if message.get("event") == "failed" and event != "failed":
                raise AssertionError(message["error"]["message"])
            self.events.append(message)

    def ask(self, op: str, fds: list[int] | None = None, **fields: Any) -> dict[str, Any]:
        """Send a request and return its reply; events on the way are kept."""
        reply, _ = self.ask_fds(op, fds, **fields)
        return reply

    def ask_fds(
        self, op: str, fds: list[int] | None = None, **fields: Any
    ) -> tuple[dict[str, Any], list[int]]:
        self._sequence += 1
        messages.send(self.connection, {"op": op, "seq": self._sequence, **fields}, fds)
        while True:
            message, got = self.receive()
            assert message is not None
            if message.get("reply") == self._sequence:
                return message, got
            self.events.append(message)

    def output(self, stream: int | None = None) -> str:
        """What the log holds."""
        text = b""
        for name in list_segments(str(self.log)):
            data = (self.log / name).read_bytes()
            while len(data) >= HEADER.size:
                length, kind, _, _, _ = HEADER.unpack_from(data)
                if stream in (None, kind):
                    text += data[HEADER.size : HEADER.size + length]
                data = data[OVERHEAD + length :]
        return text.decode()

    def state(self) -> dict[str, Any]:
        path = Path(client.run_directory(self.boxes.exec_root, self.name), "state.json")
        record: dict[str, Any] = json.loads(path.read_text())
        return record

    def ended(self) -> dict[str, Any]:
        """The end, after which the monitor is gone too."""
        event = self.wait("exited")
        while self.receive()[0] is not None:
            continue
        return event


class Boxes:
    """A spawner with its directories; `close` leaves nothing behind."""

    def __init__(self, work: Path, root: Path) -> None:
        self.work = work
        self.root = root
        self.exec_root = str(work / "exec")
        self.spawner = client.Spawner.launch(exec_root=self.exec_root)
        self.containers: list[Container] = []
        self.parent = f"/lading/t{os.getpid()}-{work.name[-8:]}"

    def start(self, *arguments: str, **changes: Any) -> Container:
        """Ask for a container. `spec=function` may change the spec; `stdin`, `overlay`, `fds`."""
        name = f"{len(self.containers):064x}"
        directory = Path(client.run_directory(self.exec_root, name))
        directory.mkdir(parents=True, mode=0o700)
        layers = {part: self.work / f"{part}{len(self.containers)}" for part in ("u", "w", "log")}
        for path in layers.values():
            path.mkdir()
        spec = spec_of(list(arguments))
        spec["linux"]["cgroupsPath"] = f"{self.parent}/{name}"
        change = changes.pop("spec", None)
        if change:
            change(spec)
        descriptors = changes.pop("descriptors", [])
        overlay = {"lower": [str(self.root)], "upper": str(layers["u"]), "work": str(layers["w"])}
        request = {
            "id": name,
            "directory": str(directory),
            "spec": spec,
            "overlay": overlay,
            "log": {"directory": str(layers["log"])},
            "stdin": False,
            "seccomp_filter": None,
            "fds": {},
            **changes,
        }
        descriptor = self.spawner.spawn(request, descriptors)
        cgroup = spec["linux"]["cgroupsPath"]
        container = Container(self, name, descriptor, cgroup, layers["log"])
        self.containers.append(container)
        return container

    def run(self, *arguments: str, **changes: Any) -> tuple[int, str]:
        """Run to the end: exit code and output."""
        container = self.start(*arguments, **changes)
        code = int(container.ended()["exit_code"])
        return code, container.output()

    def shell(self, script: str, **changes: Any) -> str:
        """The output of a shell script that must succeed."""
        code, output = self.run("sh", "-c", script, **changes)
        assert code == 0, output
        return output

    def close(self) -> None:
        for container in self.containers:
            container.connection.close()
            client.clean(self.exec_root, container.name, container.cgroup)
        self.spawner.close()
        with contextlib.suppress(OSError):
            client.clean(self.exec_root, "none", self.parent)


def eventually(condition: Any, timeout_s: float = 30.0) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_running(pid: int) -> bool:
    status = subprocess.run(
        ["cat", f"/proc/{pid}/stat"], capture_output=True, text=True, check=False
    )
    return status.returncode == 0 and status.stdout.rpartition(")")[2].split()[0] not in "ZX"
