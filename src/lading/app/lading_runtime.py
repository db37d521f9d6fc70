"""The `lading-runtime` command: the OCI runtime command line. Wiring only."""

import sys

from lading.runtime.command.main import main as run


def main() -> int:
    return run(sys.argv[1:])
