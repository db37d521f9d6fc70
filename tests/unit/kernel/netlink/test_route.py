import errno

import pytest

from lading.kernel.netlink import NetlinkSocket, address, link, route
from lading.kernel.netlink.route import RT_TABLE_MAIN, Route

pytestmark = pytest.mark.usefixtures("own_namespace")


def test_a_default_route_goes_by_the_gateway() -> None:
    with NetlinkSocket() as socket:
        socket.request(link.add_bridge("br9", mac="02:42:0a:09:00:01", mtu=1500))
        bridge = link.get(socket, "br9")
        assert bridge
        index = bridge.ifindex
        socket.request(
            link.set_up(index),
            address.add(index, "10.9.0.2", 24),
            route.add_default("10.9.0.1", ifindex=index),
        )
        assert route.dump(socket) == [
            Route("0.0.0.0", 0, index, RT_TABLE_MAIN, "10.9.0.1"),
            Route("10.9.0.0", 24, index, RT_TABLE_MAIN),
        ]


def test_a_gateway_outside_the_subnet_is_refused() -> None:
    with NetlinkSocket() as socket, pytest.raises(OSError, match="unreachable") as caught:
        socket.request(link.set_up(1), route.add_default("10.9.0.1", ifindex=1))
    assert caught.value.errno == errno.ENETUNREACH
