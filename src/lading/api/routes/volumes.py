"""The tag Volume."""

from msgspec import UNSET

from lading.api.call import Call
from lading.api.router import Route
from lading.api.routes.swarm import NotAManager
from lading.errors import Unavailable
from lading.http import Response
from lading.wire.volumes import VolumeCreate

FILTERS = frozenset(("dangling", "driver", "label", "name"))
PRUNE_FILTERS = frozenset(("all", "label", "label!"))


class NotACluster(Unavailable):
    """volume update only valid for cluster volumes, but swarm is unavailable"""


async def list_(call: Call) -> Response:
    """The volumes, by name."""
    return call.reply(await call.backend.volumes.list(call.query.filters(FILTERS)))


async def create(call: Call) -> Response:
    """Make a volume, or tell of the one that is there."""
    asked = await call.document(VolumeCreate)
    if asked.cluster_volume_spec is not UNSET and asked.cluster_volume_spec is not None:
        raise NotAManager
    return call.reply(await call.backend.volumes.create(asked), status=201)


async def inspect(call: Call) -> Response:
    """Everything about one volume."""
    return call.reply(await call.backend.volumes.inspect(call.name))


async def update(call: Call) -> Response:
    """Only volumes of a cluster can be updated, and there is none."""
    raise NotACluster


async def remove(call: Call) -> Response:
    """Remove a volume that no container has."""
    await call.backend.volumes.remove(call.name, force=call.query.flag("force"))
    return Response(204)


async def prune(call: Call) -> Response:
    """Remove the volumes that nobody has: anonymous ones, or all."""
    filters = call.query.filters(PRUNE_FILTERS)
    is_narrow = call.is_at_least("1.42")
    return call.reply(await call.backend.volumes.prune(filters, is_narrow=is_narrow))


ROUTES = [
    Route("GET", "/volumes", list_),
    Route("POST", "/volumes/create", create, is_uninterrupted=True),
    Route("POST", "/volumes/prune", prune, is_uninterrupted=True),
    Route("GET", "/volumes/{name}", inspect),
    Route("PUT", "/volumes/{name}", update),
    Route("DELETE", "/volumes/{name}", remove, is_uninterrupted=True),
]
