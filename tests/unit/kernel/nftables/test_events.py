import subprocess

import pytest

from lading.kernel import nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import messages
from lading.kernel.nftables.events import Events


@pytest.mark.usefixtures("own_namespace")
def test_changes_are_told_with_the_socket_that_made_them() -> None:
    events = Events()
    assert events.read() == []
    with NetlinkSocket(NETLINK_NETFILTER) as socket:
        nftables.commit(socket, [nftables.Table("mine").create()])
        [made] = events.read()
        assert (made.message_type, made.table, made.port) == (0, "mine", socket.port)
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        [deleted] = [e for e in events.read() if e.message_type == messages.NFT_MSG_DELTABLE]
        assert deleted.table == "mine"
        assert deleted.port != socket.port
    events.close()


@pytest.mark.usefixtures("own_namespace")
def test_more_than_can_be_held_is_an_error_and_then_goes_on() -> None:
    events = Events()
    table = nftables.Table("mine")
    with NetlinkSocket(NETLINK_NETFILTER) as socket:
        for _ in range(2000):
            nftables.commit(socket, [table.create(), table.chain("one"), table.delete()])
        with pytest.raises(OSError, match="No buffer space"):
            events.read()
        events.read()
        nftables.commit(socket, [table.create()])
        assert [event.table for event in events.read()] == ["mine"]
    events.close()
