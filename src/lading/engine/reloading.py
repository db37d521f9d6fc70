"""What an engine takes over while it runs (SIGHUP): dockerd's reloadable settings.

The live ones are told by an event of type `daemon`, action `reload`, with dockerd's attributes.
https://docs.docker.com/reference/cli/dockerd/#configuration-reload-behavior
"""

import json
import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple

from lading.containers.defaults import Modes
from lading.events import Event
from lading.registry.client import Settings
from lading.registry.client.proxy import Proxies
from lading.registry.client.retry import RetryPolicy
from lading.state import journal

if TYPE_CHECKING:
    from lading.engine.engine import Engine


class Reloadable(NamedTuple):
    """The settings, with dockerd's defaults."""

    debug: bool = False
    labels: tuple[str, ...] = ()
    features: tuple[tuple[str, bool], ...] = ()
    registry_mirrors: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    max_concurrent_downloads: int = 3
    max_concurrent_uploads: int = 5
    max_download_attempts: int = 5
    shutdown_timeout_s: int = 15
    authorization_plugins: tuple[str, ...] = ()  # names or paths of sockets
    modes: Modes = Modes()  # of containers

    def registry(self, proxies: Proxies) -> Settings:
        """What of it is about registries."""
        return Settings(
            mirrors=self.registry_mirrors,
            insecure=self.insecure_registries,
            proxies=proxies,
            downloads=self.max_concurrent_downloads,
            uploads=self.max_concurrent_uploads,
        )

    def retries(self) -> RetryPolicy:
        """How often a transfer is tried."""
        return RetryPolicy(attempts=self.max_download_attempts)


async def reload(engine: "Engine") -> None:
    """Let the services know what the engine's options say now, and tell of it."""
    options = engine.options
    now = options.reloadable
    engine.context.defaults = engine.context.defaults._replace(modes=now.modes)
    engine.registry.reconfigure(now.registry(options.registry_proxies), now.retries())
    told = attributes(now, engine.name)
    event = Event("daemon", "reload", engine.engine_id, told, time.time_ns())

    def transaction(connection: sqlite3.Connection) -> None:
        journal.append(connection, event)

    await engine.database.write(transaction)
    engine.journal.wake()


def attributes(now: Reloadable, name: str) -> dict[str, str]:
    """Of the event, as dockerd writes them."""
    features = " ".join(f"{key}:{str(value).lower()}" for key, value in sorted(now.features))
    return {
        "name": name,
        "debug": str(now.debug).lower(),
        "labels": json.dumps(now.labels, separators=(",", ":")),
        "features": f"map[{features}]",
        "registry-mirrors": json.dumps(now.registry_mirrors, separators=(",", ":")),
        "insecure-registries": json.dumps(now.insecure_registries, separators=(",", ":")),
        "max-concurrent-downloads": str(now.max_concurrent_downloads),
        "max-concurrent-uploads": str(now.max_concurrent_uploads),
        "max-download-attempts": str(now.max_download_attempts),
        "shutdown-timeout": str(now.shutdown_timeout_s),
        "default-runtime": now.modes.runtime,
        "live-restore": "true",
        "default-ipc-mode": now.modes.ipc,
        "default-shm-size": str(now.modes.shm_size_bytes),
        "runtimes": "",  # of no other value here
    }
