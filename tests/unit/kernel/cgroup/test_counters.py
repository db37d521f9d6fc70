"""Counter files of both versions are read into one shape."""

from pathlib import Path
from typing import Any

from lading.kernel.cgroup import counters_v1, counters_v2


def fill(directory: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (directory / name).write_text(text)
    return str(directory)


def test_v2_files_become_one_record(tmp_path: Path) -> None:
    files = {
        "cgroup.controllers": "cpu memory pids io misc\n",
        "cpu.stat": "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\nthrottled_usec 1\n",
        "cpu.pressure": "some avg10=0.12 avg60=0.00 avg300=0.00 total=9\n",
        "memory.current": "4096\n",
        "memory.max": "max\n",
        "memory.swap.current": "10\n",
        "memory.swap.max": "20\n",
        "memory.stat": "anon 1\nfile 2\n",
        "memory.events": "low 0\noom 1\noom_kill 3\n",
        "pids.current": "2\n",
        "pids.max": "50\n",
        "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
        "misc.current": "sev 1\n",
        "misc.events": "sev.max 2\n",
    }
    expected: dict[str, Any] = {
        "cpu": {
            "usage_ns": 5000,
            "user_ns": 3000,
            "system_ns": 2000,
            "periods": 7,
            "throttled_periods": 0,
            "throttled_ns": 1000,
            "bursts": 0,
            "burst_ns": 0,
        },
        "memory": {
            "usage": 4096,
            "limit": -1,
            "failcnt": 1,
            "oom_kills": 3,
            "cache": 2,
            "is_hierarchical": True,
            "stats": {"anon": 1, "file": 2},
            "swap_only": {"usage": 10, "limit": 20},
            "swap": {"usage": 4106, "limit": -1},
        },
        "pids": {"current": 2, "limit": 50},
        "blkio": {
            "io_service_bytes": [[8, 0, "Read", 1], [8, 0, "Write", 2], [8, 0, "Discard", 0]],
            "io_serviced": [[8, 0, "Read", 3], [8, 0, "Write", 4], [8, 0, "Discard", 0]],
        },
        "misc": {"sev": {"usage": 1, "events": 2}},
        "pressure": {"cpu": {"some": {"avg10": 0.12, "avg60": 0.0, "avg300": 0.0, "total": 9}}},
    }
    assert counters_v2.read(fill(tmp_path, files)) == expected


def test_v1_devices_are_listed_and_sums_are_not() -> None:
    text = ["8:0 Read 10", "8:0 Total 10", "Total 10", "8:0 77"]
    assert counters_v1.parse_blkio(text) == [
        [8, 0, "Read", 10],
        [8, 0, "Total", 10],
        [8, 0, "", 77],
    ]


def test_v1_counters_of_the_scheduler_win_over_those_of_throttling(tmp_path: Path) -> None:
    files = {
        "blkio.bfq.io_service_bytes_recursive": "Total 0\n",
        "blkio.throttle.io_service_bytes_recursive": "8:0 Read 5\nTotal 5\n",
        "blkio.bfq.io_serviced_recursive": "8:0 Read 1\nTotal 1\n",
        "blkio.throttle.io_serviced_recursive": "8:0 Read 2\nTotal 2\n",
        "blkio.time_recursive": "8:0 6\n",
    }
    assert counters_v1.read({"blkio": fill(tmp_path, files)})["blkio"] == {
        "io_service_bytes": [[8, 0, "Read", 5]],
        "io_serviced": [[8, 0, "Read", 1]],
        "io_time": [[8, 0, "", 6]],
    }


def test_a_v1_group_without_a_limit_says_so(tmp_path: Path) -> None:
    files = {
        "memory.limit_in_bytes": "9223372036854771712\n",
        "memory.usage_in_bytes": "5\n",
        "memory.memsw.usage_in_bytes": "7\n",
    }
    memory = counters_v1.read({"memory": fill(tmp_path, files)})["memory"]
    assert memory == {
        "usage": 5,
        "limit": -1,
        "oom_kills": 0,
        "cache": 0,
        "is_hierarchical": False,
        "stats": {},
        "swap": {"usage": 7},
        "swap_only": {"usage": 2},
    }


def test_pages_are_counted_by_node() -> None:
    text = ["total=12 N0=10 N1=2", "numa_locality 0 0"]
    assert counters_v1.parse_numa(text) == {"total": {"total": 12, "nodes": {0: 10, 1: 2}}}


def test_missing_controllers_are_missing_parts(tmp_path: Path) -> None:
    assert counters_v1.read({}) == {}
    assert counters_v2.read(str(tmp_path)) == {}
