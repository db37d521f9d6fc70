"""What a network driver does, and in which order it is asked.

    complete(network, others)    decides what the record leaves open (names of links, subnets) and
                                 refuses what cannot be; changes nothing
        the service stores the record (a network of the user's: after `prepare`)
    prepare(network, endpoints)  makes or repairs what the network needs on the host: when it is
                                 created or first used, after a restart, and when `join` said
                                 NetworkGone. Idempotent.
        the service leases addresses and records the endpoint, then makes the sandbox
    join(network, endpoint, sb)  puts an interface into the sandbox, down and without an address:
                                 `furnishing` does the rest, for every driver
        when a container ends nobody is asked: the interface goes with the sandbox, which the kernel
        takes down when its last process has gone; deleting a veth by hand costs 15-25 ms
    leave(endpoint, sb)          takes the interface from a container that goes on without it
    discard(network)             takes the network's part from the host
    sweep(networks)              takes from the host what belongs to none of these
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

    def complete(
        self, network: Network, others: Sequence[Network], *, has_endpoints: bool
    ) -> Network:
        """The network with nothing left open; with endpoints, what they rely on stays.

        `others` are all networks beside it. Raises LadingError for what cannot be.
        """

    def prepare(self, network: Network, endpoints: Sequence[Endpoint]) -> list[str]:
        """Make or repair the host's part. Returns warnings: what works less than it should."""

    def join(self, network: Network, endpoint: Endpoint, sandbox: Sandbox) -> None:
        """Make the endpoint's interface in the sandbox. Raises NetworkGone, OSError."""

    def leave(self, endpoint: Endpoint, sandbox: Sandbox | None) -> None:
        """Delete the endpoint's interface, whatever the container has made of it meanwhile.

        `sandbox` is None if the namespace is not there any more. What is gone is no error.
        """

    def discard(self, network: Network) -> None:
        """Take the network's part from the host, if it is there."""

    def sweep(self, networks: Sequence[Network]) -> None:
        """Take from the host what a network had that is none of these: a crash left it."""

    def remove(self) -> None:
        """Take everything of this driver's and this engine's from the host."""

    def close(self) -> None:
        """Close descriptors; the host stays as it is."""
