import os
from collections.abc import Iterator

import pytest

from lading.kernel import netns, sysctl


@pytest.fixture(autouse=True)
def own_namespace() -> Iterator[None]:
    home = netns.open_own()
    netns.unshare()
    yield
    netns.setns(home)
    os.close(home)


def test_a_parameter_is_read_as_it_was_written() -> None:
    sysctl.write("net.ipv4.ip_forward", "0")
    assert sysctl.read("net.ipv4.ip_forward") == "0"
    sysctl.write("net.ipv4.conf.lo.forwarding", "1")
    assert sysctl.read("net.ipv4.conf.lo.forwarding") == "1"


def test_a_slash_stands_for_a_dot_in_a_name() -> None:
    with pytest.raises(FileNotFoundError, match=r"/proc/sys/net/ipv4/conf/eth0\.5/forwarding"):
        sysctl.read("net.ipv4.conf.eth0/5.forwarding")
