"""The OCI command line: the life of a bundle, as containerd and podman walk it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lading.runtime.command import documents

PROGRAM = "import sys; from lading.app.lading_runtime import main; sys.exit(main())"
Runtime = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bundle(tmp_path: Path, busybox: Path) -> Path:
    write(tmp_path, ["sleep", "1000"], busybox)
    return tmp_path


def write(bundle: Path, arguments: list[str], root: Path | None = None) -> None:
    path = bundle / "config.json"
    spec: dict[str, Any] = documents.spec() if root else json.loads(path.read_text())
    spec["process"] |= {"terminal": False, "args": arguments, "env": ["PATH=/bin"]}
    if root:
        spec["root"] = {"path": str(root), "readonly": True}
        spec["linux"]["cgroupsPath"] = f"/lading-cli-{os.getpid()}"
    path.write_text(json.dumps(spec))


@pytest.fixture
def runtime(bundle: Path) -> Iterator[Runtime]:
    def call(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", PROGRAM, "--root", str(bundle / "state"), *arguments]
        source = str(Path(documents.__file__).parents[3])
        return subprocess.run(
            command, input=stdin, text=True, capture_output=True, env={"PYTHONPATH": source}
        )

    yield call
    call("delete", "--force", "c1")


def create(runtime: Runtime, bundle: Path) -> None:
    """The program keeps the caller's stdio, so it must not be a pipe that we wait for."""
    with open("/dev/null", "r+") as null:
        command = [sys.executable, "-c", PROGRAM, "--root", str(bundle / "state"), "create"]
        source = str(Path(documents.__file__).parents[3])
        subprocess.run(
            [*command, "-b", str(bundle), "--pid-file", str(bundle / "pid"), "c1"],
            stdin=null,
            stdout=null,
            stderr=null,
            env={"PYTHONPATH": source},
            check=True,
        )


def status(runtime: Runtime) -> str:
    return str(json.loads(runtime("state", "c1").stdout)["status"])


def test_the_life_of_a_container(runtime: Runtime, bundle: Path) -> None:
    create(runtime, bundle)
    pid = int((bundle / "pid").read_text())
    assert status(runtime) == "created"
    assert os.readlink(f"/proc/{pid}/exe") != "/bin/busybox"  # the program does not run yet
    assert runtime("start", "c1").returncode == 0
    assert status(runtime) == "running"
    assert runtime("exec", "--cwd", "/tmp", "c1", "pwd").stdout == "/tmp\n"
    assert runtime("exec", "c1", "sh", "-c", "exit 5").returncode == 5
    assert "that is not stopped: running" in runtime("delete", "c1").stderr
    assert runtime("kill", "c1", "KILL").returncode == 0
    assert runtime("delete", "--force", "c1").returncode == 0
    assert "does not exist" in runtime("delete", "c1").stderr


def test_run_keeps_stdio_and_the_exit_code(runtime: Runtime, bundle: Path) -> None:
    write(bundle, ["sh", "-c", "cat; echo err >&2; exit 7"])
    done = runtime("run", "-b", str(bundle), "c1", stdin="hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (7, "hello\n", "err\n")
    assert os.listdir(bundle / "state") == []


def test_a_program_that_is_missing_fails_at_create_and_is_logged(
    runtime: Runtime, bundle: Path
) -> None:
    write(bundle, ["nosuch"])
    log = bundle / "log"
    flags = ("--log", str(log), "--log-format", "json")
    done = runtime(*flags, "create", "-b", str(bundle), "c1")
    assert done.returncode == 1
    message = 'exec: "nosuch": executable file not found in $PATH'
    assert json.loads(log.read_text())["msg"] == message
    assert os.listdir(bundle / "state") == []


def test_a_plan_is_printed_without_doing_anything(runtime: Runtime, bundle: Path) -> None:
    lines = runtime("plan", str(bundle)).stdout.splitlines()
    assert lines[-1] == "execute sleep 1000"
    assert "make root read-only" in lines
    assert not (bundle / "state").exists()


def test_version_and_features_are_what_callers_parse(runtime: Runtime) -> None:
    assert runtime("--version").stdout.splitlines()[1] == "spec: 1.2.0"
    assert json.loads(runtime("features").stdout)["ociVersionMin"] == "1.0.0"
