"""What a container gets of the host's security modules."""

import asyncio

import pytest

from lading.containers.defaults import Defaults
from lading.containers.oci_spec import Walls, confined
from lading.containers.record import ContainerRecord
from lading.containers.security import Security
from lading.kernel import lsm, selinux
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig

LABELS = ("system_u:system_r:container_t:s0", "system_u:object_r:container_file_t:s0")


def record(level: str = "", *options: str) -> ContainerRecord:
    return ContainerRecord(
        id="a" * 64,
        name="web",
        created_ns=1,
        image_reference="base",
        image_id="sha256:1",
        config=ContainerConfig(),
        host_config=HostConfig(security_opt=list(options)),
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
    assert confined(Walls()) == {"noNewPrivileges": False}
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
    assert confined(walls) == {"noNewPrivileges": False, "selinuxLabel": walls.process_label}
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


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], None),
        (["no-new-privileges"], True),
        (["no-new-privileges:true"], True),
        (["no-new-privileges=true"], True),
        (["no-new-privileges=1"], True),
        (["no-new-privileges:false"], False),
        (["no-new-privileges", "no-new-privileges=false"], False),
        (["seccomp=unconfined"], None),
    ],
)
@pytest.mark.parametrize("default", [False, True])
def test_the_last_word_about_new_privileges_counts_and_then_the_engines(
    options: list[str], expected: bool | None, default: bool
) -> None:
    found = Security("0123abcd", defaults=Defaults(no_new_privileges=default))
    asked = found.walls(record("", *options)).no_new_privileges
    assert asked is (default if expected is None else expected)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("profile", ["unconfined", "/etc/profile.json"])
def test_another_profile_than_dockers_is_told(profile: str) -> None:
    found = Security("0123abcd", defaults=Defaults(seccomp_profile=profile))
    assert found.options() == [f"name=seccomp,profile={profile}"]
    assert found.warnings() == ["WARNING: daemon is not using the default seccomp profile"]
