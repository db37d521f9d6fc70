"""The porter: holds the sockets of published ports, and relays what cannot be redirected.

A port that is redirected by the packet filter needs a socket all the same: it tells every other
program that the port is taken. Nobody ever gets an answer from it, for a filter on it drops all.
A port that is relayed has a socket that listens. The engine binds the sockets, where errors can be
told, and gives them over; here they live as long as their container.

    hold {"items": [{"key", "container", "relay"}]} + a descriptor each     relay: see `_start`
    drop {"keys": [...]}                              list -> {"keys": [...]}
"""

from __future__ import annotations

import os

from lading.runtime.loop import Loop
from lading.steward.serving import Steward, prepare
from lading.steward.tcp_relay import TcpRelay
from lading.steward.udp_relay import UdpRelay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.runtime.messages import Message


class Holding:
    """One socket, and what listens on it."""

    __slots__ = ("_descriptor", "container", "relay")

    def __init__(self, descriptor: int, container: str, relay: TcpRelay | UdpRelay | None) -> None:
        self._descriptor = descriptor
        self.container = container
        self.relay = relay

    def close(self) -> None:
        """Free the port; connections that are being relayed end."""
        if self.relay is not None:
            self.relay.close()
        os.close(self._descriptor)


class Porter:
    """All holdings, by key."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._holdings: dict[str, Holding] = {}

    def containers(self) -> Iterator[str]:
        """The containers for which ports are held."""
        return (holding.container for holding in self._holdings.values())

    def hold(self, request: Message, descriptors: list[int]) -> Message:
        """Take the sockets over; a key that is known gets the new socket."""
        items = request["items"]
        if len(items) != len(descriptors):
            for descriptor in descriptors:
                os.close(descriptor)
            raise ValueError(f"{len(items)} ports and {len(descriptors)} descriptors")
        for item, descriptor in zip(items, descriptors, strict=True):
            self._let_go(item["key"])
            relay = self._start(item["relay"], descriptor) if item["relay"] else None
            self._holdings[item["key"]] = Holding(descriptor, item["container"], relay)
        return {}

    def drop(self, request: Message, _descriptors: list[int]) -> Message:
        for key in request["keys"]:
            self._let_go(key)
        return {}

    def list(self, _request: Message, _descriptors: list[int]) -> Message:
        return {"keys": [*self._holdings]}

    def forget(self, container: str) -> None:
        """The container has ended."""
        for key, holding in [*self._holdings.items()]:
            if holding.container == container:
                self._let_go(key)

    def tick(self) -> None:
        """Time passes: relays of datagrams have no other end."""
        for holding in self._holdings.values():
            if isinstance(holding.relay, UdpRelay):
                holding.relay.expire()

    def next_call(self) -> float:
        """Seconds until `tick` has something to do; -1 for never."""
        waits = [
            holding.relay.next_expiry()
            for holding in self._holdings.values()
            if isinstance(holding.relay, UdpRelay)
        ]
        return min((wait for wait in waits if wait >= 0), default=-1)

    def _start(self, relay: Message, descriptor: int) -> TcpRelay | UdpRelay:
        """`relay` is {"protocol", "to": [address, port], "sources": [networks]}."""
        address, port = relay["to"]
        target, sources = (str(address), int(port)), list(relay["sources"])
        if relay["protocol"] == "udp":
            return UdpRelay(self._loop, descriptor, target, sources)
        return TcpRelay(self._loop, descriptor, target, sources)

    def _let_go(self, key: str) -> None:
        holding = self._holdings.pop(key, None)
        if holding is not None:
            holding.close()


def main(descriptor: int, exec_root: str) -> None:
    """The process."""
    listener = prepare("lading-porter", descriptor, capabilities=0)
    loop = Loop()
    porter = Porter(loop)
    verbs = {"hold": porter.hold, "drop": porter.drop, "list": porter.list}
    steward = Steward(
        loop,
        listener,
        exec_root,
        verbs,
        containers=porter.containers,
        forget=porter.forget,
    )
    steward.tick = porter.tick
    steward.next_call = porter.next_call
    steward.run()
