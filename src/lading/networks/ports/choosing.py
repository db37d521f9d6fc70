"""Which numbers of the host to try for a wish, and which ports are ours already. Pure.

Free ports are taken in order from the host's ephemeral range and go round, so that a port that was
just given back is not the next to be given out. Ports that the administrator reserved are left out.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from lading.errors import LadingError
from lading.networks.ports.records import Published
from lading.networks.ports.wishes import Wish, port_range


class Taken(LadingError):
    """{0}"""


FALLBACK_RANGE = (49153, 65535)  # dockerd's, where the kernel does not say
ANY = {4: "0.0.0.0", 6: "::"}


def ephemeral_range(text: str) -> tuple[int, int]:
    """What net.ipv4.ip_local_port_range says."""
    try:
        first, last = (int(word) for word in text.split())
    except ValueError:
        return FALLBACK_RANGE
    return (first, last) if 0 < first <= last < 65536 else FALLBACK_RANGE


def reserved_ports(text: str) -> frozenset[int]:
    """What net.ipv4.ip_local_reserved_ports says: `8080,9148-9150`."""
    found: set[int] = set()
    for part in text.split(",") if text.strip() else ():
        first, last = port_range(part.strip())
        found.update(range(first, last + 1))
    return frozenset(found)


def overlap(one: str, other: str) -> bool:
    """Whether two addresses of the host cannot both be bound at one port."""
    first, second = ip_address(one), ip_address(other)
    if first.version != second.version:
        return False
    return first == second or first.is_unspecified or second.is_unspecified


class Numbers:
    """The ports that are published, and where the search for a free one goes on."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, int], list[str]] = {}  # addresses by protocol and port
        self._next: dict[str, int] = {}  # by protocol

    def take(self, published: Published) -> None:
        """Remember a port."""
        self._taken.setdefault((published.protocol, published.port), []).append(published.address)

    def give(self, published: Published) -> None:
        """Forget a port."""
        addresses = self._taken[published.protocol, published.port]
        addresses.remove(published.address)
        if not addresses:
            del self._taken[published.protocol, published.port]

    def holder(self, protocol: str, port: int, addresses: Iterable[str]) -> str:
        """The address by which one of ours is in the way there, or ""."""
        taken = self._taken.get((protocol, port), [])
        ours = (one for one in taken for address in addresses if overlap(one, address))
        return next(ours, "")

    def candidates(
        self, wish: Wish, ephemeral: tuple[int, int], reserved: frozenset[int]
    ) -> Iterator[int]:
        """The numbers to try, in order."""
        if wish.first:
            yield from range(wish.first, wish.last + 1)
            return
        low, high = ephemeral
        start = self._next.get(wish.protocol, low)
        if not low <= start <= high:
            start = low
        for number in [*range(start, high + 1), *range(low, start)]:
            if number not in reserved:
                self._next[wish.protocol] = number + 1 if number < high else low
                yield number
