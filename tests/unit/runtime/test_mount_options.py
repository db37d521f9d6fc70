"""Words of mount(8) become attributes; later words win."""

import pytest

from lading.kernel.mount import (
    MOUNT_ATTR__ATIME,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_STRICTATIME,
    MS_PRIVATE,
    MS_SLAVE,
)
from lading.runtime import mount_options


def test_flags_and_data_are_told_apart() -> None:
    options = mount_options.parse(["nosuid", "noexec", "mode=755", "size=64k", "newinstance"])
    assert options.set == MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC
    assert options.data == {"mode": "755", "size": "64k"}


@pytest.mark.parametrize(
    ("words", "readonly"), [(["ro"], True), (["ro", "rw"], False), (["rw", "ro"], True)]
)
def test_the_last_of_two_opposites_wins(words: list[str], readonly: bool) -> None:
    options = mount_options.parse(words)
    assert (options.is_readonly, bool(options.clear & MOUNT_ATTR_RDONLY)) == (
        readonly,
        not readonly,
    )


def test_access_times_are_cleared_before_they_are_set() -> None:
    options = mount_options.parse(["strictatime"])
    assert (options.set, options.clear) == (MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME)


def test_recursive_words_are_kept_apart() -> None:
    options = mount_options.parse(["rbind", "rro", "rslave"])
    assert (options.bind, options.set, options.recursive_set) == ("rbind", 0, MOUNT_ATTR_RDONLY)
    assert (options.propagation, options.propagation_recursive) == (MS_SLAVE, True)
    assert mount_options.parse(["private"]).propagation == MS_PRIVATE


def test_idmap_and_tmpcopyup_are_ours_and_not_the_file_systems() -> None:
    options = mount_options.parse(["ridmap=uids=0-1-1;gids=0-1-1", "tmpcopyup", "size=1m"])
    assert options.idmap == "ridmap=uids=0-1-1;gids=0-1-1"
    assert options.copy_up
    assert options.data == {"size": "1m"}
