"""The host's packet filter for our bridges: one nf_tables table `ip lading-<engine>`.

    postrouting (nat, srcnat):    from @subnets, leaving by no bridge of ours  -> masquerade
    forward (filter, filter):     of an established connection                 -> accept
                                  from a bridge to the same bridge, if icc     -> accept
                                  from the bridge of an internal network       -> drop
                                  to a bridge                                  -> drop
                                  from a bridge                                -> accept
    and only if forwarding is on because of us, so that the host is no router for its neighbours:
                                  from or to a virtual link of anybody         -> accept
                                  all else, from one network card to another   -> drop

The rules are the same for any number of networks: networks are elements of the sets `subnets`,
`bridges` and `neighbours`. The forward chain sees traffic inside one bridge only where the kernel
hands bridged packets to it (net.bridge.bridge-nf-call-iptables).

An accept here ends our table only: nf_tables asks every table, and a drop in any of them is final.
A host where another program sets the policy of its FORWARD chain to drop (dockerd, ufw, firewalld)
must let our bridges pass there too; `drops_of_others` finds such chains.
"""

import errno
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import NamedTuple

from lading.kernel import nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import expressions as nft
from lading.kernel.nftables import messages

_ACCEPT = nft.verdict(nft.NF_ACCEPT)
_DROP = nft.verdict(nft.NF_DROP)


class Zone(NamedTuple):
    """A network as the filter sees it: a bridge, and which addresses are behind it."""

    bridge: str
    subnets: tuple[str, ...]  # of both families
    masquerade: bool = True
    icc: bool = True  # containers of the network may talk to each other
    internal: bool = False  # nothing passes to or from elsewhere
    mode_ipv4: str = "nat"  # nat, nat-unprotected, routed, isolated
    mode_ipv6: str = "nat"


def ruleset(table: nftables.Table, zones: Sequence[Zone], *, stays_no_router: bool) -> list[bytes]:
    """The batch that makes the table exactly this, whatever it was before.

    With `stays_no_router` the host forwards nothing from one hardware interface to another (or the
    same).
    """
    return [
        table.create(),  # so that the deletion finds one
        table.delete(),
        table.create(),
        table.set("subnets", messages.IPV4_ADDRESS, flags=messages.NFT_SET_INTERVAL),
        table.set("bridges", messages.INTERFACE),
        table.set("neighbours", messages.INTERFACE_PAIR),
        table.set("internal", messages.INTERFACE),
        *_masquerade(table),
        *_forward(table, stays_no_router=stays_no_router),
        *_elements(table, zones),
    ]


def _masquerade(table: nftables.Table) -> list[bytes]:
    return [
        table.base_chain(
            "postrouting",
            "nat",
            hook=messages.NF_INET_POST_ROUTING,
            priority=messages.PRIORITY_SRCNAT,
            policy=nft.NF_ACCEPT,
        ),
        table.rule(
            "postrouting",
            nft.source_address(),
            nft.in_set("subnets"),
            nft.output_interface(),
            nft.in_set("bridges", invert=True),
            nft.masquerade(),
        ),
    ]


def _forward(table: nftables.Table, *, stays_no_router: bool) -> list[bytes]:
    known = nft.CT_STATE_ESTABLISHED | nft.CT_STATE_RELATED
    same_bridge = nft.input_interface() + nft.output_interface(nft.NFT_REG_2)
    rules = [
        table.base_chain(
            "forward",
            "filter",
            hook=messages.NF_INET_FORWARD,
            priority=messages.PRIORITY_FILTER,
            policy=nft.NF_DROP if stays_no_router else nft.NF_ACCEPT,
        ),
        table.rule("forward", nft.connection_state(known), _ACCEPT),
        table.rule("forward", same_bridge, nft.in_set("neighbours"), _ACCEPT),
        table.rule("forward", nft.input_interface(), nft.in_set("internal"), _DROP),
        table.rule("forward", nft.output_interface(), nft.in_set("bridges"), _DROP),
        table.rule("forward", nft.input_interface(), nft.in_set("bridges"), _ACCEPT),
    ]
    if stays_no_router:  # other programs' bridges, tunnels and guests are none of our business
        rules.append(table.rule("forward", nft.input_is_virtual(), _ACCEPT))
        rules.append(table.rule("forward", nft.output_is_virtual(), _ACCEPT))
    return rules


def _elements(table: nftables.Table, zones: Sequence[Zone]) -> list[bytes]:
    key, element = messages.interface_key, messages.element
    subnets = [
        IPv4Network(subnet)
        for zone in zones
        for subnet in zone.subnets
        if zone.masquerade and not zone.internal and zone.mode_ipv4.startswith("nat")
        if ":" not in subnet
    ]
    intervals = [
        part
        for subnet in subnets
        for part in messages.interval(
            subnet.network_address.packed, subnet.broadcast_address.packed
        )
    ]
    wanted = {
        "bridges": [element(key(zone.bridge)) for zone in zones],
        "neighbours": [element(key(zone.bridge, zone.bridge)) for zone in zones if zone.icc],
        "internal": [element(key(zone.bridge)) for zone in zones if zone.internal],
        "subnets": intervals,
    }
    return [table.add_elements(name, found) for name, found in wanted.items() if found]


class Firewall:
    """The engine's table in the network namespace in which this was made."""

    def __init__(self, engine_id: str) -> None:
        """Raises OSError if the kernel has no nfnetlink."""
        self._socket = NetlinkSocket(NETLINK_NETFILTER)
        self._table = nftables.Table(f"lading-{engine_id}")

    def ensure(self, zones: Sequence[Zone], *, stays_no_router: bool) -> None:
        """Make the table so, atomically; about 0.3 ms. Raises OSError if the kernel cannot."""
        batch = ruleset(self._table, zones, stays_no_router=stays_no_router)
        nftables.commit(self._socket, batch)

    def remove(self) -> None:
        """Delete the table if there is one."""
        try:
            nftables.commit(self._socket, [self._table.delete()])
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def drops_of_others(self) -> list[str]:
        """Chains of other tables, as "table/chain", that drop forwarded packets by policy."""
        return [
            f"{chain.table}/{chain.chain}"
            for chain in nftables.chain_policies(self._socket)
            if chain.hook == messages.NF_INET_FORWARD
            and chain.policy == nft.NF_DROP
            and chain.table != self._table.name
        ]

    def close(self) -> None:
        """Close the socket; the table stays."""
        self._socket.close()
