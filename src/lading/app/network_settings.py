"""What flags and configuration file say about networks, as the networks room takes it."""

from collections.abc import Iterable, Mapping

from lading.errors import InvalidArgument
from lading.networks import Settings
from lading.networks.ipam import check_pools


def network_settings(given: Mapping[str, object], *, host_door: str = "") -> Settings:
    """The settings of networks; `host_door` is who makes sockets of the host for a rootless engine.

    Ends the program where they make no sense, as dockerd does.
    """

    def text(name: str, default: str = "") -> str:
        return str(given.get(name) or default)

    def switch(name: str, *, default: bool = True) -> bool:
        value = given.get(name)
        return default if value is None else bool(value)

    return Settings(
        bridge_name=text("bridge", "lading0"),
        bip=text("bip"),
        fixed_cidr=text("fixed_cidr"),
        mtu=int(text("mtu", "1500")),
        default_ip=text("ip"),
        iptables=switch("iptables"),
        ip_forward=switch("ip_forward"),
        ip_masq=switch("ip_masq"),
        icc=switch("icc"),
        userland_proxy=switch("userland_proxy"),
        host_door=host_door,
        allow_direct_routing=switch("allow_direct_routing", default=False),
        default_address_pools=address_pools(_words(given, "default_address_pool")),
        default_network_options=network_options(_words(given, "default_network_opt")),
    )


def address_pools(words: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """`base=10.10.0.0/16,size=24` as base and prefix of the pieces."""
    found = []
    for word in words:
        fields = dict(each.strip().partition("=")[::2] for each in word.split(","))
        base, size = fields.get("base", ""), fields.get("size", "")
        if fields.keys() != {"base", "size"} or not (size.isascii() and size.isdigit()):
            raise SystemExit(
                f"ladingd: invalid default address pool {word!r}: want base=CIDR,size=NUMBER"
            )
        found.append((base, int(size)))
    try:
        check_pools(found)
    except InvalidArgument as error:
        raise SystemExit(f"ladingd: {error}") from error
    return tuple(found)


def network_options(words: Iterable[str]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """`bridge=com.docker.network.driver.mtu=1450` by driver."""
    found: dict[str, dict[str, str]] = {}
    for word in words:
        driver, equals, option = word.partition("=")
        name, again, value = option.partition("=")
        if not (driver and equals and name and again):
            raise SystemExit(
                f"ladingd: invalid default network option {word!r}: want DRIVER=NAME=VALUE"
            )
        found.setdefault(driver, {})[name] = value
    return tuple((driver, tuple(options.items())) for driver, options in found.items())


def _words(given: Mapping[str, object], name: str) -> list[str]:
    values = given.get(name)
    return [str(value) for value in values] if isinstance(values, list) else []
