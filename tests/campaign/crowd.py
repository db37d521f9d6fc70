"""A thousand containers: how fast they start, what they hold, how soon the engine is back.

    PYTHONPATH=src:. python -m tests.campaign.crowd --containers 1000

Starts them by the API, four at a time, on the default network; measures memory of the engine and of
all monitors, `ps -a` by the API and by the command, the CPU of doing nothing; kills the engine and
measures how long the next one takes until it answers; stops and removes everything. Prints a line
for each figure, with the load of the machine, for wall times mean nothing on a busy one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.conftest import SOURCE, Engine

AT_ONCE = 4
TICKS = os.sysconf("SC_CLK_TCK")
CLIENT = f"""
import sys
sys.path.insert(0, {SOURCE!r})
from lading.app.lading import main
sys.exit(main())
"""


def cpu_s(pids: list[int]) -> float:
    """CPU seconds of these processes until now; one that has gone counts no more."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss_mib(pids: list[int]) -> float:
    """Proportional set size of these processes together."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:")
    return total / 1024


def say(what: str, figure: float, unit: str) -> None:
    print(f"{what:<46} {figure:>10.3f} {unit:<6} load {os.getloadavg()[0]:.1f}", flush=True)


class Crowd:
    """One engine and its many containers."""

    def __init__(self, engine: Engine, count: int) -> None:
        self._engine = engine
        self._count = count

    def begin(self, *, is_started: bool) -> None:
        """Create them, and start them."""
        engine = self._engine

        def one(number: int) -> None:
            document = {"Image": "base", "Cmd": ["sleep", "100000"]}
            engine.post(f"/containers/create?name=c{number}", document)
            if is_started:
                engine.post(f"/containers/c{number}/start")

        one(self._count)  # the image is made, the network completed
        ours = engine.process_ids()
        used, begun = cpu_s(ours), time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, range(1, self._count)))
        wall = time.monotonic() - begun
        say("created" + " and started" * is_started, (self._count - 1) / wall, "per s")
        say(
            "  CPU of engine and monitors, each",
            (cpu_s(engine.process_ids()) - used) * 1000 / self._count,
            "ms",
        )

    def look(self) -> None:
        """Memory, `ps -a`, and the CPU of an idle engine."""
        engine = self._engine
        time.sleep(5)  # shifts of monitors end when nothing has happened for a while
        ours = engine.process_ids()
        say(f"PSS of {len(ours)} processes of ours", pss_mib(ours), "MiB")
        daemon = [int(Path(f"{engine.directory}/pid").read_text())]
        say("  of which the engine", pss_mib(daemon), "MiB")
        say("ps -a, API", _median(lambda: engine.get("/containers/json?all=1")) * 1000, "ms")
        words = [sys.executable, "-c", CLIENT, "-H", engine.address, "ps", "-a"]
        run = lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True)  # noqa: E731
        say("ps -a, command", _median(run) * 1000, "ms")
        for what, pids in (("engine", daemon), ("all of ours", ours)):
            used, begun = cpu_s(pids), time.monotonic()
            time.sleep(10)
            idle = (cpu_s(pids) - used) / (time.monotonic() - begun)
            say(f"idle CPU of {what}", idle * 100, "%")

    def crash(self, what: str) -> None:
        """Kill the engine and start the next one."""
        self._engine.kill9()
        begun = time.monotonic()
        self._engine.start()
        say(f"start beside {what}", time.monotonic() - begun, "s")
        daemon = [int(Path(f"{self._engine.directory}/pid").read_text())]
        say("  CPU of the engine", cpu_s(daemon), "s")
        rows = self._engine.get("/containers/json?all=1")
        assert len(rows) == self._count, len(rows)

    def end(self) -> None:
        """Remove them, four at a time."""
        rows = self._engine.get("/containers/json?all=1")
        begun = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            paths = [f"/containers/{row['Id']}?force=1" for row in rows]
            list(pool.map(lambda path: self._engine.call("DELETE", path), paths))
        say("removed by force", len(rows) / (time.monotonic() - begun), "per s")


def _median(call: object) -> float:
    walls = []
    for _ in range(5):
        begun = time.monotonic()
        call()  # type: ignore[operator]
        walls.append(time.monotonic() - begun)
    return statistics.median(walls)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="a thousand containers, measured")
    parser.add_argument("--containers", type=int, default=1000)
    parser.add_argument("--records", action="store_true", help="create them, start none")
    options = parser.parse_args()
    engine = Engine()
    engine.start()
    crowd = Crowd(engine, options.containers)
    what = f"{options.containers} " + ("records" if options.records else "running containers")
    try:
        crowd.begin(is_started=not options.records)
        if not options.records:
            crowd.look()
        for _ in range(2):
            crowd.crash(what)
        crowd.end()
    finally:
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
