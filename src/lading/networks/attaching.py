"""Putting containers into networks and taking them out: leases, sandboxes, interfaces, routes.

See `service` for the order and why. A container has one sandbox, whatever the number of its
networks; its interfaces are eth0, eth1, ... in the order in which it joined, unless it names them.
"""

import contextlib
import errno
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from lading.errors import InvalidArgument, PermissionDenied, SystemFault
from lading.failpoints import fp
from lading.networks import furnishing, gateways, options, sandbox
from lading.networks.driver import Driver, NetworkGone
from lading.networks.leases import Leases
from lading.networks.names import unique
from lading.networks.records import Endpoint, EndpointRequest, Network
from lading.networks.sandbox import Sandbox

HOST_PREFIX = "ldg"  # then ten digits of the endpoint's id: within IFNAMSIZ, and tells it is ours
_MAC = re.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")


class AlreadyAttached(PermissionDenied):
    """endpoint with name {0} already exists in network {1}"""


class AttachFailed(SystemFault):
    """failed to set up container networking: {0}"""


class InterfaceNameTaken(InvalidArgument):
    """invalid interface name: {0} is that of another network of the container"""


class Attaching:
    """The endpoints of one engine. `prepare` makes the host's part of a network anew."""

    def __init__(
        self,
        leases: Leases,
        drivers: Mapping[str, Driver],
        prepare: Callable[[Network], Network],
        home: int,
    ) -> None:
        self._leases = leases
        self._drivers = drivers
        self._prepare = prepare
        self._home = home
        self._spare: Sandbox | None = None

    def attach(
        self,
        container_id: str,
        wanted: Sequence[tuple[Network, EndpointRequest]],
        namespace: int | None,
    ) -> Sequence[Endpoint]:
        """Into all of them or none, in that namespace or a new one. Raises LadingError."""
        endpoints: list[Endpoint] = []
        try:
            for network, request in wanted:
                endpoints.append(self._lease(network, container_id, request))
            self._furnish([network for network, _ in wanted], endpoints, namespace)
        except BaseException as error:
            self._leases.free(endpoints)
            if isinstance(error, OSError):
                raise AttachFailed(error) from error
            raise
        return self._leases.of_container(container_id)

    def connect(
        self, container_id: str, network: Network, request: EndpointRequest, netns_fd: int
    ) -> Endpoint:
        """One more network for a container that runs. Raises LadingError."""
        before = self._leases.of_container(container_id)
        endpoint = self._lease(network, container_id, request)
        try:
            with self._entered(netns_fd) as inside:
                try:
                    self._join(network, endpoint, inside)
                    furnishing.settle(inside, endpoint)
                    fp("networks.connected")
                    furnishing.reroute(inside, self._leases.of_container(container_id))
                except BaseException:
                    self._drivers[network.driver].leave(endpoint, inside)
                    furnishing.reroute(inside, before)
                    raise
        except BaseException as error:
            self._leases.free([endpoint])
            if isinstance(error, OSError):
                raise AttachFailed(error) from error
            raise
        return endpoint

    def disconnect(self, network: Network, endpoint: Endpoint, netns_fd: int | None) -> None:
        """The interface goes, then the lease; what is left gets its routes."""
        rest = [
            one
            for one in self._leases.of_container(endpoint.container_id)
            if one.network_id != endpoint.network_id
        ]
        driver = self._drivers[network.driver]
        if netns_fd is None:
            driver.leave(endpoint, None)
        elif endpoint.interface:
            with self._entered(netns_fd) as inside:
                driver.leave(endpoint, inside)
                furnishing.reroute(inside, rest)
        fp("networks.disconnected")
        self._leases.free([endpoint])

    def rename(self, container_id: str, old: str, new: str) -> None:
        """The name by which others find the container changes."""
        for endpoint in self._leases.of_container(container_id):
            if old in endpoint.names:
                names = unique(new if name == old else name for name in endpoint.names)
                self._leases.change(replace(endpoint, names=names))

    def warm(self) -> None:
        """Make the sandbox of the next attach beforehand. Raises OSError."""
        if self._spare is None:
            self._spare = sandbox.create(self._home)

    def drop_spare(self) -> None:
        """Let go of that sandbox."""
        if self._spare:
            self._spare.close()
            self._spare = None

    @contextlib.contextmanager
    def _entered(self, netns_fd: int) -> Iterator[Sandbox]:
        inside = sandbox.enter(self._home, netns_fd)
        try:
            yield inside
        finally:
            inside.close()

    def _lease(self, network: Network, container_id: str, request: EndpointRequest) -> Endpoint:
        """Make the endpoint, with addresses if the network has any. Raises LadingError."""
        others = self._leases.of_container(container_id)
        if any(one.network_id == network.id for one in others):
            raise AlreadyAttached(request.names[0] if request.names else container_id, network.name)
        endpoint = Endpoint(
            id=secrets.token_hex(32),
            network_id=network.id,
            network_name=network.name,
            container_id=container_id,
            created_ns=time.time_ns(),
            names=unique(request.names),
            links=tuple(request.links),
            gw_priority=request.gw_priority,
        )
        driver = self._drivers[network.driver]
        if not driver.gives_interface:
            return self._leases.add(endpoint)
        if request.mac and not _MAC.fullmatch(request.mac):
            raise InvalidArgument(f"invalid MAC address: {request.mac!r}")
        interface = _interface(network, request, others)
        endpoint = replace(
            endpoint,
            interface=interface,
            host_interface=HOST_PREFIX + endpoint.id[:10] if network.driver == "bridge" else "",
            ip=request.ip,
            ipv6=request.ipv6,
            link_local_ips=tuple(request.link_local_ips),
            sysctls=options.sysctls(request.options, interface),
        )
        return self._leases.lease(network, endpoint, mac=request.mac)

    def _furnish(
        self,
        networks: Sequence[Network],
        endpoints: Sequence[Endpoint],
        namespace: int | None,
    ) -> None:
        """Make the sandbox and the interfaces in it, if any of the networks gives one."""
        given = [pair for pair in zip(networks, endpoints, strict=True) if pair[1].interface]
        if not given:
            return
        made = self._sandbox(namespace)
        try:
            for network, endpoint in given:
                self._join(network, endpoint, made)
                is_way4 = gateways.choose(endpoints, ipv6=False) is endpoint
                is_way6 = gateways.choose(endpoints, ipv6=True) is endpoint
                furnishing.settle(
                    made,
                    endpoint,
                    gateway=endpoint.gateway if is_way4 else "",
                    gateway6=endpoint.ipv6_gateway if is_way6 else "",
                )
        except BaseException:
            made.close()
            raise
        made.socket.close()
        fp("networks.joined")
        self._leases.hold(given[0][1].container_id, made.fd)

    def _sandbox(self, namespace: int | None) -> Sandbox:
        if namespace is not None:
            return sandbox.adopt(namespace, self._home)
        made, self._spare = self._spare or sandbox.create(self._home), None
        return made

    def _join(self, network: Network, endpoint: Endpoint, inside: Sandbox) -> None:
        driver = self._drivers[network.driver]
        try:
            driver.join(network, endpoint, inside)
        except NetworkGone:  # somebody deleted the bridge under us
            driver.join(self._prepare(network), endpoint, inside)
        except OSError as error:
            if error.errno == errno.EEXIST:  # an interface that the container made itself
                raise furnishing.InterfaceTaken(endpoint.interface) from error
            raise


def _interface(network: Network, request: EndpointRequest, others: Sequence[Endpoint]) -> str:
    """The name of the endpoint's interface: the one asked for, or the first free number. Pure.

    Raises BadInterfaceName, InterfaceNameTaken.
    """
    taken = {one.interface for one in others}
    asked = options.interface_name(request.options)
    if asked:
        if asked in taken or asked == "lo":
            raise InterfaceNameTaken(asked)
        return asked
    prefix = options.interface_prefix(network.options)
    return next(
        f"{prefix}{number}" for number in range(len(taken) + 1) if f"{prefix}{number}" not in taken
    )
