"""Published ports: from `-p` to a socket that holds the port and an element that redirects it.

`wishes` reads what was asked, `placing` and `choosing` decide where, `binding` binds, `keeping` has
the porter keep the sockets, `service` does all of it in the order that survives a crash.
"""

from lading.networks.ports.records import Published, Target
from lading.networks.ports.service import Ports
from lading.networks.ports.wishes import Wish, read

__all__ = ["Ports", "Published", "Target", "Wish", "read"]
