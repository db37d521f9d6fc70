import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidArgument
from lading.networks.ports import Wish, read
from lading.networks.ports.wishes import container_ports, port_range, sources_of
from lading.wire.networks import PortBinding

PORTS = st.integers(1, 65535)


def at(ip: str = "", port: str = "", **more: list[str]) -> PortBinding:
    return PortBinding(host_ip=ip, host_port=port, **more)


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        (None, []),
        ({"80/tcp": [at(port="8080")]}, [Wish("tcp", 80, "", 8080, 8080)]),
        ({"80": [at("127.0.0.1")]}, [Wish("tcp", 80, "127.0.0.1")]),
        ({"80/TCP": [at("[::1]", "0")]}, [Wish("tcp", 80, "::1")]),
        ({"53/udp": [at(port="5300-5310")]}, [Wish("udp", 53, "", 5300, 5310)]),
        ({"80/tcp": []}, []),
        ({"80/tcp": None}, []),
        (
            {"81/tcp": [at(port="1")], "80/sctp": [at(port="2"), at(port="2")]},
            [Wish("sctp", 80, "", 2, 2), Wish("tcp", 81, "", 1, 1)],
        ),
        (
            {"80/tcp": [at(port="1", sources=["10.0.0.7/8", "::1", "10.0.0.0/8"])]},
            [Wish("tcp", 80, "", 1, 1, ("10.0.0.0/8", "::1/128"))],
        ),
    ],
)
def test_bindings_are_read(
    bindings: dict[str, list[PortBinding] | None] | None, expected: list[Wish]
) -> None:
    assert read(bindings) == expected


def test_all_exposed_ports_get_a_free_one_if_that_is_asked() -> None:
    bindings = {"80/tcp": [at(port="8080")]}
    exposed = ["80/tcp", "81", "90-91/udp"]
    assert read(bindings, exposed=exposed) == [Wish("tcp", 80, "", 8080, 8080)]
    assert read(bindings, exposed=exposed, publish_all=True) == [
        Wish("tcp", 80, "", 8080, 8080),
        Wish("tcp", 81),
        Wish("udp", 90),
        Wish("udp", 91),
    ]


def test_labels_say_who_may_come_where_the_client_cannot() -> None:
    labels = {"lading.publish.from": "10.0.0.0/8, 192.0.2.1", "lading.publish.from.81/tcp": ""}
    bindings = {"80/tcp": [at()], "81/tcp": [at()], "82/tcp": [at(sources=["198.51.100.0/24"])]}
    assert [wish.sources for wish in read(bindings, labels=labels)] == [
        ("10.0.0.0/8", "192.0.2.1/32"),
        (),
        ("198.51.100.0/24",),
    ]


@pytest.mark.parametrize(
    "bindings",
    [
        {"x/tcp": [at()]},
        {"80/icmp": [at()]},
        {"0/tcp": [at()]},
        {"65536/tcp": [at()]},
        {"80/tcp": [at(port="http")]},
        {"80/tcp": [at(port="90-80")]},
        {"80/tcp": [at(port="-80")]},
        {"80/tcp": [at("localhost")]},
        {"80/tcp": [at(sources=["everybody"])]},
    ],
)
def test_what_makes_no_sense_is_refused(bindings: dict[str, list[PortBinding] | None]) -> None:
    with pytest.raises(InvalidArgument):
        read(bindings)


@given(PORTS, PORTS)
def test_a_range_is_its_ends(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert port_range(f"{low}-{high}") == (low, high)
    assert port_range(str(low)) == (low, low)


@given(st.text(alphabet="0123456789-/tcpudx ", max_size=12))
def test_any_text_is_ports_or_refused(text: str) -> None:
    try:
        found = container_ports(text)
    except InvalidArgument:
        return
    assert all(0 < number < 65536 for _, number in found)


def test_sources_are_networks_each_once() -> None:
    assert sources_of([" 10.1.2.3/8", "10.0.0.0/8", "::/0"]) == ("10.0.0.0/8", "::/0")
