"""The tags Swarm, Node, Service, Task, Secret and Config, as an engine in no swarm answers them.

Clients ask whether there is a swarm and go on without one; so they are told there is none, with
dockerd's status and words, not that the path is unknown.
"""

from lading.api.call import Call
from lading.api.router import Route
from lading.errors import NotSupported, Unavailable
from lading.http import Response


class NotAManager(Unavailable):
    """This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect \
this node to swarm and try again."""


class NotInASwarm(Unavailable):
    """This node is not part of a swarm"""


class NoSwarmHere(NotSupported):
    """swarm mode is not supported by this engine"""


async def no_manager(call: Call) -> Response:
    """What only a manager can do."""
    raise NotAManager


async def leave(call: Call) -> Response:
    """There is nothing to leave."""
    raise NotInASwarm


async def form(call: Call) -> Response:
    """To make or join a swarm."""
    raise NoSwarmHere


_OF_MANAGERS = [
    ("GET", "/swarm"),
    ("GET", "/swarm/unlockkey"),
    ("POST", "/swarm/unlock"),
    ("POST", "/swarm/update"),
    *[("GET", f"/{kind}") for kind in ("nodes", "services", "tasks", "secrets", "configs")],
    *[("POST", f"/{kind}/create") for kind in ("services", "secrets", "configs")],
    *[("GET", f"/{kind}/{{name}}/logs") for kind in ("services", "tasks")],
    *[
        ("GET", f"/{kind}/{{name}}")
        for kind in ("nodes", "services", "tasks", "secrets", "configs")
    ],
    *[("DELETE", f"/{kind}/{{name}}") for kind in ("nodes", "services", "secrets", "configs")],
    *[("POST", f"/{kind}/{{name}}/update") for kind in ("nodes", "services", "secrets", "configs")],
]
ROUTES = [
    Route("POST", "/swarm/leave", leave),
    Route("POST", "/swarm/init", form),
    Route("POST", "/swarm/join", form),
    *[Route(method, pattern, no_manager) for method, pattern in _OF_MANAGERS],
]
