"""The built-in network drivers: `bridge`, `host`, `none`, and `lan` for macvlan and ipvlan."""

from lading.networks.drivers.bridge import Bridge
from lading.networks.drivers.host import HostNetwork
from lading.networks.drivers.lan import Lan
from lading.networks.drivers.none import NoNetwork

__all__ = ["Bridge", "HostNetwork", "Lan", "NoNetwork"]
