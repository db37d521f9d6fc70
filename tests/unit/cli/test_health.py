"""The flags of a health check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.cli import health
from lading.cli.commands.create import COMMAND
from lading.cli.container_flags import CreateArguments
from lading.cli.parser import parse

if TYPE_CHECKING:
    from lading.sdk.request import Document


def config(*words: str) -> Document | None:
    return health.config(parse([*words, "image"], COMMAND, CreateArguments()))


def test_without_flags_the_image_decides() -> None:
    assert config() is None


def test_no_healthcheck_excludes_the_others() -> None:
    assert config("--no-healthcheck") == {"Test": ["NONE"]}
    with pytest.raises(ValueError, match="--no-healthcheck conflicts"):
        config("--no-healthcheck", "--health-cmd", "x")


def test_what_is_asked_is_sent_in_nanoseconds() -> None:
    words = ("--health-cmd", "curl x", "--health-interval", "5s", "--health-retries", "2")
    assert config(*words) == {
        "Test": ["CMD-SHELL", "curl x"],
        "Interval": 5_000_000_000,
        "Retries": 2,
    }


@pytest.mark.parametrize("flag", ["interval", "timeout", "start-period", "start-interval"])
def test_time_does_not_run_back(flag: str) -> None:
    with pytest.raises(ValueError, match=f"--health-{flag} cannot be negative"):
        config(f"--health-{flag}", "-1s")
