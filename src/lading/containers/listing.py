"""Which containers a list shows: the filters of `GET /containers/json`. Pure but for `find`."""

import re
from collections.abc import Callable, Iterable

from lading.containers import views
from lading.containers.container import Container
from lading.containers.lifecycle import policy_of
from lading.containers.record import ContainerRecord
from lading.errors import InvalidArgument

Filters = dict[str, list[str]]


class BadExitedFilter(InvalidArgument):
    """invalid filter 'exited={0}'"""


class BadStatusFilter(InvalidArgument):
    """invalid filter 'status={0}'"""


def choose(
    containers: Iterable[Container],
    *,
    all: bool,
    limit: int | None,
    filters: Filters,
    find: Callable[[str], Container],
) -> list[Container]:
    """The containers that `ps` shows, newest first. `limit` and some filters imply `all`."""
    wide = all or bool(limit) or "status" in filters or "exited" in filters
    bounds = _bounds(filters, find)
    chosen = [
        container
        for container in containers
        if (wide or container.record.state.is_running)
        and bounds[0] < container.record.created_ns < bounds[1]
        and _matches(container, filters)
    ]
    chosen.sort(key=lambda container: container.record.created_ns, reverse=True)
    return chosen[:limit] if limit else chosen


def _bounds(filters: Filters, find: Callable[[str], Container]) -> tuple[int, int]:
    """Times of creation between which `since` and `before` allow."""
    since = [find(ref).record.created_ns for ref in filters.get("since", [])]
    before = [find(ref).record.created_ns for ref in filters.get("before", [])]
    return max(since, default=-1), min(before, default=1 << 63)


def _matches(container: Container, filters: Filters) -> bool:
    """Values of one filter are alternatives; filters, and labels, must all hold."""
    record = container.record
    tests: dict[str, Callable[[str], bool]] = {
        "id": record.id.startswith,
        "name": lambda value: _has_name(record, value),
        "status": lambda value: _has_status(record, value),
        "exited": lambda value: _has_exited(record, value),
        "ancestor": lambda value: _descends(record, value),
        "network": lambda value: record.host_config.network_mode == value,
        "volume": lambda value: any(
            value in (m.source, m.destination) for m in views.mounts(record)
        ),
        "is-task": lambda value: value in ("false", "0"),
        "health": lambda value: value == "none",
        "restart": lambda value: policy_of(record).name == value,
    }
    for name, values in filters.items():
        if name == "label":
            if not all(_has_label(record, value) for value in values):
                return False
        elif name in tests and not any(tests[name](value) for value in values):
            return False
    return True


def _has_name(record: ContainerRecord, value: str) -> bool:
    try:
        return re.search(value.lstrip("/"), record.name) is not None
    except re.error:
        return False  # dockerd: a pattern that is none matches nothing


def _has_status(record: ContainerRecord, value: str) -> bool:
    if value not in ("created", "running", "paused", "restarting", "removing", "exited", "dead"):
        raise BadStatusFilter(value)
    return record.state.status == value


def _has_exited(record: ContainerRecord, value: str) -> bool:
    if not value.lstrip("-").isdecimal():
        raise BadExitedFilter(value)
    return record.state.status == "exited" and record.state.exit_code == int(value)


def _descends(record: ContainerRecord, value: str) -> bool:
    """By image: as it was named, its id, or a prefix of its id."""
    if record.image_id.rpartition(":")[2].startswith(value.rpartition(":")[2]):
        return True
    image = record.config.image
    return image == value or image == f"{value}:latest" or f"{image}:latest" == value


def _has_label(record: ContainerRecord, value: str) -> bool:
    labels = record.config.labels or {}
    key, equals, wanted = value.partition("=")
    return key in labels and (not equals or labels[key] == wanted)


def _has_mount(record: ContainerRecord, value: str) -> bool:
    return any(value in (mount.source, mount.destination) for mount in views.mounts(record))
