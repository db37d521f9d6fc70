"""Opening and closing one engine. Order: what is below is opened first and closed last.

roots -> lock -> state -> snapshots, content -> images -> networks, volumes -> containers
-> recovery
"""

import asyncio
import os
import secrets
import socket
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lading.containers import store as container_rows
from lading.containers.context import Context
from lading.containers.defaults import STOCK, Defaults
from lading.containers.layout import Layout
from lading.containers.recovery import recover, restart_stopped
from lading.containers.security import Security
from lading.containers.service import Containers
from lading.containers.userns import Users, open_users
from lading.engine.backups import Backups
from lading.engine.check import Finding, check, repair
from lading.engine.disk_usage import DiskUsages
from lading.engine.image_verbs import ImageVerbs
from lading.engine.network_verbs import NetworkVerbs
from lading.engine.reloading import Reloadable, reload
from lading.engine.system import System
from lading.engine.volume_copies import VolumeCopies
from lading.engine.volume_verbs import VolumeVerbs
from lading.images import records as image_rows
from lading.images.service import Images
from lading.images.trust import Trust
from lading.logs.options import check as check_log_options
from lading.networks import SCHEMA as NETWORK_SCHEMA
from lading.networks import Networks, Settings
from lading.registry.client import Registry
from lading.registry.client.proxy import Proxies
from lading.state import Database, Journal, Schema, journal
from lading.storage import snapshots as snapshot_room
from lading.storage.content import ContentStore
from lading.storage.snapshots import open_driver
from lading.volumes import SCHEMA as VOLUME_SCHEMA
from lading.volumes import Volumes
from lading.wire.host_config import LogConfig

if TYPE_CHECKING:
    from lading.networks.firewall import Watch
    from lading.networks.stewards import Revival

SCHEMA = Schema("engine", ["CREATE TABLE engine (id TEXT NOT NULL, name TEXT NOT NULL) STRICT"])


class Options(NamedTuple):
    """What an engine is told at its start; the names are dockerd's flags."""

    data_root: str = "/var/lib/lading"
    exec_root: str = "/run/lading"
    reloadable: Reloadable = Reloadable()
    registry_proxies: Proxies = Proxies()
    signature_policy: str = ""  # file
    storage_driver: str = ""
    cgroup_parent: str = ""
    cgroup_driver: str = "cgroupfs"  # or "systemd"
    selinux_enabled: bool = False
    networks: Settings = Settings()
    defaults: Defaults = STOCK  # of containers
    log_driver: str = "json-file"
    log_options: tuple[tuple[str, str], ...] = ()
    userns_remap: str = ""  # user[:group] whose subordinate ids containers get, or "default"


