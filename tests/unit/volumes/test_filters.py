"""Which volumes a list shows and a prune removes."""

import pytest

from lading.errors import InvalidArgument
from lading.volumes import ANONYMOUS_LABEL, Volume
from lading.volumes.filters import choose, prunable

VOLUMES = [
    Volume("anon", labels={ANONYMOUS_LABEL: "", "x": "1"}),
    Volume("named", labels={"x": "2"}),
    Volume("other", driver="nfs"),
    Volume("used", labels={ANONYMOUS_LABEL: ""}),
]


def is_used(name: str) -> bool:
    return name == "used"


def shown(**filters: list[str]) -> list[str]:
    return [volume.name for volume in choose(VOLUMES, filters, is_used)]


def removed(*, is_narrow: bool = True, **filters: list[str]) -> list[str]:
    found = prunable(VOLUMES, filters, is_used, is_narrow=is_narrow)
    return [volume.name for volume in found]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["anon", "named", "other", "used"]),
        ({"dangling": ["true"]}, ["anon", "named", "other"]),
        ({"dangling": ["False"]}, ["used"]),
        ({"name": ["am", "us"]}, ["named", "used"]),
        ({"driver": ["nfs"]}, ["other"]),
        ({"label": ["x"]}, ["anon", "named"]),
        ({"label": ["x=1", ANONYMOUS_LABEL]}, ["anon"]),
        ({"label": ["x"], "name": ["named"]}, ["named"]),
    ],
)
def test_a_list_shows_what_passes_all_filters(
    filters: dict[str, list[str]], expected: list[str]
) -> None:
    assert shown(**filters) == expected


def test_a_prune_takes_anonymous_volumes() -> None:
    assert removed() == ["anon"]


@pytest.mark.parametrize("value", ["1", "true", "T"])
def test_a_prune_of_all_takes_named_ones_too(value: str) -> None:
    assert removed(all=[value]) == ["anon", "named", "other"]


def test_an_older_client_means_all() -> None:
    assert removed(is_narrow=False) == ["anon", "named", "other"]


def test_a_prune_leaves_labels_alone() -> None:
    assert removed(is_narrow=False, **{"label!": ["x=2"]}) == ["anon", "other"]
    assert removed(is_narrow=False, label=["x=2"]) == ["named"]


@pytest.mark.parametrize("values", [["maybe"], ["true", "false"]])
def test_dangling_is_one_truth(values: list[str]) -> None:
    with pytest.raises(InvalidArgument, match="invalid filter 'dangling="):
        shown(dangling=values)


def test_all_is_a_truth() -> None:
    with pytest.raises(InvalidArgument, match=r'strconv\.ParseBool: parsing "maybe"'):
        removed(all=["maybe"])
