"""Networks of containers: records, addresses, drivers, the host's filter, name files.

`Networks` is the service; `resolvconf` and `hosts` make the texts of a container's name files and
touch nothing. How a packet travels is told in `drivers/bridge.py` and `firewall.py`.
"""

from lading.networks import hosts, resolvconf
from lading.networks.records import Endpoint, EndpointRequest, Network, Settings, Subnet
from lading.networks.service import Networks
from lading.networks.store import SCHEMA

__all__ = [
    "SCHEMA",
    "Endpoint",
    "EndpointRequest",
    "Network",
    "Networks",
    "Settings",
    "Subnet",
    "hosts",
    "resolvconf",
]
