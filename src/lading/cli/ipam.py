"""`network create --subnet --ip-range --gateway --aux-address`: which belongs to which subnet."""

from __future__ import annotations

import _socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.sdk.request import Document


def configs(
    subnets: Sequence[str],
    ip_ranges: Sequence[str],
    gateways: Sequence[str],
    aux_addresses: Mapping[str, str],
) -> list[Document]:
    """IPAM.Config, a range for each subnet. Raises ValueError with Docker's words."""
    if len(subnets) < len(ip_ranges) or len(subnets) < len(gateways):
        raise ValueError("every ip-range or gateway must have a corresponding subnet")
    found: dict[str, Document] = {}
    for subnet in subnets:
        for other in found:
            if _holds(other, subnet) or _holds(subnet, other):
                raise ValueError("multiple overlapping subnet configuration is not supported")
        found[subnet] = {"Subnet": subnet}
    for ip_range in ip_ranges:
        owner = _owner(found, ip_range)
        if owner is None:
            raise ValueError(f"no matching subnet for range {ip_range}")
        if "IPRange" in owner:
            raise ValueError(
                f"cannot configure multiple ranges ({ip_range}, {owner['IPRange']}) "
                f"on the same subnet ({owner['Subnet']})"
            )
        owner["IPRange"] = ip_range
    for gateway in gateways:
        owner = _owner(found, gateway)
        if owner is None:
            raise ValueError(f"no matching subnet for gateway {gateway}")
        if "Gateway" in owner:
            raise ValueError(
                f"cannot configure multiple gateways ({gateway}, {owner['Gateway']}) "
                f"for the same subnet ({owner['Subnet']})"
            )
        owner["Gateway"] = gateway
    for name, address in aux_addresses.items():
        owner = _owner(found, address)
        if owner is None:
            raise ValueError(f"no matching subnet for aux-address {address}")
        owner.setdefault("AuxiliaryAddresses", {})[name] = address
    return list(found.values())


def _owner(found: Mapping[str, Document], text: str) -> Document | None:
    return next((each for subnet, each in found.items() if _holds(subnet, text)), None)


def _holds(subnet: str, text: str) -> bool:
    """Whether the address, or the first of a subnet, is in the subnet. Raises ValueError."""
    base, bits = _number(subnet)
    address, of = _number(text)
    prefix = subnet.partition("/")[2]
    if not prefix.isdigit() or int(prefix) > bits:
        raise ValueError(f"invalid CIDR address: {subnet}")
    shift = bits - int(prefix)
    return bits == of and base >> shift == address >> shift


def _number(text: str) -> tuple[int, int]:
    """The address as a number, and how many bits its family has."""
    address = text.partition("/")[0]
    for family, bits in ((_socket.AF_INET, 32), (_socket.AF_INET6, 128)):
        try:
            return int.from_bytes(_socket.inet_pton(family, address), "big"), bits
        except OSError:
            continue
    raise ValueError(f"invalid CIDR address: {text}" if "/" in text else f"invalid IP: {text}")
