"""Chains that are not ours: the administrator's, and the FORWARD chain of iptables.

`table inet lading-user` has a chain `forward`, which is asked before ours and in which we never
write: what it drops is dropped, published or not. It is made empty, and whoever writes rules into
it keeps them over restarts of the engine.

Where iptables' FORWARD chain drops by policy (dockerd, ufw and many administrators set it so), our
bridges need an accept there. It stands at the end of the chain: rules of others come first, and
only the policy is answered. Its words are those that iptables itself would use, or it could not
list the chain any more; the comment says whose it is.
"""

import errno
from collections.abc import Iterable

from lading.kernel import nftables
from lading.kernel.netlink import NetlinkSocket
from lading.kernel.nftables import expressions as nft
from lading.kernel.nftables import messages
from lading.networks.firewall.families import Family

USER_TABLE = "lading-user"
USER_CHAIN = "forward"
IPTABLES = ("filter", "FORWARD")  # table and chain


def ensure_user_chain(socket: NetlinkSocket) -> None:
    """Make the administrator's chain unless there is a table of that name."""
    if USER_TABLE in nftables.list_tables(socket, messages.NFPROTO_INET):
        return
    table = nftables.Table(USER_TABLE, messages.NFPROTO_INET)
    chain = table.base_chain(
        USER_CHAIN,
        "filter",
        hook=messages.NF_INET_FORWARD,
        priority=messages.PRIORITY_FILTER - 1,
        policy=nft.NF_ACCEPT,
    )
    nftables.commit(socket, [table.create(), chain])


def remove_user_chain(socket: NetlinkSocket) -> None:
    """Take the administrator's table away if nobody has written into it, and no engine needs it."""
    inet = messages.NFPROTO_INET
    names = nftables.list_tables(socket, messages.NFPROTO_IPV4)
    if any(name.startswith("lading-") for name in names):
        return
    chains = [c for c in nftables.chain_policies(socket, inet) if c.table == USER_TABLE]
    if len(chains) != 1 or nftables.list_rules(socket, USER_TABLE, USER_CHAIN, inet):
        return
    nftables.commit(socket, [nftables.Table(USER_TABLE, inet).delete()])


def pass_iptables(
    socket: NetlinkSocket, family: Family, owner: str, bridges: Iterable[str]
) -> None:
    """Make the accepts in FORWARD those that the bridges need: none if its policy is accept.

    `owner` marks our rules. Rules that are there stay in their places.
    """
    name, chain = IPTABLES
    rules = nftables.list_rules(socket, name, chain, family.number)
    present = {rule.comment: rule.handle for rule in rules if rule.comment.startswith(f"{owner} ")}
    wanted = {}
    if IPTABLES in _dropping(socket, family):
        for bridge in bridges:
            wanted[f"{owner} from {bridge}"] = (nft.INPUT_INTERFACE, bridge)
            wanted[f"{owner} to {bridge}"] = (nft.OUTPUT_INTERFACE, bridge)
    table = nftables.Table(name, family.number)
    batch = [
        table.delete_rule(chain, handle)
        for comment, handle in present.items()
        if comment not in wanted
    ]
    batch += [
        table.rule(
            chain,
            nft.is_interface(field, bridge),
            nft.count(),
            nft.verdict(nft.NF_ACCEPT),
            comment=comment,
        )
        for comment, (field, bridge) in wanted.items()
        if comment not in present
    ]
    if not batch:
        return
    try:
        nftables.commit(socket, batch)
    except OSError as error:
        if error.errno != errno.ENOENT:  # it has just been flushed: the watch calls us again
            raise


def dropping_chains(socket: NetlinkSocket, family: Family, own: str) -> list[str]:
    """Chains of others, as "table/chain", that drop forwarded packets, ours included."""
    return sorted(
        f"{table}/{chain}"
        for table, chain in _dropping(socket, family)
        if table != own and (table, chain) != IPTABLES
    )


def _dropping(socket: NetlinkSocket, family: Family) -> set[tuple[str, str]]:
    found = nftables.chain_policies(socket, family.number)
    found += nftables.chain_policies(socket, messages.NFPROTO_INET)
    return {
        (chain.table, chain.chain)
        for chain in found
        if chain.hook == messages.NF_INET_FORWARD and chain.policy == nft.NF_DROP
    }