class Engine:
    """One engine: its services, open. The router of the API takes it as its backend."""

    def __init__(self, options: Options, database: Database, engine_id: str, users: Users) -> None:
        self.options = options
        self.database = database
        self.engine_id = engine_id
        self.journal = Journal(database)
        self.layout = Layout(
            options.data_root,
            options.exec_root,
            engine_id,
            options.cgroup_parent,
            options.cgroup_driver == "systemd",
        )
        self.snapshots = open_driver(
            options.storage_driver, _made(f"{options.data_root}/snapshots"), database
        )
        self.registry = Registry(
            options.reloadable.registry(options.registry_proxies),
            policy=options.reloadable.retries(),
        )
        self.store = Images(
            database,
            ContentStore(_made(f"{options.data_root}/content")),
            self.snapshots,
            journal=self.journal,
            registry=self.registry,
            in_use=lambda image_id: self.containers.known.users_of(image_id),
            trust=_trust(options.signature_policy),
        )
        self.networks = Networks(
            database,
            engine_id=engine_id,
            directory=f"{options.exec_root}/networks",
            exec_root=options.exec_root,
            settings=options.networks,
        )
        self.volume_store = Volumes(
            database,
            self.journal,
            data_root=options.data_root,
            exec_root=options.exec_root,
            users=self._users_of_volume,
        )
        self.context = Context(
            database=database,
            events=self.journal,
            images=self.store,
            snapshots=self.snapshots,
            networks=self.networks,
            volumes=self.volume_store,
            layout=self.layout,
            security=Security(
                engine_id,
                selinux_enabled=options.selinux_enabled,
                defaults=options.defaults,
            ),
            log_default=LogConfig(type=options.log_driver, config=dict(options.log_options)),
            defaults=options.defaults,
            users=users,
        )
        self.containers = Containers(self.context)
        self.images = ImageVerbs(self.store, driver=self.snapshots.name)
        self.network_verbs = NetworkVerbs(self)
        self.volumes = VolumeVerbs(self.volume_store)
        self.volume_copies = VolumeCopies(self)
        self.backups = Backups(self)
        self.system = System(self)
        self.usage = DiskUsages(self)
        self._watches: list[Watch | Revival] = []
        self._cleaning: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, options: Options) -> "Engine":
        """Open the services, and settle what a crash has left."""
        check_log_options(options.log_driver, dict(options.log_options))
        layout = Layout(options.data_root, options.exec_root, "")
        layout.make_roots()
        users = open_users(options.userns_remap)
        database = await asyncio.to_thread(Database, f"{options.data_root}/state.db", _SCHEMAS)
        engine = cls(options, database, await database.write(_identity), users)
        await engine._recover()
        return engine

    async def _recover(self) -> None:
        await self.context.call_network(self.networks.open)
        await self.volume_store.open()
        await asyncio.to_thread(self.backups.open)
        was_running = await recover(self.containers, self.context)
        await asyncio.to_thread(self._recover_snapshots)
        self._cleaning = asyncio.create_task(self.store.keep_clean())
        self._watches += self.networks.watch(self.context.call_network)
        await self.context.launcher.open()
        self.containers.lifecycle.background.start(restart_stopped(self.containers, was_running))

    def _users_of_volume(self, name: str) -> list[str]:
        """Containers that have a volume; of a damaged record what can still be read counts."""
        found = self.containers.known.users_of_volume(name)
        if not self.damaged:
            return found
        query = partial(container_rows.damaged_users, damaged=self.damaged, volume=name)
        return [*found, *self.database.read(query)]

    def _recover_snapshots(self) -> None:
        """Bring directories and rows together; writable layers without a container go."""
        self.snapshots.recover()
        known = {container.id for container in self.containers.all()} | self.damaged.keys()
        for key in self.database.read(snapshot_room.store.active_keys):
            if key not in known:
                self.snapshots.remove(key)
        self.snapshots.sweep()

    async def aclose(self) -> None:
        """Close the services, top first; running containers run on."""
        if self._cleaning:
            self._cleaning.cancel()
            await asyncio.wait([self._cleaning])
        for watch in self._watches:
            watch.close()
        await self.containers.aclose()
        await self.volume_store.aclose()
        await self.store.aclose()
        self.networks.close()
        self.snapshots.close()
        await asyncio.to_thread(self.database.close)

    async def reload(self, changed: Reloadable) -> None:
        """Take over what may change while it runs, with an event that tells it."""
        self.options = self.options._replace(reloadable=changed)
        await reload(self)

    def check(self) -> list[Finding]:
        """Audit the host against the records; see `lading.engine.check`."""
        return check(self)

    async def repair(self) -> list[Finding]:
        """Take away what the audit finds and nobody owns; what is left is told."""
        return await repair(self)

    @property
    def damaged(self) -> dict[str, str]:
        """Records of containers that could not be read, by id, with the reason."""
        return self.context.damaged

    @property
    def name(self) -> str:
        """What `docker info` calls this engine's host."""
        return socket.gethostname()


_SCHEMAS = [
    SCHEMA,
    journal.SCHEMA,
    snapshot_room.SCHEMA,
    image_rows.SCHEMA,
    NETWORK_SCHEMA,
    VOLUME_SCHEMA,
    container_rows.SCHEMA,
]


def _identity(connection: sqlite3.Connection) -> str:
    """The engine's id, made at its very first start: it marks what it owns on the host."""
    row = connection.execute("SELECT id FROM engine").fetchone()
    if row:
        return str(row[0])
    engine_id = secrets.token_hex(4)
    connection.execute("INSERT INTO engine VALUES (?, ?)", (engine_id, ""))
    return engine_id


def _trust(path: str) -> Trust | None:
    """The policy, read once to fail now and not at the first pull. Raises BadPolicy."""
    if not path:
        return None
    trust = Trust(path)
    trust.policy()
    return trust


def _made(path: str) -> str:
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path
