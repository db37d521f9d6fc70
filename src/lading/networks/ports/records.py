"""What is kept of a published port, in the run directory: it ends with the container's run."""

from typing import NamedTuple

from msgspec import Struct

from lading.networks.firewall import Opening, Redirect
from lading.networks.records import Endpoint


class Target(NamedTuple):
    """The network by which one family of a container's addresses is reached."""

    endpoint: Endpoint
    gateway_mode: str = "nat"
    host_binding: str = ""  # where to publish what names no address; "" for everywhere

    @property
    def is_closed(self) -> bool:
        """Whether nothing can come in there."""
        return self.gateway_mode == "isolated"


class Published(Struct, frozen=True, omit_defaults=True):
    """One socket of the host, and where what arrives there goes."""

    container_id: str
    protocol: str  # tcp, udp, sctp
    container_port: int
    address: str  # of the host; "0.0.0.0" or "::" for all of the family
    port: int  # of the host
    target: str  # the container's address
    is_redirected: bool = False  # by the packet filter
    is_relayed: bool = False  # by the porter: what the filter cannot redirect, or all
    is_open: bool = False  # reached at the container's own address; `port` is 0, nothing is held
    sources: tuple[str, ...] = ()  # who may come from outside; none: everybody

    @property
    def key(self) -> str:
        """How the porter knows it."""
        return f"{self.container_id}/{self.protocol}/{self.address}/{self.port}"

    @property
    def is_ipv6(self) -> bool:
        """Whether the host's address is."""
        return ":" in self.address

    def rule(self) -> Redirect | Opening | None:
        """What the packet filter is told, if anything."""
        if self.is_open:
            return Opening(self.protocol, self.target, self.container_port)
        if not self.is_redirected:
            return None
        return Redirect(
            self.protocol,
            self.address,
            self.port,
            self.target,
            self.container_port,
            self.sources,
        )

    def relay(self) -> dict[str, object] | None:
        """What the porter is told; None if it only holds the port."""
        if not self.is_relayed:
            return None
        target = [self.target, self.container_port]
        return {"protocol": self.protocol, "to": target, "sources": [*self.sources]}
