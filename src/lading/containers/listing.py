"""Which containers a list shows: the filters of `GET /containers/json`. Pure but for what is handed
in: how to find a container, and what is known of one beside its record.

Values of one filter are alternatives; different filters, and labels, must all hold. Words of the
errors are moby's (daemon/list.go).
"""

import posixpath
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from lading.containers.container import Container
from lading.containers.record import ContainerRecord
from lading.errors import InvalidArgument
from lading.wire.containers import PortSummary
from lading.wire.mounts import MountPoint

Filters = dict[str, list[str]]
STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
HEALTH = ("none", "starting", "healthy", "unhealthy")
PROTOCOLS = ("tcp", "udp", "sctp")


class BadFilter(InvalidArgument):
    """invalid filter '{0}={1}': {2}"""


class BadBoolean(InvalidArgument):
    """invalid filter '{0}=[{1}]'"""


class BadPort(InvalidArgument):
    """error while looking up for {0} {1}: {2}"""


class Facts(NamedTuple):
    """What filters ask of a container beside its record."""

    mounts: list[MountPoint]
    ports: list[PortSummary]
    networks: frozenset[str]  # names and ids
    health: str = "none"


class Listing(NamedTuple):
    """What is asked for."""

    all: bool = False
    limit: int | None = None
    filters: Filters = {}  # noqa: RUF012 - nobody changes it


def check(filters: Filters) -> None:
    """Refuse values that mean nothing. Raises BadFilter, BadBoolean, BadPort."""
    for name, known in (("status", STATES), ("health", HEALTH)):
        for value in filters.get(name, []):
            if value not in known:
                told = "state" if name == "status" else name
                reason = f"invalid value for {told} ({value}): must be one of {', '.join(known)}"
                raise BadFilter(name, value, reason)
    for value in filters.get("exited", []):
        if not re.fullmatch(r"[+-]?\d+", value, re.ASCII):
            reason = f'strconv.Atoi: parsing "{value}": invalid syntax'
            raise BadFilter("exited", value, reason)
    tasks = filters.get("is-task", [])
    if len(tasks) > 1 or any(value not in ("true", "1", "false", "0") for value in tasks):
        raise BadBoolean("is-task", " ".join(tasks))
    for name in ("publish", "expose"):
        for value in filters.get(name, []):
            parse_ports(name, value)


def choose(
    containers: Iterable[Container],
    asked: Listing,
    *,
    find: Callable[[str], Container],
    facts: Callable[[Container], Facts],
    images: frozenset[str] = frozenset(),
) -> list[Container]:
    """The containers that `ps` shows, newest first. `limit`, `status` and `exited` imply `all`.

    `images` are the ids of what the filter `ancestor` names. Raises as `check` does, and what
    `find` raises for `before` and `since`.
    """
    filters = asked.filters
    check(filters)
    wide = asked.all or bool(asked.limit) or "status" in filters or "exited" in filters
    after, before = _bounds(filters, find)
    chosen = [
        container
        for container in containers
        if (wide or container.record.state.is_up)
        and after < container.record.created_ns < before
        and _matches(container, filters, facts, images)
    ]
    chosen.sort(key=lambda container: container.record.created_ns, reverse=True)
    return chosen[: asked.limit] if asked.limit else chosen


def _bounds(filters: Filters, find: Callable[[str], Container]) -> tuple[int, int]:
    """Times of creation between which `since` and `before` allow."""
    since = [find(ref).record.created_ns for ref in filters.get("since", [])]
    before = [find(ref).record.created_ns for ref in filters.get("before", [])]
    return max(since, default=-1), min(before, default=1 << 63)


def _matches(
    container: Container,
    filters: Filters,
    facts: Callable[[Container], Facts],
    images: frozenset[str],
) -> bool:
    record = container.record
    for name, values in filters.items():
        if name == "label":
            if not all(has_label(record, value) for value in values):
                return False
        elif name == "ancestor":
            if not (record.image_id in images or any(_descends(record, v) for v in values)):
                return False
        elif name in _OF_RECORD:
            if not any(_OF_RECORD[name](record, value) for value in values):
                return False
        elif name in _OF_FACTS:
            known = facts(container)
            if not any(_OF_FACTS[name](known, value) for value in values):
                return False
    return True


def _has_name(record: ContainerRecord, value: str) -> bool:
    return _fits(value, record.name) or _fits(value, f"/{record.name}")


def _fits(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False  # dockerd: a pattern that is none matches nothing


def _has_exited(record: ContainerRecord, value: str) -> bool:
    return record.state.status == "exited" and record.state.exit_code == int(value)


def _descends(record: ContainerRecord, value: str) -> bool:
    """By image: as it was named, its id, or a prefix of its id."""
    digits = value.removeprefix("sha256:")
    if digits and record.image_id.removeprefix("sha256:").startswith(digits):
        return True
    image = record.config.image
    return image == value or image == f"{value}:latest" or f"{image}:latest" == value


def has_label(record: ContainerRecord, value: str) -> bool:
    """Whether it has the label `key`, or `key=value`."""
    labels = record.config.labels or {}
    key, equals, wanted = value.partition("=")
    return key in labels and (not equals or labels[key] == wanted)


def _has_mount(facts: Facts, value: str) -> bool:
    place = posixpath.normpath(value)
    return any(
        value == (mount.name or mount.source) or place == mount.destination
        for mount in facts.mounts
    )


def _has_port(facts: Facts, value: str, *, published: bool) -> bool:
    first, last, protocol = parse_ports("publish", value)
    for port in facts.ports:
        number = (port.public_port or 0) if published else port.private_port
        if port.type == protocol and first <= number <= last:
            return True
    return False


def parse_ports(name: str, value: str) -> tuple[int, int, str]:
    """`80`, `80/udp`, `8000-8010/tcp` as first, last and protocol. Raises BadPort."""
    numbers, _, protocol = value.partition("/")
    low, dash, high = numbers.partition("-")
    for text in (low, high) if dash else (low,):
        if not (text.isascii() and text.isdigit() and int(text) < 65536):
            kind = "value out of range" if text.isdigit() else "invalid syntax"
            raise BadPort(name, value, f'strconv.ParseUint: parsing "{text}": {kind}')
    first, last = int(low), int(high or low)
    if last < first:
        raise BadPort(name, value, f"invalid range specified for port: {numbers}")
    return first, last, protocol.lower() or "tcp"


_OF_RECORD: dict[str, Callable[[ContainerRecord, str], bool]] = {
    "id": lambda record, value: _fits(value, record.id),
    "name": _has_name,
    "status": lambda record, value: record.state.status == value,
    "exited": _has_exited,
    "is-task": lambda record, value: value in ("false", "0"),
}
_OF_FACTS: dict[str, Callable[[Facts, str], bool]] = {
    "health": lambda facts, value: facts.health == value,
    "network": lambda facts, value: value in facts.networks,
    "volume": _has_mount,
    "publish": lambda facts, value: _has_port(facts, value, published=True),
    "expose": lambda facts, value: _has_port(facts, value, published=False),
}
