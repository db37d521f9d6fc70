"""The network `host`: the container stays in the host's own namespace, with all that is there.

The driver has as little to do as that of `none`; it differs for the runtime, which makes no
network namespace at all.
"""

from lading.networks.drivers.none import NoNetwork


class HostNetwork(NoNetwork):
    """Gives no interface: the host's are all visible."""
