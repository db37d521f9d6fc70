import json
import subprocess

import pytest

from lading.kernel.netlink import NetlinkSocket, address
from lading.kernel.netlink.address import Address

pytestmark = pytest.mark.usefixtures("own_namespace")


def test_an_address_has_the_prefix_and_broadcast_of_its_subnet() -> None:
    with NetlinkSocket() as socket:
        socket.request(address.add(1, "172.17.5.9", 20))
    seen = subprocess.run(["ip", "-j", "addr"], check=True, capture_output=True).stdout
    (found,) = json.loads(seen)[0]["addr_info"]
    assert (found["local"], found["prefixlen"]) == ("172.17.5.9", 20)
    assert found["broadcast"] == "172.17.15.255"


def test_a_deleted_address_is_gone_and_the_others_stay() -> None:
    with NetlinkSocket() as socket:
        socket.request(address.add(1, "10.9.0.1", 24), address.add(1, "10.8.0.1", 32))
        socket.request(address.delete(1, "10.9.0.1", 24))
        assert address.dump(socket) == [Address(1, "10.8.0.1", 32)]


def test_an_address_that_is_there_cannot_be_added_again() -> None:
    with NetlinkSocket() as socket:
        socket.request(address.add(1, "10.9.0.1", 24))
        with pytest.raises(FileExistsError):
            socket.request(address.add(1, "10.9.0.1", 24))
