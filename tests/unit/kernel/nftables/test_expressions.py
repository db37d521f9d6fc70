import subprocess

import pytest

from lading.kernel import nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import expressions as nft
from lading.kernel.nftables import types

PORT = types.concatenated(types.PROTOCOL, types.PORT)
PORT_AT = types.concatenated(types.IPV4_ADDRESS, PORT)
TARGET = types.concatenated(types.IPV4_ADDRESS, types.PORT)
ON_PORT = nft.load(nft.PROTOCOL, nft.DESTINATION_PORT)
AT = nft.load(nft.IPV4_DESTINATION, nft.PROTOCOL, nft.DESTINATION_PORT)
RULES = {
    "ct state established,related accept": (
        nft.connection_state(nft.CT_STATE_ESTABLISHED | nft.CT_STATE_RELATED),
        nft.verdict(nft.NF_ACCEPT),
    ),
    "iifname @links drop": (
        nft.load(nft.INPUT_INTERFACE),
        nft.in_set("links"),
        nft.verdict(nft.NF_DROP),
    ),
    "iifname . oifname @pairs accept": (
        nft.load(nft.INPUT_INTERFACE, nft.OUTPUT_INTERFACE),
        nft.in_set("pairs"),
        nft.verdict(nft.NF_ACCEPT),
    ),
    "ip saddr @addresses oifname != @links masquerade": (
        nft.load(nft.IPV4_SOURCE),
        nft.in_set("addresses"),
        nft.load(nft.OUTPUT_INTERFACE),
        nft.in_set("links", invert=True),
        nft.masquerade(),
    ),
    'meta iifkind != "" accept': (nft.input_is_virtual(), nft.verdict(nft.NF_ACCEPT)),
    'meta oifkind != "" accept': (nft.output_is_virtual(), nft.verdict(nft.NF_ACCEPT)),
    'iifname != "lo" ip daddr 127.0.0.0/8 drop': (
        nft.is_interface(nft.INPUT_INTERFACE, "lo", invert=True),
        nft.starts_with(16, bytes([127])),
        nft.verdict(nft.NF_DROP),
    ),
    'oifname "br9" counter packets 0 bytes 0 accept comment "whose it is"': (
        nft.is_interface(nft.OUTPUT_INTERFACE, "br9"),
        nft.count(),
        nft.verdict(nft.NF_ACCEPT),
    ),
    "ct status dnat return": (nft.is_redirected(), nft.verdict(nft.NFT_RETURN)),
    "fib daddr type local jump other": (nft.is_for_this_host(), nft.jump("other")),
    "meta l4proto icmp accept": (nft.has_protocol(1), nft.verdict(nft.NF_ACCEPT)),
    "meta l4proto . th dport . ip saddr != @sources return": (
        nft.load(nft.PROTOCOL, nft.DESTINATION_PORT, nft.IPV4_SOURCE),
        nft.in_set("sources", invert=True),
        nft.verdict(nft.NFT_RETURN),
    ),
    "oifname . ip saddr @inside masquerade": (
        nft.load(nft.OUTPUT_INTERFACE, nft.IPV4_SOURCE),
        nft.in_set("inside"),
        nft.masquerade(),
    ),
    "dnat ip to meta l4proto . th dport map @ports": (
        ON_PORT,
        nft.mapped_by("ports"),
        nft.dnat(2, nft.IPV4_DESTINATION.registers),
    ),
    "dnat ip to ip daddr . meta l4proto . th dport map @ports_at": (
        AT,
        nft.mapped_by("ports_at"),
        nft.dnat(2, nft.IPV4_DESTINATION.registers),
    ),
}
HOOKS = {"masquerade": ("nat", 4), "dnat ip": ("nat", 0)}


@pytest.mark.parametrize("text", RULES)
@pytest.mark.usefixtures("own_namespace")
def test_nft_reads_the_rule_as_it_was_meant(text: str) -> None:
    table = nftables.Table("mine")
    kind, hook = next((h for word, h in HOOKS.items() if word in text), ("filter", 2))
    source = types.concatenated(PORT, types.IPV4_ADDRESS)
    inside = types.concatenated(types.INTERFACE, types.IPV4_ADDRESS)
    comment = "whose it is" if "comment" in text else ""
    with NetlinkSocket(NETLINK_NETFILTER) as socket:
        nftables.commit(
            socket,
            [
                table.create(),
                table.set("links", types.INTERFACE),
                table.set("pairs", types.INTERFACE_PAIR),
                table.set("addresses", types.IPV4_ADDRESS),
                table.set("sources", source, flags=4),
                table.set("inside", inside, flags=4),
                table.set("ports", PORT, data=TARGET),
                table.set("ports_at", PORT_AT, data=TARGET),
                table.chain("other"),
                table.base_chain("chain9", kind, hook=hook, priority=7, policy=nft.NF_ACCEPT),
                table.rule("chain9", *RULES[text], comment=comment),
            ],
        )
    command = ["nft", "list", "chain", "ip", "mine", "chain9"]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert text in [line.strip() for line in run.stdout.splitlines()]
