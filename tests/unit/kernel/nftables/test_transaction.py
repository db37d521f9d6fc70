from collections.abc import Iterator

import pytest

from lading.kernel import nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import expressions as nft
from lading.kernel.nftables import messages, types
from lading.kernel.nftables.transaction import ChainPolicy


@pytest.fixture
def socket(own_namespace: int) -> Iterator[NetlinkSocket]:
    with NetlinkSocket(NETLINK_NETFILTER) as opened:
        yield opened


def test_a_failing_batch_changes_nothing(socket: NetlinkSocket) -> None:
    table = nftables.Table("mine")
    absent = messages.element(types.interface("absent"))
    with pytest.raises(FileNotFoundError):
        nftables.commit(
            socket,
            [
                table.create(),
                table.set("links", types.INTERFACE),
                table.delete_elements("links", [absent]),
            ],
        )
    assert nftables.list_tables(socket) == []


def test_a_socket_goes_on_after_a_failing_batch(socket: NetlinkSocket) -> None:
    with pytest.raises(FileNotFoundError):
        nftables.commit(socket, [nftables.Table("absent").delete()])
    nftables.commit(socket, [nftables.Table("mine").create()])
    assert nftables.list_tables(socket) == ["mine"]


def test_a_table_can_be_replaced_in_one_batch(socket: NetlinkSocket) -> None:
    table = nftables.Table("mine")
    for name in ("before", "after"):
        made = [table.create(), table.set(name, types.INTERFACE)]
        nftables.commit(socket, [table.create(), table.delete(), *made])
    nftables.commit(socket, [table.add_elements("after", [])])
    with pytest.raises(FileNotFoundError):
        nftables.commit(socket, [table.add_elements("before", [])])


def test_base_chains_are_listed_with_their_policies(socket: NetlinkSocket) -> None:
    assert nftables.chain_policies(socket) == []
    table = nftables.Table("mine")
    made = [
        table.create(),
        table.base_chain("first", "filter", hook=2, priority=0, policy=0),
        table.base_chain("second", "nat", hook=4, priority=100, policy=1),
    ]
    nftables.commit(socket, made)
    assert nftables.chain_policies(socket) == [
        ChainPolicy("mine", "first", 2, 0),
        ChainPolicy("mine", "second", 4, 1),
    ]


def test_rules_are_listed_with_their_comments_and_can_be_deleted(socket: NetlinkSocket) -> None:
    table = nftables.Table("mine")
    accept = nft.verdict(nft.NF_ACCEPT)
    rules = [table.rule("first", accept), table.rule("first", accept, comment="ours")]
    nftables.commit(socket, [table.create(), table.chain("first"), *rules])
    found = nftables.list_rules(socket, "mine", "first")
    assert [rule.comment for rule in found] == ["", "ours"]
    nftables.commit(socket, [table.delete_rule("first", found[0].handle)])
    assert [rule.comment for rule in nftables.list_rules(socket, "mine", "first")] == ["ours"]
    assert nftables.list_rules(socket, "mine", "absent") == []


def test_the_keys_of_a_set_are_listed(socket: NetlinkSocket) -> None:
    table = nftables.Table("mine")
    keys = [types.interface(f"br{number}") for number in range(300)]  # more than one message
    elements = table.add_elements("links", [messages.element(key) for key in keys])
    nftables.commit(socket, [table.create(), table.set("links", types.INTERFACE), elements])
    assert sorted(nftables.list_keys(socket, "mine", "links")) == sorted(keys)
    assert nftables.list_keys(socket, "mine", "absent") == []
