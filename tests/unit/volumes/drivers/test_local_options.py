"""The options of the local driver."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidArgument
from lading.kernel import mount
from lading.volumes.drivers.local_options import Owner, check, filesystem_of, owner_of


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "y"}, 'create v: invalid option: "x"'),
        ({"type": "tmpfs"}, 'create v: missing required option: "device"'),
        ({"device": "tmpfs"}, 'create v: missing required option: "type"'),
        ({"o": "size=1m"}, 'create v: missing required option: "device"'),
        ({"size": "much"}, "create v: invalid size: 'much'"),
        ({"size": "1g"}, "create v: quota size requested but no quota support"),
        ({"mode": "0999"}, "create v: invalid mode: '0999'"),
        ({"uid": "-1"}, "create v: invalid uid: '-1'"),
        ({"gid": "4294967295"}, "create v: invalid gid: '4294967295'"),
    ],
)
def test_options_without_sense_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        check("v", options)
    assert str(raised.value) == message


def test_no_options_are_a_plain_directory() -> None:
    check("v", {})
    assert filesystem_of({"uid": "1"}) is None


def test_words_are_attributes_or_the_file_systems_own() -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,ro, nosuid,uid=3"}
    check("v", options)
    found = filesystem_of(options)
    assert found
    assert found.attributes == mount.MOUNT_ATTR_RDONLY | mount.MOUNT_ATTR_NOSUID
    assert found.data == {"size": "1m", "uid": "3"}
    assert not found.is_bind


@pytest.mark.parametrize(("word", "is_recursive"), [("bind", False), ("rbind", True)])
def test_a_bind_is_a_word_among_the_options(word: str, is_recursive: bool) -> None:
    found = filesystem_of({"type": "none", "device": "/src", "o": f"{word},rshared"})
    assert found
    assert (found.is_bind, found.is_recursive) == (True, is_recursive)
    assert found.propagation == mount.MS_SHARED


@given(st.integers(0, 0xFFFF_FFFE), st.integers(0, 0o7777))
def test_owners_are_read_as_they_are_written(uid: int, mode: int) -> None:
    found = owner_of("v", {"uid": str(uid), "mode": f"{mode:o}"})
    assert found == Owner(uid, None, mode)
