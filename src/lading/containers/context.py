"""What the container room works with, and the two ways in which it writes: save and delete.

A save or a delete is one transaction with its events; the events are seen after it is durable.
Network calls run in one worker thread of their own, in the order in which they are asked.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from lading.containers import store
from lading.containers.container import Container
from lading.containers.defaults import STOCK, Defaults
from lading.containers.filters import Filters
from lading.containers.launcher import Launcher
from lading.containers.layout import Layout
from lading.containers.mountpoints import volumes as mount_volumes
from lading.containers.record import NoSuchContainer
from lading.containers.security import Security
from lading.containers.userns import Users
from lading.errors import LadingError
from lading.events import Event
from lading.failpoints import fp
from lading.images import records as image_rows
from lading.images.service import Images
from lading.kernel.cgroup import Cgroup, hierarchies
from lading.networks import Network, Networks
from lading.runtime import client
from lading.state import Database, Journal, journal
from lading.state.database import StateFull, StateUnwritable
from lading.storage.snapshots import Driver
from lading.storage.snapshots import store as snapshot_rows
from lading.volumes import Volumes
from lading.wire.host_config import LogConfig

log = logging.getLogger(__name__)
T = TypeVar("T")
# an action, an action with further attributes, or an event of something else
Happening = str | tuple[str, dict[str, str]] | Event


class Context:
    """The services below this room, opened by the engine."""

    def __init__(
        self,
        *,
        database: Database,
        events: Journal,
        images: Images,
        snapshots: Driver,
        networks: Networks,
        volumes: Volumes,
        layout: Layout,
        security: Security,
        log_default: LogConfig | None = None,
        defaults: Defaults = STOCK,
        users: Users | None = None,
    ) -> None:
        self.database = database
        self.journal = events
        self.images = images
        self.snapshots = snapshots
        self.networks = networks
        self.volumes = volumes
        self.layout = layout
        self.security = security
        self.log_default = log_default or LogConfig(type="json-file")
        self.defaults = defaults  # replaced when the configuration is read anew
        self.users = users or Users(None, [], [])
        self.launcher = Launcher(layout.exec_root)
        self.filters = Filters(f"{layout.exec_root}/seccomp", defaults.seccomp_profile)
        self.trees = hierarchies()
        self.is_closing = False
        self.damaged: dict[str, str] = {}  # rows that could not be read: id -> reason
        self.find: Callable[[str], Container] = _nothing_yet  # given by the service
        self._network_thread = ThreadPoolExecutor(1, thread_name_prefix="networks")

    async def save(self, container: Container, *happenings: Happening) -> None:
        """Make the container's record durable, together with these events."""
        record = container.record

        def transaction(connection: sqlite3.Connection) -> None:
            store.update(connection, record)
            _append(connection, container, happenings)

        await self._write(transaction)

    async def insert(
        self,
        container: Container,
        parent: str | None,
        *happenings: Happening,
        beside: Callable[[sqlite3.Connection], None],
    ) -> None:
        """Add a new container and its writable layer on `parent`, and `beside` what belongs to it.

        Raises NameInUse.
        """

        def transaction(connection: sqlite3.Connection) -> None:
            beside(connection)
            store.insert(connection, container.record)
            image_rows.use(connection, container.record.image_id, container.record.created_ns)
            snapshot_rows.insert_active(
                connection, container.id, parent, container.record.created_ns
            )
            _append(connection, container, happenings)

        await self._write(transaction)

    async def delete(
        self, container: Container, *happenings: Happening, with_volumes: bool = False
    ) -> None:
        """Remove the container's record, if asked with its anonymous volumes; what they named is
        garbage from now on.
        """
        names = mount_volumes.of_container(container, self.volumes) if with_volumes else []
        async with self.volumes.claim(names):
            names = mount_volumes.of_container(container, self.volumes) if names else []
            gone = [self.volumes.find(name) for name in names]

            def transaction(connection: sqlite3.Connection) -> None:
                store.delete(connection, container.id)
                snapshot_rows.delete_active(connection, container.id)
                _append(connection, container, happenings[:-1])
                self.volumes.delete(connection, gone)  # with events: they go before it
                _append(connection, container, happenings[-1:])

            await self._write(transaction)
            self.volumes.discard(gone)

    async def delete_damaged(self, container_id: str) -> None:
        """Remove a row that could not be read, and what it named."""

        def transaction(connection: sqlite3.Connection) -> None:
            store.delete(connection, container_id)
            snapshot_rows.delete_active(connection, container_id)
            event = Event("container", "destroy", container_id, {}, time.time_ns())
            journal.append(connection, event)

        await self._write(transaction)
        self.damaged.pop(container_id, None)
        await self.discard_bytes(container_id)

    async def publish(self, container: Container, *happenings: Happening) -> None:
        """Journal events that change no record (attach, resize, exec_start, ...).

        On a full disk they are lost, for nobody could make room otherwise.
        """
        try:
            await self._write(lambda connection: _append(connection, container, happenings))
        except (StateFull, StateUnwritable) as error:
            log.error("events of %s are lost: %s", container.record.name, error)

    async def publish_own(self, action: str, attributes: dict[str, str]) -> None:
        """Journal an event of all containers together (prune)."""
        event = Event("container", action, "", attributes, time.time_ns())
        await self._write(lambda connection: journal.append(connection, event))

    async def usage(self, container_id: str) -> int:
        """Bytes in the writable layer, counted now; 0 when it is gone."""
        try:
            return (await asyncio.to_thread(self.snapshots.usage, container_id))[0]
        except (LadingError, OSError):
            return 0

    async def _write(self, transaction: Callable[[sqlite3.Connection], None]) -> None:
        await self.database.write(transaction)
        self.journal.wake()

    async def call_network(self, work: Callable[[], T]) -> T:
        """Run a network call in the networks' own thread."""
        return await asyncio.wrap_future(self._network_thread.submit(work))

    def release_network(self, container: Container) -> None:
        """Give the addresses back, without waiting: nobody waits for that."""
        future = self._network_thread.submit(self.networks.release, container.id)
        future.add_done_callback(_report)

    def find_network(self, reference: str) -> Network | None:
        """The network of that name or id, if there is one."""
        try:
            return self.networks.find(reference)
        except LadingError:
            return None

    def network_events(self, container: Container, action: str) -> list[Event]:
        """An event for each network that the container has an endpoint in now."""
        found = (self.find_network(e.network_id) for e in self.networks.endpoints(container.id))
        return [network_event(network, container, action) for network in found if network]

    def cgroup(self, container: Container) -> str:
        """The path of its cgroup, which may be below a parent of its own."""
        return self.layout.cgroup(container.id, container.record.host_config.cgroup_parent)

    def group(self, container: Container) -> Cgroup:
        """Its cgroup, in the trees that were there when the engine started."""
        return Cgroup(self.cgroup(container), self.trees)

    def clean_after_monitor(self, container: Container) -> None:
        """Remove what a killed monitor could not: processes, cgroup, run directory."""
        client.clean(self.layout.exec_root, container.id, self.cgroup(container))

    async def discard_bytes(self, container_id: str) -> None:
        """Delete the files of a container whose row is gone."""
        fp("remove.before-bytes")
        await asyncio.to_thread(self.snapshots.remove, container_id, record=False)
        await asyncio.to_thread(self.layout.remove_files, container_id)
        fp("remove.after-bytes")
        await asyncio.to_thread(self.snapshots.sweep)

    async def aclose(self) -> None:
        """End the spawner and the network thread; containers go on."""
        self.launcher.close()
        await asyncio.to_thread(self._network_thread.shutdown)


def _nothing_yet(ref: str) -> Container:
    raise NoSuchContainer(ref)


def network_event(network: Network, container: Container, action: str) -> Event:
    """The container joins (connect) or leaves (disconnect) the network."""
    details = {"container": container.id, "name": network.name, "type": network.driver}
    return Event("network", action, network.id, details, time.time_ns())


def attributes(container: Container) -> dict[str, str]:
    """What every event of a container carries: its labels, image and name."""
    record = container.record
    labels = record.config.labels or {}
    return {**labels, "image": record.config.image, "name": record.name}


def _append(
    connection: sqlite3.Connection, container: Container, happenings: tuple[Happening, ...]
) -> None:
    for happening in happenings:
        if isinstance(happening, Event):
            journal.append(connection, happening)
            continue
        action, details = (happening, {}) if isinstance(happening, str) else happening
        event = Event(
            "container", action, container.id, {**attributes(container), **details}, time.time_ns()
        )
        journal.append(connection, event)


def _report(future: "Future[None]") -> None:
    error = future.exception()
    if isinstance(error, LadingError | OSError):
        log.warning("releasing a network failed: %s", error)
    elif error:
        log.error("releasing a network failed", exc_info=error)
