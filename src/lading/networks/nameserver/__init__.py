"""The name server of user networks, 127.0.0.11: what the engine does for it.

`servers` decides whom it asks, `sockets` makes its sockets in a container's namespace, `service`
tells the resolver (`lading.steward.resolver`) who has which name.
"""

from lading.networks.nameserver.servers import Upstream, choose
from lading.networks.nameserver.service import Nameserver, has_names

__all__ = ["Nameserver", "Upstream", "choose", "has_names"]
