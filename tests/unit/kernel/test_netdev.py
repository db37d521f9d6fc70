"""The interfaces of a namespace and what went through them."""

import os

from lading.kernel import netdev

TEXT = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo:     100      2    0    0    0     0          0         0      100       2    0    0 0 0 0 0
  eth0: 1296 16 1 2 0 0 0 0 126 3 4 5 0 0 0 0
eth0.5:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
"""


def test_both_directions_are_read_and_the_loopback_is_left_out() -> None:
    found = netdev.parse(TEXT)
    assert list(found) == ["eth0", "eth0.5"]
    assert found["eth0"] == {
        "rx_bytes": 1296,
        "rx_packets": 16,
        "rx_errors": 1,
        "rx_dropped": 2,
        "tx_bytes": 126,
        "tx_packets": 3,
        "tx_errors": 4,
        "tx_dropped": 5,
    }
    assert found["eth0.5"]["tx_bytes"] == 9


def test_the_kernels_own_text_is_understood() -> None:
    assert all(len(values) == 8 for values in netdev.read(os.getpid()).values())
