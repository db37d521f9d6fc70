"""`docker container prune`: remove all that do not run and pass the filters."""

import time

from lading.containers.collection import Collection
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.lifecycle import Lifecycle
from lading.containers.listing import has_label
from lading.containers.record import ContainerRecord
from lading.errors import Conflict, InvalidArgument, LadingError
from lading.moments import parse_ns
from lading.wire.containers import ContainersPruned


class AlreadyPruning(Conflict):
    """a prune operation is already running"""


class ManyUntils(InvalidArgument):
    """more than one until filter specified"""


class Pruning:
    """Removes containers that do not run; one prune at a time."""

    def __init__(self, context: Context, known: Collection, lifecycle: Lifecycle) -> None:
        self._context = context
        self._known = known
        self._lifecycle = lifecycle
        self._is_running = False

    async def prune(self, filters: dict[str, list[str]]) -> ContainersPruned:
        """Raises AlreadyPruning, InvalidMoment, ManyUntils."""
        limit_ns = _limit(filters)
        if self._is_running:
            raise AlreadyPruning
        self._is_running = True
        try:
            return await self._prune(filters, limit_ns)
        finally:
            self._is_running = False

    async def _prune(self, filters: dict[str, list[str]], limit_ns: int) -> ContainersPruned:
        removed: list[str] = []
        freed = 0
        for container in self._known.all():
            if not is_prunable(container.record, filters, limit_ns):
                continue
            size = await self._context.usage(container.id)
            if await self._remove(container):
                removed.append(container.id)
                freed += size
        await self._context.publish_own("prune", {"reclaimed": str(freed)})
        return ContainersPruned(containers_deleted=removed or None, space_reclaimed=freed)

    async def _remove(self, container: Container) -> bool:
        """Whether it is gone: one that was started or removed meanwhile is left alone."""
        try:
            await self._lifecycle.remove(container, force=False)
        except LadingError:
            return False
        return True


def _limit(filters: dict[str, list[str]]) -> int:
    """Only what is older than this, in nanoseconds since 1970."""
    values = filters.get("until", [])
    if len(values) > 1:
        raise ManyUntils
    now_ns = time.time_ns()
    return parse_ns(values[0], now_ns=now_ns) if values else now_ns


def is_prunable(record: ContainerRecord, filters: dict[str, list[str]], limit_ns: int) -> bool:
    """Whether a prune with these filters removes it. Pure."""
    if record.state.is_running or record.state.status in ("restarting", "removing"):
        return False
    if record.created_ns >= limit_ns:
        return False
    return all(has_label(record, value) for value in filters.get("label", [])) and not any(
        has_label(record, value) for value in filters.get("label!", [])
    )
