"""What tests in the guest share: an engine for each driver of cgroups, and `lading` for it."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e import conftest as e2e
from tests.e2e.conftest import SOURCE, Engine

from lading.kernel.cgroup import hierarchies, systemd

BIN = Path(SOURCE).parent / "bin"
WAIT_S = 30.0  # the guest is emulated
START_S = 120.0
HAS_V2_AND_SYSTEMD = (
    os.geteuid() == 0
    and hierarchies().is_unified()
    and systemd.is_running()
    and os.access(systemd.address(), os.W_OK)
)


class Host:
    """An engine of the source tree with some flags, and the command line."""

    def __init__(self, *flags: str) -> None:
        self.flags = flags
        e2e.START_S, e2e.SETTLED_S = START_S, WAIT_S
        self.engine = Engine()
        self.engine.flags = list(flags)
        self.engine.start()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`lading` with these words, to its end."""
        command = [sys.executable, str(BIN / "lading"), "-H", self.engine.address, *words]
        return subprocess.run(command, text=True, capture_output=True, stdin=subprocess.DEVNULL)

    def lading(self, *words: str) -> str:
        """What it prints; it must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stderr, self.engine.log()[-2000:])
        return done.stdout.strip()

    def inspect(self, name: str, template: str) -> str:
        return self.lading("inspect", "-f", "{{" + template + "}}", name)

    def group(self, name: str) -> Path:
        """The directory of a running container's cgroup."""
        pid = self.inspect(name, ".State.Pid")
        path = Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")
        return Path(f"/sys/fs/cgroup{path}")


def opened(*flags: str) -> Iterator[Host]:
    host = Host(*flags)
    try:
        yield host
    finally:
        host.engine.close()


@pytest.fixture(scope="session", params=["cgroupfs", "systemd"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if not HAS_V2_AND_SYSTEMD:
        pytest.skip("needs systemd and cgroup v2 alone: scripts/guest-tests")
    yield from opened("--exec-opt", f"native.cgroupdriver={request.param}")


@pytest.fixture
def box(host: Host) -> Iterator[Callable[..., str]]:
    """Starts containers that go on until the test is through; returns their names."""
    made: list[str] = []

    def start(*flags: str, program: tuple[str, ...] = ("sleep", "600")) -> str:
        name = f"box{len(made)}"
        made.append(name)
        host.lading("run", "-d", "--name", name, *flags, "base", *program)
        return name

    yield start
    for name in made:
        host.run("rm", "-f", name)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never was so"
        time.sleep(0.05)


def systemctl(*words: str) -> str:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """A root file system of busybox alone."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for name in ("sh", "sleep", "cat", "echo", "true", "ls", "grep", "mount"):
        with contextlib.suppress(FileExistsError):
            os.symlink("busybox", root / "bin" / name)
    root.chmod(0o755)
    return root
