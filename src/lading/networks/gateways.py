"""Which of a container's networks its packets leave by, for each family. Pure."""

from collections.abc import Iterable

from lading.networks.records import Endpoint


def choose(endpoints: Iterable[Endpoint], *, ipv6: bool) -> Endpoint | None:
    """The endpoint whose gateway is the default one; None if none has a gateway.

    The highest `gw_priority` wins, then the first network by name.
    """
    able = [one for one in endpoints if (one.ipv6_gateway if ipv6 else one.gateway)]
    return min(able, key=lambda one: (-one.gw_priority, one.network_name), default=None)
