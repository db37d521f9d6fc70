"""The `lading-runtime` command: the OCI runtime command line. Wiring only."""

from __future__ import annotations

import gc
import os
import sys

gc.disable()  # before the imports: whatever a command makes is less work than to look through it

from lading.runtime.command.main import main as run  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run, and end without a look back: to take an interpreter down costs 4 ms of a start."""
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads any more
        status = status or 1
    os._exit(status)
