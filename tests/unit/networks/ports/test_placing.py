"""At which addresses a port is published, and by what: the table of the file, row by row."""

import pytest

from lading.networks import Endpoint
from lading.networks.ports.choosing import Taken
from lading.networks.ports.placing import Means, places
from lading.networks.ports.records import Target
from lading.networks.ports.wishes import Wish

ENDPOINT = Endpoint("e", "n", "front", "c1", 1, ip="172.17.0.2", ipv6="fd00::2")
FOUR = {4: Target(ENDPOINT)}
BOTH = {4: Target(ENDPOINT), 6: Target(ENDPOINT)}
ALL = Means(has_filter=True, has_relay=True, has_ipv6=lambda: True)
REDIRECTED, RELAYED, OPEN = "redirected", "relayed", "open"


def served(wish: Wish, targets: dict[int, Target], means: Means = ALL) -> list[tuple[str, ...]]:
    """For each place: the host's address, where it leads, and by what."""
    words = ((REDIRECTED, "is_redirected"), (RELAYED, "is_relayed"), (OPEN, "is_open"))
    return [
        (one.address, one.target, *(word for word, name in words if getattr(one, name)))
        for one in places("c1", wish, targets, means)
    ]


def test_a_filter_redirects_both_families_and_the_relay_takes_loopback_of_ipv6() -> None:
    assert served(Wish("tcp", 80), BOTH) == [
        ("0.0.0.0", "172.17.0.2", REDIRECTED),
        ("::", "fd00::2", REDIRECTED, RELAYED),
    ]


def test_a_container_without_ipv6_is_reached_by_the_relay() -> None:
    assert served(Wish("tcp", 80), FOUR) == [
        ("0.0.0.0", "172.17.0.2", REDIRECTED),
        ("::", "172.17.0.2", RELAYED),
    ]


def test_without_a_filter_the_relay_does_all() -> None:
    means = ALL._replace(has_filter=False)
    assert served(Wish("udp", 53), BOTH, means) == [
        ("0.0.0.0", "172.17.0.2", RELAYED),
        ("::", "fd00::2", RELAYED),
    ]


def test_sctp_is_not_relayed() -> None:
    assert served(Wish("sctp", 80), FOUR) == [("0.0.0.0", "172.17.0.2", REDIRECTED)]
    with pytest.raises(Taken):
        served(Wish("sctp", 80), FOUR, ALL._replace(has_filter=False))


def test_a_host_without_ipv6_has_one_address() -> None:
    means = ALL._replace(has_ipv6=lambda: False)
    assert served(Wish("tcp", 80), BOTH, means) == [("0.0.0.0", "172.17.0.2", REDIRECTED)]


def test_the_wish_comes_before_the_network_and_that_before_the_engine() -> None:
    means = ALL._replace(default="192.0.2.1")
    bound = {4: Target(ENDPOINT, host_binding="192.0.2.2")}
    assert [one[0] for one in served(Wish("tcp", 80, "192.0.2.3"), bound, means)] == ["192.0.2.3"]
    assert [one[0] for one in served(Wish("tcp", 80), bound, means)] == ["192.0.2.2"]
    assert [one[0] for one in served(Wish("tcp", 80), FOUR, means)] == ["192.0.2.1"]


def test_a_routed_network_is_open_and_holds_nothing_of_the_host() -> None:
    routed = {4: Target(ENDPOINT, gateway_mode="routed")}
    means = ALL._replace(has_ipv6=lambda: False)
    assert served(Wish("tcp", 80), routed, means) == [("0.0.0.0", "172.17.0.2", OPEN)]


def test_an_isolated_network_has_no_place_and_that_is_no_error() -> None:
    assert served(Wish("tcp", 80), {4: Target(ENDPOINT, gateway_mode="isolated")}) == []


def test_what_nothing_can_serve_is_refused() -> None:
    means = ALL._replace(has_filter=False, has_relay=False)
    with pytest.raises(Taken, match=r"can be reached from 0\.0\.0\.0"):
        served(Wish("tcp", 80), FOUR, means)
