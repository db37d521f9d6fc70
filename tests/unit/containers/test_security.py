"""What a container gets of the host's security modules."""

import asyncio

import pytest

from lading.containers.oci_spec import Walls, confined
from lading.containers.record import ContainerRecord
from lading.containers.security import Security
from lading.kernel import lsm, selinux
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig

LABELS = ("system_u:system_r:container_t:s0", "system_u:object_r:container_file_t:s0")


def record(level: str = "") -> ContainerRecord:
    return ContainerRecord(
        id="a" * 64,
        name="web",
        created_ns=1,
        image_reference="base",
        image_id="sha256:1",
        config=ContainerConfig(),
        host_config=HostConfig(),
        networking=NetworkingConfig(),
        selinux_level=level,
    )


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsm, "has_apparmor", lambda: False)
    monkeypatch.setattr(lsm, "has_selinux", lambda: False)


@pytest.mark.usefixtures("bare")
def test_a_host_without_modules_gives_nothing_and_is_not_asked_for_it() -> None:
    found = Security("0123abcd", selinux_enabled=True)
    assert asyncio.run(found.prepare(record())) == Walls()
    assert confined(Walls()) == {}
    assert found.options() == ["name=seccomp,profile=builtin"]
    assert found.new_level("a", set()) == ""
    assert found.warnings() == []


@pytest.mark.usefixtures("bare")
def test_selinux_is_used_when_it_is_there_and_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsm, "has_selinux", lambda: True)
    monkeypatch.setattr(selinux, "container_labels", lambda: LABELS)
    assert not Security("0123abcd").has_selinux
    found = Security("0123abcd", selinux_enabled=True)
    level = found.new_level("a" * 64, set())
    walls = found.walls(record(level))
    assert walls == Walls("", f"{LABELS[0][:-3]}:{level}", f"{LABELS[1][:-3]}:{level}")
    assert confined(walls) == {"selinuxLabel": walls.process_label}
    assert found.options()[-1] == "name=selinux"


@pytest.mark.usefixtures("bare")
def test_an_engine_that_cannot_load_a_profile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsm, "has_apparmor", lambda: True)
    found = Security("0123abcd")
    if not found.warnings():
        pytest.skip("this host has AppArmor")
    assert found.options()[0] == "name=apparmor"
    assert "without an AppArmor profile" in found.warnings()[0]
    assert asyncio.run(found.prepare(record())) == Walls("unconfined")
