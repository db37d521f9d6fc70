"""What will not be heeded is told at create; what contradicts itself is refused."""

import pytest

from lading.containers import admission
from lading.containers.defaults import STOCK
from lading.containers.limits import HostLimits
from lading.containers.record import ContainerRecord
from lading.containers.resources import limits
from lading.errors import InvalidArgument
from lading.kernel import lsm
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig, LogConfig
from lading.wire.mounts import Mount
from lading.wire.networks import NetworkingConfig

PLAIN = HostConfig()
HOST = HostLimits(2, "0-1", "0", frozenset(["cpu", "cpuset", "memory", "pids", "blkio"]))


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
    assert admission.check(record(), HOST, STOCK) == (record(), [])


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (record(HostConfig(log_config=LogConfig(type="awslogs"))), "log driver awslogs"),
        (record(HostConfig(security_opt=["apparmor=mine"])), "AppArmor is not enabled"),
        (record(HostConfig(security_opt=["label=type:x_t"])), "SELinux is not enabled"),
        (record(HostConfig(mounts=[Mount(type="image", source="x", target="/x")])), "Image mount"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_will_not_be_heeded_is_told(
    asked: ContainerRecord, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lsm, "has_apparmor", lambda: False)
    _, warnings = admission.check(asked, HOST, STOCK)
    assert len(warnings) == 1
    assert word in warnings[0]


def test_contradictions_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="Minimum memory limit allowed is 6MB"):
        admission.check(record(HostConfig(memory=4096)), HOST, STOCK)


def test_a_limit_that_this_host_has_not_is_discarded_with_a_warning() -> None:
    asked = record(HostConfig(pids_limit=7))
    kept, warnings = admission.check(asked, HOST._replace(controllers=frozenset(["memory"])), STOCK)
    assert kept.host_config.pids_limit is None
    assert "PIDs limit discarded" in warnings[0]


def test_without_swap_accounting_memory_alone_is_limited() -> None:
    host = HostConfig(memory=64 << 20)
    assert limits(host)["memory"] == {"limit": 64 << 20, "swap": 128 << 20}
    assert limits(host, has_swap_limit=False)["memory"] == {"limit": 64 << 20}
