from ipaddress import ip_network
from typing import Any

import pytest
from msgspec.structs import replace

from lading.errors import LadingError
from lading.networks import ipam, subnets
from lading.networks.records import Network, Subnet

POOLS = (("10.0.0.0/16", 24), ("fd11:2233:4455::/48", 64))
NETWORK = Network("n" * 64, "web", "bridge", 5)


def completed(network: Network, *others: Network, in_use: tuple[str, ...] = ()) -> list[Any]:
    found = subnets.complete(
        network, others, pools=POOLS, in_use=[ip_network(one) for one in in_use]
    )
    return [(one.subnet, one.gateway) for one in found.subnets]


def asked(*found: Subnet, **fields: Any) -> Network:
    return replace(NETWORK, subnets=tuple(replace(one, is_asked=True) for one in found), **fields)


def test_each_family_gets_a_range_and_its_first_address_is_the_gateway() -> None:
    dual = replace(NETWORK, enable_ipv6=True)
    assert completed(dual) == [
        ("10.0.0.0/24", "10.0.0.1"),
        ("fd11:2233:4455::/64", "fd11:2233:4455::1"),
    ]
    assert completed(replace(dual, enable_ipv4=False))[0][0].startswith("fd11")


def test_a_chosen_range_is_free_on_the_host_and_in_other_networks() -> None:
    other = asked(Subnet("10.0.1.0/24"))
    assert completed(NETWORK, other, in_use=("10.0.0.0/25",)) == [("10.0.2.0/24", "10.0.2.1")]


def test_an_asked_range_may_be_the_hosts_but_not_another_networks() -> None:
    wanted = asked(Subnet("10.9.0.0/24"))
    assert completed(wanted, in_use=("10.9.0.0/16",)) == [("10.9.0.0/24", "10.9.0.1")]
    for other in ("10.9.0.0/24", "10.0.0.0/8", "10.9.0.128/25"):
        with pytest.raises(LadingError, match="Pool overlaps with other one") as caught:
            completed(wanted, asked(Subnet(other)))
        assert caught.value.status == 403


def test_two_ranges_of_one_network_do_not_overlap_either() -> None:
    with pytest.raises(LadingError, match="Pool overlaps"):
        completed(asked(Subnet("10.9.0.0/24"), Subnet("10.9.0.128/25")))


def test_a_template_takes_no_range_from_others() -> None:
    template = replace(asked(Subnet("10.9.0.0/24")), config_only=True)
    assert completed(asked(Subnet("10.9.0.0/24")), template)


def test_a_range_of_a_family_that_is_off_is_only_told() -> None:
    found = completed(asked(Subnet("10.9.0.0/24"), Subnet("fd00:9::/64")))
    assert found == [("10.9.0.0/24", "10.9.0.1"), ("fd00:9::/64", "")]


def test_the_gateway_is_in_the_part_that_is_given_out_and_nobodys_else() -> None:
    one = Subnet("10.9.0.0/24", ip_range="10.9.0.128/25", aux={"a": "10.9.0.128"})
    assert completed(asked(one)) == [("10.9.0.0/24", "10.9.0.129")]


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (
            Subnet("10.9.0.0/24", "10.9.0.0"),
            "failed to allocate gateway (10.9.0.0): Address already in use",
        ),
        (
            Subnet("10.9.0.0/24", "10.9.0.1", aux={"a": "10.9.0.1"}),
            "failed to allocate secondary ip address (a:10.9.0.1): Address already in use",
        ),
    ],
)
def test_an_address_is_one_things(one: Subnet, text: str) -> None:
    with pytest.raises(LadingError) as caught:
        completed(asked(one))
    assert (caught.value.status, str(caught.value)) == (500, text)


@pytest.mark.parametrize("subnet", ["10.9.0.0/30", "10.9.0.0/31", "fd00::/126", "fd00::/127"])
def test_small_subnets_have_a_gateway(subnet: str) -> None:
    assert subnets.with_gateway(Subnet(subnet)).gateway


def test_a_subnet_of_one_address_gives_it_to_its_gateway() -> None:
    one = subnets.with_gateway(Subnet("10.9.0.0/32"))
    with pytest.raises(ipam.PoolExhausted):
        ipam.Pool(one.subnet, gateway=one.gateway).allocate("x")
