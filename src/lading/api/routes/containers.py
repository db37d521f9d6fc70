"""The tag Container: the container as a record. Its life, output and files have files beside."""

from lading.api.call import Call
from lading.api.router import Route
from lading.errors import InvalidArgument
from lading.http import Response
from lading.wire.containers import ContainerCreate

FILTERS = frozenset(
    (
        *("ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation"),
        *("label", "name", "network", "publish", "since", "status", "volume"),
    )
)


class NoConfig(InvalidArgument):
    """config cannot be empty in order to create a container"""


async def list_(call: Call) -> Response:
    """Containers, newest first; the running ones unless asked otherwise."""
    limit = call.query.number("limit")
    return call.reply(
        call.backend.containers.list(
            all=call.query.flag("all"),
            limit=limit if limit and limit > 0 else None,
            size=call.query.flag("size"),
            filters=call.query.filters(FILTERS),
        )
    )


async def create(call: Call) -> Response:
    """Make a container; its image must be here (the 404 otherwise makes clients pull it)."""
    asked = await call.document(ContainerCreate)
    if asked == ContainerCreate():
        raise NoConfig
    platform = call.query.text("platform") if call.is_at_least("1.41") else ""
    created = await call.backend.containers.create(
        asked, name=call.query.text("name") or None, platform=platform or None
    )
    return call.reply(created, status=201)


async def inspect(call: Call) -> Response:
    """Everything about one container."""
    return call.reply(call.backend.containers.inspect(call.name, size=call.query.flag("size")))


async def rename(call: Call) -> Response:
    """Give it another name."""
    await call.backend.containers.rename(call.name, call.query.text("name"))
    return Response(204)


async def remove(call: Call) -> Response:
    """Remove it, if need be by force, with its anonymous volumes if asked."""
    await call.backend.containers.remove(
        call.name,
        force=call.query.flag("force"),
        volumes=call.query.flag("v"),
        link=call.query.flag("link"),
    )
    return Response(204)


ROUTES = [
    Route("GET", "/containers/json", list_),
    Route("POST", "/containers/create", create, is_uninterrupted=True),
    Route("GET", "/containers/{name}/json", inspect),
    Route("POST", "/containers/{name}/rename", rename, is_uninterrupted=True),
    Route("DELETE", "/containers/{name}", remove, is_uninterrupted=True),
]
