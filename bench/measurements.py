"""Starts, bursts and idle containers: each a few rows of the table."""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeVar

from bench import costs
from bench.engines import Engine, environment
from bench.table import Row

IN_FLIGHT = (1, 4, 16)
BURSTS = 2
SETTLE_S = 1.0  # after the last start, before memory is read
MS = 1000
T = TypeVar("T")


class Bench:
    """The engines, an image that all have, and the options of this run."""

    def __init__(self, options: argparse.Namespace, engines: Sequence[Engine], image: str) -> None:
        self.options = options
        self.engines = engines
        self.image = image
        self.environ = environment()

    def docker(self, engine: Engine, *words: str) -> costs.Cost:
        """One `docker` command against an engine."""
        return costs.run([self.options.docker_cli, "-H", engine.host, *words], self.environ)

    def docker_all(self, *words: str) -> None:
        for engine in self.engines:
            self.docker(engine, *words)

    def lading(self, engine: Engine, *words: str) -> costs.Cost:
        """One `lading` command, by default against our own engine."""
        command = shlex.split(self.options.lading)
        return costs.run([*command, "-H", engine.host, *words], self.environ)

    def native(self, engine: Engine, *words: str) -> costs.Cost:
        """A command of the engine's own CLI."""
        ask = self.lading if engine is self.engines[0] else self.docker
        return ask(engine, *words)

    def in_turn(self, once: Callable[[Engine], T], count: int) -> list[list[T]]:
        """Ask one engine after the other, `count` times, after one time that does not count."""
        found: list[list[T]] = [[] for _ in self.engines]
        for number in range(count + 1):
            for index, engine in enumerate(self.engines):
                time.sleep(self.options.pause_ms / MS)
                value = once(engine)
                if number:
                    found[index].append(value)
        return found

    def note(self, rows: list[Row]) -> list[Row]:
        """Say at once, on stderr, what was found: a whole run takes minutes."""
        for row in rows:
            found = ", ".join("-" if value is None else f"{value:.4g}" for value in row.medians())
            print(f"{row.title}: {found} {row.unit}", file=sys.stderr, flush=True)
        return rows

    def runs(self) -> list[Row]:
        """`run --rm busybox true`, one at a time, by `docker` and by each engine's own CLI."""
        rows = []
        for title, words in (("--network none", ["--network", "none"]), ("default network", [])):
            command = ["run", "--rm", *words, self.image, "true"]
            for cli, ask in (("docker", self.docker), ("own CLI", self.native)):
                taken = self.in_turn(partial(_call, ask, command), self.options.runs)
                wall = [[cost.wall_s * MS for cost in costs_] for costs_ in taken]
                rows += self.note([Row(f"run --rm, {title}, {cli}", "ms", wall)])
        return rows

    def bursts(self) -> list[Row]:
        """Containers that came and went per second, through the API, several in flight."""
        rows = []
        for width in IN_FLIGHT:
            rates = self.in_turn(partial(self._rate, width), BURSTS)
            rows += self.note([Row(f"starts, {width} in flight, API", "/s", rates, is_rate=True)])
        return rows

    def _rate(self, width: int, engine: Engine) -> float:
        count: int = self.options.burst
        began = time.perf_counter()
        with ThreadPoolExecutor(width) as pool:
            list(pool.map(engine.run_once, [self.image] * count))
        return count / (time.perf_counter() - began)

    def idle(self) -> list[Row]:
        """Memory of sleeping containers and of the engines, and what `ps` of them costs."""
        before = [_engine_mib(engine, []) for engine in self.engines]
        with ExitStack() as stack:
            pids = [stack.enter_context(self._sleepers(engine)) for engine in self.engines]
            time.sleep(SETTLE_S)
            after = [_engine_mib(*pair) for pair in zip(self.engines, pids, strict=True)]
            each = [[sum(map(costs.pss_mib, _own(pid))) for pid in found] for found in pids]
            count = self.options.idle
            more = zip(before, after, each, strict=True)
            whole = [[(late - early + sum(own)) / count] for early, late, own in more]
            rows = [
                Row("PSS per idle container: its processes", "MiB", each),
                Row("PSS per idle container: with growth of engine", "MiB", whole),
                Row(f"PSS of the engine with {count} idle", "MiB", [[value] for value in after]),
            ]
            return self.note([*rows, *self._ps()])

    def _ps(self) -> list[Row]:
        taken = self.in_turn(lambda engine: self.native(engine, "ps"), self.options.runs)
        return [
            Row(
                "ps, own CLI: CPU of the command", "ms", [[c.cpu_s * MS for c in e] for e in taken]
            ),
            Row("ps, own CLI: on the clock", "ms", [[c.wall_s * MS for c in e] for e in taken]),
        ]

    @contextmanager
    def _sleepers(self, engine: Engine) -> Iterator[list[int]]:
        """Idle containers on the default network; yields the pids of their first processes."""
        names = [f"bench-idle-{number}" for number in range(self.options.idle)]
        try:
            for name in names:
                self.docker(engine, "run", "-d", "--name", name, self.image, "sleep", "1000")
            found = [engine.call("GET", f"/containers/{name}/json") for name in names]
            yield [document["State"]["Pid"] for document in found]
        finally:
            self.docker(engine, "rm", "-f", *names)


def _call(ask: Callable[..., costs.Cost], command: Sequence[str], engine: Engine) -> costs.Cost:
    return ask(engine, *command)


def _own(pid: int) -> tuple[int, int]:
    """What a container has for itself: its first process, and our monitor or containerd's shim."""
    return pid, costs.parent(pid)


def _engine_mib(engine: Engine, containers: Sequence[int]) -> float:
    """The engine and its helpers, without what is there for one container only."""
    others = {member for pid in containers for member in _own(pid)}
    return sum(costs.pss_mib(pid) for pid in costs.group(engine.pid) if pid not in others)
