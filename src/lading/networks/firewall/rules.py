"""The chains of a table: the same whatever networks and ports there are. Pure.

    raw (prerouting, raw):        to the loopback, but not from there           -> drop   (IPv4)
    prerouting (nat, dstnat):     to an address of the host                     -> guarded
    output (nat, dstnat):         to an address of the host (not ::1)           -> redirect
    guarded:                      to a port with a list of sources, by another  -> as if unpublished
                                                                        else    -> redirect
    redirect:                     to a published port                           -> DNAT to it
    postrouting (nat, srcnat):    from @subnets, leaving by no bridge of ours   -> masquerade
                                  from the loopback, leaving by a bridge        -> masquerade (IPv4)
                                  redirected back to the bridge it came from    -> masquerade
    forward (filter, filter):     of an established connection                  -> accept
                                  from a bridge to the same, unless icc is off  -> accept
                                  from or to an internal network                -> drop
                                  redirected to a bridge                        -> accept
                                  to a bridge without protection                -> accept
                                  to a port that is reached without NAT, a ping -> accept
                                  to a bridge                                   -> drop
                                  from a bridge                                 -> accept
    and only if forwarding is on because of us, so that the host is no router for its neighbours:
                                  from or to a virtual link of anybody          -> accept
                                  all else, from one network card to another    -> drop

Why raw: 127.0.0.1 is published by DNAT with `route_localnet` on the bridge, and without that drop a
container that routes 127.0.0.1 to its gateway reaches what listens on the host's loopback.
A container's own address needs no drop there: the chain forward lets in what was redirected or
asked for, and knows connections, so that networks without masquerade get their answers.
Why masquerade what comes back to its bridge: the container would answer its neighbour directly,
from an address that the neighbour did not ask. `iifname` says nothing in postrouting.
The forward chain sees traffic inside one bridge only where the kernel hands bridged packets to it
(net.bridge.bridge-nf-call-iptables); elsewhere, where icc is off, ports of the bridge are isolated.
"""

from lading.kernel import nftables
from lading.kernel.nftables import expressions as nft
from lading.kernel.nftables import messages, types
from lading.networks.firewall.families import Family

ACCEPT = nft.verdict(nft.NF_ACCEPT)
DROP = nft.verdict(nft.NF_DROP)
RETURN = nft.verdict(nft.NFT_RETURN)
_PORT = (nft.PROTOCOL, nft.DESTINATION_PORT)


def chains_and_sets(table: nftables.Table, family: Family, *, stays_no_router: bool) -> list[bytes]:
    """The messages that fill a new table; its sets are empty.

    With `stays_no_router` the host forwards nothing from one hardware interface to another.
    """
    return [
        *_sets(table, family),
        *_loopback(table, family),
        *_redirections(table, family),
        *_masquerade(table, family),
        *_forward(table, family, stays_no_router=stays_no_router),
    ]


def _sets(table: nftables.Table, family: Family) -> list[bytes]:
    ranges = messages.NFT_SET_INTERVAL
    link, address = types.INTERFACE, family.address
    port = types.concatenated(types.PROTOCOL, types.PORT)
    port_at = types.concatenated(address, port)
    target = types.concatenated(address, types.PORT)
    return [
        table.set("bridges", link),
        table.set("neighbours", types.INTERFACE_PAIR),
        table.set("internal", link),
        table.set("unprotected", link),
        table.set("routed", link),
        table.set("subnets", address, flags=ranges),
        table.set("inside", types.concatenated(link, address), flags=ranges),
        table.set("published", port, data=target),
        table.set("published_at", port_at, data=target),
        table.set("restricted", port),
        table.set("allowed", types.concatenated(port, address), flags=ranges),
        table.set("restricted_at", port_at),
        table.set("allowed_at", types.concatenated(port_at, address), flags=ranges),
        table.set("direct", port_at),
    ]


def _loopback(table: nftables.Table, family: Family) -> list[bytes]:
    if family.version == 6:
        return []  # the kernel takes no packet to ::1 from a link, and has no route_localnet
    return [
        table.base_chain(
            "raw",
            "filter",
            hook=messages.NF_INET_PRE_ROUTING,
            priority=messages.PRIORITY_RAW,
            policy=nft.NF_ACCEPT,
        ),
        table.rule(
            "raw",
            nft.is_interface(nft.INPUT_INTERFACE, "lo", invert=True),
            nft.starts_with(family.destination_offset, family.loopback),
            DROP,
        ),
    ]


