"""A compiled filter is a file, and containers that want the same share it."""

import os
from pathlib import Path

import pytest

from lading.containers.filters import Filters, InvalidProfile, ProfileUnreadable
from lading.errors import SystemFault
from lading.wire.host_config import HostConfig

ALLOW_ALL = '{"defaultAction": "SCMP_ACT_ALLOW"}'


@pytest.fixture
def filters(tmp_path: Path) -> Filters:
    return Filters(f"{tmp_path}/seccomp")


def path_for(filters: Filters, *options: str, **host: object) -> str:
    path = filters.path(HostConfig(security_opt=list(options), **host))  # type: ignore[arg-type]
    assert path
    return path


def test_equal_containers_share_one_file(filters: Filters, tmp_path: Path) -> None:
    assert path_for(filters) == path_for(filters)
    assert len(os.listdir(tmp_path / "seccomp")) == 1


def test_a_program_is_whole_instructions(filters: Filters) -> None:
    size = os.stat(path_for(filters)).st_size
    assert size > 0
    assert size % 8 == 0  # sizeof(struct sock_filter)


def test_capabilities_choose_another_filter(filters: Filters) -> None:
    assert path_for(filters, cap_add=["SYS_ADMIN"]) != path_for(filters)


@pytest.mark.parametrize("separator", "=:")
def test_a_profile_of_the_user_is_compiled(filters: Filters, separator: str) -> None:
    custom = path_for(filters, f"seccomp{separator}{ALLOW_ALL}")
    assert Path(custom).read_bytes() != Path(path_for(filters)).read_bytes()


@pytest.mark.parametrize("option", ["seccomp=builtin", "seccomp=", "no-new-privileges"])
def test_the_built_in_profile_is_the_default(filters: Filters, option: str) -> None:
    assert path_for(filters, option) == path_for(filters)


@pytest.mark.parametrize(
    "host",
    [HostConfig(privileged=True), HostConfig(security_opt=["seccomp=unconfined"])],
)
def test_an_unconfined_container_has_no_filter(filters: Filters, host: HostConfig) -> None:
    assert filters.path(host) is None


def test_a_profile_that_is_no_json_is_refused(filters: Filters) -> None:
    with pytest.raises(InvalidProfile, match="Decoding seccomp profile failed"):
        path_for(filters, "seccomp={")


@pytest.mark.parametrize(
    "profile", ["[]", "7", '"word"', "{}", '{"defaultAction": "NONSENSE"}', '{"syscalls": 7}']
)
def test_json_that_is_no_profile_is_refused(filters: Filters, profile: str) -> None:
    with pytest.raises(SystemFault):
        path_for(filters, f"seccomp={profile}")


def test_filters_are_made_again_after_a_restart(filters: Filters, tmp_path: Path) -> None:
    assert path_for(Filters(f"{tmp_path}/seccomp")) == path_for(filters)


@pytest.fixture
def own_profile(tmp_path: Path) -> str:
    """The path of a profile that allows everything."""
    path = tmp_path / "profile.json"
    path.write_text(ALLOW_ALL)
    return str(path)


def test_the_engines_profile_is_for_those_that_name_none(tmp_path: Path, own_profile: str) -> None:
    found = Filters(f"{tmp_path}/seccomp", own_profile)
    builtin = Filters(f"{tmp_path}/seccomp")
    assert path_for(found) == path_for(builtin, f"seccomp={ALLOW_ALL}")
    assert path_for(found, "seccomp=") == path_for(found)
    assert path_for(found, "seccomp=builtin") == path_for(builtin)
    assert found.path(HostConfig(security_opt=["seccomp=unconfined"])) is None


def test_an_engine_may_run_all_unconfined_but_who_asks_for_a_filter(tmp_path: Path) -> None:
    found = Filters(f"{tmp_path}/seccomp", "unconfined")
    assert found.path(HostConfig()) is None
    assert path_for(found, "seccomp=builtin")


def test_the_last_profile_that_is_named_counts(filters: Filters) -> None:
    assert path_for(filters, "seccomp=unconfined", "seccomp=builtin") == path_for(filters)


def test_an_engines_profile_that_cannot_be_is_told_at_its_start(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("{")
    with pytest.raises(ProfileUnreadable, match=r"opening seccomp profile \(/nowhere\) failed: "):
        Filters(f"{tmp_path}/seccomp", "/nowhere")
    with pytest.raises(InvalidProfile):
        Filters(f"{tmp_path}/seccomp", f"{tmp_path}/bad")
