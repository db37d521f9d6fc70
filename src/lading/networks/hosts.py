"""A container's /etc/hosts and /etc/hostname (man 5 hosts). Pure."""

from collections.abc import Sequence
from ipaddress import ip_address

from lading.errors import InvalidArgument

HOST_GATEWAY = "host-gateway"  # --add-host name:host-gateway
_LOCALHOST = "127.0.0.1\tlocalhost\n"
# names and addresses as in dockerd's file; those of /etc/hosts on Debian are the same
_LOCALHOST_IPV6 = (
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n"
)


class BadExtraHost(InvalidArgument):
    """bad format for add-host: {0!r}"""


class BadExtraHostAddress(InvalidArgument):
    """invalid IP address in add-host: {0!r}"""


class NoHostGateway(InvalidArgument):
    """unable to derive the IP value for host-gateway"""


def build(
    hostname: str,
    *,
    ips: Sequence[str] = (),
    domainname: str = "",
    extra_hosts: Sequence[str] = (),
    gateways: Sequence[str] = (),
    ipv6: bool = False,
) -> str:
    """The hosts file: localhost, the extra hosts ("name:address"), the container itself.

    `ips` are the container's addresses; `ipv6` says whether it has IPv6; `gateways` are what
    `host-gateway` stands for.
    Raises BadExtraHost, BadExtraHostAddress, NoHostGateway.
    """
    lines = [_LOCALHOST, _LOCALHOST_IPV6 if ipv6 else ""]
    lines += [extra_host_line(entry, gateways=gateways) for entry in extra_hosts]
    lines += [own_line(ip, hostname, domainname=domainname) for ip in ips]
    return "".join(lines)


def own_line(ip: str, hostname: str, *, domainname: str = "") -> str:
    """The line of the container itself."""
    names = f"{hostname}.{domainname} {hostname}" if domainname else hostname
    return f"{ip}\t{names}\n"


def change(text: str, *, remove: Sequence[str], add: Sequence[str]) -> str:
    """The file without some lines and with others at its end; what the user wrote in it stays."""
    removed = set(remove)
    kept = [line for line in text.splitlines(keepends=True) if line not in removed]
    ended = "".join(kept)
    if ended and not ended.endswith("\n"):
        ended += "\n"
    return ended + "".join(line for line in add if line not in kept)


def extra_host_line(entry: str, *, gateways: Sequence[str] = ()) -> str:
    """The line of one "name:address"; the address may have colons and square brackets."""
    name, colon, address = entry.partition(":")
    if not name or not colon or not address:
        raise BadExtraHost(entry)
    if address == HOST_GATEWAY:
        if not gateways:
            raise NoHostGateway
        return "".join(f"{gateway}\t{name}\n" for gateway in gateways)
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    try:
        return f"{ip_address(address)}\t{name}\n"
    except ValueError:
        raise BadExtraHostAddress(address) from None


def hostname_file(hostname: str) -> str:
    """The text of /etc/hostname."""
    return hostname + "\n"
