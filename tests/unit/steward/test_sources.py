from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.steward.sources import Sources


@pytest.mark.parametrize(
    ("networks", "address", "expected"),
    [
        ([], "198.51.100.1", True),
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "11.0.0.1", False),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["0.0.0.0/0"], "fd00::1", False),
        (["fd00::/8", "192.0.2.1"], "192.0.2.1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["192.0.2.1"], "127.0.0.1", True),
        (["192.0.2.1"], "::1", True),
    ],
)
def test_who_may_come(networks: list[str], address: str, expected: bool) -> None:
    assert Sources(networks).allow(address) is expected


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_a_network_has_the_addresses_that_it_has(base: object, bits: int, one: object) -> None:
    network = ip_network(f"{base}/{bits}", strict=False)
    address = ip_address(str(one))
    expected = address in network or address.is_loopback
    assert Sources([str(network)]).allow(str(address)) is expected
