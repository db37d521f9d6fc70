"""Notices when others change what is ours, and has it repaired.

`nft flush ruleset`, a reload of firewalld or of /etc/nftables.conf take our tables away; dockerd
and ufw rewrite FORWARD. The kernel tells of each change as it happens; one that is about us and not
by us is followed by a repair: at once, and then not more than once in PAUSE_S.
"""

import asyncio
import enum
import errno
import logging
from collections.abc import Awaitable, Callable

from lading.kernel.nftables.events import DELETIONS, Event, Events
from lading.networks.firewall.others import IPTABLES, USER_TABLE

PAUSE_S = 1.0
log = logging.getLogger(__name__)


class Change(enum.Flag):
    """What a change may have taken from us."""

    NOTHING = 0
    TABLE = 1  # rules or elements of ours
    OTHERS = 2  # our marks in the chains of others, or the administrator's chain


def meaning(event: Event, *, table: str, own_port: int) -> Change:
    """What the change may have taken from us. Pure."""
    if event.port == own_port:
        return Change.NOTHING
    if event.table == table:
        return Change.TABLE
    is_users = event.table == USER_TABLE and event.message_type in DELETIONS
    return Change.OTHERS if is_users or event.table == IPTABLES[0] else Change.NOTHING


class Watch:
    """Runs in the event loop; `repair` is called when something was changed."""

    def __init__(
        self, table: str, own_port: int, repair: Callable[[Change], Awaitable[None]]
    ) -> None:
        """Raises OSError if the kernel has no nfnetlink."""
        self._events = Events()
        self._table = table
        self._own_port = own_port
        self._repair = repair
        self._task: asyncio.Task[None] | None = None
        self._due = Change.NOTHING
        asyncio.get_running_loop().add_reader(self._events.fileno(), self._read)

    def close(self) -> None:
        """Stop watching."""
        asyncio.get_running_loop().remove_reader(self._events.fileno())
        self._events.close()
        if self._task:
            self._task.cancel()

    def _read(self) -> None:
        try:
            for event in self._events.read():
                self._due |= meaning(event, table=self._table, own_port=self._own_port)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self._due |= Change.TABLE | Change.OTHERS  # more than we could hear of
        if self._due and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        while self._due:
            due, self._due = self._due, Change.NOTHING
            if Change.TABLE in due:
                log.warning("another program has changed our packet filter: making it anew")
            try:
                await self._repair(due)
            except OSError as error:
                log.error("the packet filter cannot be repaired: %s", error)
            await asyncio.sleep(PAUSE_S)
