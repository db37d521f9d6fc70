"""Nodes and rules of a container's devices, looked up on the host."""

import os
from pathlib import Path

import pytest

from lading.containers.devices import BadRule, NoDriver, NoSuchDevice, gather, parse_rule
from lading.wire.host_config import (
    DeviceMapping,
    DeviceRequest,
    HostConfig,
    ThrottleDevice,
    WeightDevice,
)

NULL = {"type": "c", "major": 1, "minor": 3}


def test_a_plain_container_has_no_further_devices() -> None:
    assert gather(HostConfig()) == ([], [], {})


def test_a_device_is_made_and_allowed(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    asked = DeviceMapping(
        path_on_host=str(link), path_in_container="/dev/x", cgroup_permissions="rw"
    )
    found = gather(HostConfig(devices=[asked]))
    [node] = found.nodes
    assert (node["path"], node["type"], node["major"], node["minor"]) == ("/dev/x", "c", 1, 3)
    assert found.rules == [{"allow": True, **NULL, "access": "rw"}]


def test_a_directory_brings_all_devices_in_it(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "deep")
    for name in ("a", "deep/b"):
        os.mknod(tmp_path / name, 0o020600, os.makedev(1, 3))
    (tmp_path / "file").touch()
    asked = DeviceMapping(path_on_host=str(tmp_path), path_in_container="/dev/all")
    found = gather(HostConfig(devices=[asked]))
    assert [node["path"] for node in found.nodes] == ["/dev/all/a", "/dev/all/deep/b"]
    assert [rule["access"] for rule in found.rules] == ["rwm", "rwm"]


def test_what_is_no_device_is_told(tmp_path: Path) -> None:
    asked = DeviceMapping(path_on_host=f"{tmp_path}/nope")
    with pytest.raises(NoSuchDevice, match="no such file or directory"):
        gather(HostConfig(devices=[asked]))
    (tmp_path / "file").touch()
    with pytest.raises(NoSuchDevice, match="not a device node"):
        gather(HostConfig(devices=[DeviceMapping(path_on_host=f"{tmp_path}/file")]))


def test_a_privileged_container_has_every_device_of_the_host() -> None:
    found = gather(HostConfig(privileged=True))
    paths = {str(node["path"]) for node in found.nodes}
    assert {"/dev/null", "/dev/zero"} <= paths
    assert not [path for path in paths if path.startswith(("/dev/pts", "/dev/shm", "/dev/console"))]
    assert found.rules == [{"allow": True, "access": "rwm"}]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("c 1:3 rwm", {"allow": True, **NULL, "access": "rwm"}),
        ("b *:* r", {"allow": True, "type": "b", "access": "r"}),
        ("a *:7 m", {"allow": True, "type": "a", "minor": 7, "access": "m"}),
    ],
)
def test_a_rule_is_read(text: str, rule: dict[str, object]) -> None:
    assert parse_rule(text) == rule
    assert gather(HostConfig(device_cgroup_rules=[text])).rules == [rule]


@pytest.mark.parametrize("text", ["", "bogus", "c 1:3", "x 1:3 r", "c 1:3 rwx", "c 1:3 rwm "])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRule, match="invalid device cgroup rule format"):
        parse_rule(text)


def test_limits_of_block_devices_have_numbers() -> None:
    host = HostConfig(
        blkio_weight=300,
        blkio_weight_device=[WeightDevice(path="/dev/null", weight=5)],
        blkio_device_write_iops=[ThrottleDevice(path="/dev/null", rate=7)],
    )
    assert gather(host).block_io == {
        "weight": 300,
        "weightDevice": [{"major": 1, "minor": 3, "weight": 5}],
        "throttleWriteIOPSDevice": [{"major": 1, "minor": 3, "rate": 7}],
    }


def test_a_device_that_a_driver_would_give_is_refused() -> None:
    request = DeviceRequest(driver="nvidia", count=-1, capabilities=[["gpu"]])
    with pytest.raises(NoDriver, match=r'device driver "nvidia" with capabilities: \[\[gpu\]\]'):
        gather(HostConfig(device_requests=[request]))
