"""The right entry of an index is picked, with the fallbacks of variants."""

import pytest

from lading.oci import platform
from lading.oci.platform import Platform


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", Platform("amd64", "linux")),
        ("linux/x86_64", Platform("amd64", "linux")),
        ("aarch64", Platform("arm64", "linux")),
        ("linux/arm64/v8", Platform("arm64", "linux")),
        ("linux/arm", Platform("arm", "linux", "v7")),
        ("linux/armel", Platform("arm", "linux", "v6")),
        ("Windows/AMD64", Platform("amd64", "windows")),
    ],
)
def test_a_platform_is_read_in_any_spelling(text: str, expected: Platform) -> None:
    assert platform.parse(text) == expected


@pytest.mark.parametrize("text", ["", "a/b/c/d", "linux/", "linux/am d64"])
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(platform.InvalidPlatform):
        platform.parse(text)


AMD64 = Platform("amd64", "linux")
AMD64_V2 = Platform("amd64", "linux", "v2")
AMD64_V3 = Platform("amd64", "linux", "v3")
ARM_V6 = Platform("arm", "linux", "v6")
ARM64 = Platform("arm64", "linux", "v8")
UNKNOWN = Platform("unknown", "unknown")


@pytest.mark.parametrize(
    ("offered", "wanted", "position"),
    [
        ([ARM64, AMD64], AMD64, 1),
        ([AMD64_V3, AMD64], AMD64, 1),
        ([AMD64, AMD64_V2], AMD64_V3, 1),
        ([AMD64_V3], AMD64, None),
        ([ARM_V6, ARM64], Platform("arm64", "linux"), 1),
        ([ARM_V6], Platform("arm64", "linux"), 0),
        ([AMD64, AMD64], AMD64, 0),
        ([UNKNOWN], AMD64, None),
        ([None], AMD64, 0),
        ([], AMD64, None),
    ],
)
def test_the_best_entry_that_runs_is_picked(
    offered: list[Platform | None], wanted: Platform, position: int | None
) -> None:
    assert platform.select(offered, wanted) == position
