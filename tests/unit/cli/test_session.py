"""Which engine is meant."""

from __future__ import annotations

import pytest

from lading.cli.session import DEFAULT_HOST, Session, choose_host


@pytest.mark.parametrize(
    ("flag", "environ", "expected"),
    [
        ("tcp://a", {"LADING_HOST": "b", "DOCKER_HOST": "c"}, "tcp://a"),
        ("", {"LADING_HOST": "b", "DOCKER_HOST": "c"}, "b"),
        ("", {"LADING_HOST": "", "DOCKER_HOST": "c"}, "c"),
        ("", {}, DEFAULT_HOST),
    ],
)
def test_the_nearest_word_wins(flag: str, environ: dict[str, str], expected: str) -> None:
    assert choose_host(flag, environ) == expected


def test_a_version_can_be_asked_for() -> None:
    session = Session({"LADING_HOST": "unix:///x", "DOCKER_API_VERSION": "v1.44"})
    assert session.client.api_version == "1.44"
