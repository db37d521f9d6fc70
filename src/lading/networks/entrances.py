"""By which of its networks a container is reached from outside, for each family. Pure.

That is the one by which its own packets leave (`gateways`), so that answers go back as they came.
"""

from collections.abc import Sequence
from typing import Protocol

from lading.networks import gateways, options
from lading.networks.ports import Target
from lading.networks.records import Endpoint, Network


class Known(Protocol):
    """The networks by id."""

    def __getitem__(self, network_id: str, /) -> Network: ...


def choose(endpoints: Sequence[Endpoint], networks: Known) -> dict[int, Target]:
    """Where published ports lead, by version of IP; none for a container without a bridge."""
    found = {}
    able = [one for one in endpoints if one.host_interface]
    for version in (4, 6):
        is_ipv6 = version == 6
        there = [one for one in able if (one.ipv6 if is_ipv6 else one.ip)]
        chosen = gateways.choose(there, ipv6=is_ipv6) or next(iter(there), None)
        if chosen is None:
            continue
        network = networks[chosen.network_id]
        asked = options.bridge(network.options, internal=network.internal)
        mode = "isolated" if network.internal else asked.gateway_mode(ipv6=is_ipv6)
        found[version] = Target(chosen, mode, asked.host_binding_ipv4)
    return found
