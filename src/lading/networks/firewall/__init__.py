"""The host's packet filter for our bridges: a table `lading-<engine>` in families ip and ip6.

`rules` has the chains, which are the same for any number of networks and ports. What differs
are elements of sets and maps (`elements`), so that a port is published by one message of 9 us.
`service` keeps the tables as they are wanted, `others` deals with the chains of other programs and
with the administrator's own, `watch` notices what others change in ours.

An accept here ends our table only: nf_tables asks every table, and a drop in any of them is final.
"""

from lading.networks.firewall.elements import Opening, Redirect, Zone
from lading.networks.firewall.service import Firewall
from lading.networks.firewall.watch import Change, Watch

__all__ = ["Change", "Firewall", "Opening", "Redirect", "Watch", "Zone"]
