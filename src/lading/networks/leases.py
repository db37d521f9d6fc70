"""Who is in which network, with which address: the rows, and their image in memory.

An address is leased from the commit of its endpoint's row to the commit of the row's deletion; the
pools are derived from the rows when the engine starts.
"""

import os
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from lading.failpoints import fp
from lading.networks import ipam, store
from lading.networks.records import Endpoint, Network
from lading.state import Database


class Leases:
    """The endpoints of one engine, their addresses, and the descriptors of their sandboxes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._endpoints: dict[str, dict[str, Endpoint]] = {}  # by container, then network id
        self._pools: dict[str, ipam.Pool] = {}  # by network id, of those that were used

    def load(self, networks: dict[str, Network]) -> None:
        """Take over the stored endpoints and their addresses."""
        for endpoint in self._database.read(store.list_endpoints):
            self._keep(endpoint)
            if endpoint.ip:
                self._pool(networks[endpoint.network_id]).take(endpoint.ip)

    def containers(self) -> Sequence[str]:
        """The containers with at least one endpoint."""
        return [*self._endpoints]

    def of_container(self, container_id: str) -> Sequence[Endpoint]:
        """The container's endpoints."""
        return [*self._endpoints.get(container_id, {}).values()]

    def of_network(self, network_id: str) -> Sequence[Endpoint]:
        """The endpoints in the network."""
        every = self._endpoints.values()
        return [by_network[network_id] for by_network in every if network_id in by_network]

    def lease(self, network: Network, endpoint: Endpoint, *, mac: str = "") -> Endpoint:
        """Give the endpoint its own address, or if it has none the next one, and make it durable.

        The MAC follows the address unless it is given. Raises what `ipam.Pool` raises.
        """
        pool = self._pool(network)
        if endpoint.ip:
            pool.take(endpoint.ip)
            ip = endpoint.ip
        else:
            ip = pool.allocate(f"{network.name} ({network.id[:12]})")
        try:
            return self.add(replace(endpoint, ip=ip, mac=mac or ipam.mac_of(ip)))
        except BaseException:
            pool.release(ip)
            raise

    def add(self, endpoint: Endpoint) -> Endpoint:
        """Make the endpoint durable, without an address or with one that is leased to it."""
        fp("networks.before-lease")
        self._database.write_sync(lambda c: store.add_endpoint(c, endpoint))
        fp("networks.leased")
        self._keep(endpoint)
        return endpoint

    def hold(self, endpoint: Endpoint, netns_fd: int) -> Endpoint:
        """Keep the descriptor of the endpoint's sandbox until the endpoint is freed."""
        endpoint = replace(endpoint, netns_fd=netns_fd)
        self._keep(endpoint)
        return endpoint

    def free(self, endpoints: Iterable[Endpoint]) -> None:
        """Delete the rows in one transaction, then give addresses and descriptors back."""
        leaving = list(endpoints)
        fp("networks.before-release")
        ids = [endpoint.id for endpoint in leaving]
        self._database.write_sync(lambda c: store.delete_endpoints(c, ids))
        fp("networks.released")
        for endpoint in leaving:
            by_network = self._endpoints[endpoint.container_id]
            _close_sandbox(by_network.pop(endpoint.network_id))
            if not by_network:
                del self._endpoints[endpoint.container_id]
            if endpoint.ip:
                self._pools[endpoint.network_id].release(endpoint.ip)

    def forget_pool(self, network_id: str) -> None:
        """Begin anew in a network without endpoints, whose subnet has changed."""
        self._pools.pop(network_id, None)

    def close(self) -> None:
        """Close the descriptors; the rows stay."""
        for by_network in self._endpoints.values():
            for endpoint in by_network.values():
                _close_sandbox(endpoint)

    def _keep(self, endpoint: Endpoint) -> None:
        self._endpoints.setdefault(endpoint.container_id, {})[endpoint.network_id] = endpoint

    def _pool(self, network: Network) -> ipam.Pool:
        if network.id not in self._pools:
            self._pools[network.id] = ipam.Pool(
                network.subnet, gateway=network.gateway, ip_range=network.ip_range
            )
        return self._pools[network.id]


def _close_sandbox(endpoint: Endpoint) -> None:
    if endpoint.netns_fd is not None:
        os.close(endpoint.netns_fd)
