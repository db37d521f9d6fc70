"""The tag System: ping, version, info, events."""

import asyncio
import time
from collections.abc import AsyncIterator

from msgspec import UNSET

from lading.api import event_filter
from lading.api.call import JSON, Call
from lading.api.router import Route
from lading.errors import InvalidArgument
from lading.events import Event
from lading.http import Response, StreamResponse
from lading.state import Journal
from lading.wire.events import EventActor, EventMessage

_PING_HEADERS = [
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Builder-Version", "1"),  # until BuildKit is spoken here: 2
    ("Swarm", "inactive"),
    ("Content-Type", "text/plain; charset=utf-8"),
]


class SinceAfterUntil(InvalidArgument):
    """`since` time ({0}) cannot be after `until` time ({1})"""


async def ping(call: Call) -> Response:
    """Tell that we are here, and what we speak (in the headers that every answer has)."""
    return Response(200, b"" if call.request.method == "HEAD" else b"OK", headers=_PING_HEADERS)


async def version(call: Call) -> Response:
    """The engine's version and those of its parts."""
    return call.reply(call.backend.system.version())


async def info(call: Call) -> Response:
    """What the engine and its host are and can."""
    return call.reply(call.backend.system.info())


async def disk_usage(call: Call) -> Response:
    """What things take on the disk; `type` narrows, and may come more than once."""
    kinds = call.query.texts("type") if call.is_at_least("1.42") else []
    return call.reply(await call.backend.usage.disk_usage(kinds))


async def events(call: Call) -> Response:
    """Events from the journal: those since a time if asked, then those that come, until a time."""
    since, until = call.query.time_ns("since"), call.query.time_ns("until")
    filters = call.query.filters(event_filter.ACCEPTED)
    if until is not None and since is not None and until < since:
        raise SinceAfterUntil(call.query.text("since"), call.query.text("until"))
    journal = call.backend.journal
    after = journal.last_sequence() if since is None else journal.first_since(since)

    async def lines() -> AsyncIterator[bytes]:
        async for event in _until(journal, after, until):
            if not event_filter.includes(filters, event):
                continue
            if event.type == "image" and event.action == "create" and not call.is_at_least("1.46"):
                continue
            yield call.encode(to_message(event)) + b"\n"

    return StreamResponse(lines(), headers=JSON)


async def _until(journal: Journal, after: int, until: int | None) -> AsyncIterator[Event]:
    """Events after that number, up to a time that may be past or still to come."""
    following = journal.iter_follow(after)
    while True:
        try:
            if until is None:
                event = await anext(following)
            else:
                # what is in the journal comes without waiting, even when the time is over
                async with asyncio.timeout(max(0.0, (until - time.time_ns()) / 1e9)):
                    event = await anext(following)
        except TimeoutError:
            return
        if until is not None and event.time_ns > until:
            return
        yield event


def to_message(event: Event) -> EventMessage:
    """The event as Docker writes it."""
    is_container, is_image = event.type == "container", event.type == "image"
    return EventMessage(
        status=event.action if is_container or is_image else UNSET,
        id=event.actor_id if is_container or is_image else UNSET,
        origin=event.attributes.get("image", UNSET) if is_container else UNSET,
        type=event.type,
        action=event.action,
        actor=EventActor(id=event.actor_id, attributes=event.attributes),
        time=event.time_ns // 1_000_000_000,
        time_nano=event.time_ns,
    )


ROUTES = [
    Route("GET", "/_ping", ping),
    Route("HEAD", "/_ping", ping),
    Route("GET", "/version", version),
    Route("GET", "/info", info),
    Route("GET", "/system/df", disk_usage),
    Route("GET", "/events", events),
]
