"""The sockets of published ports in the porter's keeping: given over, made good when it dies."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from socket import socket as Socket

from lading.networks.ports.binding import Bound
from lading.networks.ports.records import Published
from lading.steward.client import Client, StewardGone

log = logging.getLogger(__name__)
MAX_SOCKETS = 200  # in one message to the porter


class Keeper:
    """What the porter has. `wanted` are the ports that it should, `bind` makes a socket anew."""

    def __init__(
        self,
        exec_root: str,
        wanted: Callable[[], Iterable[Published]],
        bind: Callable[[Published], Socket | None],
    ) -> None:
        self.steward = Client("porter", exec_root)
        self._wanted = wanted
        self._bind = bind

    def hold(self, made: list[Bound]) -> None:
        """Give the sockets to the porter; a dead one is replaced. Raises OSError."""
        try:
            self._send(made)
        except StewardGone:
            self.restore()
            self._send(made)

    def _send(self, made: list[Bound]) -> None:
        given = [(one, held) for one, held in made if held]
        for start in range(0, len(given), MAX_SOCKETS):
            part = given[start : start + MAX_SOCKETS]
            items = [
                {"key": one.key, "container": one.container_id, "relay": one.relay()}
                for one, _ in part
            ]
            descriptors = [held.fileno() for _, held in part]
            self.steward.call("hold", {"items": items}, descriptors)

    def held(self) -> list[str]:
        """The keys of what is held. Raises StewardGone."""
        return list(self.steward.call("list", {})["keys"])

    def restore(self) -> None:
        """Find a porter or start one, and give it the ports that it lacks. Raises OSError."""
        if not self.steward.find():
            self.steward.start()
        present = set(self.held())
        lacking = [one for one in self._wanted() if one.key not in present and not one.is_open]
        with contextlib.ExitStack() as bound:
            made: list[Bound] = []
            for one in lacking:
                try:
                    held = self._bind(one)
                except OSError as error:  # a port that is just being published is bound by us
                    log.debug("port %s is not held: %s", one.key, error)
                    continue
                if held:
                    bound.callback(held.close)
                    made.append((one, held))
            self._send(made)

    def settle(self) -> None:
        """Make the porter hold just what is wanted, starting one if need be. Raises OSError."""
        wanted = {one.key for one in self._wanted()}
        if wanted:
            self.restore()
        elif not self.steward.find():
            return
        if strangers := set(self.held()) - wanted:
            self.drop(sorted(strangers))

    def drop(self, keys: Sequence[str]) -> None:
        """Have the porter let go of these; one that has died has none. Raises StewardError."""
        if self.steward.is_connected:
            with contextlib.suppress(StewardGone):
                self.steward.call("drop", {"keys": [*keys]})

    def close(self) -> None:
        """Leave the porter alone."""
        self.steward.close()
