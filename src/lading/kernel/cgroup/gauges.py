"""The counters of one group that are asked for again and again, through descriptors that stay open.

The shape is that of `counters`, with the fields that `docker stats` shows and no others. Reading an
open file again costs a tenth of opening it. When very many are open, more are opened each time.
"""

from __future__ import annotations

import os

from lading.kernel.cgroup.counters import ABSENT
from lading.kernel.cgroup.hierarchy import Hierarchies, hierarchies
from lading.kernel.cgroup.v1 import UNLIMITED

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from typing import Any

MAX_KEPT = 8192  # descriptors of all groups together
LONGEST = 16384  # bytes; memory.stat has 2-3 KiB
CPU_STAT = {
    "periods": "nr_periods",
    "throttled_periods": "nr_throttled",
}
MEMORY_V1 = {"usage": "usage_in_bytes", "max_usage": "max_usage_in_bytes", "failcnt": "failcnt"}
BLOCK_V1 = ("blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive")


class Gauges:
    """Reads one group. `close` lets the descriptors go; a group that is gone reads as nothing."""

    kept = 0

    def __init__(self, path: str, trees: Hierarchies | None = None) -> None:
        self._path = path
        self._trees = trees or hierarchies()
        self._open: dict[str, int] = {}

    def read(self) -> dict[str, Any]:
        """Counters now; a part or a field is missing where its controller or file is."""
        if self._trees.is_unified():
            return self._read_v2(f"{self._trees.v2}{self._path}")
        places = {name: at + self._path for name, at in self._trees.v1.items()}
        return self._read_v1(places)

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        Gauges.kept -= len(self._open)
        self._open.clear()

    # -- files ----------------------------------------------------------------------------------

    def _text(self, path: str) -> bytes:
        """The text of a file, nothing if it or the group is not there."""
        descriptor = self._open.get(path, -1)
        try:
            if descriptor >= 0:
                return os.pread(descriptor, LONGEST, 0)
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            if Gauges.kept < MAX_KEPT:
                self._open[path] = descriptor
                Gauges.kept += 1
                return os.pread(descriptor, LONGEST, 0)
            with open(descriptor, "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno in ABSENT:
                return b""
            raise

    def _number(self, path: str) -> int | None:
        text = self._text(path)
        if not text:
            return None
        return -1 if text.startswith(b"max") else int(text)

    def _numbers(self, files: dict[str, str]) -> dict[str, Any]:
        found = {field: self._number(path) for field, path in files.items()}
        return {field: value for field, value in found.items() if value is not None}

    def _flat(self, path: str) -> dict[str, int]:
        words = self._text(path).split()
        return dict(zip(map(bytes.decode, words[::2]), map(int, words[1::2]), strict=True))

    # -- versions -------------------------------------------------------------------------------

    def _read_v1(self, at: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "cpuacct" in at:
            files = {"usage_ns": "usage", "user_ns": "usage_user", "system_ns": "usage_sys"}
            cpu = self._numbers({f: f"{at['cpuacct']}/cpuacct.{n}" for f, n in files.items()})
            percpu = self._text(f"{at['cpuacct']}/cpuacct.usage_percpu").split()
            stat = self._flat(f"{at['cpu']}/cpu.stat") if "cpu" in at else {}
            cpu |= {field: stat.get(name, 0) for field, name in CPU_STAT.items()}
            cpu["percpu_ns"] = list(map(int, percpu))
            cpu["throttled_ns"] = stat.get("throttled_time", 0)
            found["cpu"] = cpu
        if "memory" in at:
            found["memory"] = self._memory_v1(at["memory"])
        if "pids" in at:
            found["pids"] = self._pids(at["pids"])
        if "blkio" in at:
            names = ("io_service_bytes", "io_serviced")
            texts = [self._text(f"{at['blkio']}/{file}") for file in BLOCK_V1]
            found["blkio"] = {n: _block(text) for n, text in zip(names, texts, strict=True)}
        return found

    def _memory_v1(self, directory: str) -> dict[str, Any]:
        files = {field: f"{directory}/memory.{name}" for field, name in MEMORY_V1.items()}
        memory = self._numbers(files)
        limit = self._number(f"{directory}/memory.limit_in_bytes")
        memory["limit"] = -1 if limit is None or limit >= UNLIMITED else limit
        memory["stats"] = self._flat(f"{directory}/memory.stat")
        return memory

    def _read_v2(self, directory: str) -> dict[str, Any]:
        stat = self._flat(f"{directory}/cpu.stat")
        cpu: dict[str, Any] = {field: stat.get(name, 0) for field, name in CPU_STAT.items()}
        for field in ("usage", "user", "system", "throttled"):
            cpu[f"{field}_ns"] = stat.get(f"{field}_usec", 0) * 1000
        memory = self._numbers(
            {"usage": f"{directory}/memory.current", "limit": f"{directory}/memory.max"}
        )
        memory["failcnt"] = self._flat(f"{directory}/memory.events").get("oom", 0)
        memory["stats"] = self._flat(f"{directory}/memory.stat")
        return {
            "cpu": cpu,
            "memory": memory,
            "pids": self._pids(directory),
            "blkio": {"io_service_bytes": _io_stat(self._text(f"{directory}/io.stat"))},
        }

    def _pids(self, directory: str) -> dict[str, Any]:
        names = {"current": "pids.current", "limit": "pids.max"}
        return self._numbers({field: f"{directory}/{file}" for field, file in names.items()})


def _block(text: bytes) -> list[tuple[int, int, str, int]]:
    """`8:0 Read 4096` lines; the sum over all devices has two words and is left out."""
    found = []
    for words in map(bytes.split, text.splitlines()):
        if len(words) == 3:
            major, _, minor = words[0].partition(b":")
            found.append((int(major), int(minor), words[1].decode(), int(words[2])))
    return found


def _io_stat(text: bytes) -> list[tuple[int, int, str, int]]:
    """`8:0 rbytes=1 wbytes=2 ...` lines: what dockerd shows of them."""
    found = []
    for device, *words in map(bytes.split, text.splitlines()):
        major, _, minor = device.partition(b":")
        values = dict(word.split(b"=", 1) for word in words if b"=" in word)
        for name, key in (("read", b"rbytes"), ("write", b"wbytes")):
            if key in values:
                found.append((int(major), int(minor), name, int(values[key])))
    return found
