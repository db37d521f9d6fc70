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
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial

from lading.errors import LadingError, SystemFault
from lading.failpoints import fp
from lading.networks.firewall import Firewall, Opening, Redirect
from lading.networks.ports import door, placing, sockets
from lading.networks.ports.binding import Binder, Bound
from lading.networks.ports.choosing import Numbers, Taken
from lading.networks.ports.flows import Flows
from lading.networks.ports.keeping import Keeper
from lading.networks.ports.records import Published, Target
from lading.networks.ports.wishes import Wish
from lading.networks.records import Settings
from lading.state import RunFiles
from lading.steward.client import Client, StewardGone

log = logging.getLogger(__name__)


class PublishFailed(SystemFault):
    """failed to set up container networking: driver failed programming external connectivity on \
endpoint {0} ({1}): {2}"""


class Ports:
    """The published ports of one engine. For the thread of the networks."""

    def __init__(self, exec_root: str, *, firewall: Firewall | None, settings: Settings) -> None:
        self._files = RunFiles(
            f"{exec_root}/ports", list[Published], of="published ports of container"
        )
        make = door.maker(settings.host_door)
        # what arrives on the host does not pass our filter where its network is not ours
        redirects = firewall is not None and firewall.is_on and not settings.host_door
        self._firewall = firewall if redirects else None
        self._published: dict[str, list[Published]] = {}  # by container
        self._numbers = Numbers()
        self._flows = Flows()
        means = placing.Means(
            has_filter=self._firewall is not None,
            has_relay=settings.userland_proxy,
            has_ipv6=partial(sockets.has_ipv6, make),
            default=settings.default_ip,
        )
        self._binder = Binder(self._numbers, means, make)
        self._keeper = Keeper(exec_root, self._all, self._binder.socket)

    def open(self) -> None:
        """Read the files, and tell the packet filter. Nothing on the host changes."""
        self._published = self._files.load()
        for one in self._all():
            if not one.is_open:
                self._numbers.take(one)
        if self._firewall:
            self._firewall.add(_rules(self._all()))

    def close(self) -> None:
        """Leave everything as it is for the next engine."""
        self._keeper.close()
        self._flows.close()

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
            self._keeper.settle()
        except OSError as error:
            log.error("published ports are not held: %s", error)

    def publish(
        self, container_id: str, name: str, wishes: Iterable[Wish], targets: Mapping[int, Target]
    ) -> Sequence[Published]:
        """Publish all that is wished, or nothing. Raises PublishFailed.

        `targets` are where the container is reached by IPv4 and IPv6, those of the keys 4 and 6
        that there are.
        """
        with contextlib.ExitStack() as bound:
            try:
                made = self._binder.bind(container_id, wishes, targets, bound)
                self._publish(container_id, made)
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
        self._flows.forget(leaving)
        fp("ports.shut")
        self._keeper.drop([one.key for one in leaving])
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
        with contextlib.suppress(OSError):
            self._keeper.settle()
        self.close()

    def held(self) -> list[str]:
        """The keys of what the porter holds, for the audit; none without a porter."""
        try:
            return self._keeper.held() if self._keeper.steward.is_connected else []
        except StewardGone:
            return []

    def drop(self, keys: Sequence[str]) -> None:
        """Have the porter let go of what nobody owns."""
        self._keeper.drop(keys)

    @property
    def steward(self) -> Client:
        """The connection to the porter, for whoever watches it."""
        return self._keeper.steward

    def restore(self) -> None:
        """Give the porter what it should hold and does not. Raises OSError."""
        self._keeper.restore()

    def _all(self) -> Iterator[Published]:
        return (one for some in self._published.values() for one in some)

    def _remember(self, container_id: str, published: list[Published]) -> None:
        if published:
            self._published[container_id] = published
        else:
            self._published.pop(container_id, None)
        self._files.write(container_id, published)

    def _publish(
        self,
        container_id: str,
        made: list[Bound],
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
            self._keeper.hold(made)
            fp("ports.held")
            if self._firewall and (found := _rules(new)):
                self._firewall.add(found)
            fp("ports.redirected")
            self._flows.forget(new)
        except BaseException:
            self.unpublish(container_id, new)
            raise


def _rules(published: Iterable[Published]) -> list[Redirect | Opening]:
    return [rule for one in published if (rule := one.rule())]
