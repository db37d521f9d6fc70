"""Which events a client wants to see: pure functions of an event and its filters."""

import re

from lading.api.backend import Filters
from lading.events import Event

NAMED = (
    "config",
    "container",
    "daemon",
    "network",
    "node",
    "plugin",
    "secret",
    "service",
    "volume",
)
ACCEPTED = frozenset({*NAMED, "event", "image", "label", "scope", "type"})
# Actions with an argument after a colon: asked without it, every argument is meant.
_WITH_ARGUMENT = {"exec_create", "exec_start", "health_status"}
_TAG_OR_DIGEST = re.compile(r"(:[^/:@]+)?(@.*)?$")


def includes(filters: Filters, event: Event) -> bool:
    """Whether every filter has a value that fits; values of one filter are alternatives."""
    return (
        _matches(filters.get("type"), event.type)
        and _matches(filters.get("scope"), "local")
        and _matches_action(filters.get("event"), event.action)
        and all(_matches_name(filters.get(kind), event) for kind in NAMED)
        and _matches_image(filters.get("image"), event)
        and _matches_labels(filters.get("label"), event.attributes)
    )


def _matches(wanted: list[str] | None, value: str) -> bool:
    return not wanted or value in wanted


def _matches_action(wanted: list[str] | None, action: str) -> bool:
    if not wanted or action in wanted:
        return True
    return not _WITH_ARGUMENT.isdisjoint(wanted) and any(map(action.startswith, wanted))


def _matches_name(wanted: list[str] | None, event: Event) -> bool:
    """By a prefix of the id or the name; whose type it is has its own filter, as in Docker."""
    if not wanted:
        return True
    name = event.attributes.get("name", "")
    return any(event.actor_id.startswith(value) or name.startswith(value) for value in wanted)


def _matches_image(wanted: list[str] | None, event: Event) -> bool:
    """An image's own events, and those of containers made from it, with and without the tag."""
    if not wanted:
        return True
    name = event.attributes.get("name" if event.type == "image" else "image", "")
    known = {event.actor_id, name, _without_tag(event.actor_id), _without_tag(name)}
    return not known.isdisjoint(wanted)


def _without_tag(reference: str) -> str:
    return _TAG_OR_DIGEST.sub("", reference)


def _matches_labels(wanted: list[str] | None, attributes: dict[str, str]) -> bool:
    """Every label, not one of them; `k` asks for the key, `k=v` for the value too."""
    for label in wanted or ():
        key, equals, value = label.partition("=")
        if key not in attributes or (equals and attributes[key] != value):
            return False
    return True
