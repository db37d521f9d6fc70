"""Who is in which network, with which address: a file per container, and its image in memory.

    DIRECTORY/<container id>     its endpoints, a JSON list of `Endpoint`

An endpoint lives at most as long as its container runs, and a container runs at most until the next
boot. So its record needs no fsync, and no start waits for a disk here (`state/run_files.py`).
An address is leased from the rename to the unlink; the pools are derived from the files when the
engine starts.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from lading.errors import InvalidArgument
from lading.failpoints import fp
from lading.networks import ipam
from lading.networks.records import Endpoint, Network, Subnet
from lading.state import RunFiles


class Leases:
    """The endpoints of one engine, their addresses, and the descriptors of their sandboxes."""

    def __init__(self, directory: str) -> None:
        self._files = RunFiles(directory, list[Endpoint], of="endpoints of container")
        self._endpoints: dict[str, dict[str, Endpoint]] = {}  # by container, then network id
        self._members: dict[str, dict[str, Endpoint]] = {}  # by network id, then container
        self._pools: dict[str, list[ipam.Pool]] = {}  # by network id, of those that were used
        self._sandboxes: dict[str, int] = {}  # descriptors, by container

    def load(self, networks: Mapping[str, Network]) -> None:
        """Take over the recorded endpoints and their addresses."""
        for endpoints in self._files.load().values():
            for endpoint in endpoints:
                if endpoint.network_id not in networks:
                    continue
                self._keep(endpoint)
                for ip in _addresses(endpoint):
                    self._take(networks[endpoint.network_id], ip)

    def containers(self) -> Sequence[str]:
        """The containers with at least one endpoint."""
        return [*self._endpoints]

    def of_container(self, container_id: str) -> Sequence[Endpoint]:
        """The container's endpoints."""
        return [*self._endpoints.get(container_id, {}).values()]

    def of_network(self, network_id: str) -> Sequence[Endpoint]:
        """The endpoints in the network."""
        return [*self._members.get(network_id, {}).values()]

    def lease(self, network: Network, endpoint: Endpoint, *, mac: str = "") -> Endpoint:
        """Give the endpoint its own addresses, or where it has none the next ones, and record it.

        Prefix and gateway follow the address, and so does the MAC unless it is given. Raises what
        `ipam.Pool` raises.
        """
        taken: list[str] = []
        try:
            if network.enable_ipv4 and network.of_family(ipv6=False):
                ip, subnet = self._choose(network, endpoint.ip, ipv6=False)
                taken.append(ip)
                gateway = subnet.aux.get("DefaultGatewayIPv4") or subnet.gateway
                endpoint = replace(endpoint, ip=ip, prefix=subnet.prefix, gateway=gateway)
            if network.enable_ipv6 and network.of_family(ipv6=True):
                ip, subnet = self._choose(network, endpoint.ipv6, ipv6=True)
                taken.append(ip)
                gateway = subnet.aux.get("DefaultGatewayIPv6") or subnet.gateway
                endpoint = replace(
                    endpoint, ipv6=ip, ipv6_prefix=subnet.prefix, ipv6_gateway=gateway
                )
            if network.internal:
                endpoint = replace(endpoint, gateway="", ipv6_gateway="")
            mac = mac or (ipam.mac_of(taken[0]) if taken else _random_mac())
            return self.add(replace(endpoint, mac=mac))
        except BaseException:
            self._give_back(network.id, taken)
            raise

    def add(self, endpoint: Endpoint) -> Endpoint:
        """Record the endpoint, without an address or with one that is leased to it."""
        fp("networks.before-lease")
        self._keep(endpoint)
        try:
            self._write(endpoint.container_id)
        except BaseException:
            self._forget(endpoint)
            raise
        fp("networks.leased")
        return endpoint

    def change(self, endpoint: Endpoint) -> None:
        """Record what has changed of an endpoint that is there."""
        self._keep(endpoint)
        self._write(endpoint.container_id)

    def hold(self, container_id: str, netns_fd: int) -> None:
        """Keep the descriptor of the container's sandbox until its last endpoint is freed."""
        earlier = self._sandboxes.pop(container_id, None)
        if earlier is not None:
            os.close(earlier)
        self._sandboxes[container_id] = netns_fd
        for endpoint in self.of_container(container_id):
            self._keep(replace(endpoint, netns_fd=netns_fd))

    def sandbox(self, container_id: str) -> int | None:
        """The descriptor that is held for the container; it stays ours."""
        return self._sandboxes.get(container_id)

    def free(self, endpoints: Iterable[Endpoint]) -> None:
        """Forget the endpoints, then give addresses and descriptors back."""
        leaving = list(endpoints)
        containers = {endpoint.container_id for endpoint in leaving}
        fp("networks.before-release")
        for endpoint in leaving:
            self._forget(endpoint)
        for container_id in containers:
            self._write(container_id)
        fp("networks.released")
        for container_id in containers - self._endpoints.keys():
            descriptor = self._sandboxes.pop(container_id, None)
            if descriptor is not None:
                os.close(descriptor)
        for endpoint in leaving:
            self._give_back(endpoint.network_id, _addresses(endpoint))

    def status(self, network: Network) -> dict[str, tuple[int, int]]:
        """How many addresses are taken and how many can be had, by subnet."""
        ranges = zip(network.subnets, self._pool(network), strict=True)
        return {one.subnet: pool.count() for one, pool in ranges}

    def forget_pool(self, network_id: str) -> None:
        """Begin anew in a network without endpoints, whose subnet has changed, or that is gone."""
        self._pools.pop(network_id, None)

    def close(self) -> None:
        """Close the descriptors; the files stay."""
        for descriptor in self._sandboxes.values():
            os.close(descriptor)
        self._sandboxes.clear()

    def _choose(self, network: Network, ip: str, *, ipv6: bool) -> tuple[str, Subnet]:
        """The address if there is one, else the next one of any range; and its range."""
        version = 6 if ipv6 else 4
        ranges = [
            (pool, one)
            for pool, one in zip(self._pool(network), network.subnets, strict=True)
            if pool.version == version
        ]
        if ip:
            for pool, one in ranges:
                if _is_inside(ip, pool):
                    pool.take(ip)
                    return ip, one
            raise ipam.AddressOutside(ip)
        for pool, one in ranges:
            with contextlib.suppress(ipam.PoolExhausted):
                return pool.allocate(network.name), one
        raise ipam.PoolExhausted(f"{network.name} ({network.id[:12]})", version)

    def _take(self, network: Network, ip: str) -> None:
        """Take over an address of a record; one that is outside by now belongs to nobody else."""
        for pool in self._pool(network):
            if _is_inside(ip, pool):
                with contextlib.suppress(ipam.AddressTaken):
                    pool.take(ip)

    def _give_back(self, network_id: str, ips: Iterable[str]) -> None:
        for ip in ips:
            for pool in self._pools.get(network_id, ()):
                if _is_inside(ip, pool):
                    pool.release(ip)

    def _keep(self, endpoint: Endpoint) -> None:
        descriptor = self._sandboxes.get(endpoint.container_id)
        endpoint = replace(endpoint, netns_fd=descriptor) if descriptor is not None else endpoint
        self._endpoints.setdefault(endpoint.container_id, {})[endpoint.network_id] = endpoint
        self._members.setdefault(endpoint.network_id, {})[endpoint.container_id] = endpoint

    def _forget(self, endpoint: Endpoint) -> None:
        for index, outer, inner in (
            (self._endpoints, endpoint.container_id, endpoint.network_id),
            (self._members, endpoint.network_id, endpoint.container_id),
        ):
            del index[outer][inner]
            if not index[outer]:
                del index[outer]

    def _write(self, container_id: str) -> None:
        """Bring the container's file up to memory."""
        rows = [replace(endpoint, netns_fd=None) for endpoint in self.of_container(container_id)]
        self._files.write(container_id, rows)

    def _pool(self, network: Network) -> list[ipam.Pool]:
        if network.id not in self._pools:
            self._pools[network.id] = [
                ipam.Pool(one.subnet, gateway=one.gateway, ip_range=one.ip_range, aux=one.aux)
                for one in network.subnets
            ]
        return self._pools[network.id]


def _addresses(endpoint: Endpoint) -> list[str]:
    return [ip for ip in (endpoint.ip, endpoint.ipv6) if ip]


def _is_inside(ip: str, pool: ipam.Pool) -> bool:
    try:
        return pool.contains(ip)
    except ValueError:
        raise InvalidArgument(f"invalid IPv{pool.version} address: {ip!r}") from None


def _random_mac() -> str:
    """For a network without addresses: locally administered, of one card (IEEE 802)."""
    return "02:42:" + os.urandom(4).hex(":")
