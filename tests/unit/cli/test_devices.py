"""Flags about devices."""

from __future__ import annotations

import pytest

from lading.cli import devices


def test_rates_and_weights_name_a_device() -> None:
    assert devices.weight("/dev/sda:500") == {"Path": "/dev/sda", "Weight": 500}
    assert devices.bytes_rate("/dev/sda:1mb") == {"Path": "/dev/sda", "Rate": 1 << 20}
    assert devices.operations_rate("/dev/sda:7") == {"Path": "/dev/sda", "Rate": 7}


@pytest.mark.parametrize(
    "text", ["/dev/sda", "sda:100", "/dev/sda:5", "/dev/sda:x", "/dev/sda:1001"]
)
def test_a_wrong_weight_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"bad format|invalid weight for device"):
        devices.weight(text)


def test_a_wrong_rate_says_the_format() -> None:
    with pytest.raises(ValueError, match=r"correct format is <device-path>:<number>\[<unit>\]"):
        devices.bytes_rate("/dev/sda:x")
    with pytest.raises(ValueError, match=r"Number must be a positive integer$"):
        devices.operations_rate("/dev/sda:1k")


def test_rules_of_the_device_cgroup() -> None:
    assert devices.cgroup_rule("c 42:* rmw") == "c 42:* rmw"
    for text in ("c 42 rmw", "x 1:1 r", "c 1:1 rx", "c 1:1 ", "c a:1 r"):
        with pytest.raises(ValueError, match="invalid device cgroup format"):
            devices.cgroup_rule(text)


@pytest.mark.parametrize(
    ("text", "count", "ids", "capabilities"),
    [
        ("all", -1, None, ["gpu"]),
        ("2", 2, None, ["gpu"]),
        ("device=0", 0, ["0"], ["gpu"]),
        ('"device=0,1",capabilities=utility', 0, ["0", "1"], ["utility", "gpu"]),
        ('driver=nvidia,"capabilities=gpu,compute"', 1, None, ["gpu", "compute"]),
    ],
)
def test_gpus(text: str, count: int, ids: list[str] | None, capabilities: list[str]) -> None:
    request = devices.gpus(text)
    assert (request["Count"], request["DeviceIDs"]) == (count, ids)
    assert request["Capabilities"] == [capabilities]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo=1", "unexpected key 'foo' in 'foo=1'"),
        ("1,count=2", "gpu request key 'count' can be specified only once"),
        ("x", r'invalid count \(x\): value must be either "all" or an integer'),
    ],
)
def test_gpus_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        devices.gpus(text)
