"""The ways of the bridges to each other and out: forwarding, and the zones of the packet filter.

What cannot be had is a warning: containers still reach each other.
"""

import errno

from lading.networks import forwarding
from lading.networks.firewall import Firewall, Zone
from lading.networks.records import Settings
from lading.state import Database


class Ways:
    """Forwarding and zones of one engine; `firewall` is None where the kernel has none."""

    def __init__(self, database: Database, firewall: Firewall | None, settings: Settings) -> None:
        self._database = database
        self._firewall = firewall
        self._settings = settings

    def open(self, zone: Zone) -> list[str]:
        """Let the network's packets pass as they should; what works less is told."""
        is_ours, warnings = self._forward(zone)
        try:
            if self._firewall is None:
                raise OSError(errno.EOPNOTSUPP, "no nfnetlink")
            self._firewall.put_zone(zone, stays_no_router=is_ours)
            dropping = self._firewall.dropping_chains()
        except OSError as error:
            return [*warnings, f"no NAT and no filter, the kernel refuses nf_tables: {error}"]
        return warnings + [
            f"chain {chain} of another program drops forwarded packets:"
            " containers reach the outside only if it lets their bridge pass"
            for chain in dropping
        ]

    def shut(self, bridge: str) -> None:
        """Forget the network's bridge. Raises OSError."""
        if self._firewall is not None and bridge:
            self._firewall.drop_zone(bridge)

    def remove(self) -> None:
        """Forwarding goes back to what it was; the firewall is removed by its owner."""
        forwarding.restore(self._database)

    def _forward(self, zone: Zone) -> tuple[bool, list[str]]:
        """Forwarding of the zone's families; whether that of IPv4 is on because of us."""
        is_ours, warnings = False, []
        families = [("IPv4", forwarding.IPV4)]
        if any(":" in subnet for subnet in zone.subnets):
            families.append(("IPv6", forwarding.IPV6))
        for name, switch in families if self._settings.ip_forward else ():
            try:
                switched = forwarding.enable(self._database, switch)
            except OSError as error:
                warnings.append(f"{name} forwarding is off and cannot be switched on: {error}")
            else:
                is_ours = switched if switch == forwarding.IPV4 else is_ours
        return is_ours, warnings
