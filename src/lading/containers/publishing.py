"""Publishing more ports, or fewer, while a container runs: `lading update --publish-add`.

What is asked for changes (`HostConfig.PortBindings`) and what is follows it. A crash between the
two leaves ports that nobody asks for any more; `settle` takes them back when the next engine
starts.
"""

from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from lading.containers import published
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.record import ContainerRecord
from lading.errors import InvalidArgument, LadingError
from lading.networks.ports import Published, Wish
from lading.networks.ports.wishes import container_ports
from lading.wire.containers import ContainerUpdate
from lading.wire.networks import PortBinding, PortMap


class NotPublished(InvalidArgument):
    """container port {0} is not published{1}"""


class ModeHasNoPorts(InvalidArgument):
    """conflicting options: port publishing and the {0} network mode"""


def changed(record: ContainerRecord, asked: ContainerUpdate) -> ContainerRecord:
    """The record with the ports that the update leaves. Pure; raises NotPublished, BadPort, ..."""
    if not asked.publish_add and not asked.publish_rm:
        return record
    mode = record.host_config.network_mode
    if mode in ("host", "none") or mode.startswith("container:"):
        raise ModeHasNoPorts(mode.partition(":")[0])
    bindings = {port: list(places or []) for port, places in _plain(record).items()}
    for port, places in (asked.publish_rm or {}).items():
        for protocol, number in container_ports(port):
            _take(bindings, f"{number}/{protocol}", places)
    for port, places in (asked.publish_add or {}).items():
        for protocol, number in container_ports(port):
            there = bindings.setdefault(f"{number}/{protocol}", [])
            there += [place for place in places or [PortBinding()] if place not in there]
    host = replace(record.host_config, port_bindings=bindings)
    after = replace(record, host_config=host)
    published.wishes(after)  # which refuses nonsense
    return after


def stray(made: Sequence[Published], wishes: Sequence[Wish]) -> list[Published]:
    """Published ports that no wish asks for. Pure."""
    return [one for one in made if not any(_fits(one, wish) for wish in wishes)]


async def follow(context: Context, container: Container, after: ContainerRecord) -> None:
    """Publish and unpublish what the new record says. Raises PublishFailed: all is as it was."""
    before, wanted = published.wishes(container.record), published.wishes(after)
    new = [wish for wish in wanted if wish not in before]
    networks = context.networks
    leaving = stray(networks.ports.of(container.id), wanted)

    def work() -> None:
        networks.ports.unpublish(container.id, leaving)
        try:
            networks.publish(container.id, after.name, new)
        except LadingError:
            lost = [wish for wish in before if any(_fits(one, wish) for one in leaving)]
            with suppress(LadingError):  # the first error is the one to tell
                networks.publish(container.id, after.name, lost)
            raise

    if leaving or new:
        await context.call_network(work)


async def settle(context: Context, container: Container) -> None:
    """Take back ports of a running container that its record does not ask for."""
    ports = context.networks.ports
    with suppress(LadingError):  # a record of before a check was there: its ports stay
        leaving = stray(ports.of(container.id), published.wishes(container.record))
        if leaving:
            await context.call_network(lambda: ports.unpublish(container.id, leaving))


def _plain(record: ContainerRecord) -> PortMap:
    """The bindings by single ports with their protocol."""
    found: PortMap = {}
    for port, places in (record.host_config.port_bindings or {}).items():
        for protocol, number in container_ports(port):
            found[f"{number}/{protocol}"] = places
    return found


def _take(
    bindings: dict[str, list[PortBinding]], port: str, places: Sequence[PortBinding] | None
) -> None:
    there = bindings.get(port, [])
    if not there:
        raise NotPublished(port, "")
    if not places:
        del bindings[port]
        return
    for place in places:
        same = [
            one
            for one in there
            if one.host_port == place.host_port and place.host_ip in ("", one.host_ip)
        ]
        if not same:
            raise NotPublished(port, f" at {place.host_ip or '*'}:{place.host_port}")
        there = [one for one in there if one not in same]
    bindings[port] = there
    if not there:
        del bindings[port]


def _fits(one: Published, wish: Wish) -> bool:
    return (
        (one.protocol, one.container_port) == (wish.protocol, wish.container_port)
        and wish.address in ("", one.address)
        and (one.is_open or not wish.first or wish.first <= one.port <= wish.last)
        and one.sources == wish.sources
    )
