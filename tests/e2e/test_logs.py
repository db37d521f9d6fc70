"""Logs by docker's own command: drivers and their options, rotation, and readers that are slow."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
LIMITED = ["--log-opt", "max-size=100k", "--log-opt", "max-file=2"]
NAME = "logging"


class Docker:
    """`docker` against the engine, with one container of a fixed name at a time."""

    def __init__(self, engine: Engine, configuration: Path) -> None:
        self.environ = os.environ | {
            "DOCKER_HOST": engine.address,
            "DOCKER_CONFIG": str(configuration),
        }

    def __call__(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["docker", *words], capture_output=True, env=self.environ, timeout=60)

    def popen(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["docker", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environ,
            **options,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return self("run", "--name", NAME, "--network", "none", *words)

    def logs(self, *words: str) -> list[bytes]:
        """The lines of stdout; the command must succeed."""
        done = self("logs", *words, NAME)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def docker(engine: Engine, tmp_path: Path) -> Iterator[Docker]:
    docker = Docker(engine, tmp_path)
    yield docker
    docker("rm", "-f", NAME)


def numbers(first: int, last: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, last + 1)]


def used(engine: Engine) -> int:
    """Bytes of the container's log."""
    path = engine.get(f"/containers/{NAME}/json")["ResolvConfPath"]
    directory = os.path.join(os.path.dirname(path), "log")
    size = 0
    for entry in os.scandir(directory):
        with contextlib.suppress(FileNotFoundError):  # rotated away just now
            size += entry.stat().st_size
    return size


def test_rotation_keeps_the_end_and_bounds_the_disk(
    docker: Docker, engine: Engine, until: Until
) -> None:
    done = docker.run(*LIMITED, "base", "seq", "1", "100000")
    assert done.stdout.splitlines() == numbers(1, 100000)
    until(lambda: used(engine) <= 200_000)
    assert used(engine) > 130_000
    kept = docker.logs()
    assert kept == numbers(100001 - len(kept), 100000)


def test_a_follower_loses_nothing_to_rotation(docker: Docker, engine: Engine) -> None:
    follow = f"read go; seq 1 {COUNT}"
    docker(
        "create", "-i", "--name", NAME, "--network", "none", *LIMITED, "base", "sh", "-c", follow
    )
    attached = subprocess.Popen(
        ["docker", "start", "-ai", NAME],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=docker.environ,
    )
    while engine.get(f"/containers/{NAME}/json")["State"]["Status"] != "running":
        time.sleep(0.02)
    slow = docker.popen("logs", "-f", NAME)
    time.sleep(0.3)  # it follows; were it later, it would see less, not lose
    assert attached.stdin
    attached.stdin.write(b"go\n")
    attached.stdin.flush()
    time.sleep(1)  # all is written, and rotated away but for what the readers hold
    seen, _ = slow.communicate(timeout=60)
    assert seen.splitlines() == numbers(1, COUNT)
    assert attached.communicate(timeout=60)[0].splitlines() == numbers(1, COUNT)


COUNT = 300_000


def test_what_a_stuck_follower_held_is_given_back(
    docker: Docker, engine: Engine, until: Until
) -> None:
    docker.run("-d", *LIMITED, "base", "sh", "-c", "while :; do seq 1 1000; sleep 0.01; done")
    stuck = docker.popen("logs", "-f", NAME)
    assert stuck.stdout
    stuck.stdout.readline()
    stuck.send_signal(signal.SIGSTOP)
    try:
        until(lambda: used(engine) > 1_000_000)
        began = time.monotonic()
        assert docker("stop", "-t", "1", NAME).returncode == 0
        assert time.monotonic() - began < 2.5
    finally:
        stuck.kill()
        stuck.communicate()
    docker("start", NAME)
    until(lambda: used(engine) <= 200_000)


def test_none_is_seen_by_who_is_attached_and_read_by_nobody(docker: Docker) -> None:
    done = docker.run("--log-driver", "none", "base", "seq", "1", "300000")
    assert done.stdout.splitlines() == numbers(1, 300_000)
    done = docker("logs", NAME)
    assert b"configured logging driver does not support reading" in done.stderr


def test_details_are_labels_variables_and_tag(docker: Docker) -> None:
    words = "--label a.b=c --label z=q/r -e FOO=bar --log-opt labels=a.b --log-opt env=FOO"
    regex = ["--log-opt", "labels-regex=^z", "--log-opt", "tag={{.Name}}:{{upper .ImageName}}"]
    docker.run(*words.split(), *regex, "base", "echo", "hi")
    assert docker.logs("--details") == [b"FOO=bar,a.b=c,tag=logging%3ABASE,z=q%2Fr hi"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--log-driver bogus", 'error looking up logging plugin bogus: plugin "bogus" not found'),
        ("--log-opt bogus=1", "unknown log opt 'bogus' for json-file log driver"),
        ("--log-opt mode=foo", "logger: logging mode not supported: foo"),
        ("--log-opt max-size=zz", "failed to initialize logging driver: invalid size: 'zz'"),
        ("--log-driver local --log-opt max-file=0", "compression cannot be enabled when max file"),
    ],
)
def test_options_are_refused_in_dockerds_words(docker: Docker, words: str, reason: str) -> None:
    done = docker.run(*words.split(), "base", "true")
    assert done.returncode in (125, 128)
    assert reason in done.stderr.decode()


def test_tail_since_until_and_times_go_together(docker: Docker) -> None:
    docker.run("base", "sh", "-c", "seq 1 5; sleep 0.3; seq 6 9")
    stamped = docker.logs("-t")
    [*_, fifth, sixth] = (line.split()[0].decode() for line in stamped[:6])
    assert docker.logs("--since", sixth) == numbers(6, 9)
    assert docker.logs("--until", fifth) == numbers(1, 5)
    assert docker.logs("--tail", "2") == numbers(8, 9)
    assert docker.logs("--tail", "2", "--until", fifth) == numbers(4, 5)
    assert docker.logs("--tail", "100", "--since", sixth) == numbers(6, 9)
    assert docker.logs("--tail", "0") == []


def test_a_run_after_a_restart_continues_the_log(docker: Docker) -> None:
    docker.run(*LIMITED, "base", "echo", "once")
    docker("start", "-a", NAME)
    assert docker.logs() == [b"once", b"once"]


def test_docker_py_takes_one_frame_for_one_line(docker: Docker, engine: Engine) -> None:
    library = pytest.importorskip("docker")
    docker.run("base", "seq", "1", "2000")
    with contextlib.closing(library.DockerClient(engine.address)) as client:
        container = client.containers.get(NAME)
        assert [line.strip() for line in container.logs(stream=True)] == numbers(1, 2000)
        assert container.logs(tail=1) == b"2000\n"
