"""Processes that live beside an engine and outlive it, written down by pid and start time."""

import os
from contextlib import suppress
from typing import NamedTuple

from lading.kernel import pidfd
from lading.runtime import json_text


class Process(NamedTuple):
    """Who is meant: a pid, and in ticks since boot its start."""

    pid: int
    start_time: int


def write(directory: str, name: str, pid: int) -> Process:
    """Write a running child down as `name`. Raises ProcessLookupError when it has ended."""
    process = Process(pid, pidfd.start_time(pid))
    path = f"{directory}/{name}.json"
    with open(f"{path}.tmp", "w", encoding="ascii") as file:
        file.write(json_text.encode(process._asdict()))
    os.rename(f"{path}.tmp", path)
    return process


def find(directory: str, name: str) -> Process | None:
    """The process of that name, if it lives."""
    try:
        with open(f"{directory}/{name}.json", encoding="ascii") as file:
            record = json_text.decode(file.read())
        process = Process(record["pid"], record["start_time"])
        os.close(pidfd.open_started(*process))
    except (OSError, ValueError, KeyError):
        return None
    return process


def end(directory: str, name: str, number: int) -> None:
    """Signal it if it lives, and forget it."""
    process = find(directory, name)
    if process is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
    with suppress(FileNotFoundError):
        os.unlink(f"{directory}/{name}.json")
