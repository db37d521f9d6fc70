"""Kept descriptors tell what opening the files anew tells."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from lading.kernel.cgroup import Cgroup, Hierarchies
from lading.kernel.cgroup import gauges as gauges_module
from lading.kernel.cgroup.gauges import Gauges

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

V2 = {
    "cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\nnr_throttled 2\n"
    "throttled_usec 7\n",
    "memory.current": "4096\n",
    "memory.max": "max\n",
    "memory.stat": "anon 1\nfile 2\n",
    "memory.events": "low 0\noom 3\noom_kill 1\n",
    "pids.current": "4\n",
    "pids.max": "max\n",
    "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n8:16\n",
}


@pytest.fixture
def group() -> Iterator[Cgroup]:
    if os.geteuid() != 0:
        pytest.skip("cgroups need root")
    group = Cgroup(f"/lading-test-gauges-{os.getpid()}")
    group.create({"memory": {"limit": 64 << 20}, "pids": {"limit": 7}})
    yield group
    group.remove()


@pytest.fixture
def v2(tmp_path: Path) -> Iterator[Gauges]:
    (tmp_path / "box").mkdir()
    for name, text in V2.items():
        (tmp_path / "box" / name).write_text(text)
    gauges = Gauges("/box", Hierarchies({}, str(tmp_path)))
    yield gauges
    gauges.close()


def test_they_agree_with_the_counters(group: Cgroup) -> None:
    gauges = Gauges(group.path)
    for _ in range(2):  # the second time through descriptors that are open
        found, counters = gauges.read(), group.stats()
        assert found["pids"] == counters["pids"]
        for field in ("usage_ns", "user_ns", "periods", "throttled_ns"):
            assert found["cpu"][field] == counters["cpu"][field]
        assert found["memory"]["limit"] == counters["memory"]["limit"] == 64 << 20
        assert found["memory"]["stats"].keys() == counters["memory"]["stats"].keys()
    gauges.close()


def test_a_group_that_is_gone_reads_as_nothing(group: Cgroup) -> None:
    gauges = Gauges(group.path)
    gauges.read()
    group.remove()
    assert gauges.read()["pids"] == {}
    gauges.close()


def expected_v2() -> dict[str, Any]:
    cpu = {"usage_ns": 30000, "user_ns": 20000, "system_ns": 10000, "throttled_ns": 7000}
    return {
        "cpu": {**cpu, "periods": 5, "throttled_periods": 2},
        "memory": {"usage": 4096, "limit": -1, "failcnt": 3, "stats": {"anon": 1, "file": 2}},
        "pids": {"current": 4, "limit": -1},
        "blkio": {"io_service_bytes": [(8, 0, "read", 1), (8, 0, "write", 2)]},
    }


def test_version_two_is_read(v2: Gauges) -> None:
    assert v2.read() == expected_v2()


def test_when_many_are_open_files_are_opened_each_time(
    v2: Gauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges_module, "MAX_KEPT", Gauges.kept + 2)
    before = len(os.listdir("/proc/self/fd"))
    assert v2.read() == v2.read() == expected_v2()
    assert len(os.listdir("/proc/self/fd")) == before + 2
