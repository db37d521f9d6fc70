"""Limits of `run` arrive in the container's cgroup, on v1 and on v2 hosts, and bite.

They are read inside the container, whose cgroup namespace shows its own group as the root.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from lading.kernel.cgroup import hierarchies

if TYPE_CHECKING:
    from tests.e2e.cli.conftest import CommandLine

MIB = 1 << 20
IS_V2 = hierarchies().is_unified()
ROOT = "/sys/fs/cgroup"


@pytest.fixture(autouse=True)
def ours(address: str) -> None:
    """Only of our own engine is the place of the cgroups known."""
    if os.environ.get("LADING_TEST_ENGINE"):
        pytest.skip("looks into cgroups of our own engine")


def shown(command: CommandLine, image: str, words: list[str], files: list[str]) -> list[str]:
    """What the files of the container's group say, the first line of each."""
    script = "; ".join(f"head -n 1 {ROOT}/{file}" for file in files)
    done = command.run("--rm", *words, image, "sh", "-c", script)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


LIMITS = [
    (["-m", "64m"], {"memory/memory.limit_in_bytes": str(64 * MIB)}, {"memory.max": str(64 * MIB)}),
    (
        ["-m", "64m", "--memory-swap", "96m", "--memory-reservation", "32m"],
        {"memory/memory.soft_limit_in_bytes": str(32 * MIB)},
        {"memory.swap.max": str(32 * MIB), "memory.low": str(32 * MIB)},
    ),
    (["--cpus", "0.5"], {"cpu/cpu.cfs_quota_us": "50000"}, {"cpu.max": "50000 100000"}),
    (["--cpu-shares", "512"], {"cpu/cpu.shares": "512"}, {"cpu.weight": "59"}),
    (["--cpuset-cpus", "0"], {"cpuset/cpuset.cpus": "0"}, {"cpuset.cpus": "0"}),
    (["--pids-limit", "40"], {"pids/pids.max": "40"}, {"pids.max": "40"}),
]


@pytest.mark.parametrize(("words", "of_v1", "of_v2"), LIMITS, ids=lambda value: str(value)[:24])
def test_a_limit_is_in_the_cgroup(
    command: CommandLine,
    image: str,
    words: list[str],
    of_v1: dict[str, str],
    of_v2: dict[str, str],
) -> None:
    expected = of_v2 if IS_V2 else of_v1
    assert shown(command, image, words, list(expected)) == list(expected.values())


def test_more_processes_than_allowed_are_refused(command: CommandLine, image: str) -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done"
    done = command.run("--rm", "--pids-limit", "4", image, "sh", "-c", script)
    assert done.returncode != 0
    assert b"fork" in done.stderr


def test_too_much_memory_is_killed_and_told(command: CommandLine, image: str) -> None:
    eat = "head -c 200m /dev/zero | tail"  # which keeps what may be the last line
    created = command.run("-d", "-m", "24m", "--memory-swap", "24m", image, "sh", "-c", eat)
    container = created.stdout.decode().strip()
    assert command("wait", container).stdout == b"137\n"
    [found] = json.loads(command("inspect", container).stdout)
    assert found["State"]["OOMKilled"] is True


def test_a_device_is_there_and_may_be_used_only_if_it_was_asked_for(
    command: CommandLine, image: str
) -> None:
    use = "head -c 4 /dev/z | wc -c"
    done = command.run("--rm", "--device", "/dev/zero:/dev/z:rw", image, "sh", "-c", use)
    assert done.stdout.strip() == b"4"
    steal = "mknod /dev/mem2 c 1 1 && head -c 1 /dev/mem2"  # making is allowed, opening is not
    done = command.run("--rm", "--cap-add", "ALL", image, "sh", "-c", steal)
    assert b"Operation not permitted" in done.stderr


def test_a_device_may_be_allowed_for_reading_alone(command: CommandLine, image: str) -> None:
    words = ["--cap-add", "SYSLOG", "--device", "/dev/kmsg:/dev/k:r", image, "sh", "-c"]
    assert command.run("--rm", *words, ": </dev/k").returncode == 0
    assert b"not permitted" in command.run("--rm", *words, "echo x >/dev/k").stderr


def test_cpus_that_are_not_there_are_refused_in_dockers_words(
    command: CommandLine, image: str
) -> None:
    done = command.run("--rm", "--cpuset-cpus", "900", image, "true")
    assert b"Requested CPUs are not available - requested 900" in done.stderr
