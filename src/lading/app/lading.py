"""The `lading` command: takes the process's words and environment, and ends with the exit code.

Imports `sys` and, inside, what the command needs: the start of the interpreter is most of the
time that `lading ps` takes.
"""

import sys


def main() -> int:
    """Run the command line of this process. Ctrl-C while modules still load is quiet too."""
    try:
        import os

        from lading.cli import dispatch

        return dispatch.main(sys.argv[1:], os.environ)
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells count
