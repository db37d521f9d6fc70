"""Documents of `GET /events`; the stored event is `lading.events.Event`."""

from msgspec import UNSET, UnsetType, field

from lading.wire.base import Document


class EventActor(Document):
    """The object that an event is about."""

    id: str = field(name="ID")
    attributes: dict[str, str]


class EventMessage(Document):
    """One line of the stream; the first three repeat the actor for clients older than 1.52."""

    status: str | UnsetType = field(default=UNSET, name="status")
    id: str | UnsetType = field(default=UNSET, name="id")
    origin: str | UnsetType = field(default=UNSET, name="from")
    type: str
    action: str
    actor: EventActor
    scope: str = field(default="local", name="scope")
    time: int = field(name="time")  # seconds
    time_nano: int = field(name="timeNano")
