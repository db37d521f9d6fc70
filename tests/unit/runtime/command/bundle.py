"""Bundles for tests of the OCI command line, and one call to run the command on them."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from lading.runtime.command import documents

PROGRAM = "import sys; from lading.app.lading_runtime import main; sys.exit(main())"
SOURCE = str(Path(documents.__file__).parents[3])
Change = Callable[[dict[str, Any]], object]
Done = subprocess.CompletedProcess[str]
_NUMBERS = count(1)  # a group for each: the end of one must not wait for what is in another


class Bundle:
    """One directory with config.json, its own --root and cgroup; `close` leaves nothing."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.rootfs = root
        root.chmod(0o755)  # pytest's directories are for root alone
        self.state = path / "state"
        self.names: set[str] = set()
        self.group = f"lading-cli-{os.getpid()}-{next(_NUMBERS)}"  # also in a child of the test

    def write(self, *arguments: str, change: Change | None = None) -> None:
        """The template's spec with this program, on the busybox root, without a terminal."""
        spec = documents.spec()
        env = ["PATH=/bin"]
        spec["process"] |= {"terminal": False, "args": list(arguments), "env": env}
        spec["root"] = {"path": str(self.rootfs), "readonly": True}
        spec["linux"]["cgroupsPath"] = f"/{self.group}/{self.path.name}"
        if change is not None:
            change(spec)
        (self.path / "config.json").write_text(json.dumps(spec))

    def command(self, *arguments: str) -> list[str]:
        self.names |= {word for word in arguments if word[:1] == "c" and word[1:].isdigit()}
        return [sys.executable, "-c", PROGRAM, "--root", str(self.state), *arguments]

    def call(self, *arguments: str, stdin: str = "", **more: Any) -> Done:
        """Run the command to its end; its output is what the container printed, too."""
        environment = {"PYTHONPATH": SOURCE, "PATH": os.environ["PATH"], **more.pop("env", {})}
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            text=True,
            capture_output=True,
            env=environment,
            **more,
        )

    def run(self, script: str, *flags: str, change: Change | None = None, **more: Any) -> Done:
        """A shell script in a new container, to its end."""
        self.write("sh", "-c", script, change=change)
        return self.call("run", "-b", str(self.path), *flags, "c1", **more)

    def shell(self, script: str, *flags: str, change: Change | None = None, **more: Any) -> str:
        """The output of a script that must succeed."""
        done = self.run(script, *flags, change=change, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *arguments: str, change: Change | None = None, verb: str = "run") -> int:
        """A container that goes on (it keeps none of our pipes); its pid."""
        self.write(*arguments, change=change)
        flags = ["-d"] if verb == "run" else []
        pid_file = self.path / "pid"
        with open("/dev/null", "r+") as null, open(self.path / "errors", "w+") as errors:
            words = self.command(
                verb, "-b", str(self.path), "--pid-file", str(pid_file), *flags, "c1"
            )
            environment = {"PYTHONPATH": SOURCE, "PATH": os.environ["PATH"]}
            done = subprocess.run(words, stdin=null, stdout=null, stderr=errors, env=environment)
            errors.seek(0)
            assert done.returncode == 0, errors.read()
        return int(pid_file.read_text())

    def status(self, name: str = "c1") -> str:
        return str(json.loads(self.call("state", name).stdout)["status"])

    def wait_for(self, status: str, timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while self.status() != status:
            assert time.monotonic() < deadline, f"never {status}"

    def close(self) -> None:
        for name in self.names:
            self.call("delete", "--force", name)
        for tree in Path("/sys/fs/cgroup").iterdir():
            _remove_group(tree / self.group)


def _remove_group(place: Path) -> None:
    """With those below it; one whose process has just died is busy for a moment."""
    deadline = time.monotonic() + 30
    while place.exists() and time.monotonic() < deadline:
        for folder, _, _ in os.walk(place, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def linux(**changes: Any) -> Change:
    return lambda spec: spec["linux"].update(changes)


def process(**changes: Any) -> Change:
    return lambda spec: spec["process"].update(changes)
