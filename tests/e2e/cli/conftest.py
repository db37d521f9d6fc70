"""The command line against a running engine: ours, or the one that LADING_TEST_ENGINE names.

Any engine that speaks Docker's API will do: what is tested here is the command.
LADING_TEST_IMAGE names an image in it that has a shell and the usual tools.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect  # type: ignore[import-untyped]  # ships no types
import pytest

import lading

if TYPE_CHECKING:
    from collections.abc import Iterator

BOOT = "import sys; from lading.app.lading import main; sys.exit(main())"


class CommandLine:
    """`lading` as a user runs it; containers that it starts by `run` bear the test's label."""

    def __init__(self, engine: str, label: str) -> None:
        self.label = label
        source = os.path.dirname(os.path.dirname(lading.__file__))
        self.environ = os.environ | {
            "LADING_HOST": engine,
            "PYTHONPATH": source,
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-c", BOOT, *words]

    def run_words(self, *words: str) -> list[str]:
        """`run`, without a network, with the label."""
        return self.words("run", "--network", "none", "--label", self.label, *words)

    def __call__(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.words(*words), input=stdin, capture_output=True, env=self.environ, timeout=60
        )

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.run_words(*words), input=stdin, capture_output=True, env=self.environ, timeout=60
        )

    def popen(self, words: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environ,
        )

    def on_terminal(self, words: list[str]) -> pexpect.spawn:
        """The same on a terminal of 33 rows and 101 columns."""
        return pexpect.spawn(
            words[0],
            words[1:],
            env=self.environ,
            encoding="utf-8",
            timeout=20,
            dimensions=(33, 101),
        )


@pytest.fixture
def command(address: str, request: pytest.FixtureRequest) -> Iterator[CommandLine]:
    command = CommandLine(address, f"lading.test={os.getpid()}-{request.node.name}")
    yield command
    left = command("ps", "-aq", "--filter", f"label={command.label}").stdout.decode().split()
    if left:
        command("rm", "-f", *left)
