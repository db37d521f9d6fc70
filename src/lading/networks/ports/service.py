"""Publishing ports, in the order in which a crash at any instant loses nothing and leaves nothing.

    publish                                     unpublish
    1. sockets are bound by us                  1. elements are deleted: no new connection
    2. the file says so                         2. the porter closes the sockets
    3. the porter has the sockets               3. the file forgets them
    4. the packet filter has the elements

Killed before 2, the kernel frees the ports; after it, the next engine finds the file, and what the
container's state does not justify is unpublished by `reconcile`. A porter that has died is
replaced, and gets sockets that are bound anew.
"""

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial

from msgspec.structs import replace

from lading.errors import LadingError, SystemFault
from lading.failpoints import fp
from lading.kernel import sysctl
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket, conntrack
from lading.networks.firewall import Firewall, Opening, Redirect
from lading.networks.ports import door, files, placing, sockets
from lading.networks.ports.choosing import Numbers, Taken, ephemeral_range, reserved_ports
from lading.networks.ports.records import Published, Target
from lading.networks.ports.wishes import Wish
from lading.networks.records import Settings
from lading.steward.client import Client, StewardGone

log = logging.getLogger(__name__)
IPPROTO_UDP = 17
MAX_SOCKETS = 200  # in one message to the porter


class PublishFailed(SystemFault):
    """failed to set up container networking: driver failed programming external connectivity on \
endpoint {0} ({1}): {2}"""


class _CannotBind(OSError):
    """Its text is the reason alone: dockerd's words, which clients match on."""

    def __str__(self) -> str:
        return str(self.strerror)


