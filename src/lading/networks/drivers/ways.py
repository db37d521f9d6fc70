"""The ways of the bridges to each other and out: forwarding, and the rules of the packet filter.

The bridges that are prepared are known here as zones; at every change the table is made what it
should be. What cannot be had is a warning: containers still reach each other.
"""

from lading.kernel import sysctl
from lading.networks import forwarding
from lading.networks.firewall import Firewall, Zone
from lading.networks.records import Network, Settings
from lading.state import Database

_CALLS = ("net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables")


class Ways:
    """Forwarding and filter of one engine, in the namespace in which it is used."""

    def __init__(self, database: Database, *, engine_id: str, settings: Settings) -> None:
        self._database = database
        self._engine_id = engine_id
        self._settings = settings
        self._zones: dict[str, Zone] = {}  # by network id

    def open(self, zone: Zone, network: Network) -> list[str]:
        """Let the network's packets pass as they should; what works less is told."""
        self._zones[network.id] = zone
        warnings = [] if zone.icc else _filter_bridged()
        return warnings + self._ensure()

    def shut(self, network: Network) -> None:
        """Forget the network's bridge."""
        if self._zones.pop(network.id, None) is not None:
            self._ensure()

    def remove(self) -> None:
        """Delete the tables; forwarding goes back to what it was."""
        self._zones.clear()
        try:
            firewall = Firewall(self._engine_id)
        except OSError:
            firewall = None  # no nfnetlink, so no table
        if firewall:
            firewall.remove()
            firewall.close()
        forwarding.restore(self._database)

    def _ensure(self) -> list[str]:
        """Forwarding and rules for all; warnings for what cannot be had."""
        warnings = []
        ours = {4: False, 6: False}
        families = {4: ("IPv4", forwarding.IPV4)}
        if any(":" in subnet for zone in self._zones.values() for subnet in zone.subnets):
            families[6] = ("IPv6", forwarding.IPV6)
        for version, (name, switch) in families.items() if self._settings.ip_forward else ():
            try:
                ours[version] = forwarding.enable(self._database, switch)
            except OSError as error:
                warnings.append(f"{name} forwarding is off and cannot be switched on: {error}")
        try:
            firewall = Firewall(self._engine_id)
            try:
                firewall.ensure([*self._zones.values()], stays_no_router=ours[4])
                dropping = firewall.drops_of_others()
            finally:
                firewall.close()
        except OSError as error:
            return [*warnings, f"no NAT and no filter, the kernel refuses nf_tables: {error}"]
        return warnings + [
            f"chain {chain} of another program drops forwarded packets:"
            " containers reach the outside only if it lets their bridge pass"
            for chain in dropping
        ]


def _filter_bridged() -> list[str]:
    """Packets inside a bridge meet the filter only if br_netfilter hands them over."""
    for name in _CALLS:
        try:
            sysctl.write(name, "1")
        except OSError as error:
            return [f"containers of a network without icc reach each other: {name}: {error}"]
    return []
