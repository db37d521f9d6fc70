"""A script in a process of its own that dies at a failpoint, as by `kill -9`."""

import os
import subprocess
import sys
from pathlib import Path

import lading

SOURCE = str(Path(lading.__file__).parent.parent)


def run(script: str, *arguments: str, failpoint: str) -> int:
    """Run it until the failpoint; its exit status, -9 when the failpoint was passed."""
    environment = {**os.environ, "PYTHONPATH": SOURCE, "LADING_FAILPOINT": failpoint}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment, check=False, timeout=60).returncode


def points(script: str, *arguments: str, prefix: str, names: Path) -> list[str]:
    """The failpoints of a room that the script passes when it is not killed, in order of name."""
    assert run(script, *arguments, failpoint=f"list:{names}") == 0
    return sorted(name for name in names.read_text().split() if name.startswith(prefix))
