"""Reading what `ps` prints."""

import asyncio
import os

import pytest

from lading.containers.top import NoPidColumn, PsFailed, parse, top

FULL = """\
UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 10:00 ?        00:00:01 /sbin/init
root          42       1  0 10:01 ?        00:00:00 sh -c sleep  9
root         421       1  0 10:01 ?        00:00:00 other
"""


def test_only_our_processes_are_told_and_the_last_column_may_hold_spaces() -> None:
    found = parse(FULL, frozenset([42]))
    assert found.titles == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert found.processes == [["root", "42", "1", "0", "10:01", "?", "00:00:00", "sh -c sleep  9"]]


def test_threads_follow_their_process() -> None:
    text = "PID TID CMD\n42 - a\n- 42 -\n- 43 -\n7 - b\n- 7 -\n"
    found = parse(text, frozenset([42]))
    assert found.processes == [["42", "-", "a"], ["-", "42", "-"], ["-", "43", "-"]]


def test_without_a_column_of_pids_nothing_can_be_told() -> None:
    with pytest.raises(NoPidColumn):
        parse("CMD\nsh\n", frozenset([1]))


@pytest.mark.parametrize("arguments", ["", "-ef", "aux", "-o pid,comm", "axf", "-eLf"])
def test_the_hosts_ps_tells_of_this_process(arguments: str) -> None:
    found = asyncio.run(top([os.getpid()], arguments))
    column = found.titles.index("PID")
    assert {row[column] for row in found.processes} == {str(os.getpid())}


def test_what_ps_complains_of_is_told() -> None:
    with pytest.raises(PsFailed, match=r"^ps: error"):
        asyncio.run(top([os.getpid()], "--nonsense"))
