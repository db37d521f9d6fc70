"""What a container is told about a name: an answer, or that others must be asked. Pure.

    the name of a container in a network of its own   A, AAAA: its addresses, in any order
                                                      any other type: nothing, but no error
    _80._tcp.web                                      SRV: port 80 of web
    2.0.18.172.in-addr.arpa, ...ip6.arpa              PTR: name.network
    anything else                                     forwarded, or NXDOMAIN where that is not done

A name that is known without an address of the family asked for is answered with nothing: NXDOMAIN
would make resolvers believe that there is no such name at all.
"""

from __future__ import annotations

from lading.steward import dns_message as dns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.steward.zones import Host, Zones

TTL_S = 600  # dockerd's


def answer(
    query: dns.Query,
    zones: Zones,
    container: str,
    *,
    limit: int,
    shuffle: Callable[[list[dns.Record]], None],
) -> bytes | None:
    """The answer; None if the name is not ours."""
    if query.qclass != dns.IN:
        return None
    if query.name.endswith(".arpa"):
        return _reverse(query, zones, container, limit)
    hosts = _called(zones, container, query.name)
    if hosts:
        records = _addresses(hosts, query.kind)
        shuffle(records)
        return dns.reply(query, dns.NOERROR, records, limit=limit, ttl=TTL_S)
    if query.name.startswith("_"):
        return _service(query, zones, container, limit)
    return None


def _called(zones: Zones, container: str, name: str) -> list[Host]:
    return [host for zone in zones.of(container) for host in zone.called(name, by=container)]


def _addresses(hosts: list[Host], kind: int) -> list[dns.Record]:
    """Each address once: a host may be known under one name in several networks."""
    found: dict[bytes, dns.Record] = {}
    for host in hosts:
        for its_kind, data in ((dns.A, host.ipv4), (dns.AAAA, host.ipv6)):
            if data and kind in (its_kind, dns.ANY):
                found[data] = dns.Record(its_kind, data)
    return [*found.values()]


def _service(query: dns.Query, zones: Zones, container: str, limit: int) -> bytes | None:
    """`_80._tcp.web`: the port as a number, as nothing here knows names of services."""
    parts = query.name.split(".", 2)
    if len(parts) < 3 or parts[1] not in ("_tcp", "_udp", "_sctp"):
        return None
    hosts = _called(zones, container, parts[2])
    if not hosts:
        return None
    number = parts[0][1:]
    if query.kind != dns.SRV or not number.isdecimal() or int(number) > 65535:
        return dns.reply(query, dns.NOERROR, limit=limit, ttl=TTL_S)
    target = parts[2]
    records = [dns.Record(dns.SRV, dns.srv_data(int(number), target))]
    additional = [
        dns.Record(record.kind, record.data, target) for record in _addresses(hosts, dns.ANY)
    ]
    return dns.reply(query, dns.NOERROR, records, additional, limit=limit, ttl=TTL_S)


def _reverse(query: dns.Query, zones: Zones, container: str, limit: int) -> bytes | None:
    address = reversed_address(query.name)
    if not address:
        return None
    for zone in zones.of(container):
        host = zone.at(address)
        if host is None or not host.names:
            continue
        records = []
        if query.kind in (dns.PTR, dns.ANY):
            name = dns.encode_name(f"{host.names[0]}.{zone.name}")
            records.append(dns.Record(dns.PTR, name))
        return dns.reply(query, dns.NOERROR, records, limit=limit, ttl=TTL_S)
    return None


def reversed_address(name: str) -> bytes:
    """The address in `2.0.18.172.in-addr.arpa` or its longer sister; b"" if it is none."""
    try:
        if name.endswith(".in-addr.arpa"):
            octets = name.removesuffix(".in-addr.arpa").split(".")
            found = bytes(int(octet) for octet in reversed(octets))
            return found if len(found) == 4 else b""
        if name.endswith(".ip6.arpa"):
            digits = name.removesuffix(".ip6.arpa").split(".")
            if any(len(digit) != 1 for digit in digits):
                return b""
            found = bytes.fromhex("".join(reversed(digits)))
            return found if len(found) == 16 else b""
    except ValueError:
        return b""
    return b""
