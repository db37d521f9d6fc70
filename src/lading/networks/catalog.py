"""The networks that there are: found, made, prepared and removed.

A network of a user's is made on the host before its row, and its row goes before what is on the
host: links without a row are swept. A network is prepared (its bridge is there, the filter knows
it) when it is made, at first use, and by `repair` when an engine starts.
"""

import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence

from lading.errors import LadingError, NotFound, PermissionDenied
from lading.failpoints import fp
from lading.networks import definition, store
from lading.networks.driver import Driver
from lading.networks.leases import Leases
from lading.networks.records import Network, Settings
from lading.state import Database
from lading.wire.networks import NetworkCreate

log = logging.getLogger(__name__)

# names and drivers of the networks that every engine has, as `docker network ls` shows them
PREDEFINED = {"bridge": "bridge", "host": "host", "none": "null"}
DEFAULT = "bridge"  # what HostConfig.NetworkMode "default" means

Transaction = Callable[[sqlite3.Connection, Network], None]


class NoSuchNetwork(NotFound):
    """network {0} not found"""


class PredefinedRemoval(PermissionDenied):
    """{0} is a pre-defined network and cannot be removed"""


class InUse(PermissionDenied):
    """error while removing network: network {0} has active endpoints ({1})"""


class ConfigInUse(PermissionDenied):
    """configuration network "{0}" is in use"""


def nothing(connection: sqlite3.Connection, network: Network) -> None:
    """Nothing more is to be in the transaction."""


class Catalog:
    """The networks of one engine. For the thread of the networks; looking is for any."""

    def __init__(
        self, database: Database, drivers: Mapping[str, Driver], leases: Leases, settings: Settings
    ) -> None:
        self._database = database
        self._drivers = drivers
        self._leases = leases
        self._settings = settings
        self._networks: dict[str, Network] = {}  # by id
        self._prepared: dict[str, list[str]] = {}  # warnings by id, of networks ready for use

    def load(self) -> Mapping[str, Network]:
        """Read the records, and make those that every engine has; the networks by id."""
        for network in self._database.read(store.list_networks):
            self._networks[network.id] = network
        names = {network.name for network in self._networks.values()}
        for name, driver in PREDEFINED.items():
            if name not in names:
                self._store(Network(secrets.token_hex(32), name, driver, time.time_ns()))
        return self._networks

    def __getitem__(self, network_id: str, /) -> Network:
        """The network of that id. Raises KeyError."""
        return self._networks[network_id]

    def list(self) -> Sequence[Network]:
        """Every network, by name."""
        return sorted(list(self._networks.values()), key=lambda network: network.name)

    def find(self, reference: str) -> Network:
        """The network of that id, name or unambiguous beginning of an id. Raises NoSuchNetwork."""
        name = DEFAULT if reference == "default" else reference
        every = self.list()
        for network in every:
            if name == network.id:
                return network
        for network in every:
            if name == network.name:
                return network
        candidates = [one for one in every if name and one.id.startswith(name)]
        if len(candidates) != 1:
            raise NoSuchNetwork(reference)
        return candidates[0]

    def joinable(self, reference: str) -> Network:
        """The network, ready for use. Raises NoSuchNetwork, ConfigOnlyJoin, OSError."""
        found = self.find(reference)
        if found.config_only:
            raise definition.ConfigOnlyJoin(found.name)
        return found if found.id in self._prepared else self.prepare(found)

    def create(self, asked: NetworkCreate, beside: Transaction = nothing) -> Network:
        """Make a network of the user's, on the host and in the records.

        `beside` runs in the transaction that stores it. Raises the errors of `definition.define`
        and of the driver; after any of them nothing of the attempt is left.
        """
        self._reserve_default()
        network = definition.define(
            asked,
            network_id=secrets.token_hex(32),
            now_ns=time.time_ns(),
            drivers=list(self._drivers),
            others=self.list(),
            settings=self._settings,
        )
        if network.config_only:
            self._store(network, beside)
            return network
        driver = self._drivers[network.driver]
        network = driver.complete(network, self._others(network), has_endpoints=False)
        fp("networks.before-create")
        try:
            self._prepared[network.id] = driver.prepare(network, [])
            fp("networks.made")
            self._store(network, beside)
        except BaseException:
            self._prepared.pop(network.id, None)
            driver.discard(network)
            raise
        fp("networks.created")
        return network

    def remove(self, network: Network, beside: Transaction = nothing) -> None:
        """Take a network away, from the records and then from the host.

        Raises PredefinedRemoval, InUse, ConfigInUse.
        """
        if network.name in PREDEFINED:
            raise PredefinedRemoval(network.name)
        if users := self._leases.of_network(network.id):
            told = [f'name:"{one.names[0]}" id:"{one.id[:12]}"' for one in users if one.names]
            raise InUse(network.name, ", ".join(told))
        if any(other.config_from == network.name for other in self.list()):
            raise ConfigInUse(network.name)

        def transaction(connection: sqlite3.Connection) -> None:
            store.delete_network(connection, network.id)
            beside(connection, network)

        fp("networks.before-remove")
        self._database.write_sync(transaction)
        fp("networks.removed")
        del self._networks[network.id]
        self._prepared.pop(network.id, None)
        self._leases.forget_pool(network.id)
        if not network.config_only:
            self._drivers[network.driver].discard(network)

    def prepare(self, network: Network) -> Network:
        """Complete the record, then the host's part; the record as it now is."""
        driver = self._drivers[network.driver]
        endpoints = self._leases.of_network(network.id)
        completed = driver.complete(network, self._others(network), has_endpoints=bool(endpoints))
        if completed != network:
            self._store(completed)
            fp("networks.completed")
            if not endpoints:
                self._leases.forget_pool(network.id)
        self._prepared[network.id] = driver.prepare(completed, endpoints)
        for warning in self._prepared[network.id]:
            log.warning("network %s: %s", network.name, warning)
        return completed

    def repair(self) -> None:
        """Sweep what no network has, and make what networks need that users made or are in.

        A network that cannot be repaired is logged, and tried again at the next attach.
        """
        networks = self.list()
        for driver in self._drivers.values():
            driver.sweep(networks)
        for network in networks:
            is_made = network.name not in PREDEFINED and not network.config_only
            if is_made or self._leases.of_network(network.id):
                try:
                    self.prepare(network)
                except (OSError, LadingError) as error:
                    log.error("network %s: cannot be repaired: %s", network.name, error)

    def forget_preparations(self) -> None:
        """Everything was taken from the host."""
        self._prepared.clear()

    def warnings(self) -> Sequence[str]:
        """What works less than it should, in sentences for `info`."""
        return sorted({warning for some in self._prepared.values() for warning in some})

    def _reserve_default(self) -> None:
        """Choose the default network's subnet before another network takes it."""
        network = self.find(DEFAULT)
        if not network.subnets:
            others = self._others(network)
            self._store(self._drivers["bridge"].complete(network, others, has_endpoints=False))

    def _others(self, network: Network) -> Sequence[Network]:
        return [other for other in self._networks.values() if other.id != network.id]

    def _store(self, network: Network, beside: Transaction = nothing) -> None:
        def transaction(connection: sqlite3.Connection) -> None:
            store.put_network(connection, network)
            beside(connection, network)

        self._database.write_sync(transaction)
        self._networks[network.id] = network
