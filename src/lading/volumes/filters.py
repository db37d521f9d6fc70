"""Which volumes a list shows and a prune removes: the filters of the API. Pure.

Values of one filter are alternatives, but of labels all must hold; different filters must all hold.
The texts are dockerd's (daemon/volume/service/convert.go).
"""

from collections.abc import Callable, Iterable

from lading.errors import InvalidArgument
from lading.volumes.record import Volume

Filters = dict[str, list[str]]
TRUE, FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")


class BadBoolean(InvalidArgument):
    """invalid filter '{0}=[{1}]'"""


class UnparsedBoolean(InvalidArgument):
    """invalid filter '{0}': strconv.ParseBool: parsing "{1}": invalid syntax"""


def choose(
    volumes: Iterable[Volume], filters: Filters, is_used: Callable[[str], bool]
) -> list[Volume]:
    """The volumes that a list shows. Raises BadBoolean."""
    dangling = _dangling(filters.get("dangling", []))
    return [
        volume
        for volume in volumes
        if (dangling is None or dangling != is_used(volume.name)) and _matches(volume, filters)
    ]


def prunable(
    volumes: Iterable[Volume],
    filters: Filters,
    is_used: Callable[[str], bool],
    *,
    is_narrow: bool,
) -> list[Volume]:
    """The volumes that a prune removes: unused ones of this host that pass the label filters.

    `is_narrow`: only anonymous ones unless the filter `all` is true, as from API 1.42 on.
    Raises UnparsedBoolean.
    """
    wants_all = not is_narrow
    for value in filters.get("all", []):
        if value not in TRUE + FALSE:
            raise UnparsedBoolean("all", value)
        wants_all = wants_all or value in TRUE
    unwanted = filters.get("label!", [])
    return [
        volume
        for volume in volumes
        if (wants_all or volume.is_anonymous)
        and not is_used(volume.name)
        and all(_has_label(volume, value) for value in filters.get("label", []))
        and not any(_has_label(volume, value) for value in unwanted)
    ]


def _dangling(values: list[str]) -> bool | None:
    if not values:
        return None
    if len(values) > 1 or values[0] not in TRUE + FALSE:
        raise BadBoolean("dangling", " ".join(values))
    return values[0] in TRUE


def _matches(volume: Volume, filters: Filters) -> bool:
    names, drivers = filters.get("name"), filters.get("driver")
    return (
        (not names or any(name in volume.name for name in names))
        and (not drivers or volume.driver in drivers)
        and all(_has_label(volume, value) for value in filters.get("label", []))
    )


def _has_label(volume: Volume, value: str) -> bool:
    key, equals, wanted = value.partition("=")
    labels = volume.labels or {}
    return key in labels and (not equals or labels[key] == wanted)
