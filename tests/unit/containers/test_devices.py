"""Devices are looked up on the host; the words are dockerd's."""

import os
from pathlib import Path

import pytest

from lading.containers import devices
from lading.errors import SystemFault
from lading.wire.host_config import DeviceMapping, DeviceRequest, HostConfig, ThrottleDevice

NULL = {"type": "c", "major": 1, "minor": 3}


def mapping(host: str, inside: str = "/dev/x", access: str = "rwm") -> HostConfig:
    asked = DeviceMapping(path_on_host=host, path_in_container=inside, cgroup_permissions=access)
    return HostConfig(devices=[asked])


def test_a_plain_container_asks_for_nothing() -> None:
    assert devices.look_up(HostConfig()) == devices.NO_DEVICES


def test_a_device_appears_and_may_be_used() -> None:
    found = devices.look_up(mapping("/dev/null", access="rw"))
    [node] = found.nodes
    assert node == {
        **NULL,
        "path": "/dev/x",
        "fileMode": os.stat("/dev/null").st_mode & 0o7777,
        "uid": 0,
        "gid": 0,
    }
    assert found.rules == [{"allow": True, **NULL, "access": "rw"}]


def test_links_to_devices_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    [node] = devices.look_up(mapping(str(tmp_path / "link"))).nodes
    assert (node["path"], node["major"], node["minor"]) == ("/dev/x", 1, 3)


def test_a_directory_brings_all_its_devices(tmp_path: Path) -> None:
    (tmp_path / "bus").mkdir()
    for name, minor in (("bus/one", 3), ("two", 5)):
        os.mknod(tmp_path / name, 0o020600, os.makedev(1, minor))
    (tmp_path / "file").write_text("")
    found = devices.look_up(mapping(str(tmp_path), "/dev/all"))
    assert [node["path"] for node in found.nodes] == ["/dev/all/bus/one", "/dev/all/two"]
    assert [rule["minor"] for rule in found.rules] == [3, 5]


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (
            mapping("/dev/nope"),
            'error gathering device information while adding custom device "/dev/nope": '
            "no such file or directory",
        ),
        (
            mapping("/etc/passwd"),
            'error gathering device information while adding custom device "/etc/passwd": '
            "not a device node",
        ),
        (
            HostConfig(device_cgroup_rules=["c 1:x rwm"]),
            "invalid device cgroup rule format: 'c 1:x rwm'",
        ),
        (
            HostConfig(blkio_device_read_bps=[ThrottleDevice(path="/dev/nope", rate=5)]),
            "stat /dev/nope: no such file or directory",
        ),
        (
            HostConfig(device_requests=[DeviceRequest(driver="nvidia", capabilities=[["gpu"]])]),
            'could not select device driver "nvidia" with capabilities: [[gpu]]',
        ),
    ],
)
def test_what_is_not_there_is_told_at_start(host: HostConfig, text: str) -> None:
    with pytest.raises(SystemFault) as caught:
        devices.look_up(host)
    assert str(caught.value) == text


def test_rules_may_be_given_by_number() -> None:
    found = devices.look_up(HostConfig(device_cgroup_rules=["c 10:* rw", "b *:* m"]))
    assert found.rules == [
        {"allow": True, "type": "c", "access": "rw", "major": 10, "minor": -1},
        {"allow": True, "type": "b", "access": "m", "major": -1, "minor": -1},
    ]


def test_a_privileged_container_sees_and_may_use_every_device() -> None:
    found = devices.look_up(HostConfig(privileged=True))
    assert found.rules == [{"allow": True, "access": "rwm"}]
    paths = {node["path"] for node in found.nodes}
    assert "/dev/null" in paths
    assert not any(str(path).startswith(("/dev/pts/", "/dev/console")) for path in paths)


def test_throttled_devices_are_told_by_their_numbers() -> None:
    host = HostConfig(blkio_device_read_bps=[ThrottleDevice(path="/dev/null", rate=5)])
    assert devices.look_up(host).numbers == {"/dev/null": (1, 3)}
