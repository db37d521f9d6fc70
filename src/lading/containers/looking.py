"""Looking at containers: inspect, list, top. Nothing is changed here."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial

from lading.containers import listing, views
from lading.containers.collection import Collection
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.exec import Execs
from lading.containers.listing import Listing
from lading.containers.record import NotRunning, Restarting
from lading.containers.top import top
from lading.errors import LadingError
from lading.images import lookup
from lading.kernel import pidfd
from lading.kernel.cgroup import Cgroup
from lading.wire.containers import ContainerInspect, ContainerSummary, ContainerTop


class Looking:
    """Tells what containers there are and what they do."""

    def __init__(self, context: Context, known: Collection, execs: Execs) -> None:
        self._context = context
        self._known = known
        self._execs = execs

    async def inspect(self, container: Container, *, size: bool) -> ContainerInspect:
        """Everything about one container."""
        sizes = await self.sizes([container]) if size else {}
        execs = self._execs.ids_of(container)
        return views.inspect(container, self._context, execs, sizes.get(container.id))

    async def list(self, asked: Listing, *, size: bool) -> Sequence[ContainerSummary]:
        """Containers, newest first; running ones only, unless asked otherwise."""
        chosen = listing.choose(
            self._known.all(),
            asked,
            find=self._known.find,
            facts=lambda container: views.facts(container, self._context),
            images=self._images_named(asked.filters.get("ancestor", ())),
        )
        sizes = await self.sizes(chosen) if size else {}
        links = self._known.link_names()
        return [
            views.summary(each, self._context, sizes.get(each.id), links.get(each.id, ()))
            for each in chosen
        ]

    def _images_named(self, references: Iterable[str]) -> frozenset[str]:
        """The ids of those images that are here."""
        found = set()
        for reference in references:
            with suppress(LadingError):
                query = partial(lookup.find, text=reference)
                found.add(self._context.database.read(query).record.digest)
        return frozenset(found)

    async def sizes(self, containers: Iterable[Container]) -> dict[str, views.Sizes]:
        """What the files of these containers take, counted now."""
        return {
            each.id: views.Sizes(
                await self._context.usage(each.id),
                self._context.snapshots.chain_bytes(each.id),
            )
            for each in containers
        }

    async def top(self, container: Container, arguments: str) -> ContainerTop:
        """Its processes, as `ps` prints them. Raises NotRunning, PsFailed."""
        if container.record.state.status == "restarting":
            raise Restarting(container.id)
        if not container.record.state.is_running:
            raise NotRunning(container.id)
        group = Cgroup(self._context.cgroup(container))
        pids = await asyncio.to_thread(group.pids)
        if not pids:  # an engine of a plain user has no cgroups
            pids = await asyncio.to_thread(pidfd.members, container.record.state.pid)
        return await top(pids, arguments)
