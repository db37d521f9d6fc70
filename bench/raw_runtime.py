"""How long the raw runtime takes for `true`: from the request to the container's end.

Ours (spawn request to the "exited" event) and `runc run` of an equal bundle, turn by turn in the
same run, one at a time with pauses: what one interactive start sees. Needs root, busybox, runc.

    python bench/raw_runtime.py [--runs 40] [--pause-ms 50] [--idle 50] [--skip-runc]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lading.kernel import capabilities
from lading.kernel.seccomp.bpf import compile_filter
from lading.kernel.seccomp.default_profile import profile
from lading.runtime import client, messages

MASKED = "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats"
MASKED += " /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats /sys/firmware"
MASKED += " /sys/devices/virtual/powercap"
READONLY = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"
PAGE_KB = 1024


def docker_spec(root: Path, work: Path, arguments: list[str]) -> dict[str, Any]:
    """What dockerd writes for `run --network none busybox ...`."""
    names = list(capabilities.DEFAULT)
    locked = ["nosuid", "noexec", "nodev"]
    binds = [
        {
            "destination": f"/etc/{name}",
            "type": "bind",
            "source": str(work / name),
            "options": ["rbind", "rprivate"],
        }
        for name in ("hosts", "hostname", "resolv.conf")
    ]
    return {
        "ociVersion": "1.2.0",
        "process": {
            "user": {"uid": 0, "gid": 0, "additionalGids": [0, 10]},
            "args": arguments,
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {k: names for k in ("bounding", "effective", "permitted")},
        },
        "root": {"path": str(root)},
        "hostname": "bench",
        "mounts": [
            _mount("/proc", "proc", locked),
            _mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            _mount(
                "/dev/pts",
                "devpts",
                ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
            ),
            _mount("/sys", "sysfs", [*locked, "ro"]),
            _mount("/sys/fs/cgroup", "cgroup", [*locked, "ro"]),
            _mount("/dev/mqueue", "mqueue", locked),
            _mount("/dev/shm", "tmpfs", [*locked, "mode=1777", "size=67108864"]),
            *binds,
        ],
        "linux": {
            "namespaces": [
                {"type": kind} for kind in ("mount", "pid", "ipc", "uts", "network", "cgroup")
            ],
            "maskedPaths": MASKED.split(),
            "readonlyPaths": READONLY.split(),
            "resources": {"memory": {"limit": 256 << 20}, "pids": {"limit": 100}},
        },
    }


def _mount(destination: str, fstype: str, options: list[str]) -> dict[str, Any]:
    return {"destination": destination, "type": fstype, "source": fstype, "options": options}


class Ours:
    """Our runtime with its spawner warm."""

    def __init__(self, work: Path, root: Path) -> None:
        self.work = work
        self.root = root
        self.exec_root = str(work / "run")
        program = compile_filter(profile(capabilities.DEFAULT))
        (work / "default.bpf").write_bytes(program)
        self.spawner = client.Spawner.launch(exec_root=self.exec_root)
        self._count = 0

    def start(self, arguments: list[str]) -> tuple[str, Any]:
        """A container; its id and the connection to its monitor."""
        self._count += 1
        name = f"{self._count:064x}"
        directory = Path(client.run_directory(self.exec_root, name))
        layers = [self.work / "layers" / f"{self._count}-{part}" for part in ("up", "work", "log")]
        for path in (directory, *layers):
            path.mkdir(parents=True)
        spec = docker_spec(self.root, self.work, arguments)
        spec["linux"]["cgroupsPath"] = f"/lading/bench{os.getpid()}/{name}"
        lower = [str(self.work / "middle"), str(self.work / "low"), str(self.root)]
        request: dict[str, object] = {
            "id": name,
            "directory": str(directory),
            "spec": spec,
            "overlay": {"lower": lower, "upper": str(layers[0]), "work": str(layers[1])},
            "log": {"directory": str(layers[2])},
            "stdin": False,
            "seccomp_filter": str(self.work / "default.bpf"),
            "fds": {},
        }
        self.began = time.perf_counter()
        return name, messages.adopt(self.spawner.spawn(request, []))

    def run(self, arguments: list[str]) -> float:
        """Milliseconds from the request to the end of the program."""
        name, connection = self.start(arguments)
        while True:
            message, _ = messages.receive(connection)
            if message is None or message["event"] == "failed":
                raise SystemExit(f"start failed: {message}")
            if message["event"] == "exited":
                break
        took = (time.perf_counter() - self.began) * 1000
        while messages.receive(connection)[0] is not None:
            continue
        connection.close()
        self.clean(name)
        return took

    def clean(self, name: str) -> None:
        client.clean(self.exec_root, name, f"/lading/bench{os.getpid()}/{name}")

    def close(self) -> None:
        self.spawner.close()
        client.clean(self.exec_root, "none", f"/lading/bench{os.getpid()}")


class Runc:
    """Debian's runc on a bundle with the same spec, without the overlay (it mounts none)."""

    def __init__(self, work: Path, root: Path) -> None:
        self.bundle = work / "bundle"
        self.state = work / "runc"
        self.bundle.mkdir()
        spec = docker_spec(root, work, ["true"])
        spec["linux"]["seccomp"] = profile(capabilities.DEFAULT)
        (self.bundle / "config.json").write_text(json.dumps(spec))

    def run(self) -> float:
        command = ["runc", "--root", str(self.state), "run", "-b", str(self.bundle)]
        began = time.perf_counter()
        name = f"bench{os.getpid()}"
        done = subprocess.run([*command, name], stdin=subprocess.DEVNULL, capture_output=True)
        took = (time.perf_counter() - began) * 1000
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode())
        return took


