"""Networks and who is in them: attach, release, and repair after a restart.

Order of an attach, so that a crash at any point leaves nothing that nobody owns:

    1. the endpoint is recorded (`leases`)     its address cannot be given twice
    2. a sandbox, held by a descriptor only    the kernel removes it with us
    3. interface, address and route in it      they go with the sandbox

`release` deletes the record and drops the descriptor. What a crash left is freed by `reconcile`.
All methods are synchronous and are called from one worker thread at a time.
"""

import logging
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from lading.errors import Conflict, InvalidArgument, LadingError, NotFound, SystemFault
from lading.failpoints import fp
from lading.kernel import netns
from lading.networks import sandbox, store
from lading.networks.driver import Driver, NetworkGone
from lading.networks.drivers import Bridge, HostNetwork, NoNetwork
from lading.networks.firewall import Firewall, Watch
from lading.networks.leases import Leases
from lading.networks.ports import Ports, Published, Wish
from lading.networks.records import Endpoint, Network, Settings
from lading.state import Database

log = logging.getLogger(__name__)

# names and drivers of the networks that every engine has, as `docker network ls` shows them
PREDEFINED = {"bridge": "bridge", "host": "host", "none": "null"}
DEFAULT = "bridge"  # what HostConfig.NetworkMode "default" means
INTERFACE = "eth0"  # in the container
HOST_PREFIX = "ldg"  # then ten digits of the endpoint's id: within IFNAMSIZ, and tells it is ours
_MAC = re.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")


class NoSuchNetwork(NotFound):
    """network {0} not found"""


class AlreadyAttached(Conflict):
    """endpoint with name {0} already exists in network {1}"""


class AttachFailed(SystemFault):
    """failed to set up container networking: {0}"""


