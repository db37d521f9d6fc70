"""Counter files of both versions are read into one shape."""

from pathlib import Path

from lading.kernel.cgroup import counters


def test_v2_files_become_one_record(tmp_path: Path) -> None:
    for name, text in {
        "cpu.stat": "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\nthrottled_usec 1\n",
        "memory.current": "4096\n",
        "memory.max": "max\n",
        "memory.stat": "anon 1\nfile 2\n",
        "memory.events": "low 0\noom 1\noom_kill 3\n",
        "pids.current": "2\n",
        "pids.max": "50\n",
        "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert counters.read_v2(str(tmp_path)) == {
        "cpu": {
            "usage_ns": 5000,
            "user_ns": 3000,
            "system_ns": 2000,
            "periods": 7,
            "throttled_periods": 0,
            "throttled_ns": 1000,
        },
        "memory": {
            "usage": 4096,
            "limit": -1,
            "oom_kills": 3,
            "stats": {"anon": 1, "file": 2},
        },
        "pids": {"current": 2, "limit": 50},
        "blkio": {
            "io_service_bytes": [[8, 0, "Read", 1], [8, 0, "Write", 2], [8, 0, "Discard", 0]],
            "io_serviced": [[8, 0, "Read", 3], [8, 0, "Write", 4], [8, 0, "Discard", 0]],
        },
    }


def test_v1_devices_are_listed_and_sums_are_not() -> None:
    text = "8:0 Read 10\n8:0 Total 10\nTotal 10\n"
    assert counters.parse_blkio(text) == [[8, 0, "Read", 10], [8, 0, "Total", 10]]


def test_a_v1_group_without_a_limit_says_so(tmp_path: Path) -> None:
    (tmp_path / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (tmp_path / "memory.usage_in_bytes").write_text("5\n")
    memory = counters.read_v1({"memory": str(tmp_path)})["memory"]
    assert memory == {"usage": 5, "limit": -1, "oom_kills": 0, "stats": {}}


def test_missing_controllers_are_missing_parts() -> None:
    assert counters.read_v1({}) == {}
