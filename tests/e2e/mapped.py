"""Engines with user namespaces, and the command line on them, for tests of what is seen and of what
is attacked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

REMAPPED, POOL = 500_000, 1_000_000
TABLE = f"dockremap:{REMAPPED}:65536\nlading:{POOL}:16777216\n"
BOOT = "import sys; from lading.app.lading import main; sys.exit(main())"


def made(new_engine: Callable[[], Engine], *flags: str) -> Iterator[Engine]:
    engine = new_engine()
    engine.subids = TABLE
    engine.flags = list(flags)
    engine.start()
    try:
        yield engine
    finally:
        engine.close()


def lading(engine: Engine, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    source = next(path for path in sys.path if path.endswith("src"))
    environ = os.environ | {"LADING_HOST": engine.address, "PYTHONPATH": source}
    command = [sys.executable, "-c", BOOT, *words]
    return subprocess.run(command, input=stdin, capture_output=True, env=environ, timeout=60)


def text(engine: Engine, *words: str) -> str:
    """The output of a command that must succeed."""
    done = lading(engine, *words)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def output(engine: Engine, *words: str) -> str:
    return text(engine, "run", "--rm", "--network", "none", *words)


def error(engine: Engine, *words: str) -> str:
    done = lading(engine, *words)
    assert done.returncode != 0, done.stdout
    return done.stderr.decode()
