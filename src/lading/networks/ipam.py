"""Addresses: which subnet a network gets, and which address in it an endpoint gets. Pure.

A `Pool` remembers what is taken as sorted runs of numbers that neither touch nor overlap, so it
costs by how scattered the addresses are, not by how large the subnet is. It gives addresses in
turn, not the lowest free one: the kernel needs some 20 ms to take down the interface of a released
endpoint, and in that time nobody else should answer for its address.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from lading.errors import InvalidArgument, PermissionDenied, Unavailable

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


class NoSubnetLeft(Unavailable):
    """all predefined address pools have been fully subnetted"""


class PoolExhausted(Unavailable):
    """no available IPv4 addresses on this network's address pools: {0}"""


class AddressTaken(PermissionDenied):  # 403 is what dockerd answers
    """Address already in use"""


class AddressOutside(InvalidArgument):
    """no configured subnet contains IP address {0}"""


def choose_subnet(pools: Iterable[tuple[str, int]], in_use: Iterable[IPv4Network]) -> IPv4Network:
    """The first piece of the pools that overlaps nothing in use.

    A pool is a base and the prefix of its pieces. Raises NoSubnetLeft, InvalidArgument.
    """
    occupied = list(in_use)
    for base, prefix in pools:
        try:
            pool = IPv4Network(base)
        except ValueError as error:
            raise InvalidArgument(f"invalid default address pool: {error}") from None
        if not pool.prefixlen <= prefix <= 30:  # smaller pieces have no room for a container
            raise InvalidArgument(f"invalid default address pool: {base} in pieces of /{prefix}")
        for subnet in pool.subnets(new_prefix=prefix):
            if not any(subnet.overlaps(other) for other in occupied):
                return subnet
    raise NoSubnetLeft


def mac_of(ip: str) -> str:
    """The MAC that goes with an address, 02:42: and its four bytes (as dockerd's bridges)."""
    return "02:42:" + IPv4Address(ip).packed.hex(":")


class Pool:
    """The addresses of one subnet. Not for several threads."""

    def __init__(self, subnet: str, *, gateway: str, ip_range: str = "") -> None:
        network = IPv4Network(subnet)
        part = IPv4Network(ip_range) if ip_range else network
        if not part.subnet_of(network):
            raise InvalidArgument(f"ip range {ip_range} is not inside subnet {subnet}")
        self._subnet = network
        self._first = int(part.network_address)
        self._last = int(part.broadcast_address)
        self._starts: list[int] = []  # run i is the numbers _starts[i] .. _ends[i] - 1
        self._ends: list[int] = []
        self._next = self._first
        reserved = {int(IPv4Address(gateway))}
        if network.prefixlen < 31:  # RFC 3021: two addresses are a link without a broadcast
            reserved |= {int(network.network_address), int(network.broadcast_address)}
        for number in sorted(reserved):
            self._add(number)
        self._reserved = reserved

    def allocate(self, owner: str) -> str:
        """The next free address. Raises PoolExhausted, naming the network `owner`."""
        number = self._free_from(self._next)
        if number is None:
            number = self._free_from(self._first)
        if number is None:
            raise PoolExhausted(owner)
        self._add(number)
        self._next = number + 1
        return str(IPv4Address(number))

    def take(self, ip: str) -> None:
        """Mark this address as taken. Raises AddressTaken, AddressOutside, InvalidArgument."""
        try:
            address = IPv4Address(ip)
        except ValueError:
            raise InvalidArgument(f"invalid IPv4 address: {ip!r}") from None
        if address not in self._subnet:
            raise AddressOutside(ip)
        if self._is_taken(int(address)):
            raise AddressTaken
        self._add(int(address))

    def release(self, ip: str) -> None:
        """Give the address back; giving back a free or a reserved one does nothing."""
        number = int(IPv4Address(ip))
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
                yield str(IPv4Address(number))

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
