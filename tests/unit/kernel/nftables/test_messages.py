import subprocess
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel import nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import messages, types

PORT = types.concatenated(types.PROTOCOL, types.PORT)
TARGET = types.concatenated(types.IPV4_ADDRESS, types.PORT)
INSIDE = types.concatenated(types.INTERFACE, types.IPV4_ADDRESS)
KEY = types.packed(types.protocol(17), types.port(8053))
DATA = types.packed(IPv4Address("10.9.0.2").packed, types.port(53))
FIRST = (types.interface("br9") + IPv4Address("10.9.0.0").packed,)
LAST = types.interface("br9") + IPv4Address("10.9.15.255").packed


@pytest.mark.usefixtures("own_namespace")
def test_nft_reads_the_sets_as_they_were_meant() -> None:
    table = nftables.Table("mine")
    subnet = IPv4Network("10.9.0.0/20")
    last = (subnet.network_address.packed, subnet.broadcast_address.packed)
    with NetlinkSocket(NETLINK_NETFILTER) as socket:
        nftables.commit(
            socket,
            [
                table.create(),
                table.set("subnets", types.IPV4_ADDRESS, flags=messages.NFT_SET_INTERVAL),
                table.set("links", types.INTERFACE),
                table.set("pairs", types.INTERFACE_PAIR),
                table.add_elements("subnets", messages.interval(*last)),
                table.add_elements("links", [messages.element(types.interface("br9"))]),
                table.set("ports", PORT, data=TARGET),
                table.set("inside", INSIDE, flags=messages.NFT_SET_INTERVAL),
                table.add_elements("ports", [messages.element(KEY, data=DATA)]),
                table.add_elements("inside", [messages.element(*FIRST, end=LAST)]),
                table.add_elements(
                    "pairs", [messages.element(types.interface("br9") + types.interface("br10"))]
                ),
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
        "map ports {",
        "type inet_proto . inet_service : ipv4_addr . inet_service",
        "elements = { udp . 8053 : 10.9.0.2 . 53 }",
        "}",
        "set inside {",
        "type ifname . ipv4_addr",
        "flags interval",
        'elements = { "br9" . 10.9.0.0/20 }',
        "}",
        "}",
    ]


@pytest.mark.usefixtures("own_namespace")
def test_an_element_can_be_deleted() -> None:
    table = nftables.Table("mine")
    elements = [messages.element(types.interface(name)) for name in ("br8", "br9")]
    with NetlinkSocket(NETLINK_NETFILTER) as socket:
        made = [table.create(), table.set("links", types.INTERFACE)]
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
