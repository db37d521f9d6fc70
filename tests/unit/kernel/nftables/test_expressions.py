import subprocess

import pytest

from lading.kernel import nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import expressions as nft
from lading.kernel.nftables import messages

RULES = {
    "ct state established,related accept": (
        nft.connection_state(nft.CT_STATE_ESTABLISHED | nft.CT_STATE_RELATED),
        nft.verdict(nft.NF_ACCEPT),
    ),
    "iifname @links drop": (
        nft.input_interface(),
        nft.in_set("links"),
        nft.verdict(nft.NF_DROP),
    ),
    "iifname . oifname @pairs accept": (
        nft.input_interface(),
        nft.output_interface(nft.NFT_REG_2),
        nft.in_set("pairs"),
        nft.verdict(nft.NF_ACCEPT),
    ),
    "ip saddr @addresses oifname != @links masquerade": (
        nft.source_address(),
        nft.in_set("addresses"),
        nft.output_interface(),
        nft.in_set("links", invert=True),
        nft.masquerade(),
    ),
    'meta iifkind != "" accept': (nft.input_is_virtual(), nft.verdict(nft.NF_ACCEPT)),
    'meta oifkind != "" accept': (nft.output_is_virtual(), nft.verdict(nft.NF_ACCEPT)),
}


@pytest.mark.parametrize("text", RULES)
@pytest.mark.usefixtures("own_namespace")
def test_nft_reads_the_rule_as_it_was_meant(text: str) -> None:
    table = nftables.Table("mine")
    kind, hook = ("nat", 4) if "masquerade" in text else ("filter", 2)
    with NetlinkSocket(NETLINK_NETFILTER) as socket:
        nftables.commit(
            socket,
            [
                table.create(),
                table.set("links", messages.INTERFACE),
                table.set("pairs", messages.INTERFACE_PAIR),
                table.set("addresses", messages.IPV4_ADDRESS),
                table.base_chain("chain9", kind, hook=hook, priority=7, policy=nft.NF_ACCEPT),
                table.rule("chain9", *RULES[text]),
            ],
        )
    command = ["nft", "list", "chain", "ip", "mine", "chain9"]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert text in [line.strip() for line in run.stdout.splitlines()]
