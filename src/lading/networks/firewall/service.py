"""Keeps the tables of one engine as they are wanted.

What is wanted is in memory: the zones, and what is published. A change of it is sent as elements;
where the table is not as it was left (a flush by others, a first use), all of it is sent, in one
batch that replaces the table: at no instant is there a table without rules.
"""

import contextlib
import errno
from collections.abc import Iterable

from lading.failpoints import fp
from lading.kernel import nftables, sysctl
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.networks.firewall import others, rules
from lading.networks.firewall.elements import (
    PLAIN_SETS,
    PORT_SETS,
    Element,
    Opening,
    Redirect,
    Subject,
    Zone,
    elements_of,
)
from lading.networks.firewall.families import FAMILIES, IPV4, IPV6, Family
from lading.networks.firewall.watch import Change

_NOT_AS_LEFT = (errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY)


class Firewall:
    """The engine's tables in the network namespace in which this was made. For one thread."""

    def __init__(self, engine_id: str, *, is_on: bool = True) -> None:
        """With `is_on` False (--iptables=false) nothing is ever written.

        Raises OSError if the kernel has no nfnetlink.
        """
        self.name = f"lading-{engine_id}"
        self.is_on = is_on
        self._socket = NetlinkSocket(NETLINK_NETFILTER)
        self._zones: dict[str, Zone] = {}  # by bridge
        self._ports: dict[Redirect | Opening, None] = {}
        self._stays_no_router = False
        self._standing: set[Family] = set()  # tables that were made, by us, in this life

    @property
    def port(self) -> int:
        """By which events tell our own changes."""
        return self._socket.port

    def close(self) -> None:
        """Close the socket; the tables stay."""
        self._socket.close()

    def put_zone(self, zone: Zone, *, stays_no_router: bool | None = None) -> None:
        """Add or change a network. `stays_no_router`: None leaves that as it is.

        Raises OSError if the kernel cannot.
        """
        before = self._zones.get(zone.bridge)
        self._zones[zone.bridge] = zone
        if stays_no_router is not None and stays_no_router != self._stays_no_router:
            self._stays_no_router = stays_no_router
            self._standing.clear()
        self._change([before] if before else [], [zone])
        self._pass_others()
        if self.is_on:
            _open_loopback(zone.bridge)

    def drop_zone(self, bridge: str) -> None:
        """Forget a network; what is not known is not an error."""
        zone = self._zones.pop(bridge, None)
        if zone:
            self._change([zone], [])
            self._pass_others()

    def add(self, subjects: Iterable[Redirect | Opening]) -> None:
        """Let the ports be reached. Raises OSError."""
        new = [subject for subject in subjects if subject not in self._ports]
        self._ports.update(dict.fromkeys(new))
        self._change([], new)

    def remove(self, subjects: Iterable[Redirect | Opening]) -> None:
        """Let the ports be reached no more; those that are not known are no error."""
        old = [subject for subject in subjects if subject in self._ports]
        for subject in old:
            del self._ports[subject]
        self._change(old, [])

    def rebuild(self) -> None:
        """Make the tables as they are wanted, atomically, whatever they were. Raises OSError."""
        self._standing.clear()
        self._change([], [])
        self._pass_others()

    def settle(self) -> None:
        """Take out ports that an earlier engine left in a table which nothing has replaced yet."""
        if not self.is_on:
            return
        for family in FAMILIES:
            if family in self._standing:
                continue
            table = self._table(family)
            ports = [one for subject in self._ports for one in elements_of(subject, family)]
            batch = [table.flush(name) for name in PORT_SETS]
            batch += [table.add_elements(one.set_name, one.encode()) for one in ports]
            try:
                nftables.commit(self._socket, batch)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EAFNOSUPPORT):
                    raise

    def repair(self, change: Change) -> None:
        """Undo what others did. Raises OSError."""
        if Change.TABLE in change:
            self._standing.clear()
            self._change([], [])
        if self._zones:
            self._pass_others()

    def remove_everything(self) -> None:
        """Delete the tables, and our marks in the chains of others."""
        self._zones.clear()
        self._ports.clear()
        self._standing.clear()
        for family in FAMILIES:
            try:
                others.pass_iptables(self._socket, family, self.name, ())
                nftables.commit(self._socket, [self._table(family).delete()])
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EAFNOSUPPORT):
                    raise
        others.remove_user_chain(self._socket)

    def dropping_chains(self) -> list[str]:
        """Chains of other programs, as "table/chain", that drop forwarded packets by policy."""
        return others.dropping_chains(self._socket, IPV4, self.name) if self.is_on else []

    def wanted(self, family: Family) -> list[Element]:
        """The elements that the table of the family is to have."""
        subjects: list[Subject] = [*self._zones.copy().values(), *self._ports.copy()]
        return [one for subject in subjects for one in elements_of(subject, family)]

    def differences(self) -> list[tuple[str, str]]:
        """Elements that are and should not be, or the reverse, for the audit: set, and which.

        Has a socket of its own, so that any thread may ask. Ranges are not looked at: the kernel
        lists them as ends.
        """
        found = []
        with NetlinkSocket(NETLINK_NETFILTER) as socket:
            for family in [*self._standing]:
                wanted: dict[str, set[bytes]] = {name: set() for name in PLAIN_SETS}
                for one in self.wanted(family):
                    if not one.end:
                        wanted[one.set_name].add(one.key)
                for name, keys in wanted.items():
                    number = family.number
                    present = set(nftables.list_keys(socket, self.name, name, number))
                    found += [
                        (f"{family.name} {name}", key.rstrip(b"\0").hex()) for key in present ^ keys
                    ]
        return found

    def _change(self, old: Iterable[Subject], new: Iterable[Subject]) -> None:
        if not self.is_on:
            return
        old, new = list(old), list(new)
        for family in FAMILIES:
            if family not in self._standing:
                if self._is_needed(family):
                    self._replace(family)
                continue
            before = {one for subject in old for one in elements_of(subject, family)}
            after = {one for subject in new for one in elements_of(subject, family)}
            batch = self._difference(family, before - after, after - before)
            try:
                if batch:
                    nftables.commit(self._socket, batch)
            except OSError as error:
                if error.errno not in _NOT_AS_LEFT:
                    raise
                self._replace(family)
            fp("networks.filter-changed")

    def _difference(
        self, family: Family, leaving: Iterable[Element], coming: Iterable[Element]
    ) -> list[bytes]:
        table = self._table(family)
        batch = [table.delete_elements(e.set_name, e.encode()) for e in leaving]
        return batch + [table.add_elements(e.set_name, e.encode()) for e in coming]

    def _replace(self, family: Family) -> None:
        """Write the whole table. Raises OSError if the kernel cannot."""
        table = self._table(family)
        by_set: dict[str, list[bytes]] = {}
        for one in self.wanted(family):
            by_set.setdefault(one.set_name, []).extend(one.encode())
        batch = [
            table.create(),  # so that the deletion finds one
            table.delete(),
            table.create(),
            *rules.chains_and_sets(table, family, stays_no_router=self._is_router_only(family)),
            *(table.add_elements(name, found) for name, found in by_set.items()),
        ]
        nftables.commit(self._socket, batch)
        self._standing.add(family)
        fp("networks.filter-replaced")

    def _pass_others(self) -> None:
        if not self.is_on:
            return
        others.ensure_user_chain(self._socket)
        for family in self._standing:
            others.pass_iptables(self._socket, family, self.name, self._zones)

    def _is_needed(self, family: Family) -> bool:
        """IPv4 with the first network; IPv6 when a network has it."""
        if not self._zones:
            return False
        subnets = (subnet for zone in self._zones.values() for subnet in zone.subnets)
        return family is not IPV6 or any(":" in subnet for subnet in subnets)

    def _is_router_only(self, family: Family) -> bool:
        return self._stays_no_router and family is IPV4

    def _table(self, family: Family) -> nftables.Table:
        return nftables.Table(self.name, family.number)


def _open_loopback(bridge: str) -> None:
    """Let 127.0.0.1 be redirected to the bridge; the chain `raw`, which stands, guards the rest."""
    with contextlib.suppress(FileNotFoundError):  # no such link (yet)
        sysctl.write(f"net.ipv4.conf.{bridge.replace('.', '/')}.route_localnet", "1")
