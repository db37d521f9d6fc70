"""Networks and who is in them: create, attach, connect, release, and repair after a restart.

Order of an attach, so that a crash at any point leaves nothing that nobody owns:

    1. the endpoints are recorded (`leases`)   their addresses cannot be given twice
    2. a sandbox, held by a descriptor only    the kernel removes it with us
    3. interfaces, addresses, routes in it     they go with the sandbox

`release` deletes the records and drops the descriptor. What a crash left is freed by `reconcile`.
The networks themselves are the business of `catalog`.
All methods are synchronous and are called from one worker thread at a time; those that only look
(`list`, `find`, `endpoints`, `endpoints_of`) may be called from any.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial

from lading.kernel import netns
from lading.networks import entrances, resolvconf
from lading.networks.attaching import AttachFailed, Attaching
from lading.networks.catalog import DEFAULT, Catalog, Transaction, nothing
from lading.networks.driver import Driver
from lading.networks.drivers import Bridge, HostNetwork, Lan, NoNetwork
from lading.networks.firewall import Firewall, Watch
from lading.networks.leases import Leases
from lading.networks.nameserver import Nameserver, choose, has_names
from lading.networks.ports import Ports, Published, Target, Wish
from lading.networks.records import Endpoint, EndpointRequest, Network, Settings
from lading.networks.stewards import Call, Revival
from lading.state import Database
from lading.wire.networks import NetworkCreate

log = logging.getLogger(__name__)


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
        self._leases = Leases(directory)
        self._exec_root = exec_root or f"{directory}-exec"
        self._drivers: dict[str, Driver] = {}
        self._attaching: Attaching | None = None
        self._firewall: Firewall | None = None
        self._home = -1

    # --- opening and closing ------------------------------------------------------------------

    def open(self) -> None:
        """Read the records and open the sockets; nothing on the host changes. Once."""
        self._home = netns.open_own()
        self._firewall = _open_firewall(self._engine_id, self._settings)
        self.ports = Ports(self._exec_root, firewall=self._firewall, settings=self._settings)
        self.ports.open()
        self.nameserver = Nameserver(self._exec_root, home=self._home, endpoints=self._named)
        self.nameserver.open()
        self._drivers = self._open_drivers()
        self._catalog = Catalog(self._database, self._drivers, self._leases, self._settings)
        self._attaching = Attaching(self._leases, self._drivers, self._catalog.prepare, self._home)
        self._leases.load(self._catalog.load())

    def close(self) -> None:
        """Close every descriptor; twice is harmless. Running containers keep their networks."""
        if self._home < 0:
            return
        self._leases.close()
        self._of_attaching().drop_spare()
        for driver in self._drivers.values():
            driver.close()
        self.ports.close()
        self.nameserver.close()
        if self._firewall:
            self._firewall.close()
        os.close(self._home)
        self._home = -1

    def reconcile(
        self, running: Set[str], wanted: Mapping[str, Set[str]] | None = None
    ) -> Mapping[str, Sequence[Endpoint]]:
        """Free what containers that do not run any more had, and repair what the others use.

        `wanted` are the networks, by name, that each running container is to be in by its record:
        an endpoint in another one is of a connect that was not recorded, or of a disconnect that
        was. Returns these, by container, for `disconnect` needs their processes.
        A network that cannot be repaired is logged, and tried again at the next attach.
        """
        gone = [container for container in self._leases.containers() if container not in running]
        self.ports.reconcile(running)
        if gone:
            self._leases.free(one for container in gone for one in self.endpoints(container))
        self._catalog.repair()
        if self._firewall:
            try:
                self._firewall.settle()
            except OSError as error:
                log.error("packet filter: %s", error)
        self.nameserver.reconcile(set(running))
        return {
            container: [one for one in self.endpoints(container) if one.network_name not in names]
            for container, names in (wanted or {}).items()
        }

    def remove_everything(self) -> None:
        """Free every address and take every link and rule of this engine from the host."""
        for container in self._leases.containers():
            self.release(container)
        self.ports.remove_everything()
        self.nameserver.remove_everything()
        self._of_attaching().drop_spare()
        for driver in self._drivers.values():
            driver.remove()
        if self._firewall:
            self._firewall.remove_everything()
        self._catalog.forget_preparations()

    # --- networks -----------------------------------------------------------------------------

    def create(self, asked: NetworkCreate, beside: Transaction = nothing) -> Network:
        """Make a network of the user's; `beside` runs in the transaction that stores it.

        Raises the errors of `definition.define` and of the driver; after any of them nothing of
        the attempt is left.
        """
        return self._catalog.create(asked, beside)

    def remove(self, network: Network, beside: Transaction = nothing) -> None:
        """Take a network away. Raises PredefinedRemoval, InUse, ConfigInUse."""
        self._catalog.remove(network, beside)

    def list(self) -> Sequence[Network]:
        """Every network, by name."""
        return self._catalog.list()

    def find(self, reference: str) -> Network:
        """The network of that id, name or unambiguous beginning of an id. Raises NoSuchNetwork."""
        return self._catalog.find(reference)

    def warnings(self) -> Sequence[str]:
        """What works less than it should, in sentences for `info`."""
        return self._catalog.warnings()

    def status(self, network: Network) -> dict[str, tuple[int, int]]:
        """How many addresses are taken and how many can be had, by subnet."""
        return self._leases.status(network)

    @property
    def settings(self) -> Settings:
        """What the engine was told."""
        return self._settings

    @property
    def driver_names(self) -> Sequence[str]:
        """The drivers that there are, for `info`."""
        return sorted(self._drivers)

    # --- containers in them -------------------------------------------------------------------

    def attach(
        self,
        container_id: str,
        network: str = DEFAULT,
        *,
        ip: str = "",
        mac: str = "",
        namespace: int | None = None,
    ) -> Endpoint:
        """Put a container that is about to start into one network: see `attach_all`."""
        asked = [EndpointRequest(network, ip=ip, mac=mac)]
        return self.attach_all(container_id, asked, namespace=namespace)[0]

    def attach_all(
        self,
        container_id: str,
        requests: Sequence[EndpointRequest],
        *,
        namespace: int | None = None,
    ) -> Sequence[Endpoint]:
        """Put a container that is about to start into its networks, in that order.

        `namespace`: the one to use, a descriptor that stays the caller's; without it one is made.

        The endpoints' `netns_fd` is the container's namespace, with every interface ready for
        traffic; it stays ours and open until `release`. It is None for `host` and `none`.
        Raises NoSuchNetwork, AlreadyAttached, PoolExhausted, NoSubnetLeft, AddressTaken,
        AddressOutside, InvalidArgument, AttachFailed; after any of them nothing of the attempt
        is left.
        """
        found = [(self._joinable(request.network), request) for request in requests]
        return self._of_attaching().attach(container_id, found, namespace)

    def connect(self, container_id: str, request: EndpointRequest, *, netns_fd: int) -> Endpoint:
        """Put a container that runs into one more network; `netns_fd` stays the caller's.

        Raises as `attach_all`; then the container is as it was.
        """
        network = self._joinable(request.network)
        endpoint = self._of_attaching().connect(container_id, network, request, netns_fd)
        if has_names(endpoint):
            self.nameserver.put([endpoint])
        self.ports.move(container_id, self._targets(container_id))
        return endpoint

    def disconnect(self, endpoint: Endpoint, *, netns_fd: int | None) -> None:
        """Take a container that runs out of a network; without its namespace only the record."""
        network = self._catalog[endpoint.network_id]
        self._of_attaching().disconnect(network, endpoint, netns_fd)
        if has_names(endpoint):
            self.nameserver.remove([endpoint])
        self.ports.move(endpoint.container_id, self._targets(endpoint.container_id))

    def publish(self, container_id: str, name: str, wishes: Sequence[Wish]) -> Sequence[Published]:
        """Publish the ports of an attached container; `name` is for errors. Raises PublishFailed.

        They are published at the endpoints that are the ways out, or at the first with an address.
        Containers without an address of their own (`host`, `none`) publish nothing.
        """
        targets = self._targets(container_id)
        if not targets or not wishes:
            return []
        return self.ports.publish(container_id, name, wishes, targets)

    def _targets(self, container_id: str) -> dict[int, Target]:
        return entrances.choose(self.endpoints(container_id), self._catalog)

    def resolve_for(
        self,
        container_id: str,
        *,
        servers: Sequence[str],
        options: Sequence[str],
        namespace: int | None = None,
    ) -> bool:
        """Have 127.0.0.11 answer in a container that is in a network with names; whether it is.

        `servers` and `options` are those of --dns and --dns-option. `namespace` is that of one that
        runs; it stays the caller's.
        """
        endpoints = self.endpoints(container_id)
        named = [one for one in endpoints if has_names(one)]
        inside = namespace if namespace is not None else next((e.netns_fd for e in named), None)
        if not named or inside is None:
            return False
        has_way_out = any(one.gateway or one.ipv6_gateway for one in endpoints)
        host = resolvconf.host_text(self._read_file)
        upstream = choose(host, servers=servers, options=options, has_way_out=has_way_out)
        self.nameserver.serve(container_id, inside, upstream)
        self.nameserver.put(named)
        return True

    def release(self, container_id: str) -> None:
        """Take the container out of its networks; its ports and addresses are free. Idempotent."""
        self.ports.unpublish(container_id)
        self.nameserver.end(container_id)
        if leaving := self.endpoints(container_id):
            if named := [one for one in leaving if has_names(one)]:
                self.nameserver.remove(named)
            self._leases.free(leaving)

    def rename(self, container_id: str, old: str, new: str) -> None:
        """The container is found under its new name from now on."""
        self._of_attaching().rename(container_id, old, new)
        if named := [one for one in self.endpoints(container_id) if has_names(one)]:
            self.nameserver.put(named)

    def warm(self) -> None:
        """Make the sandbox of the next attach beforehand: it saves that 0.6 to 0.9 ms.

        For a moment when nobody waits, such as after an attach. Raises OSError.
        """
        self._of_attaching().warm()

    def endpoints(self, container_id: str) -> Sequence[Endpoint]:
        """The container's endpoints; none if it is not attached."""
        return self._leases.of_container(container_id)

    def endpoints_of(self, network_id: str) -> Sequence[Endpoint]:
        """The endpoints in the network, for `network inspect`."""
        return self._leases.of_network(network_id)

    def _named(self) -> Sequence[Endpoint]:
        """Every endpoint that others find by a name."""
        every = (one for each in self._leases.containers() for one in self.endpoints(each))
        return [one for one in every if has_names(one)]

    def check_firewall(self) -> Sequence[tuple[str, str]]:
        """Where the packet filter is not as it should be, for the audit."""
        firewall = self._firewall
        return firewall.differences() if firewall and firewall.is_on else []

    def repair_firewall(self) -> None:
        """Make the packet filter anew. Raises OSError."""
        if self._firewall:
            self._firewall.rebuild()

    def watch(self, call: Call) -> Sequence[Watch | Revival]:
        """Have repaired what others change in the packet filter, and stewards that have died.

        For the thread of the event loop; `call` runs work in the thread of the networks.
        """
        stewards = (
            Revival(self.ports.steward, self._restore_ports, call),
            Revival(self.nameserver.steward, self.nameserver.restore, call),
        )
        firewall = self._firewall
        if firewall is None or not firewall.is_on:
            return stewards
        repair = firewall.repair
        watch = Watch(firewall.name, firewall.port, lambda change: call(partial(repair, change)))
        return (*stewards, watch)

    def _restore_ports(self) -> None:
        if self.ports.containers():
            self.ports.restore()

    # --- within -------------------------------------------------------------------------------

    def _open_drivers(self) -> dict[str, Driver]:
        made: dict[str, Driver] = {
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
        for kind in ("ipvlan", "macvlan"):
            made[kind] = Lan(
                kind,
                engine_id=self._engine_id,
                settings=self._settings,
                read_file=self._read_file,
            )
        return made

    def _joinable(self, reference: str) -> Network:
        """The network, ready for use. Raises NoSuchNetwork, AttachFailed."""
        try:
            return self._catalog.joinable(reference)
        except OSError as error:
            raise AttachFailed(error) from error

    def _of_attaching(self) -> Attaching:
        assert self._attaching is not None, "not open"
        return self._attaching
