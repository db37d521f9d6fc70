import subprocess
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel import nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import messages


@pytest.mark.usefixtures("own_namespace")
def test_nft_reads_the_sets_as_they_were_meant() -> None:
    table = nftables.Table("mine")
    subnet = IPv4Network("10.9.0.0/20")
    last = (subnet.network_address.packed, subnet.broadcast_address.packed)
    key = messages.interface_key
    with NetlinkSocket(NETLINK_NETFILTER) as socket:
        nftables.commit(
            socket,
            [
                table.create(),
                table.set("subnets", messages.IPV4_ADDRESS, flags=messages.NFT_SET_INTERVAL),
                table.set("links", messages.INTERFACE),
                table.set("pairs", messages.INTERFACE_PAIR),
                table.add_elements("subnets", messages.interval(*last)),
                table.add_elements("links", [messages.element(key("br9"))]),
                table.add_elements("pairs", [messages.element(key("br9", "br10"))]),
            ],
        )
    assert printed() == [
        "table ip mine {",
        "set subnets {",
        "type ipv4_addr",
        "flags interval",
        "elements = { 10.9.0.0/20 }",
        "}",
        "set links {",
        "type ifname",
        'elements = { "br9" }',
        "}",
        "set pairs {",
        "type ifname . ifname",
        'elements = { "br9" . "br10" }',
        "}",
        "}",
    ]


@pytest.mark.usefixtures("own_namespace")
def test_an_element_can_be_deleted() -> None:
    table = nftables.Table("mine")
    elements = [messages.element(messages.interface_key(name)) for name in ("br8", "br9")]
    with NetlinkSocket(NETLINK_NETFILTER) as socket:
        made = [table.create(), table.set("links", messages.INTERFACE)]
        nftables.commit(socket, [*made, table.add_elements("links", elements)])
        nftables.commit(socket, [table.delete_elements("links", elements[:1])])
    assert 'elements = { "br9" }' in printed()


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_an_interval_ends_behind_its_last_address(first: int, last: int) -> None:
    first, last = sorted((first, last))
    elements = messages.interval(IPv4Address(first).packed, IPv4Address(last).packed)
    assert IPv4Address(first).packed in elements[0]
    assert len(elements) == (1 if last == 2**32 - 1 else 2)
    if len(elements) == 2:
        assert IPv4Address(last + 1).packed in elements[1]


def printed() -> list[str]:
    """The rule set as nft prints it, an oracle, without indentation and empty lines."""
    run = subprocess.run(["nft", "list", "ruleset"], check=True, capture_output=True, text=True)
    assert run.stderr == ""
    return [line.strip() for line in run.stdout.splitlines() if line.strip()]
