import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.steward.test_dns_message import ask

from lading.steward import dns_message as dns
from lading.steward.dns_answer import answer, reversed_address
from lading.steward.zones import Host, Zones

WEB = ["web", "alias", "c1c1c1c1c1c1"]


@pytest.fixture
def zones() -> Zones:
    made = Zones()
    made.put("n1", "front", Host("c1", WEB, "10.9.0.2", ""))
    made.put("n1", "front", Host("c2", ["app", "alias"], "10.9.0.3", "fd00::3"))
    made.put("n2", "back", Host("c3", ["db"], "10.8.0.2", ""))
    return made


def told(zones: Zones, name: str, kind: int = dns.A) -> tuple[int, list[bytes]] | None:
    """The code and the data of the answers; None if others are to be asked."""
    query = dns.parse(ask(name, kind))
    found = answer(query, zones, "c1", limit=512, shuffle=lambda records: records.reverse())
    if found is None:
        return None
    count = struct.unpack_from(">H", found, 6)[0]
    offset = 12 + len(query.question)
    data = []
    for _ in range(count):
        length = struct.unpack_from(">H", found, offset + 10)[0]
        data.append(found[offset + 12 : offset + 12 + length])
        offset += 12 + length
    return dns.code_of(found), data


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("web", dns.A, [b"\x0a\x09\0\2"]),
        ("WEB", dns.A, [b"\x0a\x09\0\2"]),
        ("app.front", dns.A, [b"\x0a\x09\0\3"]),
        ("alias", dns.A, [b"\x0a\x09\0\3", b"\x0a\x09\0\2"]),
        ("c1c1c1c1c1c1", dns.A, [b"\x0a\x09\0\2"]),
        ("app", dns.AAAA, [b"\xfd" + bytes(14) + b"\3"]),
        ("web", dns.AAAA, []),
        ("web", dns.MX, []),
        ("web", 16, []),
        ("2.0.9.10.in-addr.arpa", dns.PTR, [b"\3web\5front\0"]),
        ("2.0.9.10.in-addr.arpa", dns.A, []),
        ("3" + 29 * ".0" + ".d.f.ip6.arpa", dns.PTR, [b"\3app\5front\0"]),
        ("_80._tcp.web", dns.SRV, [b"\0\0\0\0\0\x50\3web\0"]),
        ("_http._tcp.web", dns.SRV, []),
        ("_80._tcp.web", dns.A, []),
    ],
)
def test_names_of_containers_are_answered(
    zones: Zones, name: str, kind: int, expected: list[bytes]
) -> None:
    assert told(zones, name, kind) == (dns.NOERROR, expected)


@pytest.mark.parametrize(
    "name",
    [
        *("db", "example.com", "web.example", "_80._tcp.db", "_80._icmp.web", "_x"),
        *("2.0.8.10.in-addr.arpa", "1.in-addr.arpa", "x.0.9.10.in-addr.arpa", "ip6.arpa"),
    ],
)
def test_all_else_is_for_others(zones: Zones, name: str) -> None:
    assert told(zones, name) is None
    assert told(zones, name, dns.PTR) is None


def test_a_question_of_another_class_is_for_others(zones: Zones) -> None:
    message = ask("web")[:-2] + b"\0\3"  # CHAOS
    query = dns.parse(message)
    assert answer(query, zones, "c1", limit=512, shuffle=lambda _: None) is None


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
def test_reversed_addresses_are_read(ipv4: bytes, ipv6: bytes) -> None:
    octets = ".".join(str(octet) for octet in reversed(ipv4))
    assert reversed_address(f"{octets}.in-addr.arpa") == ipv4
    digits = ".".join(reversed(ipv6.hex()))
    assert reversed_address(f"{digits}.ip6.arpa") == ipv6
