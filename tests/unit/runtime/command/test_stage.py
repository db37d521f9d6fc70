"""A stage makes a child that is ours, or says why it could not."""

import os
import signal
from typing import NoReturn

import pytest

from lading.kernel import namespaces as ns
from lading.runtime.command import stage


def leave() -> NoReturn:
    os._exit(7)


def nothing() -> None:
    pass


def test_the_child_is_ours_to_reap() -> None:
    pid, pidfd = stage.born(nothing, leave, flags=0, cgroup=None)
    os.close(pidfd)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_the_child_is_where_the_stage_has_gone_and_we_are_not() -> None:
    def enter() -> None:
        ns.unshare(ns.CLONE_NEWUTS)

    def tell() -> NoReturn:
        os.write(write, os.readlink("/proc/self/ns/uts").encode())
        os._exit(0)

    read, write = os.pipe()
    before = os.readlink("/proc/self/ns/uts")
    pid, pidfd = stage.born(enter, tell, flags=0, cgroup=None)
    os.waitpid(pid, 0)
    assert os.read(read, 100).decode() != before
    assert os.readlink("/proc/self/ns/uts") == before
    for descriptor in (pidfd, read, write):
        os.close(descriptor)


def test_what_cannot_be_joined_is_told() -> None:
    def fail() -> None:
        raise FileNotFoundError(2, "No such file or directory", "/proc/1/ns/none")

    with pytest.raises(stage.StageFailed, match="/proc/1/ns/none"):
        stage.born(fail, leave, flags=0, cgroup=None)


def test_a_stage_that_is_killed_leaves_no_one_waiting() -> None:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(stage.StageFailed, match="was killed"):
        stage.born(die, leave, flags=0, cgroup=None)
