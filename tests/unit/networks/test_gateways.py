from lading.networks import gateways
from lading.networks.records import Endpoint


def endpoint(name: str, priority: int = 0, *, ipv4: str = "10.9.0.1", ipv6: str = "") -> Endpoint:
    return Endpoint(name, name, name, "c", 1, gateway=ipv4, ipv6_gateway=ipv6, gw_priority=priority)


def test_the_highest_priority_wins_and_then_the_first_name() -> None:
    a, b, c = endpoint("a"), endpoint("b"), endpoint("c", 7)
    assert gateways.choose([b, a], ipv6=False) is a
    assert gateways.choose([b, a, c], ipv6=False) is c


def test_each_family_has_its_own_way_out() -> None:
    plain, dual = endpoint("a", 5), endpoint("b", ipv6="fd00::1")
    assert gateways.choose([plain, dual], ipv6=False) is plain
    assert gateways.choose([plain, dual], ipv6=True) is dual


def test_without_a_gateway_there_is_no_way() -> None:
    assert gateways.choose([endpoint("a", ipv4="")], ipv6=False) is None
    assert gateways.choose([], ipv6=True) is None
