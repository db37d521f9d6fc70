from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lading.errors import InvalidArgument
from lading.networks import ipam

SUBNET = IPv4Network("10.9.0.0/26")
GATEWAY = "10.9.0.1"
RESERVED = {str(SUBNET[0]), GATEWAY, str(SUBNET[-1])}
ADDRESSES = [str(address) for address in SUBNET]


class PoolAgainstASet(RuleBasedStateMachine):
    """The pool gives what a set of strings would, in whatever order it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = ipam.Pool(str(SUBNET), gateway=GATEWAY)
        self.taken = set(RESERVED)

    @precondition(lambda self: len(self.taken) < len(ADDRESSES))
    @rule()
    def allocate(self) -> None:
        address = self.pool.allocate("net")
        assert address in ADDRESSES
        assert address not in self.taken
        self.taken.add(address)

    @precondition(lambda self: len(self.taken) == len(ADDRESSES))
    @rule()
    def allocate_from_a_full_pool(self) -> None:
        with pytest.raises(ipam.PoolExhausted):
            self.pool.allocate("net")

    @rule(address=st.sampled_from(ADDRESSES))
    def take(self, address: str) -> None:
        if address in self.taken:
            with pytest.raises(ipam.AddressTaken):
                self.pool.take(address)
        else:
            self.pool.take(address)
            self.taken.add(address)

    @rule(address=st.sampled_from(ADDRESSES))
    def release(self, address: str) -> None:
        self.pool.release(address)
        self.taken -= {address} - RESERVED

    @invariant()
    def knows_what_is_taken(self) -> None:
        assert sorted(self.taken, key=IPv4Address) == list(self.pool.iter_taken())


TestPoolAgainstASet = PoolAgainstASet.TestCase


def test_a_released_address_is_the_last_to_be_given_again() -> None:
    pool = ipam.Pool("10.9.0.0/29", gateway="10.9.0.1")
    assert pool.allocate("net") == "10.9.0.2"
    pool.release("10.9.0.2")
    given_next = [pool.allocate("net") for _ in range(5)]
    assert given_next == ["10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6", "10.9.0.2"]


def test_a_full_pool_says_which_network_it_is_of() -> None:
    pool = ipam.Pool("10.9.0.0/30", gateway="10.9.0.1")
    pool.allocate("bridge (37b91f4cafa8)")
    with pytest.raises(ipam.PoolExhausted) as caught:
        pool.allocate("bridge (37b91f4cafa8)")
    text = "no available IPv4 addresses on this network's address pools: bridge (37b91f4cafa8)"
    assert str(caught.value) == text


@given(st.integers(0, 4))
def test_addresses_are_given_from_the_range_only(skipped: int) -> None:
    pool = ipam.Pool("10.9.0.0/24", gateway="10.9.0.1", ip_range="10.9.0.128/29")
    for _ in range(skipped):
        pool.release(pool.allocate("net"))
    given_ones = {pool.allocate("net") for _ in range(8)}
    assert given_ones == {str(address) for address in IPv4Network("10.9.0.128/29")}
    with pytest.raises(ipam.PoolExhausted):
        pool.allocate("net")


def test_an_address_of_choice_may_lie_outside_the_range_but_not_the_subnet() -> None:
    pool = ipam.Pool("10.9.0.0/24", gateway="10.9.0.1", ip_range="10.9.0.128/29")
    pool.take("10.9.0.5")
    with pytest.raises(ipam.AddressOutside, match=r"no configured subnet contains IP address"):
        pool.take("10.8.0.5")


def test_a_range_outside_the_subnet_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        ipam.Pool("10.9.0.0/24", gateway="10.9.0.1", ip_range="10.8.0.0/24")


def test_a_large_subnet_costs_no_more_than_a_small_one() -> None:
    pool = ipam.Pool("10.0.0.0/8", gateway="10.0.0.1")
    assert [pool.allocate("net") for _ in range(3)] == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]


@given(st.lists(st.integers(16, 31), max_size=12))
def test_a_chosen_subnet_overlaps_nothing_in_use(second_octets: list[int]) -> None:
    in_use = [IPv4Network(f"172.{octet}.128.0/20") for octet in second_octets]
    chosen = ipam.choose_subnet(ipam.DEFAULT_POOLS, in_use)
    assert not any(chosen.overlaps(network) for network in in_use)


def test_the_first_subnet_is_that_of_docker() -> None:
    assert str(ipam.choose_subnet(ipam.DEFAULT_POOLS, [])) == "172.17.0.0/16"
    in_use = [IPv4Network("172.16.0.0/12")]
    assert str(ipam.choose_subnet(ipam.DEFAULT_POOLS, in_use)) == "192.168.0.0/20"


def test_no_subnet_left_is_said_in_the_words_of_docker() -> None:
    with pytest.raises(ipam.NoSubnetLeft, match="predefined address pools have been fully"):
        ipam.choose_subnet([("10.9.0.0/24", 25)], [IPv4Network("10.0.0.0/8")])


@pytest.mark.parametrize("pool", [("10.9.0.0/24", 16), ("10.9.0.1/24", 24), ("nonsense", 24)])
def test_a_pool_that_makes_no_sense_is_refused(pool: tuple[str, int]) -> None:
    with pytest.raises(InvalidArgument, match="invalid default address pool"):
        ipam.choose_subnet([pool], [])


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"invalid IPv4 address: '10\.9\.0'"):
        ipam.Pool("10.9.0.0/24", gateway="10.9.0.1").take("10.9.0")


def test_the_mac_follows_the_address() -> None:
    assert ipam.mac_of("172.17.0.2") == "02:42:ac:11:00:02"
