"""The tag Container: the container as a record. Its life, output and files have files beside."""

from lading.api.call import Call
from lading.api.router import Route
from lading.errors import InvalidArgument
from lading.http import Response
from lading.wire.containers import ContainerConfig, ContainerCreate, ContainerUpdate

FILTERS = frozenset(
    (
        *("ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation"),
        *("label", "name", "network", "publish", "since", "status", "volume"),
    )
)
PRUNE_FILTERS = frozenset(("until", "label", "label!"))


class NoBody(InvalidArgument):
    """invalid JSON: got EOF while reading request body"""


class NoConfig(InvalidArgument):
    """config cannot be empty in order to create a container"""


class ManyNetworks(InvalidArgument):
    """Container cannot be created with multiple network endpoints: {0}"""


async def list_(call: Call) -> Response:
    """Containers, newest first; the running ones unless asked otherwise."""
    limit = call.query.number("limit")
    rows = await call.backend.containers.list(
        all=call.query.flag("all"),
        limit=limit if limit and limit > 0 else None,
        size=call.query.flag("size"),
        filters=call.query.filters(FILTERS),
    )
    return call.reply(list(rows))


async def create(call: Call) -> Response:
    """Make a container; its image must be here (the 404 otherwise makes clients pull it)."""
    asked = await call.document(ContainerCreate)
    if not await call.request.read():
        raise NoBody
    if asked == ContainerCreate():
        raise NoConfig
    if not call.is_at_least("1.44"):
        _refuse_many_networks(asked)
    platform = call.query.text("platform") if call.is_at_least("1.41") else ""
    created = await call.backend.containers.create(
        asked, name=call.query.text("name") or None, platform=platform or None
    )
    return call.reply(created, status=201)


def _refuse_many_networks(asked: ContainerCreate) -> None:
    networking = asked.networking_config
    names = sorted((networking and networking.endpoints_config) or {})
    if len(names) > 1:
        raise ManyNetworks(", ".join(names))


async def inspect(call: Call) -> Response:
    """Everything about one container."""
    size = call.query.flag("size")
    return call.reply(await call.backend.containers.inspect(call.name, size=size))


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


async def update(call: Call) -> Response:
    """Change its limits and its restart policy."""
    asked = await call.document(ContainerUpdate)
    return call.reply(await call.backend.containers.update(call.name, asked))


async def prune(call: Call) -> Response:
    """Remove all containers that do not run."""
    filters = call.query.filters(PRUNE_FILTERS)
    return call.reply(await call.backend.containers.prune(filters))


async def commit(call: Call) -> Response:
    """Make an image of a container's changes."""
    query = call.query
    config = await call.document(ContainerConfig) if call.request.has_body else None
    image = await call.backend.containers.commit(
        query.text("container"),
        config,
        repo=query.text("repo"),
        tag=query.text("tag"),
        comment=query.text("comment"),
        author=query.text("author"),
        pause=query.flag("pause", default=True),
        changes=[line for text in query.texts("changes") for line in text.splitlines()],
    )
    return call.reply({"Id": image}, status=201)


ROUTES = [
    Route("GET", "/containers/json", list_),
    Route("POST", "/containers/create", create, is_uninterrupted=True),
    Route("GET", "/containers/{name}/json", inspect),
    Route("POST", "/containers/prune", prune, is_uninterrupted=True),
    Route("POST", "/commit", commit, is_uninterrupted=True),
    Route("POST", "/containers/{name}/update", update, is_uninterrupted=True),
    Route("POST", "/containers/{name}/rename", rename, is_uninterrupted=True),
    Route("DELETE", "/containers/{name}", remove, is_uninterrupted=True),
]
