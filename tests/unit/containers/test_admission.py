"""What will not be heeded is told at create; what contradicts itself is refused."""

import pytest

from lading.containers import admission
from lading.containers.binds import NamedVolume
from lading.containers.record import ContainerRecord
from lading.wire.containers import ContainerConfig, Healthcheck
from lading.wire.host_config import HostConfig, LogConfig
from lading.wire.networks import NetworkingConfig, PortBinding

PLAIN = HostConfig()


def record(host: HostConfig = PLAIN, config: ContainerConfig | None = None) -> ContainerRecord:
    return ContainerRecord(
        id="a" * 64,
        name="web",
        created_ns=1,
        image_reference="base",
        image_id="sha256:1",
        config=config or ContainerConfig(cmd=["sh"]),
        host_config=host,
        networking=NetworkingConfig(),
    )


def test_a_plain_container_has_no_warnings() -> None:
    assert admission.check(record()) == []


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (record(HostConfig(port_bindings={"80/tcp": [PortBinding()]})), "published ports"),
        (record(HostConfig(log_config=LogConfig(type="syslog"))), "log driver syslog"),
        (record(HostConfig(security_opt=["apparmor=mine"])), "AppArmor"),
        (record(config=ContainerConfig(volumes={"/data": {}})), "anonymous volumes"),
        (record(config=ContainerConfig(healthcheck=Healthcheck(test=["CMD", "x"]))), "health"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_will_not_be_heeded_is_told(asked: ContainerRecord, word: str) -> None:
    warnings = admission.check(asked)
    assert len(warnings) == 1
    assert word in warnings[0]


def test_a_health_check_that_is_switched_off_needs_no_warning() -> None:
    asked = record(config=ContainerConfig(healthcheck=Healthcheck(test=["NONE"])))
    assert admission.check(asked) == []


def test_contradictions_are_refused() -> None:
    with pytest.raises(NamedVolume):
        admission.check(record(HostConfig(binds=["data:/data"])))
