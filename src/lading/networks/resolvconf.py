"""A container's resolv.conf, from the host's and what the user asked (man 5 resolv.conf). Pure.

A container in its own network namespace cannot reach a resolver on the host's loopback, so such
servers are left out; if none is left, public ones stand in, as dockerd does.
"""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

HOST_FILE = "/etc/resolv.conf"
# whom systemd-resolved asks; /etc/resolv.conf names its stub (man 8 systemd-resolved)
RESOLVED_FILE = "/run/systemd/resolve/resolv.conf"
_STUB = "127.0.0.53"
FALLBACK_SERVERS = ("8.8.8.8", "8.8.4.4")  # dockerd's


def host_text(read: Callable[[str], str]) -> str:
    """The text of the host's file, or of systemd-resolved's own if the host's names its stub.

    `read` returns a file's text and raises FileNotFoundError; a host without the file has "".
    """
    try:
        text = read(HOST_FILE)
    except FileNotFoundError:
        return ""
    if _values(text, "nameserver") != [[_STUB]]:
        return text
    try:
        return read(RESOLVED_FILE)
    except FileNotFoundError:
        return text


def nameservers(text: str) -> list[str]:
    """The addresses of the `nameserver` lines that are addresses, in order."""
    return [line[0] for line in _values(text, "nameserver") if line and _address(line[0])]


def build(
    host: str,
    *,
    servers: Sequence[str] = (),
    search: Sequence[str] = (),
    options: Sequence[str] = (),
    ipv6: bool = False,
    shares_host: bool = False,
) -> str:
    """The container's file; what is asked replaces what the host has of its kind.

    With `shares_host` the container is in the host's own network and can ask whom the host asks.
    `search` of only "." means no search list at all (--dns-search .).
    """
    of_host = nameservers(host)
    if not shares_host:
        of_host = _reachable(of_host, ipv6=ipv6) or [*FALLBACK_SERVERS]
    servers = servers or of_host
    # the last search line counts, and `domain` is an old form of it (man 5 resolv.conf)
    host_search = (_values(host, "search") or _values(host, "domain") or [[]])[-1]
    search = search or host_search
    options = options or [word for line in _values(host, "options") for word in line]
    lines = [f"nameserver {server}" for server in servers]
    if search and list(search) != ["."]:
        lines.append("search " + " ".join(search))
    if options:
        lines.append("options " + " ".join(options))
    return "\n".join(lines) + "\n"


def build_internal(
    host: str,
    *,
    address: str,
    search: Sequence[str] = (),
    options: Sequence[str] = (),
    asked: Sequence[tuple[str, bool]] = (),
) -> str:
    """The file of a container whose resolver is ours, at `address`.

    `asked` are those whom our resolver asks, and whether from the host: told in a comment. Names of
    one label are tried as they are first (ndots:0), since that is what containers are called.
    """
    host_search = (_values(host, "search") or _values(host, "domain") or [[]])[-1]
    search = search or host_search
    chosen = [*(options or [word for line in _values(host, "options") for word in line])]
    if not any(option.partition(":")[0] == "ndots" for option in chosen):
        chosen.append("ndots:0")
    told = " ".join(f"host({server})" if is_host else server for server, is_host in asked)
    lines = [f"nameserver {address}"]
    if search and list(search) != ["."]:
        lines.append("search " + " ".join(search))
    lines.append("options " + " ".join(chosen))
    lines.append(f"# the resolver at {address} answers for names of containers and asks: {told}")
    return "\n".join(lines) + "\n"


def _reachable(servers: list[str], *, ipv6: bool) -> list[str]:
    """Those that a container can ask: no loopback, and IPv6 only if it has any."""
    addresses = ((server, _address(server)) for server in servers)
    return [
        server
        for server, address in addresses
        if address and not address.is_loopback and (ipv6 or address.version == 4)
    ]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _values(text: str, keyword: str) -> list[list[str]]:
    """The words behind the keyword, of each line that begins with it."""
    lines = (line.split() for line in text.splitlines())
    return [words[1:] for words in lines if words and words[0] == keyword]