def read_file(path: str) -> str:
    """The text of a file of the host. Raises FileNotFoundError."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _open_firewall(engine_id: str, settings: Settings) -> Firewall | None:
    """None where the kernel has no nfnetlink."""
    try:
        return Firewall(engine_id, is_on=settings.iptables)
    except OSError:
        return None


class Networks:
    """The networks of one engine. `open` first, in the namespace that is the engine's host.

    `directory`, for the endpoints' files, is to be one that does not outlive the boot.
    """

    def __init__(
        self,
        database: Database,
        *,
        engine_id: str,
        directory: str,
        exec_root: str = "",
        settings: Settings | None = None,
        read_file: Callable[[str], str] = read_file,
    ) -> None:
        self._database = database
        self._engine_id = engine_id
        self._settings = settings or Settings()
        self._read_file = read_file
        self._networks: dict[str, Network] = {}  # by id
        self._leases = Leases(directory)
        self._exec_root = exec_root or f"{directory}-exec"
        self._prepared: dict[str, list[str]] = {}  # warnings by id, of networks ready for use
        self._drivers: dict[str, Driver] = {}
        self._spare: sandbox.Sandbox | None = None
        self._firewall: Firewall | None = None
        self._home = -1

    def open(self) -> None:
        """Read the records and open the sockets; nothing on the host changes. Once."""
        self._home = netns.open_own()
        self._firewall = _open_firewall(self._engine_id, self._settings)
        self.ports = Ports(self._exec_root, firewall=self._firewall, settings=self._settings)
        self.ports.open()
        self._drivers = {
            "bridge": Bridge(
                self._database,
                engine_id=self._engine_id,
                settings=self._settings,
                read_file=self._read_file,
                firewall=self._firewall,
            ),
            "host": HostNetwork(),
            "null": NoNetwork(),
        }
        for network in self._database.read(store.list_networks):
            self._networks[network.id] = network
        names = {network.name for network in self._networks.values()}
        for name, driver in PREDEFINED.items():
            if name not in names:
                self._store(Network(secrets.token_hex(32), name, driver, time.time_ns()))
        self._leases.load(self._networks)

    def close(self) -> None:
        """Close every descriptor; twice is harmless. Running containers keep their networks."""
        if self._home < 0:
            return
        self._leases.close()
        self._drop_spare()
        for driver in self._drivers.values():
            driver.close()
        self.ports.close()
        if self._firewall:
            self._firewall.close()
        os.close(self._home)
        self._home = -1

    def reconcile(self, running: set[str]) -> None:
        """Free what containers that do not run any more had, and repair what the others use.

        A network that cannot be repaired is logged, and tried again at the next attach.
        """
        gone = [container for container in self._leases.containers() if container not in running]
        self.ports.reconcile(running)
        if gone:
            self._leases.free(one for container in gone for one in self.endpoints(container))
        for network in self.list():
            if self.endpoints_of(network.id):
                try:
                    self._prepare(network)
                except (OSError, LadingError) as error:
                    log.error("network %s: cannot be repaired: %s", network.name, error)
        if self._firewall:
            try:
                self._firewall.settle()
            except OSError as error:
                log.error("packet filter: %s", error)

    def attach(
        self,
        container_id: str,
        network: str = DEFAULT,
        *,
        ip: str = "",
        mac: str = "",
        namespace: int | None = None,
    ) -> Endpoint:
        """Put the container into the network, with an address of its choice or the next one.

        The endpoint's `netns_fd` is the container's namespace with `interface` ready for traffic;
        it stays ours and open until `release`. It is None for `host` and `none`. `namespace`: the
        one to use, a descriptor that stays the caller's; without it one is made.
        Raises NoSuchNetwork, AlreadyAttached, PoolExhausted, NoSubnetLeft, AddressTaken,
        AddressOutside, InvalidArgument, AttachFailed; after any of them nothing of the attempt
        is left.
        """
        found = self.find(network)
        if any(one.network_id == found.id for one in self.endpoints(container_id)):
            raise AlreadyAttached(container_id, found.name)
        try:
            if found.id not in self._prepared:
                found = self._prepare(found)
            endpoint = self._lease(found, container_id, ip=ip, mac=mac)
            try:
                return self._furnish(found, endpoint, namespace)
            except BaseException:
                self._leases.free([endpoint])
                raise
        except OSError as error:
            raise AttachFailed(error) from error

    def publish(self, container_id: str, name: str, wishes: Sequence[Wish]) -> Sequence[Published]:
        """Publish the ports of an attached container; `name` is for errors. Raises PublishFailed.

        Containers without an address of their own (`host`, `none`) publish nothing.
        """
        endpoint = next((one for one in self.endpoints(container_id) if one.ip), None)
        if endpoint is None or not wishes:
            return []
        bridge = self._networks[endpoint.network_id].bridge
        return self.ports.publish(container_id, name, wishes, endpoint, bridge)

    def warm(self) -> None:
        """Make the sandbox of the next attach beforehand: it saves that 0.6 to 0.9 ms.

        For a moment when nobody waits, such as after an attach. Raises OSError.
        """
        if self._spare is None:
            self._spare = sandbox.create(self._home)

    def release(self, container_id: str) -> None:
        """Take the container out of its networks; its ports and addresses are free. Idempotent."""
        self.ports.unpublish(container_id)
        if leaving := self.endpoints(container_id):
            self._leases.free(leaving)

    def list(self) -> Sequence[Network]:
        """Every network, by name."""
        return sorted(self._networks.values(), key=lambda network: network.name)

    def find(self, reference: str) -> Network:
        """The network of that name, id or unambiguous beginning of an id. Raises NoSuchNetwork."""
        name = DEFAULT if reference == "default" else reference
        for network in self._networks.values():
            if name in (network.name, network.id):
                return network
        candidates = [one for one in self._networks.values() if name and one.id.startswith(name)]
        if len(candidates) != 1:
            raise NoSuchNetwork(reference)
        return candidates[0]

    def endpoints(self, container_id: str) -> Sequence[Endpoint]:
        """The container's endpoints; none if it is not attached."""
        return self._leases.of_container(container_id)

    def endpoints_of(self, network_id: str) -> Sequence[Endpoint]:
        """The endpoints in the network, for `network inspect`."""
        return self._leases.of_network(network_id)

    def check_firewall(self) -> Sequence[tuple[str, str]]:
        """Where the packet filter is not as it should be, for the audit."""
        firewall = self._firewall
        return firewall.differences() if firewall and firewall.is_on else []

    def repair_firewall(self) -> None:
        """Make the packet filter anew. Raises OSError."""
        if self._firewall:
            self._firewall.rebuild()

    def watch_firewall(self, call: Callable[[Callable[[], None]], Awaitable[None]]) -> Watch | None:
        """Have the packet filter repaired when others change it; for the thread of the event loop.

        `call` runs work in the thread of the networks. None where there is no filter.
        """
        firewall = self._firewall
        if firewall is None or not firewall.is_on:
            return None
        return Watch(
            firewall.name, firewall.port, lambda change: call(lambda: firewall.repair(change))
        )

    def warnings(self) -> Sequence[str]:
        """What works less than it should, in sentences for `info`."""
        return sorted({warning for some in self._prepared.values() for warning in some})

    def remove_everything(self) -> None:
        """Free every address and take every link and rule of this engine from the host."""
        for container in self._leases.containers():
            self.release(container)
        self.ports.remove_everything()
        self._drop_spare()
        for driver in self._drivers.values():
            driver.remove()
        if self._firewall:
            self._firewall.remove_everything()
        self._prepared.clear()

    def _drop_spare(self) -> None:
        if self._spare:
            self._spare.close()
            self._spare = None

    def _prepare(self, network: Network) -> Network:
        """Complete the record, then the host's part; the record as it now is."""
        driver = self._drivers[network.driver]
        endpoints = self.endpoints_of(network.id)
        completed = driver.complete(network, has_endpoints=bool(endpoints))
        if completed != network:
            self._store(completed)
            fp("networks.completed")
            if not endpoints:
                self._leases.forget_pool(network.id)
        self._prepared[network.id] = driver.prepare(completed, endpoints)
        for warning in self._prepared[network.id]:
            log.warning("network %s: %s", network.name, warning)
        return completed

    def _store(self, network: Network) -> None:
        self._database.write_sync(lambda c: store.put_network(c, network))
        self._networks[network.id] = network

    def _lease(self, network: Network, container_id: str, *, ip: str, mac: str) -> Endpoint:
        """Make the endpoint, with an address if the network has any."""
        endpoint = Endpoint(
            id=secrets.token_hex(32),
            network_id=network.id,
            network_name=network.name,
            container_id=container_id,
            created_ns=time.time_ns(),
        )
        if not self._drivers[network.driver].gives_interface:
            return self._leases.add(endpoint)
        if mac and not _MAC.fullmatch(mac):
            raise InvalidArgument(f"invalid MAC address: {mac!r}")
        endpoint = replace(
            endpoint,
            interface=INTERFACE,
            host_interface=HOST_PREFIX + endpoint.id[:10],
            ip=ip,
            prefix=int(network.subnet.partition("/")[2]),
            gateway=network.gateway,
        )
        return self._leases.lease(network, endpoint, mac=mac)

    def _furnish(self, network: Network, endpoint: Endpoint, namespace: int | None) -> Endpoint:
        """Make the sandbox and the interface in it, if the network gives one."""
        driver = self._drivers[network.driver]
        if not driver.gives_interface:
            return endpoint
        if namespace is not None:
            made = sandbox.adopt(namespace, self._home)
        else:
            made, self._spare = self._spare or sandbox.create(self._home), None
        try:
            try:
                driver.join(network, endpoint, made)
            except NetworkGone:  # somebody deleted the bridge under us
                driver.join(self._prepare(network), endpoint, made)
        except BaseException:
            made.close()
            raise
        made.socket.close()
        fp("networks.joined")
        return self._leases.hold(endpoint, made.fd)
