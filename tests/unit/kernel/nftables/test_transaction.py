from collections.abc import Iterator

import pytest

from lading.kernel import nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import messages
from lading.kernel.nftables.transaction import ChainPolicy


@pytest.fixture
def socket(own_namespace: int) -> Iterator[NetlinkSocket]:
    with NetlinkSocket(NETLINK_NETFILTER) as opened:
        yield opened


def test_a_failing_batch_changes_nothing(socket: NetlinkSocket) -> None:
    table = nftables.Table("mine")
    absent = messages.element(messages.interface_key("absent"))
    with pytest.raises(FileNotFoundError):
        nftables.commit(
            socket,
            [
                table.create(),
                table.set("links", messages.INTERFACE),
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
        made = [table.create(), table.set(name, messages.INTERFACE)]
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
