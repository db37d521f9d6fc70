"""Binding the sockets of what is wished: all of it, or nothing.

The number of a port is found by trying: what is ours we know, what is another program's the kernel
says. The sockets are on the caller's stack until somebody else has them.
"""

import contextlib
import errno
import os
from collections.abc import Iterable, Mapping
from socket import socket as Socket

from msgspec.structs import replace

from lading.kernel import sysctl
from lading.networks.ports import door, placing, sockets
from lading.networks.ports.choosing import Numbers, Taken, ephemeral_range, reserved_ports
from lading.networks.ports.records import Published, Target
from lading.networks.ports.wishes import Wish

Bound = tuple[Published, Socket | None]  # None: nothing has to be held


class _CannotBind(OSError):
    """Its text is the reason alone: dockerd's words, which clients match on."""

    def __str__(self) -> str:
        return str(self.strerror)


class Binder:
    """Binds the ports of one engine; `numbers` are those that it has."""

    def __init__(self, numbers: Numbers, means: placing.Means, make: door.Make) -> None:
        self._numbers = numbers
        self._means = means
        self._make = make

    def bind(
        self,
        container_id: str,
        wishes: Iterable[Wish],
        targets: Mapping[int, Target],
        bound: contextlib.ExitStack,
    ) -> list[Bound]:
        """Step 1; the sockets are on `bound`. Raises Taken, OSError.

        Those that want one port come before those that can choose.
        """
        made: list[Bound] = []
        order = sorted(wishes, key=lambda wish: (not wish.is_fixed, not wish.first))
        mine = Numbers()
        for wish in order:
            places = placing.places(container_id, wish, targets, self._means)
            opened: list[Bound] = [(place, None) for place in places if place.is_open]
            made += opened
            held = [place for place in places if not place.is_open]
            found = self._bind_wish(wish, held, mine, bound) if held else []
            for one, _ in found:
                mine.take(one)
            made += found
        return made

    def _bind_wish(
        self, wish: Wish, places: list[Published], mine: Numbers, bound: contextlib.ExitStack
    ) -> list[Bound]:
        """The places at the first number at which all of them are free. Raises Taken, OSError."""
        addresses = [place.address for place in places]
        limits = (_ephemeral(), _reserved()) if not wish.first else ((0, 0), frozenset[int]())
        for number in self._numbers.candidates(wish, *limits):
            holder = self._numbers.holder(wish.protocol, number, addresses) or mine.holder(
                wish.protocol, number, addresses
            )
            if holder and wish.is_fixed:
                raise Taken(f"Bind for {holder}:{number} failed: port is already allocated")
            if holder:
                continue
            try:
                return self._bind_at(number, places, bound)
            except OSError as error:
                if wish.is_fixed or error.errno != errno.EADDRINUSE:
                    raise
        raise Taken("all ports are allocated")

    def _bind_at(
        self, number: int, places: list[Published], bound: contextlib.ExitStack
    ) -> list[Bound]:
        """Bind all places at one number, or none. Raises OSError in dockerd's words."""
        with contextlib.ExitStack() as undo:
            made: list[Bound] = []
            for place in places:
                one = replace(place, port=number)
                held = self.socket(one)
                if held:
                    undo.callback(held.close)
                made.append((one, held))
            bound.push(undo.pop_all())
        return made

    def socket(self, one: Published) -> Socket | None:
        """The socket of a published port. Raises OSError in dockerd's words."""
        try:
            return sockets.bind(
                one.protocol, one.address, one.port, listens=one.is_relayed, make=self._make
            )
        except OSError as error:
            place = f"{one.address}:{one.port}:{one.target}:{one.container_port}/{one.protocol}"
            text = f"failed to bind host port for {place}: {os.strerror(error.errno or 0).lower()}"
            raise _CannotBind(error.errno, text) from error


def _ephemeral() -> tuple[int, int]:
    try:
        return ephemeral_range(sysctl.read("net.ipv4.ip_local_port_range"))
    except OSError:
        return ephemeral_range("")


def _reserved() -> frozenset[int]:
    try:
        return reserved_ports(sysctl.read("net.ipv4.ip_local_reserved_ports"))
    except OSError:
        return frozenset()
