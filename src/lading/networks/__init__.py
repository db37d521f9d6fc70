"""Networks of containers: records, addresses, drivers, the host's filter, name files.

`Networks` is the service; `resolvconf` and `hosts` make the texts of a container's name files and
touch nothing. How a packet travels is told in `drivers/bridge.py` and `firewall.py`.
"""

from lading.networks import hosts, resolvconf
from lading.networks.records import Endpoint, Network, Settings
from lading.networks.service import Networks
from lading.networks.store import SCHEMA

__all__ = ["SCHEMA", "Endpoint", "Network", "Networks", "Settings", "hosts", "resolvconf"]
