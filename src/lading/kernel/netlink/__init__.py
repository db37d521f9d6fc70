"""Routing netlink (man 7 rtnetlink): links, addresses and routes, without processes or lookups.

`codec` makes and reads messages, `socket` carries several of them in one send, `link`, `address`
and `route` know the families. Functions that make messages return bytes and touch nothing:

    socket.request(link.set_up(1), address.add(index, "172.17.0.2", 16), route.add_default(...))
"""

from lading.kernel.netlink.socket import NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket

__all__ = ["NETLINK_NETFILTER", "NETLINK_ROUTE", "NetlinkSocket"]
