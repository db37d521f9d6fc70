import pytest

from lading.errors import InvalidArgument
from lading.networks import options
from lading.networks.options import BRIDGE, MTU, SYSCTLS


def test_nothing_asked_is_a_bridge_with_nat_and_icc() -> None:
    found = options.bridge({}, internal=False)
    assert (found.icc, found.masquerade, found.inhibit_ipv4, found.mtu) == (True, True, False, 0)
    assert found.gateway_mode(ipv6=False) == found.gateway_mode(ipv6=True) == "nat"


def test_what_is_asked_is_read() -> None:
    asked = {
        BRIDGE + "name": "br9",
        BRIDGE + "enable_icc": "false",
        BRIDGE + "enable_ip_masquerade": "F",
        BRIDGE + "inhibit_ipv4": "1",
        BRIDGE + "gateway_mode_ipv6": "routed",
        BRIDGE + "trusted_host_interfaces": "eth0:eth1",
        MTU: "1400",
        "com.example": "left alone",
    }
    found = options.bridge(asked, internal=False)
    assert (found.name, found.mtu) == ("br9", 1400)
    assert (found.icc, found.masquerade, found.inhibit_ipv4) == (False, False, True)
    assert found.gateway_mode(ipv6=True) == "routed"
    assert found.trusted_host_interfaces == ("eth0", "eth1")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            BRIDGE + "enable_icc",
            "x",
            "failed to parse com.docker.network.bridge.enable_icc value: x (strconv.ParseBool: "
            'parsing "x": invalid syntax)',
        ),
        (
            BRIDGE + "host_binding_ipv4",
            "x",
            "failed to parse com.docker.network.bridge.host_binding_ipv4 value: x (nil ip)",
        ),
        (
            MTU,
            "x",
            "failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: "
            'parsing "x": invalid syntax)',
        ),
        (MTU, "-1", "invalid MTU number: -1"),
        (
            BRIDGE + "gateway_mode_ipv4",
            "x",
            "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: x "
            "(unknown gateway mode x)",
        ),
        (
            BRIDGE + "gateway_mode_ipv4",
            "isolated",
            "gateway mode 'isolated' can only be used for an internal network",
        ),
    ],
)
def test_nonsense_is_refused_in_dockerds_words(name: str, value: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        options.bridge({name: value}, internal=False)
    assert str(caught.value) == text


def test_an_isolated_gateway_is_of_an_internal_network() -> None:
    found = options.bridge({BRIDGE + "gateway_mode_ipv4": "isolated"}, internal=True)
    assert found.gateway_mode(ipv6=False) == "isolated"


@pytest.mark.parametrize("prefix", ["", "a/b", "x" * 15, "lo", "with space"])
def test_a_useless_prefix_of_interfaces_is_as_none(prefix: str) -> None:
    assert options.interface_prefix({options.PREFIX: prefix}) == "eth"


def test_a_sysctl_of_an_endpoint_is_of_its_own_interface() -> None:
    asked = {SYSCTLS: "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.mtu=1400"}
    assert options.sysctls(asked, "eth3.7") == (
        ("net.ipv4.conf.eth3/7.log_martians", "1"),
        ("net.ipv6.conf.eth3/7.mtu", "1400"),
    )


@pytest.mark.parametrize(
    "text",
    ["kernel.x=1", "net.ipv4.conf.eth0.x=1", "net.ipv4.conf.IFNAME.x", "net.ipv4..IFNAME.x=1",
     "net.ipv4.conf/all.IFNAME.x=1", "net.core.conf.IFNAME.x=1"],
)  # fmt: skip
def test_any_other_sysctl_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="unrecognised network interface sysctl"):
        options.sysctls({SYSCTLS: text}, "eth0")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a:b", "a b", "x" * 16])
def test_what_the_kernel_takes_for_no_name_is_none(name: str) -> None:
    assert not options.is_interface_name(name)
