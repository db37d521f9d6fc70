"""The built-in network drivers: `bridge`, `host` and `none`, each in a file of its own."""

from lading.networks.drivers.bridge import Bridge
from lading.networks.drivers.host import HostNetwork
from lading.networks.drivers.none import NoNetwork

__all__ = ["Bridge", "HostNetwork", "NoNetwork"]
