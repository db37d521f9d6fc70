"""Published ports as a container's record asks for them, and as documents tell them. Pure."""

from collections.abc import Iterable, Sequence

from lading.containers.record import ContainerRecord
from lading.networks.ports import Published, Wish, read
from lading.networks.ports.wishes import container_ports
from lading.wire.containers import PortSummary
from lading.wire.networks import PortBinding, PortMap


def wishes(record: ContainerRecord) -> list[Wish]:
    """What `-p` and `-P` ask for. Raises BadPort, BadSource, BadAddress."""
    host, config = record.host_config, record.config
    return read(
        host.port_bindings,
        exposed=config.exposed_ports or (),
        publish_all=host.publish_all_ports,
        labels=config.labels,
    )


def port_map(record: ContainerRecord, published: Sequence[Published]) -> PortMap:
    """`NetworkSettings.Ports` of a container that runs; null for what is exposed only."""
    found: PortMap = {}
    for port in sorted(_exposed(record)) if _has_own_network(record) else ():
        found[port] = None
    for one in _in_order(p for p in published if not p.is_open):
        binding = PortBinding(host_ip=one.address, host_port=str(one.port))
        places = found.get(f"{one.container_port}/{one.protocol}") or []
        found[f"{one.container_port}/{one.protocol}"] = [*places, binding]
    return dict(sorted(found.items()))


def summaries(record: ContainerRecord, published: Sequence[Published]) -> list[PortSummary]:
    """The ports of one row of a list; a container that does not run has none."""
    if not record.state.is_running or not _has_own_network(record):
        return []
    told = [
        PortSummary(
            ip=one.address, private_port=one.container_port, public_port=one.port, type=one.protocol
        )
        for one in _in_order(p for p in published if not p.is_open)
    ]
    known = {f"{one.container_port}/{one.protocol}" for one in published if not one.is_open}
    bare = [_bare(port) for port in _exposed(record) if port not in known]
    return sorted([*told, *bare], key=lambda port: (port.private_port, port.type))


def asked(record: ContainerRecord) -> list[PortSummary]:
    """What filters look at, whether the container runs or not: exposed ports as private ones, and
    those that `-p` names as public ones too, by the container's number as dockerd has it."""
    exposed = [_bare(port) for port in _exposed(record)]
    named = [
        PortSummary(private_port=number, public_port=number, type=protocol)
        for text in record.host_config.port_bindings or {}
        for protocol, number in container_ports(text)
    ]
    return [*exposed, *named]


def _exposed(record: ContainerRecord) -> list[str]:
    return [
        f"{number}/{protocol}"
        for text in record.config.exposed_ports or {}
        for protocol, number in container_ports(text)
    ]


def _has_own_network(record: ContainerRecord) -> bool:
    """Whether there is anything to say of ports: not in a namespace that is the host's or bare."""
    return record.host_config.network_mode not in ("host", "none")


def _bare(port: str) -> PortSummary:
    number, _, protocol = port.partition("/")
    return PortSummary(private_port=int(number), type=protocol)


def _in_order(published: Iterable[Published]) -> list[Published]:
    """IPv4 before IPv6."""
    return sorted(
        published, key=lambda one: (one.container_port, one.port, one.is_ipv6, one.address)
    )
