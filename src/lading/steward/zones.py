"""Who has which name in which network: what the engine said last. Pure data, no sockets.

Each container sees the networks that it is in, and no other. Names are compared in small letters.
A name may belong to several containers (an alias): then each of their addresses is an answer.
"""

from __future__ import annotations

import _socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Host:
    """A container in one network."""

    __slots__ = ("container", "ipv4", "ipv6", "links", "names")

    def __init__(
        self,
        container: str,
        names: list[str],
        ip: str,
        ipv6: str,
        links: list[list[str]] | None = None,
    ) -> None:
        """`links` are names that it alone has for others: (alias, name).

        Raises OSError for an address that is none.
        """
        self.container = container
        self.links = [(alias.lower(), name.lower()) for alias, name in links or ()]
        self.names = [name.lower() for name in names]
        self.ipv4 = _socket.inet_pton(_socket.AF_INET, ip) if ip else b""
        self.ipv6 = _socket.inet_pton(_socket.AF_INET6, ipv6) if ipv6 else b""


class Zone:
    """A network: its hosts by container, by name, and by address."""

    __slots__ = ("_by_address", "_by_name", "hosts", "name")

    def __init__(self, name: str) -> None:
        self.name = name.lower()
        self.hosts: dict[str, Host] = {}
        self._by_name: dict[str, dict[str, Host]] = {}
        self._by_address: dict[bytes, Host] = {}

    def put(self, host: Host) -> None:
        """Add the host, or replace what was known of its container."""
        self.remove(host.container)
        self.hosts[host.container] = host
        for name in host.names:
            self._by_name.setdefault(name, {})[host.container] = host
        for address in (host.ipv4, host.ipv6):
            if address:
                self._by_address[address] = host

    def remove(self, container: str) -> None:
        """Forget a host; one that is not known is no error."""
        host = self.hosts.pop(container, None)
        if host is None:
            return
        for name in host.names:
            sharing = self._by_name.get(name, {})
            sharing.pop(container, None)
            if not sharing:
                self._by_name.pop(name, None)
        for address in (host.ipv4, host.ipv6):
            if self._by_address.get(address) is host:
                del self._by_address[address]

    def called(self, name: str, *, by: str = "") -> list[Host]:
        """The hosts of that name, which may end with the network's, and what `by` calls so."""
        asker = self.hosts.get(by)
        linked = [to for alias, to in asker.links if alias == name] if asker else []
        found = {host.container: host for each in (name, *linked) for host in self._called(each)}
        return [*found.values()]

    def _called(self, name: str) -> list[Host]:
        found = self._by_name.get(name)
        if found is None and name.endswith(f".{self.name}"):
            found = self._by_name.get(name[: -len(self.name) - 1])
        return [*found.values()] if found else []

    def at(self, address: bytes) -> Host | None:
        """The host with that address."""
        return self._by_address.get(address)


class Zones:
    """All networks of the engine."""

    def __init__(self) -> None:
        self._zones: dict[str, Zone] = {}  # by network id
        self._of_container: dict[str, dict[str, Zone]] = {}

    def put(self, network: str, network_name: str, host: Host) -> None:
        """Say who a container is in a network."""
        zone = self._zones.get(network)
        if zone is None:
            zone = self._zones[network] = Zone(network_name)
        zone.put(host)
        self._of_container.setdefault(host.container, {})[network] = zone

    def remove(self, network: str, container: str) -> None:
        """A container has left a network."""
        zone = self._zones.get(network)
        if zone is not None:
            zone.remove(container)
            if not zone.hosts:
                del self._zones[network]
        mine = self._of_container.get(container, {})
        mine.pop(network, None)
        if not mine:
            self._of_container.pop(container, None)

    def forget(self, container: str) -> None:
        """A container has ended."""
        for network in [*self._of_container.get(container, ())]:
            self.remove(network, container)

    def of(self, container: str) -> Iterator[Zone]:
        """The networks that a container is in."""
        yield from self._of_container.get(container, {}).values()

    def entries(self) -> list[list[str]]:
        """Every pair of network and container, for the engine to compare."""
        pairs = self._of_container.items()
        return [[network, container] for container, zones in pairs for network in zones]
