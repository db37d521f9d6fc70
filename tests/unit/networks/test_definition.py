"""What a network may be asked to be; statuses and texts are those of dockerd 28."""

from typing import Any

import pytest
from msgspec.structs import replace

from lading.errors import LadingError
from lading.networks.definition import define
from lading.networks.records import Network, Settings
from lading.wire import codec
from lading.wire.networks import NetworkCreate

DRIVERS = ("bridge", "host", "null", "macvlan", "ipvlan")


def asked(**fields: Any) -> NetworkCreate:
    return codec.decode(codec.encode({"Name": "t1", **fields}), NetworkCreate)


def defined(*others: Network, settings: Settings | None = None, **fields: Any) -> Network:
    return define(
        asked(**fields),
        network_id="f" * 64,
        now_ns=5,
        drivers=DRIVERS,
        others=others,
        settings=settings or Settings(),
    )


def pool(**fields: Any) -> dict[str, Any]:
    return {"IPAM": {"Config": [fields]}}


def test_a_network_of_which_only_the_name_is_asked_is_a_bridge_with_ipv4() -> None:
    network = defined()
    assert (network.name, network.driver, network.created_ns) == ("t1", "bridge", 5)
    assert (network.enable_ipv4, network.enable_ipv6, network.subnets) == (True, False, ())


def test_what_is_asked_is_kept_with_ipv4_before_ipv6() -> None:
    config = [
        {"Subnet": "fd00:9::/64"},
        {"Subnet": "10.9.0.0/24", "IPRange": "10.9.0.128/25", "Gateway": "10.9.0.9",
         "AuxiliaryAddresses": {"printer": "10.9.0.7"}},
    ]  # fmt: skip
    network = defined(IPAM={"Config": config}, EnableIPv6=True, Labels={"a": "b"}, Internal=True)
    first, second = network.subnets
    assert (first.subnet, first.ip_range, first.gateway) == (
        "10.9.0.0/24",
        "10.9.0.128/25",
        "10.9.0.9",
    )
    assert (first.aux, first.is_gateway_asked, second.is_gateway_asked) == (
        {"printer": "10.9.0.7"},
        True,
        False,
    )
    assert second.subnet == "fd00:9::/64"
    assert (network.internal, network.labels) == (True, {"a": "b"})


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"Name": ""}, 400, "invalid name: name is empty"),
        ({"Name": " "}, 400, "invalid name: name is empty"),
        *[
            ({"Name": n}, 403, f"operation is not permitted on predefined {n} network ")
            for n in ("bridge", "host", "none", "default")
        ],
        ({"Driver": "nosuch"}, 404, 'plugin "nosuch" not found'),
        ({"Driver": "host"}, 403, 'only one instance of "host" network is allowed'),
        ({"Driver": "null"}, 403, 'only one instance of "null" network is allowed'),
        (
            {"Scope": "swarm"},
            403,
            "cannot create a swarm scoped network when swarm is not active",
        ),
        ({"Ingress": True}, 403, "Ingress network can only be global scope network"),
        ({"IPAM": {"Driver": "nosuch"}}, 404, 'plugin "nosuch" not found'),
        ({"IPAM": {"Driver": "null"}}, 400, "ipv4 pool is empty"),
        ({"EnableIPv4": False}, 400, "IPv4 or IPv6 must be enabled"),
        (
            {"Options": {"com.docker.network.enable_ipv4": "x"}},
            400,
            'driver-opt "com.docker.network.enable_ipv4" is not a valid bool',
        ),
        (
            {"ConfigFrom": {"Network": "nosuch"}},
            404,
            'configuration network "nosuch" does not exist',
        ),
        (
            {"ConfigOnly": True, "ConfigFrom": {"Network": "x"}},
            403,
            "a configuration network cannot depend on another configuration network",
        ),
    ],
)
def test_nonsense_is_refused_in_dockerds_words(
    fields: dict[str, Any], status: int, text: str
) -> None:
    with pytest.raises(LadingError) as caught:
        defined(**fields)
    assert (caught.value.status, str(caught.value)) == (status, text)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Subnet": "10.9.0.1/24"}, "invalid subnet 10.9.0.1/24: it should be 10.9.0.0/24"),
        ({"Subnet": "bogus"}, "invalid subnet bogus: invalid CIDR block notation"),
        ({"Subnet": "10.9.0.0/33"}, "invalid subnet 10.9.0.0/33: invalid CIDR block notation"),
        ({"Subnet": "10.9.0.0"}, "invalid subnet 10.9.0.0: invalid CIDR block notation"),
        ({"Gateway": "10.9.0.1"}, "invalid subnet : invalid CIDR block notation"),
        (
            {"Subnet": "10.9.0.0/24", "Gateway": "10.8.0.1"},
            "invalid gateway 10.8.0.1: parent subnet 10.9.0.0/24 doesn't contain this address",
        ),
        ({"Subnet": "10.9.0.0/24", "Gateway": "x"}, "invalid gateway x: invalid address"),
        (
            {"Subnet": "10.9.0.0/24", "IPRange": "10.8.0.0/25"},
            "invalid ip-range 10.8.0.0/25: parent subnet 10.9.0.0/24 doesn't contain ip-range",
        ),
        (
            {"Subnet": "10.9.0.0/24", "IPRange": "10.9.0.1/25"},
            "invalid ip-range 10.9.0.1/25: it should be 10.9.0.0/25",
        ),
        (
            {"Subnet": "10.9.0.0/24", "IPRange": "10.9.0.0/16"},
            "invalid ip-range 10.9.0.0/16: CIDR block is bigger than its parent subnet 10.9.0.0/24",
        ),
        (
            {"Subnet": "10.9.0.0/24", "AuxiliaryAddresses": {"a": "10.8.0.1"}},
            "invalid auxiliary address a: parent subnet 10.9.0.0/24 doesn't contain this address",
        ),
        (
            {"Subnet": "10.9.0.0/24", "AuxiliaryAddresses": {"a": "x"}},
            "invalid auxiliary address a: invalid address",
        ),
    ],
)
def test_ranges_that_make_no_sense_are_told_as_dockerd_tells_them(
    fields: dict[str, Any], text: str
) -> None:
    with pytest.raises(LadingError) as caught:
        defined(**pool(**fields))
    assert (caught.value.status, str(caught.value)) == (400, f"invalid network config:\n{text}")


