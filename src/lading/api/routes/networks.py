"""The tag Network: networks, and who is in them."""

from lading.api.call import Call
from lading.api.router import Route
from lading.errors import InvalidArgument
from lading.http import Response
from lading.networks.filters import LISTED, PRUNED
from lading.wire.networks import NetworkConnect, NetworkCreate, NetworkDisconnect

_BOOLEANS = ("", "1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False")


class BadVerbose(InvalidArgument):
    """invalid value for verbose: {0}: strconv.ParseBool: parsing "{0}": invalid syntax"""


async def list_(call: Call) -> Response:
    """Every network that passes the filters."""
    return call.reply(await call.backend.network_verbs.list(call.query.filters(LISTED)))


async def inspect(call: Call) -> Response:
    """One network; `verbose` would tell more of a swarm's."""
    verbose = call.query.text("verbose")
    if verbose not in _BOOLEANS:
        raise BadVerbose(verbose)
    scope = call.query.text("scope")
    return call.reply(await call.backend.network_verbs.inspect(call.name, scope=scope))


async def create(call: Call) -> Response:
    """Make a network."""
    asked = await call.document(NetworkCreate)
    return call.reply(await call.backend.network_verbs.create(asked), status=201)


async def remove(call: Call) -> Response:
    """Take a network away that nobody is in."""
    await call.backend.network_verbs.remove(call.name)
    return Response(204)


async def connect(call: Call) -> Response:
    """Put a container into a network."""
    asked = await call.document(NetworkConnect)
    await call.backend.network_verbs.connect(call.name, asked)
    return Response(200)


async def disconnect(call: Call) -> Response:
    """Take a container out of a network."""
    asked = await call.document(NetworkDisconnect)
    await call.backend.network_verbs.disconnect(call.name, asked)
    return Response(200)


async def prune(call: Call) -> Response:
    """Remove networks that nobody is in."""
    filters = call.query.filters(PRUNED)
    return call.reply(await call.backend.network_verbs.prune(filters))


ROUTES = [
    Route("GET", "/networks", list_),
    Route("GET", "/networks/", list_),
    Route("POST", "/networks/create", create, is_uninterrupted=True),
    Route("POST", "/networks/prune", prune, is_uninterrupted=True),
    Route("POST", "/networks/{name}/connect", connect, is_uninterrupted=True),
    Route("POST", "/networks/{name}/disconnect", disconnect, is_uninterrupted=True),
    Route("GET", "/networks/{name}", inspect),
    Route("DELETE", "/networks/{name}", remove, is_uninterrupted=True),
]