class Ports:
    """The published ports of one engine. For the thread of the networks."""

    def __init__(self, exec_root: str, *, firewall: Firewall | None, settings: Settings) -> None:
        self._directory = f"{exec_root}/ports"
        self._porter = Client("porter", exec_root)
        self._make = door.maker(settings.host_door)
        # what arrives on the host does not pass our filter where its network is not ours
        redirects = firewall is not None and firewall.is_on and not settings.host_door
        self._firewall = firewall if redirects else None
        self._published: dict[str, list[Published]] = {}  # by container
        self._numbers = Numbers()
        self._open_bridges: set[str] = set()
        self._conntrack: NetlinkSocket | None = None
        self._means = placing.Means(
            has_filter=self._firewall is not None,
            has_relay=settings.userland_proxy,
            has_ipv6=partial(sockets.has_ipv6, self._make),
            default=settings.default_ip,
        )

    def open(self) -> None:
        """Read the files, and tell the packet filter. Nothing on the host changes."""
        self._published = files.load(self._directory)
        for one in self._all():
            if not one.is_open:
                self._numbers.take(one)
        if self._firewall:
            self._firewall.add(_rules(self._all()))

    def close(self) -> None:
        """Leave everything as it is for the next engine."""
        self._porter.close()
        if self._conntrack:
            self._conntrack.close()
            self._conntrack = None

    def of(self, container_id: str) -> Sequence[Published]:
        """The container's published ports."""
        return self._published.get(container_id, [])

    def containers(self) -> Sequence[str]:
        """The containers with published ports."""
        return [*self._published]

    def reconcile(self, running: Set[str]) -> None:
        """Unpublish what belongs to no running container; give the porter what it lacks."""
        for container in self.containers():
            if container not in running:
                self.unpublish(container)
        try:
            if self._published:
                self._revive()
            elif not self._porter.find():
                return
            if strangers := set(self._held()) - {one.key for one in self._all()}:
                self._porter.call("drop", {"keys": sorted(strangers)})
        except OSError as error:
            log.error("published ports are not held: %s", error)

    def publish(
        self, container_id: str, name: str, wishes: Iterable[Wish], targets: Mapping[int, Target]
    ) -> Sequence[Published]:
        """Publish all that is wished, or nothing. Raises PublishFailed.

        `targets` are where the container is reached by IPv4 and IPv6, those of the keys 4 and 6
        that there are.
        """
        bridges = {target.bridge for target in targets.values()}
        with contextlib.ExitStack() as bound:
            try:
                made = self._bind_all(container_id, wishes, targets, bound)
                self._publish(container_id, made, bridges)
            except (Taken, OSError) as error:
                endpoint = next(iter(targets.values())).endpoint
                raise PublishFailed(name, endpoint.id, error) from error
        return [one for one, _ in made]

    def unpublish(self, container_id: str, chosen: Sequence[Published] | None = None) -> None:
        """Take the container's ports back, or those of them that are chosen. Idempotent."""
        every = self._published.get(container_id, [])
        leaving = list(every if chosen is None else chosen)
        if not leaving:
            return
        fp("ports.before-release")
        if self._firewall:
            try:
                self._firewall.remove(_rules(leaving))
            except OSError as error:
                log.error("published ports of %s: %s", container_id, error)
        self._forget_flows(leaving)
        fp("ports.shut")
        if self._porter.is_connected:
            with contextlib.suppress(StewardGone):
                self._porter.call("drop", {"keys": [one.key for one in leaving]})
        fp("ports.dropped")
        staying = [one for one in every if one not in leaving]
        self._remember(container_id, staying)
        for one in leaving:
            if not one.is_open:
                self._numbers.give(one)
        fp("ports.released")

    def move(self, container_id: str, targets: Mapping[int, Target]) -> None:
        """Have ports lead to where the container is reached now. Failures are logged."""
        reached = {placing.address(target, version) for version, target in targets.items()}
        moving = [one for one in self.of(container_id) if one.target not in reached]
        if not moving:
            return
        wishes = [
            Wish(one.protocol, one.container_port, one.address, one.port, one.port, one.sources)
            for one in moving
        ]
        self.unpublish(container_id, moving)
        try:
            if targets:
                self.publish(container_id, container_id[:12], wishes, targets)
        except LadingError as error:
            log.error("published ports of %s cannot be moved: %s", container_id, error)

    def remove_everything(self) -> None:
        """Unpublish everything."""
        for container in self.containers():
            self.unpublish(container)
        if self._porter.is_connected or self._porter.find():
            with contextlib.suppress(StewardGone):
                self._porter.call("drop", {"keys": self._held()})
        self.close()

    def held(self) -> list[str]:
        """The keys of what the porter holds, for the audit; none without a porter."""
        try:
            return self._held() if self._porter.is_connected else []
        except StewardGone:
            return []

    def drop(self, keys: Sequence[str]) -> None:
        """Have the porter let go of what nobody owns. Raises StewardGone."""
        self._porter.call("drop", {"keys": [*keys]})

    @property
    def steward(self) -> Client:
        """The connection to the porter, for whoever watches it."""
        return self._porter

    def restore(self) -> None:
        """Give the porter what it should hold and does not. Raises OSError."""
        self._revive()

    def _all(self) -> Iterator[Published]:
        return (one for some in self._published.values() for one in some)

    def _remember(self, container_id: str, published: list[Published]) -> None:
        if published:
            self._published[container_id] = published
        else:
            self._published.pop(container_id, None)
        files.write(self._directory, container_id, published)

    def _publish(
        self,
        container_id: str,
        made: list[tuple[Published, socket.socket | None]],
        bridges: Iterable[str],
    ) -> None:
        """Steps 2 to 4. Raises OSError, after everything was taken back."""
        new = [one for one, _ in made]
        if not new:
            return
        for one in new:
            if not one.is_open:
                self._numbers.take(one)
        try:
            self._remember(container_id, [*self.of(container_id), *new])
            fp("ports.recorded")
            self._hold(made)
            fp("ports.held")
            if self._firewall and (found := _rules(new)):
                for bridge in bridges:
                    self._open_loopback(bridge)
                self._firewall.add(found)
            fp("ports.redirected")
            self._forget_flows(new)
        except BaseException:
            self.unpublish(container_id, new)
            raise

    def _bind_all(
        self,
        container_id: str,
        wishes: Iterable[Wish],
        targets: Mapping[int, Target],
        bound: contextlib.ExitStack,
    ) -> list[tuple[Published, socket.socket | None]]:
        """Step 1; the sockets are on `bound`. Raises Taken, OSError.

        Those that want one port come before those that can choose.
        """
        made: list[tuple[Published, socket.socket | None]] = []
        order = sorted(wishes, key=lambda wish: (not wish.is_fixed, not wish.first))
        mine = Numbers()
        for wish in order:
            places = placing.places(container_id, wish, targets, self._means)
            opened: list[tuple[Published, socket.socket | None]] = [
                (place, None) for place in places if place.is_open
            ]
            made += opened
            held = [place for place in places if not place.is_open]
            found = self._bind(wish, held, mine, bound) if held else []
            for one, _ in found:
                mine.take(one)
            made += found
        return made

    def _bind(
        self, wish: Wish, places: list[Published], mine: Numbers, bound: contextlib.ExitStack
    ) -> list[tuple[Published, socket.socket | None]]:
        """The places at the first number at which all of them are free. Raises Taken, OSError."""
        addresses = [place.address for place in places]
        limits = (_ephemeral(), _reserved()) if not wish.first else ((0, 0), frozenset[int]())
        for number in self._numbers.candidates(wish, *limits):
            holder = self._numbers.holder(wish.protocol, number, addresses) or mine.holder(
                wish.protocol, number, addresses
            )
            if holder and wish.is_fixed:
                raise Taken(f"Bind for {holder}:{number} failed: port is already allocated")
            if holder:
                continue
            try:
                return self._bind_at(number, places, bound)
            except OSError as error:
                if wish.is_fixed or error.errno != errno.EADDRINUSE:
                    raise
        raise Taken("all ports are allocated")

    def _bind_at(
        self, number: int, places: list[Published], bound: contextlib.ExitStack
    ) -> list[tuple[Published, socket.socket | None]]:
        """Bind all places at one number, or none. Raises OSError in dockerd's words."""
        with contextlib.ExitStack() as undo:
            made: list[tuple[Published, socket.socket | None]] = []
            for place in places:
                one = replace(place, port=number)
                held = self._bound(one)
                if held:
                    undo.callback(held.close)
                made.append((one, held))
            bound.push(undo.pop_all())
        return made

    def _hold(self, made: list[tuple[Published, socket.socket | None]]) -> None:
        """Give the sockets to the porter; a dead one is replaced. Raises OSError."""
        try:
            self._send(made)
        except StewardGone:
            self._revive()
            self._send(made)

    def _send(self, made: list[tuple[Published, socket.socket | None]]) -> None:
        given = [(one, held) for one, held in made if held]
        for start in range(0, len(given), MAX_SOCKETS):
            part = given[start : start + MAX_SOCKETS]
            items = [
                {"key": one.key, "container": one.container_id, "relay": one.relay()}
                for one, _ in part
            ]
            descriptors = [held.fileno() for _, held in part]
            self._porter.call("hold", {"items": items}, descriptors)

    def _held(self) -> list[str]:
        return list(self._porter.call("list", {})["keys"])

    def _revive(self) -> None:
        """Find a porter or start one, and give it the ports that it lacks. Raises OSError."""
        if not self._porter.find():
            self._porter.start()
        present = set(self._held())
        lacking = [one for one in self._all() if one.key not in present and not one.is_open]
        with contextlib.ExitStack() as bound:
            made: list[tuple[Published, socket.socket | None]] = []
            for one in lacking:
                try:
                    held = self._bound(one)
                except OSError as error:  # a port that is just being published is bound by us
                    log.debug("port %s is not held: %s", one.key, error)
                    continue
                if held:
                    bound.callback(held.close)
                    made.append((one, held))
            self._send(made)

    def _bound(self, one: Published) -> socket.socket | None:
        """The socket of a published port. Raises OSError in dockerd's words."""
        try:
            return sockets.bind(
                one.protocol, one.address, one.port, listens=one.is_relayed, make=self._make
            )
        except OSError as error:
            place = f"{one.address}:{one.port}:{one.target}:{one.container_port}/{one.protocol}"
            text = f"failed to bind host port for {place}: {os.strerror(error.errno or 0).lower()}"
            raise _CannotBind(error.errno, text) from error

    def _open_loopback(self, bridge: str) -> None:
        """Let 127.0.0.1 be redirected to the bridge; the filter's raw chain guards the loopback."""
        if bridge in self._open_bridges:
            return
        name = bridge.replace(".", "/")
        sysctl.write(f"net.ipv4.conf.{name}.route_localnet", "1")
        self._open_bridges.add(bridge)

    def _forget_flows(self, published: Iterable[Published]) -> None:
        """Flows of datagrams go where they went before; forget those of the ports that changed."""
        ports = {
            (6 if one.is_ipv6 else 4, one.port)
            for one in published
            if one.protocol == "udp" and one.is_redirected
        }
        if not ports:
            return
        try:
            # kept open: to close one waits for the deletion of elements that were just taken out
            if self._conntrack is None:
                self._conntrack = NetlinkSocket(NETLINK_NETFILTER)
            for version, port in ports:
                conntrack.forget(self._conntrack, version=version, protocol=IPPROTO_UDP, port=port)
        except OSError as error:
            log.warning("flows of published UDP ports cannot be forgotten: %s", error)


def _rules(published: Iterable[Published]) -> list[Redirect | Opening]:
    return [rule for one in published if (rule := one.rule())]


def _ephemeral() -> tuple[int, int]:
    try:
        return ephemeral_range(sysctl.read("net.ipv4.ip_local_port_range"))
    except OSError:
        return ephemeral_range("")


def _reserved() -> frozenset[int]:
    try:
        return reserved_ports(sysctl.read("net.ipv4.ip_local_reserved_ports"))
    except OSError:
        return frozenset()