def test_every_fault_is_told() -> None:
    with pytest.raises(LadingError) as caught:
        defined(**pool(Subnet="10.9.0.0/24", Gateway="x", IPRange="y"))
    assert str(caught.value).count("\n") == 2


def test_a_name_is_given_once() -> None:
    with pytest.raises(LadingError, match="network with name t1 already exists") as caught:
        defined(defined())
    assert caught.value.status == 409


def test_a_template_lends_its_configuration() -> None:
    template = defined(Name="tmpl", ConfigOnly=True, **pool(Subnet="10.9.0.0/24"))
    network = defined(template, ConfigFrom={"Network": "tmpl"}, Driver="macvlan", Attachable=True)
    assert [one.subnet for one in network.subnets] == ["10.9.0.0/24"]
    assert (network.driver, network.config_from, network.attachable) == ("macvlan", "tmpl", True)
    with pytest.raises(LadingError, match="user specified configurations are not supported"):
        defined(template, ConfigFrom={"Network": "tmpl"}, Labels={"a": "b"})
    with pytest.raises(LadingError, match="configuration network can only contain"):
        defined(ConfigOnly=True, Attachable=True)
    other = replace(template, config_only=False)
    with pytest.raises(LadingError, match='configuration network "tmpl" does not exist'):
        defined(other, ConfigFrom={"Network": "tmpl"})


def test_the_engines_default_options_are_under_the_users() -> None:
    settings = Settings(default_network_options=(("bridge", (("mtu", "9"), ("x", "1"))),))
    assert defined(settings=settings, Options={"x": "2"}).options == {"mtu": "9", "x": "2"}
