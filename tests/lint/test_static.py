"""Linters and type checker are tests: one command says all."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TOOLS / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "src", "tests", "bench", "tools"),
        ("ruff", "format", "--check", "src", "tests", "bench", "tools"),
        ("mypy",),
        ("lint-imports", "--no-cache"),
    ],
    ids=lambda command: "-".join(command[:2]),
)
def test_finds_nothing(command: tuple[str, ...]) -> None:
    result = run(*command)
    assert (result.returncode, result.stdout + result.stderr) == (0, result.stdout + result.stderr)
