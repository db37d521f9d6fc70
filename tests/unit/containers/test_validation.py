"""What a client may not ask for at create, in the reference engine's words."""

import re

import pytest

from lading.containers.validation import check
from lading.errors import LadingError
from lading.wire.containers import ContainerConfig, Healthcheck
from lading.wire.host_config import HostConfig
from lading.wire.networks import PortBinding

PLAIN = ContainerConfig(cmd=["sh"])
PROBE = ["CMD", "x"]
JOINED = HostConfig(network_mode="container:x")


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            ContainerConfig(working_dir="rel"),
            "the working directory 'rel' is invalid, it needs to be an absolute path",
        ),
        (ContainerConfig(stop_signal="BOGUS"), "invalid signal: BOGUS"),
        (ContainerConfig(env=["=x"]), "invalid environment variable: =x"),
        (ContainerConfig(env=["A=1", ""]), "invalid environment variable: "),
        (
            ContainerConfig(healthcheck=Healthcheck(test=PROBE, interval=1)),
            "Interval in Healthcheck cannot be less than 1ms",
        ),
        (
            ContainerConfig(healthcheck=Healthcheck(test=PROBE, start_period=1)),
            "StartPeriod in Healthcheck cannot be less than 1ms",
        ),
        (
            ContainerConfig(healthcheck=Healthcheck(test=PROBE, retries=-1)),
            "Retries in Healthcheck cannot be negative",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_configuration_that_cannot_be_is_refused(config: ContainerConfig, text: str) -> None:
    with pytest.raises(LadingError, match=f"^{re.escape(text)}$"):
        check(config, HostConfig(), has_hostname=False)


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (HostConfig(extra_hosts=["bad"]), 'bad format for add-host: "bad"'),
        (HostConfig(extra_hosts=["a:999.1.1.1"]), 'invalid IP address in add-host: "999.1.1.1"'),
        (
            HostConfig(port_bindings={"80/tcp": [PortBinding(host_port="abc")]}),
            'invalid port specification: "abc"',
        ),
        (HostConfig(port_bindings={"abc": None}), 'invalid port specification: "abc"'),
        (
            HostConfig(port_bindings={"80": [PortBinding(host_port="99999")]}),
            'invalid port specification: "99999"',
        ),
        (
            HostConfig(isolation="hyperv"),
            "invalid isolation (hyperv): linux only supports 'default'",
        ),
        (
            HostConfig(annotations={"": "x"}),
            "invalid Annotations: the empty string is not permitted as an annotation key",
        ),
        (HostConfig(shm_size=-1), "SHM size can not be less than 0"),
        (
            HostConfig(oom_score_adj=-1001),
            "Invalid value -1001, range for oom score adj is [-1000, 1000]",
        ),
        (
            HostConfig(network_mode="container:"),
            "invalid network mode: invalid container format container:<name|id>",
        ),
        (HostConfig(pid_mode="bogus"), "invalid PID mode: bogus"),
        (HostConfig(pid_mode="container:"), "invalid PID mode: container:"),
        (HostConfig(ipc_mode="bogus"), "invalid IPC mode: bogus"),
        (HostConfig(uts_mode="bogus"), "invalid UTS mode: bogus"),
        (HostConfig(cgroupns_mode="bogus"), "invalid cgroup namespace mode: bogus"),
        (HostConfig(runtime="bogus"), "unknown or invalid runtime name: bogus"),
        (HostConfig(cpu_shares=-1), "invalid CPU shares (-1): value must be a positive integer"),
        (
            HostConfig(io_maximum_iops=1),
            "invalid option: QoS maximum IOPs configuration is not supported on linux",
        ),
        (HostConfig(security_opt=["bogus"]), 'invalid --security-opt 1: "bogus"'),
        (HostConfig(security_opt=["bogus=x"]), 'invalid --security-opt 2: "bogus=x"'),
        (
            HostConfig(security_opt=["no-new-privileges=maybe"]),
            'invalid --security-opt 2: "no-new-privileges=maybe"',
        ),
        (
            HostConfig(tmpfs={"rel": ""}),
            "invalid mount path: 'rel' mount path must be absolute",
        ),
        (HostConfig(storage_opt={"size": "much"}), "invalid size: 'much'"),
        (HostConfig(storage_opt={"bogus": "1"}), "Unknown option bogus"),
        (
            HostConfig(network_mode="host", links=["a"]),
            "conflicting options: host type networking can't be used with links. "
            "This would result in undefined behavior",
        ),
        (
            HostConfig(network_mode="container:x", dns=["1.1.1.1"]),
            "conflicting options: dns and the network mode",
        ),
        (
            HostConfig(network_mode="container:x", extra_hosts=["a:1.1.1.1"]),
            "conflicting options: custom host-to-IP mapping and the network mode",
        ),
        (
            HostConfig(network_mode="container:x", publish_all_ports=True),
            "conflicting options: port publishing and the container type network mode",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_row_35_options_that_cannot_be_are_refused(host: HostConfig, text: str) -> None:
    with pytest.raises(LadingError, match=f"^{re.escape(text)}$"):
        check(PLAIN, host, has_hostname=False)


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (HostConfig(uts_mode="host"), "conflicting options: hostname and the UTS mode"),
        (JOINED, "conflicting options: hostname and the network mode"),
    ],
)
def test_row_35_a_joined_namespace_has_its_own_hostname(host: HostConfig, text: str) -> None:
    with pytest.raises(LadingError, match=f"^{re.escape(text)}$"):
        check(PLAIN, host, has_hostname=True)


def test_row_35_a_joined_network_exposes_nothing() -> None:
    config = ContainerConfig(exposed_ports={"80/tcp": {}})
    with pytest.raises(LadingError, match="port exposing and the container type network mode"):
        check(config, JOINED, has_hostname=False)


@pytest.mark.parametrize(
    "host",
    [
        HostConfig(),
        HostConfig(extra_hosts=["a:host-gateway", "b:::1", "c:[::1]", "d:1.2.3.4"]),
        HostConfig(port_bindings={"80/udp": [PortBinding(host_port="8000-8001")]}),
        HostConfig(pid_mode="container:x", ipc_mode="shareable"),
        HostConfig(security_opt=["no-new-privileges", "seccomp=unconfined", "label:disable"]),
        HostConfig(runtime="io.containerd.runc.v2"),
    ],
)
def test_what_makes_sense_passes(host: HostConfig) -> None:
    assert check(PLAIN, host, has_hostname=False) == []


def test_a_signal_may_be_a_number_that_is_none() -> None:
    assert check(ContainerConfig(stop_signal="99"), HostConfig(), has_hostname=False) == []


def test_what_is_pointless_is_warned_of() -> None:
    host = HostConfig(network_mode="host", publish_all_ports=True)
    [ports, address] = check(ContainerConfig(mac_address="02::"), host, has_hostname=False)
    assert ports == "Published ports are discarded when using host network mode"
    assert "MacAddress field is now deprecated" in address
