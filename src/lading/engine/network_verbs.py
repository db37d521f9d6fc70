"""The network verbs of the API: what a client asks for, done by the rooms networks and containers.

Networks work in a thread of their own (`Context.call_network`); each change is one transaction with
its event, which is seen after it is durable.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lading.containers.record import NoSuchContainer
from lading.engine import network_views as views
from lading.errors import Conflict, InvalidArgument, LadingError, NotFound
from lading.events import Event
from lading.moments import parse_ns
from lading.networks import Network, filters
from lading.networks.catalog import PREDEFINED, NoSuchNetwork
from lading.state import journal
from lading.wire.networks import (
    NetworkConnect,
    NetworkCreate,
    NetworkCreated,
    NetworkDisconnect,
    NetworkInspect,
    NetworksPruned,
)

if TYPE_CHECKING:
    from lading.engine.engine import Engine

Filters = dict[str, list[str]]


class NoContainerNamed(InvalidArgument):
    """invalid name or ID supplied: "{0}\""""


class NoSuchEndpoint(NotFound):
    """endpoint {0} not found"""


class AlreadyPruning(Conflict):
    """a prune operation is already running"""


class ManyUntils(InvalidArgument):
    """more than one until filter specified"""


class NetworkVerbs:
    """What `/networks/...` needs, one method per operation."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._context = engine.context
        self._networks = engine.networks
        self._is_pruning = False

    async def create(self, asked: NetworkCreate) -> NetworkCreated:
        """Make a network. Raises what `Networks.create` raises."""
        network = await self._context.call_network(
            lambda: self._networks.create(asked, _with_event("create"))
        )
        self._engine.journal.wake()
        return NetworkCreated(id=network.id)

    async def list(self, asked: Filters) -> list[NetworkInspect]:
        """Networks, without their containers. Raises BadType, BadDangling, ManyValues."""
        filters.check(asked)
        return [
            views.document(network, settings=self._networks.settings)
            for network in self._networks.list()
            if filters.includes(asked, network, is_used=self._is_used(network))
        ]

    async def inspect(self, ref: str, *, scope: str) -> NetworkInspect:
        """One network with the containers that run in it. Raises NoSuchNetwork."""
        network = self._networks.find(ref)
        if scope not in ("", "local"):
            raise NoSuchNetwork(ref)
        status = await self._context.call_network(lambda: self._networks.status(network))
        return views.document(
            network,
            self._networks.endpoints_of(network.id),
            {container.id: container.record.name for container in self._engine.containers.all()},
            settings=self._networks.settings,
            status=status,
        )

    async def remove(self, ref: str) -> None:
        """Take a network away. Raises NoSuchNetwork, PredefinedRemoval, InUse."""
        await self._remove(self._networks.find(ref))

    async def connect(self, ref: str, asked: NetworkConnect) -> None:
        """Put a container into a network. Raises what `Networking.connect` raises."""
        container = self._engine.containers.find(_named(asked.container))
        network = self._networks.find(ref)
        await self._engine.containers.networking.connect(container, network, asked.endpoint_config)

    async def disconnect(self, ref: str, asked: NetworkDisconnect) -> None:
        """Take a container out of a network; by force also one that is not known any more."""
        try:
            container = self._engine.containers.find(_named(asked.container))
        except NoSuchContainer:
            if not asked.force:
                raise
            await self._free_stray(self._networks.find(ref), asked.container)
            return
        network = self._networks.find(ref)
        await self._engine.containers.networking.disconnect(container, network)

    async def prune(self, asked: Filters) -> NetworksPruned:
        """Remove the user's networks that no container runs in. Raises AlreadyPruning."""
        limit_ns = _limit(asked)
        if self._is_pruning:
            raise AlreadyPruning
        self._is_pruning = True
        try:
            removed = []
            for network in self._networks.list():
                if self._is_prunable(network, asked, limit_ns) and await self._is_removed(network):
                    removed.append(network.name)
        finally:
            self._is_pruning = False
        event = Event("network", "prune", "", {"reclaimed": "0"}, time.time_ns())
        await self._engine.database.write(lambda connection: journal.append(connection, event))
        self._engine.journal.wake()
        return NetworksPruned(networks_deleted=removed or None)

    def _is_prunable(self, network: Network, asked: Filters, limit_ns: int) -> bool:
        return not self._is_used(network) and filters.is_prunable(asked, network, limit_ns)

    async def _is_removed(self, network: Network) -> bool:
        """Whether it is gone: one that somebody has just begun to use is left alone."""
        try:
            await self._remove(network)
        except LadingError:
            return False
        return True

    async def _remove(self, network: Network) -> None:
        await self._context.call_network(
            lambda: self._networks.remove(network, _with_event("destroy"))
        )
        self._engine.journal.wake()

    async def _free_stray(self, network: Network, name: str) -> None:
        """An endpoint whose container has no record. Raises NoSuchEndpoint."""
        members = self._networks.endpoints_of(network.id)
        stray = next((one for one in members if name in (one.container_id, *one.names)), None)
        if stray is None:
            raise NoSuchEndpoint(name)
        await self._context.call_network(lambda: self._networks.disconnect(stray, netns_fd=None))

    def _is_used(self, network: Network) -> bool:
        if any(other.config_from == network.name for other in self._networks.list()):
            return True
        return network.name in PREDEFINED or bool(self._networks.endpoints_of(network.id))


def _with_event(action: str) -> Callable[[sqlite3.Connection, Network], None]:
    """What is written beside the network's row."""

    def write(connection: sqlite3.Connection, network: Network) -> None:
        details = {"name": network.name, "type": network.driver}
        event = Event("network", action, network.id, details, time.time_ns())
        journal.append(connection, event)

    return write


def _named(reference: str) -> str:
    if not reference:
        raise NoContainerNamed(reference)
    return reference


def _limit(asked: Filters) -> int:
    """Only what is older than this, in nanoseconds since 1970; 0 for any age."""
    values: Sequence[str] = asked.get("until", [])
    if len(values) > 1:
        raise ManyUntils
    return parse_ns(values[0], now_ns=time.time_ns()) if values else 0