def make_root(work: Path) -> Path:
    """A root with busybox and nothing else."""
    root = work / "root"
    for name in ("bin", "etc", "proc", "sys", "dev", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for applet in ("true", "sleep", "sh"):
        (root / "bin" / applet).symlink_to("busybox")
    for name in ("low", "middle"):
        (work / name).mkdir()
    for name in ("hosts", "hostname", "resolv.conf"):
        (root / "etc" / name).touch()
        (work / name).write_text("bench\n")
    return root


@contextmanager
def workplace() -> Iterator[Path]:
    work = Path(tempfile.mkdtemp(prefix="lading-bench-"))
    try:
        yield work
    finally:
        shutil.rmtree(work)


def pss_kb(pid: int) -> int:
    """Proportional memory of a process: man 5 proc, smaps_rollup."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def measure_idle(ours: Ours, count: int) -> None:
    """Memory of monitor and init of each of `count` sleeping containers."""
    running = []
    for _ in range(count):
        name, connection = ours.start(["sleep", "1000"])
        message, _ = messages.receive(connection)
        assert message is not None
        running.append((name, connection, message["pid"]))
    time.sleep(1)
    states = [Path(client.run_directory(ours.exec_root, n), "state.json") for n, _, _ in running]
    monitors = [json.loads(path.read_text())["monitor_pid"] for path in states]
    monitor = statistics.mean(pss_kb(pid) for pid in monitors)
    init = statistics.mean(pss_kb(pid) for _, _, pid in running)
    print(f"PSS per idle container of {count}: {(monitor + init) / PAGE_KB:.2f} MiB", end=" ")
    print(f"(monitor {monitor:.0f} kB, init {init:.0f} kB, spawner {pss_kb(ours.spawner.pid)} kB)")
    for name, connection, _ in running:
        messages.send(connection, {"op": "signal", "seq": 1, "signal": 9})
        while messages.receive(connection)[0] is not None:
            continue
        connection.close()
        ours.clean(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--pause-ms", type=float, default=50)
    parser.add_argument("--idle", type=int, default=50)
    parser.add_argument("--skip-runc", action="store_true")
    options = parser.parse_args()
    with workplace() as work:
        root = make_root(work)
        ours, runc = Ours(work, root), Runc(work, root)
        mine, theirs = [], []
        for _ in range(options.runs):
            time.sleep(options.pause_ms / 1000)
            mine.append(ours.run(["true"]))
            if not options.skip_runc:
                time.sleep(options.pause_ms / 1000)
                theirs.append(runc.run())
        median = statistics.median(mine)
        print(f"raw runtime, true: median {median:.2f} ms, best {min(mine):.2f} ms")
        if theirs:
            other = statistics.median(theirs)
            print(f"runc run, true: median {other:.2f} ms; ratio {median / other:.2f}")
        if options.idle:
            measure_idle(ours, options.idle)
        ours.close()


if __name__ == "__main__":
    main()
