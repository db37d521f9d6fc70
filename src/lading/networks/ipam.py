"""Addresses: which subnet a network gets, and which address in it an endpoint gets. Pure.

A `Pool` remembers what is taken as sorted runs of numbers that neither touch nor overlap, so it
costs by how scattered the addresses are, not by how large the subnet is: a /64 is no trouble. It
gives addresses in turn, not the lowest free one: the kernel needs some 20 ms to take down the
interface of a released endpoint, and in that time nobody else should answer for its address.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from lading.errors import InvalidArgument, PermissionDenied, Unavailable

IPNetwork = IPv4Network | IPv6Network

# dockerd's own pools: a base and the prefix of the pieces it is cut into (--default-address-pool)
DEFAULT_POOLS = (
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
)
_IPV6_PIECE = 64
_LONGEST = {4: 30, 6: 126}  # prefixes of pieces: longer ones have no room for a container


class NoSubnetLeft(Unavailable):
    """all predefined address pools have been fully subnetted"""


class PoolExhausted(Unavailable):
    """no available IPv{1} addresses on this network's address pools: {0}"""


class AddressTaken(PermissionDenied):  # 403 is what dockerd answers
    """Address already in use"""


class AddressOutside(InvalidArgument):
    """no configured subnet contains IP address {0}"""


def unique_local_pool(engine_id: str) -> tuple[str, int]:
    """The engine's own IPv6 pool, a unique local /48 in pieces of /64. RFC 4193, section 3.2."""
    digest = hashlib.sha256(f"lading ula {engine_id}".encode()).digest()
    base = IPv6Address(b"\xfd" + digest[:5] + bytes(10))
    return f"{base}/48", _IPV6_PIECE


def check_pools(pools: Iterable[tuple[str, int]]) -> None:
    """Raises InvalidArgument for a pool that makes no sense."""
    for base, prefix in pools:
        try:
            pool = ip_network(base)
        except ValueError as error:
            raise InvalidArgument(f"invalid default address pool: {error}") from None
        if not pool.prefixlen <= prefix <= _LONGEST[pool.version]:
            raise InvalidArgument(f"invalid default address pool: {base} in pieces of /{prefix}")


