"""Names and sets of capabilities, and what the kernel shows after they are set."""

import json
import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel import capabilities
from lading.kernel.capabilities import UnknownCapability, tweak

DEFAULT_MASK = 0xA80425FB  # CapBnd of a container started by dockerd


def sets_in_child(act: Callable[[], None]) -> dict[str, int]:
    """CapInh, CapPrm, CapEff, CapBnd, CapAmb of a child after `act`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        act()
        with open("/proc/self/status", encoding="utf-8") as lines:
            found = {x[:6]: int(x.split()[1], 16) for x in lines if x.startswith("Cap")}
        os.write(writer, json.dumps(found).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer: dict[str, int] = json.loads(stream.read())
    os.waitpid(child, 0)
    return answer


def test_there_are_41_names_in_the_kernels_order() -> None:
    assert len(capabilities.NAMES) == 41
    assert capabilities.BITS["CAP_SYS_ADMIN"] == 21
    assert capabilities.BITS["CAP_CHECKPOINT_RESTORE"] == 40


def test_the_default_is_dockers() -> None:
    assert capabilities.to_mask(capabilities.DEFAULT) == DEFAULT_MASK


def test_all_ends_with_what_the_kernel_knows() -> None:
    assert len(capabilities.known()) == min(41, capabilities.last_cap() + 1)


@given(st.sets(st.sampled_from(capabilities.known())))
def test_names_and_masks_convert_both_ways(names: set[str]) -> None:
    assert set(capabilities.to_names(capabilities.to_mask(names))) == names


def test_names_the_kernel_does_not_have_are_left_out() -> None:
    assert capabilities.to_mask(["CAP_KILL", "CAP_OF_THE_FUTURE"]) == 1 << 5


@pytest.mark.parametrize("name", ["sys_admin", "SYS_ADMIN", "cap_sys_admin", "Cap_Sys_Admin"])
def test_prefix_and_case_do_not_matter(name: str) -> None:
    assert tweak([name], []) == (*capabilities.DEFAULT, "CAP_SYS_ADMIN")


def test_nothing_asked_is_the_default() -> None:
    assert tweak([], []) == capabilities.DEFAULT


def test_dropping_all_and_adding_one_leaves_one() -> None:
    assert tweak(["chown"], ["ALL"]) == ("CAP_CHOWN",)


def test_adding_all_and_dropping_one_leaves_the_others() -> None:
    assert set(capabilities.known()) - set(tweak(["all"], ["mknod"])) == {"CAP_MKNOD"}


def test_adding_all_wins_over_dropping_all() -> None:
    assert tweak(["ALL"], ["ALL"]) == capabilities.known()


def test_adding_wins_over_dropping_the_same() -> None:
    assert "CAP_MKNOD" in tweak(["mknod"], ["mknod"])


def test_an_unknown_capability_is_dockers_error() -> None:
    with pytest.raises(UnknownCapability) as caught:
        tweak(["chown", "nosuchcap"], [])
    assert str(caught.value) == 'invalid CapAdd: unknown capability: "CAP_NOSUCHCAP"'
    with pytest.raises(UnknownCapability, match="invalid CapDrop"):
        tweak([], ["CAP_x"])


def test_the_kernel_shows_the_sets_of_a_default_container() -> None:
    def act() -> None:
        capabilities.drop_bounding(DEFAULT_MASK)
        capabilities.capset(DEFAULT_MASK, DEFAULT_MASK, 0)

    shown = sets_in_child(act)
    expected = {"CapInh": 0, "CapPrm": DEFAULT_MASK, "CapEff": DEFAULT_MASK, "CapAmb": 0}
    assert shown == expected | {"CapBnd": DEFAULT_MASK}


def test_ambient_capabilities_replace_those_before() -> None:
    kill, chown = 1 << capabilities.BITS["CAP_KILL"], 1 << capabilities.BITS["CAP_CHOWN"]

    def act() -> None:
        capabilities.capset(kill | chown, kill | chown, kill | chown)
        capabilities.set_ambient(chown)
        capabilities.set_ambient(kill)

    assert sets_in_child(act)["CapAmb"] == kill
