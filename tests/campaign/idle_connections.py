"""What an idle connection costs the engine: resident memory, beside a client that says nothing.

    PYTHONPATH=src:. python -m tests.campaign.idle_connections --connections 10000

Once with clients that never said a word, once with clients that asked and keep the connection.
"""

from __future__ import annotations

import argparse
import resource
import socket
import sys
import time
from pathlib import Path

from tests.campaign.crowd import cpu_s, pss_mib, say
from tests.e2e.conftest import Engine

QUESTION = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(engine: Engine, count: int, *, asks: bool) -> list[socket.socket]:
    """So many connections, each ready."""
    made = []
    for _ in range(count):
        one = socket.socket(socket.AF_UNIX)
        one.connect(engine.socket)
        if asks:
            one.sendall(QUESTION)
            while not one.recv(4096).endswith(b"OK"):
                continue
        made.append(one)
    return made


def main() -> int:
    """Print the figures; fail above 4 KiB each."""
    parser = argparse.ArgumentParser(description="idle connections, measured")
    parser.add_argument("--connections", type=int, default=10000)
    count = parser.parse_args().connections
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    engine = Engine()
    engine.start()
    is_small = True
    try:
        daemon = [int(Path(f"{engine.directory}/pid").read_text())]
        for asks in (False, True):
            engine.stop()
            engine.start()
            daemon = [int(Path(f"{engine.directory}/pid").read_text())]
            for one in connect(engine, 200, asks=True):  # what is loaded at the first use is there
                one.close()
            time.sleep(1)
            before, used = pss_mib(daemon), cpu_s(daemon)
            made = connect(engine, count, asks=asks)
            time.sleep(1)
            each = (pss_mib(daemon) - before) * 1024 / count
            is_small = is_small and each < 4
            say(f"{count} idle connections, asked: {asks}, each", each, "KiB")
            say("  CPU to take each", (cpu_s(daemon) - used) * 1e6 / count, "us")
            used, begun = cpu_s(daemon), time.monotonic()
            engine.get("/info")
            time.sleep(10)
            say("  CPU of the engine beside them", cpu_s(daemon) - used, "s")
            say("  in", time.monotonic() - begun, "s")
            for one in made:
                one.close()
    finally:
        engine.close()
    return 0 if is_small else 1


if __name__ == "__main__":
    sys.exit(main())
