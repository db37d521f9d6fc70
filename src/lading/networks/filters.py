"""Which networks a list or a prune means: pure functions of a network and Docker's filters."""

import re
from collections.abc import Mapping, Sequence

from lading.errors import InvalidArgument, SystemFault
from lading.networks.definition import PREDEFINED
from lading.networks.records import Network

Filters = Mapping[str, Sequence[str]]

LISTED = frozenset(["dangling", "driver", "id", "label", "name", "scope", "type"])
PRUNED = frozenset(["label", "label!", "until"])
_TRUE, _FALSE = ("1", "true"), ("0", "false")


class BadType(SystemFault):  # 500 is what dockerd answers
    """invalid filter: 'type'='{0}'"""


class BadDangling(InvalidArgument):
    """invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")"""


class ManyValues(InvalidArgument):
    """got more than one value for filter key "{0}\""""


def check(filters: Filters) -> None:
    """Raises BadType, BadDangling, ManyValues."""
    for value in filters.get("type", ()):
        if value not in ("custom", "builtin"):
            raise BadType(value)
    dangling = filters.get("dangling", ())
    if len(dangling) > 1:
        raise ManyValues("dangling")
    if dangling and dangling[0] not in (*_TRUE, *_FALSE):
        raise BadDangling


def includes(filters: Filters, network: Network, *, is_used: bool) -> bool:
    """Whether every filter has a value that fits; of labels every value must."""
    kind = "builtin" if network.name in PREDEFINED else "custom"
    return (
        _fits(filters.get("driver"), network.driver)
        and _fits(filters.get("type"), kind)
        and _fits(filters.get("scope"), "local")
        and _contains(filters.get("name"), network.name)
        and _begins(filters.get("id"), network.id)
        and has_labels(filters.get("label"), network.labels)
        and _is_dangling(filters.get("dangling"), is_idle=kind == "custom" and not is_used)
    )


def is_prunable(filters: Filters, network: Network, limit_ns: int) -> bool:
    """Whether a prune takes an idle network; `limit_ns` is 0 for any age."""
    unwanted = filters.get("label!", ())
    return (
        network.name not in PREDEFINED
        and (not limit_ns or network.created_ns < limit_ns)
        and has_labels(filters.get("label"), network.labels)
        and not (unwanted and has_labels(unwanted, network.labels))
    )


def has_labels(wanted: Sequence[str] | None, labels: Mapping[str, str]) -> bool:
    """`k` asks for the key, `k=v` for the value too."""
    for label in wanted or ():
        key, equals, value = label.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def _fits(wanted: Sequence[str] | None, value: str) -> bool:
    return not wanted or value in wanted


def _contains(wanted: Sequence[str] | None, name: str) -> bool:
    """By a part of it or by an expression; one that is none fits nothing."""
    if not wanted:
        return True
    for text in wanted:
        if text in name:
            return True
        try:
            if re.search(text, name):
                return True
        except re.error:
            continue
    return False


def _begins(wanted: Sequence[str] | None, identity: str) -> bool:
    return not wanted or any(identity.startswith(text) for text in wanted)


def _is_dangling(wanted: Sequence[str] | None, *, is_idle: bool) -> bool:
    return not wanted or (wanted[0] in _TRUE) == is_idle
