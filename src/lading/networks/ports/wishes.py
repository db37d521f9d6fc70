"""What `-p`, `-P` and EXPOSE ask for, as a list of wishes. Pure.

The body's PortBindings have text for everything, ranges included; texts of errors are dockerd's.
Sources, our own addition, come in the binding (`Sources`) or for clients that cannot say them there
in labels: `lading.publish.from` for all ports, `lading.publish.from.80/tcp` for one.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import UNSET

from lading.errors import InvalidArgument
from lading.wire.networks import PortBinding

PROTOCOLS = ("tcp", "udp", "sctp")
SOURCES_LABEL = "lading.publish.from"


class BadPort(InvalidArgument):
    """invalid port specification: "{0}\""""


class BadSource(InvalidArgument):
    """invalid source of a published port: "{0}" is no address and no network"""


class BadAddress(InvalidArgument):
    """invalid IP address in port binding: {0}"""


class Wish(NamedTuple):
    """One port of a container, and where on the host it is wanted."""

    protocol: str
    container_port: int
    address: str = ""  # "" for everywhere, or where the engine's --ip says
    first: int = 0  # of the host's ports to choose from; 0 for any that is free
    last: int = 0
    sources: tuple[str, ...] = ()

    @property
    def is_fixed(self) -> bool:
        """Whether it is this port or none."""
        return self.first == self.last != 0


def read(
    bindings: Mapping[str, Sequence[PortBinding] | None] | None,
    *,
    exposed: Iterable[str] = (),
    publish_all: bool = False,
    labels: Mapping[str, str] | None = None,
) -> list[Wish]:
    """The wishes of a container, in the order of its ports. Raises BadPort, BadSource, BadAddress.

    With `publish_all` exposed ports that have no binding get a free port of the host.
    """
    labels = labels or {}
    found = []
    named = set()
    for text, places in (bindings or {}).items():
        for protocol, port in container_ports(text):
            named.add((protocol, port))
            sources = _labelled(labels, f"{port}/{protocol}")
            found += [_wish(protocol, port, place, sources) for place in places or ()]
    if publish_all:
        for text in exposed:
            for protocol, port in container_ports(text):
                if (protocol, port) not in named:
                    sources = _labelled(labels, f"{port}/{protocol}")
                    found.append(Wish(protocol, port, sources=sources))
    return sorted(dict.fromkeys(found), key=lambda wish: (wish.container_port, wish.protocol))


def container_ports(text: str) -> list[tuple[str, int]]:
    """`80`, `80/udp`, `8000-8002/tcp` as pairs of protocol and number. Raises BadPort."""
    numbers, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise BadPort(text)
    first, last = port_range(numbers)
    if not first:
        raise BadPort(text)
    return [(protocol, number) for number in range(first, last + 1)]


def port_range(text: str) -> tuple[int, int]:
    """`80` or `80-90`; "" and "0" are (0, 0), any. Raises BadPort."""
    first, dash, last = (text or "0").partition("-")
    ends = [first, last if dash else first]
    if not all(end.isascii() and end.isdecimal() and int(end) < 65536 for end in ends):
        raise BadPort(text)
    low, high = int(ends[0]), int(ends[1])
    if high < low:
        raise BadPort(text)
    return low, high


def sources_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Networks in their usual form, each once. Raises BadSource."""
    found = []
    for text in texts:
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError:
            raise BadSource(text) from None
    return tuple(dict.fromkeys(found))


def _wish(protocol: str, port: int, place: PortBinding, sources: tuple[str, ...]) -> Wish:
    address = place.host_ip.strip("[]")
    if address:
        try:
            address = str(ipaddress.ip_address(address))
        except ValueError:
            raise BadAddress(place.host_ip) from None
    first, last = port_range(place.host_port)
    asked = sources_of(place.sources) if place.sources is not UNSET and place.sources else sources
    return Wish(protocol, port, address, first, last, asked)


def _labelled(labels: Mapping[str, str], port: str) -> tuple[str, ...]:
    text = labels.get(f"{SOURCES_LABEL}.{port}", labels.get(SOURCES_LABEL, ""))
    return sources_of(one for one in text.split(",") if one.strip())
