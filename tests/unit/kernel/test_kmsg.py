"""The kernel's log."""

import time
from pathlib import Path

import pytest

from lading.kernel import kmsg

GROUP = "/system.slice/lading-ab.scope"
LINE = (
    f"6,1175,58120423,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={GROUP},"
    f"mems_allowed=0,oom_memcg={GROUP},task_memcg={GROUP},task=tail,pid=417,uid=0\n"
)


@pytest.mark.parametrize(
    ("group", "since_us", "expected"),
    [
        (GROUP, 0, True),
        (GROUP, 58_120_424, False),
        ("/system.slice", 0, True),
        ("/system.slice/lading-a", 0, False),
        ("/system.slice/other.scope", 0, False),
    ],
)
def test_a_kill_is_that_of_one_group_and_time(group: str, since_us: int, expected: bool) -> None:
    assert kmsg.is_kill(LINE.encode(), group, since_us) is expected
    assert not kmsg.is_kill(b"6,1,0,-;Linux version 6.1.0, task_memcg=/x\n", "/x", 0)


def test_it_is_found_in_a_log_since_the_start_of_the_first_process(tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    now_us = int(time.monotonic() * 1e6)
    log.write_text(LINE.replace("58120423", str(now_us)))
    ticks = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100)
    assert kmsg.tells_of_oom_kill(GROUP, ticks - 500, str(log))
    assert not kmsg.tells_of_oom_kill(GROUP, ticks + 100 * 3600 * 24, str(log))


def test_a_log_that_is_not_ours_to_read_tells_nothing(tmp_path: Path) -> None:
    assert not kmsg.tells_of_oom_kill(GROUP, 0, str(tmp_path / "nothing"))
    assert not kmsg.tells_of_oom_kill(GROUP, 0)  # the real one, if there is one, to its end
