"""Names of volumes: dockerd's rule, its texts, and the longest name of a directory."""

import pytest

from lading.errors import InvalidArgument
from lading.volumes import names


@pytest.mark.parametrize("name", ["ab", "a.b_c-d", "0x", "a" * 255])
def test_a_name_that_can_be_a_directory_is_taken(name: str) -> None:
    assert names.check(name) == name


@pytest.mark.parametrize("name", ["a", "", "../up", "a/b", ".hidden", "-f", "a b", "é1", "a" * 256])
def test_others_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        names.check(name)
