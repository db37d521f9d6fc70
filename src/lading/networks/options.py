"""What `--opt` of a network and `--driver-opt` of an endpoint mean, in dockerd's words. Pure.

Names and errors: moby, daemon/libnetwork/drivers/bridge and netlabel; the docker CLI's reference of
`network create`.
"""

import ipaddress
from collections.abc import Mapping

from msgspec import Struct

from lading.errors import InvalidArgument
from lading.kernel.netlink.link import IFNAMSIZ
from lading.networks.records import Network

BRIDGE = "com.docker.network.bridge."
MTU = "com.docker.network.driver.mtu"
IFNAME = "com.docker.network.endpoint.ifname"
SYSCTLS = "com.docker.network.endpoint.sysctls"
PREFIX = "com.docker.network.container_iface_prefix"
ENABLE_IPV4 = "com.docker.network.enable_ipv4"
ENABLE_IPV6 = "com.docker.network.enable_ipv6"
HOST_IPV4 = "com.docker.network.host_ipv4"
HOST_IPV6 = "com.docker.network.host_ipv6"
GATEWAY_MODES = ("", "nat", "nat-unprotected", "routed", "isolated")
DEFAULT_PREFIX = "eth"
_TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")
_IFNAME_PLACE = "IFNAME"  # stands for the interface in an endpoint's sysctls


class Unparsable(InvalidArgument):
    """failed to parse {0} value: {1} ({2})"""


class NoBool(InvalidArgument):
    """driver-opt "{0}" is not a valid bool"""


class BadMtu(InvalidArgument):
    """invalid MTU number: {0}"""


class OnlyInternal(InvalidArgument):
    """gateway mode 'isolated' can only be used for an internal network"""


class BadInterfaceName(InvalidArgument):
    """invalid interface name: {0!r}"""


class BadSysctl(InvalidArgument):
    """unrecognised network interface sysctl '{0}'; represent 'net.X.Y.ethN.Z=V' as \
'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"""


class BridgeOptions(Struct, frozen=True):
    """The options of the driver `bridge`, read."""

    name: str = ""
    mtu: int = 0
    icc: bool = True
    masquerade: bool = True
    inhibit_ipv4: bool = False
    gateway_mode_ipv4: str = "nat"
    gateway_mode_ipv6: str = "nat"
    host_binding_ipv4: str = ""
    host_ipv4: str = ""  # what outgoing packets get as their source instead of the interface's
    host_ipv6: str = ""
    trusted_host_interfaces: tuple[str, ...] = ()

    def gateway_mode(self, *, ipv6: bool) -> str:
        """nat, nat-unprotected, routed or isolated."""
        return self.gateway_mode_ipv6 if ipv6 else self.gateway_mode_ipv4


def bridge(options: Mapping[str, str], *, internal: bool) -> BridgeOptions:
    """Raises Unparsable, BadMtu, OnlyInternal."""

    def text(name: str) -> str:
        return options.get(BRIDGE + name, "")

    modes = [_gateway_mode(options, f"gateway_mode_ipv{family}") for family in (4, 6)]
    if "isolated" in modes and not internal:
        raise OnlyInternal
    return BridgeOptions(
        name=text("name"),
        mtu=mtu(options),
        icc=_flag(options, BRIDGE + "enable_icc", default=True),
        masquerade=_flag(options, BRIDGE + "enable_ip_masquerade", default=True),
        inhibit_ipv4=_flag(options, BRIDGE + "inhibit_ipv4", default=False),
        gateway_mode_ipv4=modes[0] or "nat",
        gateway_mode_ipv6=modes[1] or "nat",
        host_binding_ipv4=_address(options, BRIDGE + "host_binding_ipv4", 4),
        host_ipv4=_address(options, HOST_IPV4, 4),
        host_ipv6=_address(options, HOST_IPV6, 6),
        trusted_host_interfaces=tuple(
            name for name in text("trusted_host_interfaces").split(":") if name
        ),
    )


def of_bridge(network: Network) -> BridgeOptions:
    """Those of a network whose options were checked when it was made."""
    return bridge(network.options, internal=network.internal)


def mtu(options: Mapping[str, str]) -> int:
    """The MTU that is asked for, 0 for none. Raises Unparsable, BadMtu."""
    asked = options.get(MTU, "")
    if not asked:
        return 0
    digits = asked.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise Unparsable(MTU, asked, f'strconv.Atoi: parsing "{asked}": invalid syntax')
    if int(asked) < 0:
        raise BadMtu(asked)
    return int(asked)


def enables(options: Mapping[str, str], name: str) -> bool | None:
    """What ENABLE_IPV4 or ENABLE_IPV6 says, None if nothing. Raises NoBool."""
    if name not in options:
        return None
    if options[name] in _TRUE:
        return True
    if options[name] in _FALSE:
        return False
    raise NoBool(name)


def interface_prefix(options: Mapping[str, str]) -> str:
    """How the names of interfaces in containers begin. A useless one is as none, as in dockerd."""
    prefix = options.get(PREFIX, "")
    is_good = prefix and is_interface_name(prefix + "0") and prefix not in ("lo", "docker", "veth")
    return prefix if is_good else DEFAULT_PREFIX


def interface_name(options: Mapping[str, str]) -> str:
    """The name that an endpoint asks for, or "". Raises BadInterfaceName."""
    name = options.get(IFNAME, "")
    if name and not is_interface_name(name):
        raise BadInterfaceName(name)
    return name


def is_interface_name(name: str) -> bool:
    """What the kernel takes for one: dev_valid_name() in net/core/dev.c."""
    is_odd = any(letter in "/:" or letter.isspace() for letter in name)
    return 0 < len(name.encode()) < IFNAMSIZ and name not in (".", "..") and not is_odd


def sysctls(options: Mapping[str, str], interface: str) -> tuple[tuple[str, str], ...]:
    """An endpoint's sysctls for its interface: net.X.Y.IFNAME.Z=value, separated by commas.

    Raises BadSysctl for anything but a sysctl of that very interface: others are `--sysctl`.
    """
    found = []
    for asked in filter(None, options.get(SYSCTLS, "").split(",")):
        name, equals, value = asked.partition("=")
        words = name.split(".")
        is_known = len(words) == 5 and words[1] in ("ipv4", "ipv6", "mpls")
        if not (equals and is_known and words[0] == "net" and words[3] == _IFNAME_PLACE):
            raise BadSysctl(asked)
        if any(not word or "/" in word for word in words):
            raise BadSysctl(asked)
        words[3] = interface.replace(".", "/")  # man 8 sysctl: a full stop in a name is a slash
        found.append((".".join(words), value))
    return tuple(found)


def _flag(options: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = options.get(name, "")
    if name not in options:
        return default
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Unparsable(name, text, f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _gateway_mode(options: Mapping[str, str], name: str) -> str:
    mode = options.get(BRIDGE + name, "")
    if mode not in GATEWAY_MODES:
        raise Unparsable(BRIDGE + name, mode, f"unknown gateway mode {mode}")
    return mode


def _address(options: Mapping[str, str], name: str, version: int) -> str:
    text = options.get(name, "")
    if not text:
        return ""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise Unparsable(name, text, "nil ip") from None
    if found.version != version:
        raise Unparsable(name, text, f"not an IPv{version} address")
    return text
