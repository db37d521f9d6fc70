"""What a network driver does, and in which order it is asked.

    complete(network)            decides what the record leaves open (name, subnet); changes nothing
        the service stores the record
    prepare(network, endpoints)  makes or repairs what the network needs on the host: at first use,
                                 after a restart, and when `join` said NetworkGone. Idempotent.
        the service leases an address and records the endpoint, then makes the sandbox
    join(network, endpoint, sb)  puts an interface into the sandbox, ready for traffic
        there is no `leave`: the interface goes with the sandbox, which the kernel takes down when
        its last process has gone; deleting a veth by hand would cost 15-25 ms
    remove()                     takes everything of the driver's from the host

A driver keeps no records. It gets them as arguments and raises OSError as the kernel gave it.
"""

from collections.abc import Sequence
from typing import Protocol

from lading.errors import SystemFault
from lading.networks.records import Endpoint, Network
from lading.networks.sandbox import Sandbox


class NetworkGone(SystemFault):
    """the host's part of network {0} is gone"""


class Driver(Protocol):
    """One kind of network. All methods are called by one thread."""

    gives_interface: bool
    """Whether containers get a sandbox with an interface and an address in it."""

    def complete(self, network: Network, *, has_endpoints: bool) -> Network:
        """The network with nothing left open; with endpoints, what they rely on stays."""

    def prepare(self, network: Network, endpoints: Sequence[Endpoint]) -> list[str]:
        """Make or repair the host's part. Returns warnings: what works less than it should."""

    def join(self, network: Network, endpoint: Endpoint, sandbox: Sandbox) -> None:
        """Make the endpoint's interface in the sandbox. Raises NetworkGone, OSError."""

    def remove(self) -> None:
        """Take everything of this driver's and this engine's from the host."""

    def close(self) -> None:
        """Close descriptors; the host stays as it is."""
