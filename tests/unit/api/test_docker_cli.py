"""The real docker CLI against the API: the client whose manners we keep."""

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pexpect  # type: ignore[import-untyped]
import pytest

from lading.errors import NotFound

DOCKER = shutil.which("docker")
pytestmark = pytest.mark.skipif(DOCKER is None, reason="no docker CLI on this host")
Docker = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(api: Any, tmp_path: Any) -> dict[str, str]:
    return os.environ | {"DOCKER_HOST": f"unix://{api.path}", "DOCKER_CONFIG": str(tmp_path)}


@pytest.fixture
def docker(environment: dict[str, str]) -> Docker:
    def run(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(DOCKER), *arguments],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=20,
        )

    return run


def test_version_info_and_ps(docker: Docker) -> None:
    assert "Server: Lading" in docker("version").stdout
    assert " Containers: 1\n" in docker("info").stdout
    assert "Up 3 minutes" in docker("ps").stdout


def test_logs_are_taken_apart(docker: Docker) -> None:
    logs = docker("logs", "web")
    assert (logs.stdout, logs.stderr) == ("out\n", "err\n")


def test_attach_gives_input_output_and_the_exit_code(api: Any, docker: Docker) -> None:
    api.backend.containers.exited_with = 7
    attached = docker("attach", "web", stdin="hello")
    assert (attached.stdout, attached.stderr, attached.returncode) == ("HELLO", "bye", 7)


def test_exec_gives_input_output_and_the_exit_code(docker: Docker) -> None:
    done = docker("exec", "-i", "web", "cat", stdin="hello")
    assert (done.stdout, done.stderr, done.returncode) == ("HELLO", "bye", 3)


def test_run_creates_attaches_waits_and_starts(api: Any, docker: Docker) -> None:
    api.backend.containers.exited_with = 5
    done = docker("run", "-i", "busybox", "cat", stdin="hello")
    assert (done.stdout, done.returncode) == ("HELLO", 5)
    verbs = [call[0] for call in api.backend.containers.calls if call[0] != "list"]
    assert verbs == ["create", "attach", "wait", "start"]


def test_a_missing_image_is_pulled_and_the_create_tried_again(api: Any, docker: Docker) -> None:
    api.backend.containers.failure = NotFound("No such image: busybox:latest")
    docker("run", "-d", "busybox")
    assert [call[0] for call in api.backend.containers.calls] == ["create", "create"]
    assert api.backend.images.calls == [("pull", "docker.io/library/busybox:latest", None)]


def test_errors_are_told(api: Any, docker: Docker) -> None:
    api.backend.containers.failure = NotFound("No such container: web")
    killed = docker("kill", "web")
    assert "cannot kill container: web: No such container: web" in killed.stderr


def test_a_terminal_session_can_be_left(
    api: Any, environment: dict[str, str], wait_until: Callable[..., None]
) -> None:
    api.backend.containers.attachment.tty = True
    arguments = ["exec", "-it", "--detach-keys", "ctrl-p,ctrl-q", "web", "cat"]
    session = pexpect.spawn(str(DOCKER), arguments, env=environment, timeout=10)
    session.send("hello")
    session.expect_exact("HELLO")
    session.send("\x10\x11")
    session.expect(pexpect.EOF)
    session.close()
    # the CLI looks for the keys itself, and just leaves; other clients leave that to the engine
    wait_until(lambda: "close" in api.backend.containers.attachment.calls)
    resized = [call for call in api.backend.containers.calls if call[0] == "exec_resize"]
    assert resized
