"""Who is in which network, with which address: a file per container, and its image in memory.

    DIRECTORY/<container id>     its endpoints, a JSON list of `Endpoint`

An endpoint lives at most as long as its container runs, and a container runs at most until the next
boot. So its record needs no fsync: what must be survived is the engine's end, not the machine's,
and a rename in the run directory is seen by the next engine. No start waits for a disk here.
An address is leased from the rename to the unlink; the pools are derived from the files when the
engine starts.
"""

import contextlib
import logging
import os
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from lading.failpoints import fp
from lading.networks import ipam
from lading.networks.records import Endpoint, Network

log = logging.getLogger(__name__)
_UNFINISHED = ".new"  # of a file that is being written
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Endpoint]).decode


class Leases:
    """The endpoints of one engine, their addresses, and the descriptors of their sandboxes."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._endpoints: dict[str, dict[str, Endpoint]] = {}  # by container, then network id
        self._pools: dict[str, ipam.Pool] = {}  # by network id, of those that were used

    def load(self, networks: dict[str, Network]) -> None:
        """Take over the recorded endpoints and their addresses."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        for name in sorted(os.listdir(self._directory)):
            for endpoint in self._read(name):
                if endpoint.network_id not in networks:
                    continue
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
        """Give the endpoint its own address, or if it has none the next one, and record it.

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

    def hold(self, endpoint: Endpoint, netns_fd: int) -> Endpoint:
        """Keep the descriptor of the endpoint's sandbox until the endpoint is freed."""
        endpoint = replace(endpoint, netns_fd=netns_fd)
        self._keep(endpoint)
        return endpoint

    def free(self, endpoints: Iterable[Endpoint]) -> None:
        """Forget the endpoints, then give addresses and descriptors back."""
        leaving = list(endpoints)
        fp("networks.before-release")
        for endpoint in leaving:
            self._forget(endpoint)
        for container_id in {endpoint.container_id for endpoint in leaving}:
            self._write(container_id)
        fp("networks.released")
        for endpoint in leaving:
            _close_sandbox(endpoint)
            if endpoint.ip:
                self._pools[endpoint.network_id].release(endpoint.ip)

    def forget_pool(self, network_id: str) -> None:
        """Begin anew in a network without endpoints, whose subnet has changed."""
        self._pools.pop(network_id, None)

    def close(self) -> None:
        """Close the descriptors; the files stay."""
        for by_network in self._endpoints.values():
            for endpoint in by_network.values():
                _close_sandbox(endpoint)

    def _keep(self, endpoint: Endpoint) -> None:
        self._endpoints.setdefault(endpoint.container_id, {})[endpoint.network_id] = endpoint

    def _forget(self, endpoint: Endpoint) -> None:
        by_network = self._endpoints[endpoint.container_id]
        del by_network[endpoint.network_id]
        if not by_network:
            del self._endpoints[endpoint.container_id]

    def _read(self, name: str) -> list[Endpoint]:
        """The endpoints in the file; none if a kill left it unfinished or somebody damaged it."""
        path = f"{self._directory}/{name}"
        try:
            if name.endswith(_UNFINISHED):
                os.unlink(path)
                return []
            with open(path, "rb") as file:
                return _decode(file.read())
        except (OSError, msgspec.DecodeError) as error:
            log.error("endpoints of container %s: %s", name, error)
            return []

    def _write(self, container_id: str) -> None:
        """Bring the container's file up to memory: by a rename, so that it is never half."""
        path = f"{self._directory}/{container_id}"
        endpoints = self.of_container(container_id)
        if not endpoints:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        rows = [replace(endpoint, netns_fd=None) for endpoint in endpoints]
        with open(path + _UNFINISHED, "wb", buffering=0) as file:
            file.write(_encode(rows))
        os.rename(path + _UNFINISHED, path)

    def _pool(self, network: Network) -> ipam.Pool:
        if network.id not in self._pools:
            self._pools[network.id] = ipam.Pool(
                network.subnet, gateway=network.gateway, ip_range=network.ip_range
            )
        return self._pools[network.id]


def _close_sandbox(endpoint: Endpoint) -> None:
    if endpoint.netns_fd is not None:
        os.close(endpoint.netns_fd)