def choose_subnet(
    pools: Iterable[tuple[str, int]], in_use: Iterable[IPNetwork], *, ipv6: bool = False
) -> IPNetwork:
    """The first piece of that family's pools that overlaps nothing in use.

    A pool is a base and the prefix of its pieces. It steps over what is in the way, so the size of
    a pool does not matter. Raises NoSubnetLeft, InvalidArgument.
    """
    pools = list(pools)
    check_pools(pools)
    version = 6 if ipv6 else 4
    occupied = [other for other in in_use if other.version == version]
    for base, prefix in pools:
        pool = ip_network(base)
        if pool.version != version:
            continue
        step = 1 << (pool.max_prefixlen - prefix)
        number, last = int(pool.network_address), int(pool.broadcast_address)
        while number <= last:
            ends = [
                int(other.broadcast_address)
                for other in occupied
                if int(other.network_address) < number + step
                and int(other.broadcast_address) >= number
            ]
            if not ends:
                return type(pool)((number, prefix))
            number = (max(ends) // step + 1) * step
    raise NoSubnetLeft


def first_address(subnet: IPNetwork) -> str:
    """What is the gateway if nobody says otherwise; a subnet of one or two addresses has less."""
    return str(subnet[1] if subnet.num_addresses > 1 else subnet[0])


def mac_of(ip: str) -> str:
    """The MAC that goes with an address, 02:42: and its last four bytes (as dockerd's bridges).

    For IPv6 the four bytes are of a hash: a subnet's last bytes are often the same in others.
    """
    address = ip_address(ip)
    packed = address.packed
    if address.version == 6:
        packed = hashlib.sha256(packed).digest()[:4]
    return "02:42:" + packed.hex(":")


class Pool:
    """The addresses of one subnet, of either family. Not for several threads."""

    def __init__(
        self, subnet: str, *, gateway: str = "", ip_range: str = "", aux: Mapping[str, str] = {}
    ) -> None:
        network = ip_network(subnet)
        part = ip_network(ip_range) if ip_range else network
        inside = int(network.network_address) <= int(part.network_address) and int(
            part.broadcast_address
        ) <= int(network.broadcast_address)
        if part.version != network.version or not inside:
            raise InvalidArgument(f"ip range {ip_range} is not inside subnet {subnet}")
        self._subnet = network
        self._address = IPv4Address if network.version == 4 else IPv6Address
        self._first = int(part.network_address)
        self._last = int(part.broadcast_address)
        self._starts: list[int] = []  # run i is the numbers _starts[i] .. _ends[i] - 1
        self._ends: list[int] = []
        self._next = self._first
        self._reserved = _reserved(network) | {
            int(ip_address(ip)) for ip in (gateway, *aux.values()) if ip
        }
        for number in sorted(self._reserved):
            self._add(number)

    @property
    def version(self) -> int:
        """4 or 6."""
        return self._subnet.version

    def contains(self, ip: str) -> bool:
        """Whether the subnet has that address."""
        return ip_address(ip) in self._subnet

    def count(self) -> tuple[int, int]:
        """How many addresses are taken in the whole subnet, and how many are free in the range."""
        runs = list(zip(self._starts, self._ends, strict=True))
        taken = sum(end - start for start, end in runs)
        inside = sum(
            max(0, min(end, self._last + 1) - max(start, self._first)) for start, end in runs
        )
        return taken, self._last + 1 - self._first - inside

    def allocate(self, owner: str) -> str:
        """The next free address. Raises PoolExhausted, naming the network `owner`."""
        number = self._free_from(self._next)
        if number is None:
            number = self._free_from(self._first)
        if number is None:
            raise PoolExhausted(owner, self.version)
        self._add(number)
        self._next = number + 1
        return str(self._address(number))

    def take(self, ip: str) -> None:
        """Mark this address as taken. Raises AddressTaken, AddressOutside, InvalidArgument."""
        try:
            address = self._address(ip)
        except ValueError:
            raise InvalidArgument(f"invalid IPv{self.version} address: {ip!r}") from None
        if address not in self._subnet:
            raise AddressOutside(ip)
        if self._is_taken(int(address)):
            raise AddressTaken
        self._add(int(address))

    def release(self, ip: str) -> None:
        """Give the address back; giving back a free or a reserved one does nothing."""
        number = int(ip_address(ip))
        if number in self._reserved or not self._is_taken(number):
            return
        at = bisect_right(self._starts, number) - 1
        start, end = self._starts[at], self._ends[at]
        left = [(start, number)] if start < number else []
        right = [(number + 1, end)] if number + 1 < end else []
        self._replace(at, at + 1, left + right)

    def iter_taken(self) -> Iterator[str]:
        """Every address that cannot be given, the reserved ones included, in order."""
        for start, end in zip(self._starts, self._ends, strict=True):
            for number in range(start, end):
                yield str(self._address(number))

    def _free_from(self, number: int) -> int | None:
        """The lowest free number from there on in the range."""
        at = bisect_right(self._starts, number) - 1
        if at >= 0 and number < self._ends[at]:
            number = self._ends[at]  # behind a run is at least one free number
        return number if number <= self._last else None

    def _is_taken(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number < self._ends[at]

    def _add(self, number: int) -> None:
        """Make a free number part of the runs, joining those that it now connects."""
        at = bisect_right(self._starts, number)
        start, end, first, behind = number, number + 1, at, at
        if at > 0 and self._ends[at - 1] == number:
            start, first = self._starts[at - 1], at - 1
        if at < len(self._starts) and self._starts[at] == number + 1:
            end, behind = self._ends[at], at + 1
        self._replace(first, behind, [(start, end)])

    def _replace(self, first: int, behind: int, runs: list[tuple[int, int]]) -> None:
        self._starts[first:behind] = [start for start, _ in runs]
        self._ends[first:behind] = [end for _, end in runs]


def _reserved(network: IPNetwork) -> set[int]:
    """Addresses that mean something else: the subnet's own, and IPv4's broadcast."""
    if network.prefixlen >= network.max_prefixlen - 1:
        return set()  # RFC 3021 and 6164: two addresses are a link without either
    own = {int(network.network_address)}
    return own | ({int(network.broadcast_address)} if network.version == 4 else set())
