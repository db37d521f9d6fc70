"""Counters become Docker's document, of either version of cgroups."""

from collections.abc import Callable

import msgspec

from lading.containers.record import ContainerRecord
from lading.containers.stats_document import Sample, document, empty, total_memory

MakeRecord = Callable[..., ContainerRecord]
V1 = {
    "cpu": {
        "usage_ns": 3,
        "user_ns": 2,
        "system_ns": 1,
        "percpu_ns": [1, 2],
        "periods": 4,
        "throttled_periods": 5,
        "throttled_ns": 6,
    },
    "memory": {"usage": 10, "max_usage": 20, "failcnt": 0, "limit": -1, "stats": {"cache": 1}},
    "pids": {"current": 2, "limit": 9},
    "blkio": {"io_service_bytes": [(8, 0, "Read", 512)], "io_serviced": []},
}
ETH0 = dict.fromkeys(
    [f"{way}_{what}" for way in ("rx", "tx") for what in ("bytes", "packets", "errors", "dropped")],
    1,
)


def test_version_one_has_cpus_and_lists(make_record: MakeRecord) -> None:
    sample = Sample(10**9, 1000, V1, {"eth0": ETH0})
    before = Sample(1, 500, {"cpu": {"usage_ns": 1}}, {})
    found = msgspec.to_builtins(document(make_record(), sample, before))
    assert found["read"] == "1970-01-01T00:00:01.000000000Z"
    assert found["cpu_stats"]["cpu_usage"] == {
        "total_usage": 3,
        "percpu_usage": [1, 2],
        "usage_in_kernelmode": 1,
        "usage_in_usermode": 2,
    }
    assert found["cpu_stats"]["throttling_data"]["throttled_time"] == 6
    assert found["precpu_stats"]["system_cpu_usage"] == 500
    assert found["memory_stats"]["limit"] == total_memory()
    assert "failcnt" not in found["memory_stats"]
    assert found["pids_stats"] == {"current": 2, "limit": 9}
    [entry] = found["blkio_stats"]["io_service_bytes_recursive"]
    assert entry == {"major": 8, "minor": 0, "op": "Read", "value": 512}
    assert found["blkio_stats"]["sectors_recursive"] == []
    assert found["networks"] == {"eth0": ETH0}


def test_version_two_has_null_for_the_lists_that_it_does_not_know(make_record: MakeRecord) -> None:
    counters = {"blkio": {"io_service_bytes": []}, "memory": {"limit": 7}, "pids": {"limit": -1}}
    found = msgspec.to_builtins(document(make_record(), Sample(1, 1, counters, {})))
    assert found["blkio_stats"]["io_service_bytes_recursive"] == []
    assert found["blkio_stats"]["io_serviced_recursive"] is None
    assert found["memory_stats"] == {"limit": 7}
    assert found["pids_stats"] == {"current": 0}
    assert "networks" not in found


def test_of_a_stopped_container_there_are_zeros(make_record: MakeRecord) -> None:
    found = msgspec.to_builtins(empty(make_record()))
    assert found["read"] == found["preread"] == "0001-01-01T00:00:00Z"
    assert found["memory_stats"] == found["pids_stats"] == {}
    assert "system_cpu_usage" not in found["cpu_stats"]
