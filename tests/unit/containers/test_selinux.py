"""Labels of a container under a policy. The rules are go-selinux's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.containers import selinux
from lading.containers.selinux import BadLabelOption, Labels, labels, new_level, shared
from lading.wire.host_config import HostConfig

POLICY = Labels("system_u:system_r:container_t:s0", "system_u:object_r:container_file_t:s0")
LEVEL = "s0:c1,c2"
MOUNT = f"system_u:object_r:container_file_t:{LEVEL}"


def of(*options: str, **more: object) -> Labels:
    host = HostConfig(security_opt=list(options), **more)  # type: ignore[arg-type]
    return labels(host, POLICY, LEVEL)


def test_both_labels_have_the_containers_categories() -> None:
    assert of() == Labels(f"system_u:system_r:container_t:{LEVEL}", MOUNT)


@pytest.mark.parametrize(
    ("options", "process", "mount"),
    [
        (["label=type:x_t"], f"system_u:system_r:x_t:{LEVEL}", MOUNT),
        (
            ["label=level:s0:c7,c9", "label:role:r_r"],
            "system_u:r_r:container_t:s0:c7,c9",
            "system_u:object_r:container_file_t:s0:c7,c9",
        ),
        (
            ["label=user:u_u"],
            f"u_u:system_r:container_t:{LEVEL}",
            f"u_u:object_r:container_file_t:{LEVEL}",
        ),
        (
            ["label=filetype:y_t"],
            f"system_u:system_r:container_t:{LEVEL}",
            f"system_u:object_r:y_t:{LEVEL}",
        ),
        (["label=disable"], "", MOUNT),
        (["disable"], "", MOUNT),
    ],
)
def test_options_change_a_part(options: list[str], process: str, mount: str) -> None:
    assert of(*options) == Labels(process, mount)


@pytest.mark.parametrize("more", [{"privileged": True}, {"pid_mode": "host"}, {"ipc_mode": "host"}])
def test_who_shares_the_hosts_has_no_label_of_his_own(more: dict[str, object]) -> None:
    assert of(**more) == Labels("", MOUNT)


@pytest.mark.parametrize("option", ["label=x:y", "label=type", "label=type:", "label="])
def test_other_options_are_refused(option: str) -> None:
    with pytest.raises(BadLabelOption, match="valid options 'disable' or"):
        of(option)


def test_without_a_policy_there_are_no_labels() -> None:
    assert labels(HostConfig(security_opt=["label=type:x"]), Labels(), "") == Labels()


def test_a_container_from_before_has_the_policys_level() -> None:
    assert labels(HostConfig(), POLICY, "") == POLICY


def test_files_for_all_have_no_categories() -> None:
    assert shared(MOUNT) == "system_u:object_r:container_file_t:s0"
    assert shared("") == ""


@given(st.integers(0, selinux.CATEGORIES * (selinux.CATEGORIES - 1) // 2 - 1))
def test_each_number_is_another_pair_of_categories(number: int) -> None:
    low, high = (int(part[1:]) for part in selinux._level(number).split(":")[1].split(","))
    assert 0 <= low < high < selinux.CATEGORIES
    assert number == high * (high - 1) // 2 + low


def test_a_new_container_shares_its_categories_with_nobody() -> None:
    first = new_level("a", set())
    second = new_level("a", {first})
    assert first == new_level("a", set()) != second
    assert second not in {first, new_level("a", {first, second})}
