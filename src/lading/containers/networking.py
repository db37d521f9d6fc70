"""The networks of a container: which it is to be in, and joining or leaving one while it runs.

What is asked is in the record (`networking.endpoints_config`, by network name) and is the truth of
which networks the container has: a start makes an endpoint for each. Connecting a container that
runs makes the endpoint first and records it then; disconnecting records first. So an endpoint that
the record does not name is of an operation that a crash cut short, and `recovery` takes it away.
"""

import logging
import os
from contextlib import suppress

from msgspec.structs import replace

from lading.containers import published
from lading.containers.container import Container
from lading.containers.context import Context, network_event
from lading.containers.endpoints import dns_names, is_user_defined, request, wanted, wish
from lading.containers.name_files import rewrite_hosts, write_resolver
from lading.containers.record import ContainerRecord
from lading.errors import InvalidArgument, LadingError, PermissionDenied, SystemFault
from lading.events import Event
from lading.failpoints import fp
from lading.kernel import pidfd
from lading.networks import Endpoint, EndpointRequest, Network, wishes
from lading.wire.networks import EndpointSettings, NetworkingConfig

log = logging.getLogger(__name__)


class SharedNamespace(InvalidArgument):
    """container sharing network namespace with another container or host cannot be connected to \
any other network"""


class HostConnect(InvalidArgument):
    """cannot connect container to host network - container must be created in host network mode"""


class HostDisconnect(InvalidArgument):
    """cannot disconnect container from host network - container was created in host network mode"""


class NoneIsAlone(InvalidArgument):
    """container cannot be connected to multiple networks with one of the networks in private \
(none) mode"""


class NotConnected(SystemFault):  # 500 is what dockerd answers
    """container {0} is not connected to network {1}"""


class StoppedNotConnected(SystemFault):
    """container {0} is not connected to the network {1}"""


class JustEnded(SystemFault):
    """container {0} has just ended"""


class AlreadyConnected(PermissionDenied):
    """endpoint with name {0} already exists in network {1}"""


