"""The answer to `stats`: counters of a container's cgroup and interfaces, a sample a second.

A container is sampled while somebody asks, and for a while after, so that whoever asks again gets
an answer at once. All that are asked for are sampled together by one task, in a worker thread.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable

from lading.containers.container import Container
from lading.containers.layout import Layout
from lading.containers.stats_document import Sample, document, empty, online_cpus
from lading.kernel import netdev
from lading.kernel.cgroup.gauges import Gauges
from lading.wire.stats import Stats

PERIOD_S = 1.0
FIRST_PAUSE_S = 0.1  # between the two samples of the first answer, when there is none yet
KEPT_S = 30.0  # how long a container is sampled after the last question


class Watch:
    """One run of a container that is sampled."""

    def __init__(self, container: Container, layout: Layout) -> None:
        self.container = container
        self.run = container.run
        self.asked_at = 0.0
        self.readers = 0
        self.before: Sample | None = None
        self.last: Sample | None = None
        self._gauges = Gauges(
            layout.cgroup(container.id, container.record.host_config.cgroup_parent)
        )

    @property
    def is_current(self) -> bool:
        """Whether the run goes on."""
        return self.container.run is self.run and self.container.record.state.is_running

    def take(self, time_ns: int, system_ns: int) -> None:
        """One more sample."""
        state, host = self.container.record.state, self.container.record.host_config
        networks: dict[str, dict[str, int]] = {}
        if state.pid and host.network_mode != "host":
            try:
                networks = netdev.read(state.pid)
            except OSError:  # it has just ended
                networks = {}
        sample = Sample(time_ns, system_ns, self._gauges.read(), networks)
        self.before, self.last = self.last, sample

    def document(self) -> Stats:
        """The last sample with the one before it; the run may have ended since."""
        if self.last is None or not self.is_current:
            return empty(self.container.record)
        return document(self.container.record, self.last, self.before)

    def close(self) -> None:
        self._gauges.close()


class Sampler:
    """Samples of the containers that are asked for."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._watches: dict[str, Watch] = {}
        self._ticked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._taking = asyncio.Lock()  # one thread at a time
        self._system_ns = _stat_ns()
        self._system_at = time.monotonic_ns()

    async def once(self, container: Container, *, one_shot: bool) -> Stats:
        """One sample; unless `one_shot`, with the CPU of one before it."""
        watch = self._watch(container)
        if watch is None:
            return empty(container.record)
        if watch.last is None or one_shot:
            await self._take([watch])
        if one_shot and watch.last is not None:
            return document(container.record, watch.last)
        if watch.before is None:
            await asyncio.sleep(FIRST_PAUSE_S)
            await self._take([watch])
        return watch.document()

    async def stream(self, container: Container) -> AsyncIterator[Stats]:
        """A sample a second, the first at once, until the container is removed."""
        watch: Watch | None = None
        try:
            while not container.is_removed:
                current = self._watch(container)
                if current is not watch:
                    if watch is not None:
                        watch.readers -= 1
                    watch = current
                    if watch is not None:
                        watch.readers += 1
                if watch is not None and watch.last is None:
                    await self._take([watch])
                yield watch.document() if watch is not None else empty(container.record)
                await self._wait_tick()
        finally:
            if watch is not None:
                watch.readers -= 1

    async def aclose(self) -> None:
        """Stop sampling."""
        if self._task is not None:
            self._task.cancel()
        for watch in self._watches.values():
            watch.close()
        self._watches.clear()

    def _watch(self, container: Container) -> Watch | None:
        """The watch of the current run, made if need be; None when it does not run."""
        if not container.record.state.is_running:
            return None
        watch = self._watches.get(container.id)
        if watch is None or not watch.is_current:
            if watch is not None:
                watch.close()
            watch = self._watches[container.id] = Watch(container, self._layout)
        watch.asked_at = time.monotonic()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._tick())
        return watch

    async def _wait_tick(self) -> None:
        if self._task is None or self._task.done():
            await asyncio.sleep(PERIOD_S)
        else:
            await self._ticked.wait()

    async def _tick(self) -> None:
        """Sample everybody once a second, until nobody has asked for a while."""
        while self._watches:
            await asyncio.sleep(PERIOD_S)
            oldest = time.monotonic() - KEPT_S
            for name, watch in list(self._watches.items()):
                if not watch.is_current or (not watch.readers and watch.asked_at < oldest):
                    self._watches.pop(name).close()
            await self._take(self._watches.values())
            ticked, self._ticked = self._ticked, asyncio.Event()
            ticked.set()

    async def _take(self, watches: Iterable[Watch]) -> None:
        async with self._taking:
            await asyncio.to_thread(self._take_all, list(watches))

    def _take_all(self, watches: list[Watch]) -> None:
        for watch in watches:
            now = time.monotonic_ns()
            self._system_ns += (now - self._system_at) * online_cpus()
            self._system_at = now
            watch.take(time.time_ns(), self._system_ns)


def _stat_ns() -> int:
    """The time of all CPUs since the boot, in nanoseconds. man 5 proc, /proc/stat: eight columns
    count, the two of guests are in the others.
    """
    with open("/proc/stat", encoding="ascii") as file:
        words = file.readline().split()[1:9]
    return sum(map(int, words)) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