def _redirections(table: nftables.Table, family: Family) -> list[bytes]:
    at = (family.destination, *_PORT)
    redirect = nft.dnat(family.number, family.destination.registers)
    hooks = [
        table.base_chain(
            name, "nat", hook=hook, priority=messages.PRIORITY_DSTNAT, policy=nft.NF_ACCEPT
        )
        for name, hook in (
            ("prerouting", messages.NF_INET_PRE_ROUTING),
            ("output", messages.NF_INET_LOCAL_OUT),
        )
    ]
    # IPv6 has no route_localnet: what is sent to ::1 stays there, where the relay listens
    not_loopback = nft.differs(family.destination, family.loopback) if family.version == 6 else b""
    return [
        *hooks,
        table.chain("redirect"),
        table.chain("guarded"),
        table.rule("redirect", nft.load(*at), nft.mapped_by("published_at"), redirect),
        table.rule("redirect", nft.load(*_PORT), nft.mapped_by("published"), redirect),
        *(
            table.rule(
                "guarded",
                nft.load(*key),
                nft.in_set(f"restricted{suffix}"),
                nft.load(*key, family.source),
                nft.in_set(f"allowed{suffix}", invert=True),
                RETURN,
            )
            for key, suffix in ((at, "_at"), (_PORT, ""))
        ),
        table.rule("guarded", nft.jump("redirect")),
        table.rule("prerouting", nft.is_for_this_host(), nft.jump("guarded")),
        table.rule("output", nft.is_for_this_host(), not_loopback, nft.jump("redirect")),
    ]


def _masquerade(table: nftables.Table, family: Family) -> list[bytes]:
    to_bridge = nft.load(nft.OUTPUT_INTERFACE) + nft.in_set("bridges")
    to_no_bridge = nft.load(nft.OUTPUT_INTERFACE) + nft.in_set("bridges", invert=True)
    from_subnets = nft.load(family.source) + nft.in_set("subnets")
    from_inside = nft.load(nft.OUTPUT_INTERFACE, family.source) + nft.in_set("inside")
    rules = [
        table.base_chain(
            "postrouting",
            "nat",
            hook=messages.NF_INET_POST_ROUTING,
            priority=messages.PRIORITY_SRCNAT,
            policy=nft.NF_ACCEPT,
        ),
        table.rule("postrouting", from_subnets, to_no_bridge, nft.masquerade()),
        table.rule("postrouting", nft.is_redirected(), from_inside, nft.masquerade()),
    ]
    if family.version == 4:
        from_loopback = nft.starts_with(family.source_offset, family.loopback)
        rules.append(table.rule("postrouting", from_loopback, to_bridge, nft.masquerade()))
    return rules


def _forward(table: nftables.Table, family: Family, *, stays_no_router: bool) -> list[bytes]:
    known = nft.CT_STATE_ESTABLISHED | nft.CT_STATE_RELATED
    same_bridge = nft.load(nft.INPUT_INTERFACE, nft.OUTPUT_INTERFACE)
    by, to = nft.load(nft.INPUT_INTERFACE), nft.load(nft.OUTPUT_INTERFACE)
    port = nft.load(family.destination, *_PORT)
    is_ping = nft.has_protocol(family.control_protocol)
    rules = [
        (nft.connection_state(known), ACCEPT),
        (same_bridge, nft.in_set("neighbours"), ACCEPT),
        (by, nft.in_set("internal"), DROP),
        (to, nft.in_set("internal"), DROP),
        (to, nft.in_set("bridges"), nft.is_redirected(), ACCEPT),
        (to, nft.in_set("unprotected"), ACCEPT),
        (port, nft.in_set("direct"), ACCEPT),
        (to, nft.in_set("routed"), is_ping, ACCEPT),
        (to, nft.in_set("bridges"), DROP),
        (by, nft.in_set("bridges"), ACCEPT),
    ]
    if stays_no_router:  # other programs' bridges, tunnels and guests are none of our business
        rules += [(nft.input_is_virtual(), ACCEPT), (nft.output_is_virtual(), ACCEPT)]
    return [
        table.base_chain(
            "forward",
            "filter",
            hook=messages.NF_INET_FORWARD,
            priority=messages.PRIORITY_FILTER,
            policy=nft.NF_DROP if stays_no_router else nft.NF_ACCEPT,
        ),
        *(table.rule("forward", *words) for words in rules),
    ]
