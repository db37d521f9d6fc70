"""Who answers to a name in a network: all that a resolver needs of the endpoints. Pure.

Names are in `Endpoint.names`, in the order in which inspect tells them: the container's name, its
aliases, its short id. Several endpoints may share an alias; then each of their addresses is one.
`Endpoint.links` are names that hold for that one container only (`--link db:store`).
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from lading.networks.records import Endpoint


class Directory(Protocol):
    """Where endpoints are looked up: in memory, from any thread, without the database."""

    def endpoints(self, container_id: str) -> Sequence[Endpoint]:
        """The container's endpoints, in the order in which they were made."""

    def endpoints_of(self, network_id: str) -> Sequence[Endpoint]:
        """The endpoints in the network."""


def resolve(directory: Directory, container_id: str, name: str) -> list[Endpoint]:
    """Whom the container finds under the name, in any of the networks it is in.

    Names are compared without regard to case, and a full stop at their end is not part of them.
    """
    wanted = name.rstrip(".").lower()
    return [
        other
        for own in directory.endpoints(container_id)
        for other in directory.endpoints_of(own.network_id)
        if _answers(other, {wanted, *_linked(own, wanted)})
    ]


def _linked(own: Endpoint, wanted: str) -> list[str]:
    """Whom the container calls so in this network, by its own links."""
    return [name.lower() for alias, name in own.links if alias.lower() == wanted]


def _answers(other: Endpoint, wanted: set[str]) -> bool:
    """Whether it is one of these: by a name, or by its container's id."""
    return not wanted.isdisjoint((other.container_id, *(each.lower() for each in other.names)))


def reverse(directory: Directory, container_id: str, ip: str) -> Endpoint | None:
    """Who has the address in one of the container's networks; the name is then names[0]."""
    for own in directory.endpoints(container_id):
        for other in directory.endpoints_of(own.network_id):
            if ip in (other.ip, other.ipv6):
                return other
    return None


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names without repetition, in order."""
    return tuple(dict.fromkeys(name for name in names if name))