def open_namespace(container: Container) -> int:
    """A descriptor of the network namespace of a container that runs; the caller's to close.

    Raises JustEnded.
    """
    state = container.record.state
    try:
        # held while the namespace is opened: the pid is nobody else's as long as it is not reaped
        process = pidfd.open_started(state.pid, state.start_time)
        try:
            descriptor = os.open(f"/proc/{state.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            if pidfd.is_dead(process):
                os.close(descriptor)
                raise JustEnded(container.id)
            return descriptor
        finally:
            os.close(process)
    except OSError as error:
        raise JustEnded(container.id) from error


class Networking:
    """Connects containers to networks and disconnects them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def connect(
        self, container: Container, network: Network, asked: EndpointSettings | None
    ) -> None:
        """Put the container into the network, now if it runs, and at every start.

        Raises SharedNamespace, HostConnect, NoneIsAlone, AlreadyConnected, BadEndpoint, and what
        `Networks.connect` raises; then the container is as it was.
        """
        settings = wish(asked or EndpointSettings())
        async with container.lock:
            record = container.record
            present = wanted(record)
            is_up = record.state.is_running
            if is_up and network.name in present:
                raise AlreadyConnected(record.name, network.name)
            _check_connect(record, network, present)
            wishes.check(settings, network, is_user_defined=is_user_defined(network.name))
            if is_user_defined(network.name):  # from now on inspect tells its names there
                settings = replace(settings, dns_names=list(dns_names(record, settings)))
            changed = _with(record, {**present, network.name: settings})
            if is_up:
                await self._connect_now(container, changed, network, settings)
            else:
                container.record = changed
                await self._save(container, record)

    async def disconnect(self, container: Container, network: Network) -> None:
        """Take the container out of the network, now if it runs, and for every start.

        Raises NotConnected, StoppedNotConnected, HostDisconnect.
        """
        async with container.lock:
            record = container.record
            present = wanted(record)
            if record.state.is_running and network.name not in present:
                raise NotConnected(container.id, network.name)
            if network.name not in present:
                raise StoppedNotConnected(container.id, network.name)
            if network.driver == "host":
                raise HostDisconnect
            del present[network.name]
            container.record = _with(record, present)
            event = network_event(network, container, "disconnect")
            await self._save(container, record, event)
            fp("network.disconnect-recorded")
            await self.take_out(container, network.id)

    async def take_out(self, container: Container, network_id: str) -> None:
        """Remove the endpoint that the container has in the network, if it has one."""
        for endpoint in self._context.networks.endpoints(container.id):
            if endpoint.network_id == network_id:
                await self._take_out(container, endpoint)

    async def _take_out(self, container: Container, endpoint: Endpoint) -> None:
        descriptor: int | None = None
        with suppress(JustEnded):  # with its namespace its interface goes by itself
            descriptor = open_namespace(container)
        networks = self._context.networks
        try:
            await self._context.call_network(
                lambda: networks.disconnect(endpoint, netns_fd=descriptor)
            )
        finally:
            if descriptor is not None:
                os.close(descriptor)
        rewrite_hosts(self._context, container.record, without=[endpoint])

    async def _connect_now(
        self,
        container: Container,
        changed: ContainerRecord,
        network: Network,
        settings: EndpointSettings,
    ) -> None:
        networks, before = self._context.networks, container.record
        descriptor = open_namespace(container)
        try:
            asked = request(before, network.name, settings)
            endpoint = await self._context.call_network(
                lambda: self._connect_inside(container, asked, descriptor)
            )
        finally:
            os.close(descriptor)
        fp("network.connect-made")
        container.record = replace(
            changed, state=container.record.state, name=container.record.name
        )
        try:
            event = network_event(network, container, "connect")
            await self._save(container, before, event)
        except LadingError:
            await self.take_out(container, network.id)
            raise
        rewrite_hosts(self._context, container.record, with_=[endpoint])
        write_resolver(self._context, container.record, networks.endpoints(container.id))
        await self._publish(container)

    def _connect_inside(
        self, container: Container, asked: EndpointRequest, descriptor: int
    ) -> Endpoint:
        """In the thread of the networks: the endpoint, and names where it brings the first."""
        networks = self._context.networks
        resolver = self._context.defaults.resolver(container.record.host_config)
        endpoint = networks.connect(container.id, asked, netns_fd=descriptor)
        networks.resolve_for(
            container.id,
            servers=resolver.servers,
            options=resolver.options,
            namespace=descriptor,
        )
        return endpoint

    async def _publish(self, container: Container) -> None:
        """What had nowhere to be published has now; that it cannot be does not undo the join."""
        wishes = published.wishes(container.record)
        if not wishes or not container.record.state.is_running:
            return
        networks, name = self._context.networks, container.record.name
        try:
            await self._context.call_network(
                lambda: (
                    networks.ports.of(container.id) or networks.publish(container.id, name, wishes)
                )
            )
        except LadingError as error:
            log.error("ports of container %s are not published: %s", name, error)

    async def _save(self, container: Container, before: ContainerRecord, *events: Event) -> None:
        """Make the record durable; if that fails the networks are those of before."""
        try:
            await self._context.save(container, *events)
        except LadingError:
            container.record = replace(container.record, networking=before.networking)
            raise


def _check_connect(
    record: ContainerRecord, network: Network, present: dict[str, EndpointSettings]
) -> None:
    mode = record.host_config.network_mode
    if network.driver == "host" and mode != "host":
        raise HostConnect
    if mode == "host" or (mode.startswith("container:") and record.state.is_running):
        raise SharedNamespace
    others = present.keys() - {network.name}
    if others and (network.driver == "null" or "none" in others):
        raise NoneIsAlone


def _with(record: ContainerRecord, networks: dict[str, EndpointSettings]) -> ContainerRecord:
    return replace(record, networking=NetworkingConfig(endpoints_config=dict(networks)))
