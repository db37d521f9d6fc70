from itertools import islice

import pytest

from lading.networks.ports.choosing import (
    FALLBACK_RANGE,
    Numbers,
    ephemeral_range,
    overlap,
    reserved_ports,
)
from lading.networks.ports.records import Published
from lading.networks.ports.wishes import Wish

FREE = Wish("tcp", 80)
NONE: frozenset[int] = frozenset()


def at(address: str, port: int, protocol: str = "tcp") -> Published:
    return Published("c1", protocol, 80, address, port, "172.17.0.2")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "::", False),
        ("::", "::1", True),
        ("10.0.0.1", "10.0.0.1", True),
    ],
)
def test_which_addresses_exclude_each_other(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is expected


def test_our_own_ports_are_known_by_protocol_and_address() -> None:
    numbers = Numbers()
    numbers.take(at("127.0.0.1", 8080))
    assert numbers.holder("tcp", 8080, ["0.0.0.0", "::"]) == "127.0.0.1"
    assert numbers.holder("tcp", 8080, ["127.0.0.2", "::"]) == ""
    assert numbers.holder("udp", 8080, ["0.0.0.0"]) == ""
    numbers.give(at("127.0.0.1", 8080))
    assert numbers.holder("tcp", 8080, ["0.0.0.0"]) == ""


def test_free_numbers_go_round_and_leave_out_the_reserved() -> None:
    numbers = Numbers()
    reserved = frozenset([42])
    assert next(numbers.candidates(FREE, (40, 43), reserved)) == 40
    assert next(numbers.candidates(FREE, (40, 43), reserved)) == 41
    assert [*numbers.candidates(FREE, (40, 43), reserved)] == [43, 40, 41]
    assert next(numbers.candidates(FREE, (90, 99), NONE)) == 90  # the range was changed


def test_a_wish_with_numbers_tries_just_those() -> None:
    numbers = Numbers()
    assert [*numbers.candidates(Wish("tcp", 80, "", 7, 9), (40, 43), frozenset([8]))] == [7, 8, 9]
    assert [*islice(numbers.candidates(Wish("tcp", 80, "", 7, 7), (1, 2), NONE), 3)] == [7]


def test_what_the_kernel_says_is_read() -> None:
    assert ephemeral_range("32768\t60999") == (32768, 60999)
    assert ephemeral_range("") == ephemeral_range("9 8") == FALLBACK_RANGE
    assert reserved_ports("") == NONE
    assert reserved_ports("8080,9148-9150") == {8080, 9148, 9149, 9150}
