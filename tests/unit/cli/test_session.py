"""What a command is given."""

from __future__ import annotations

from lading.cli.session import Session


def test_a_version_can_be_asked_for() -> None:
    session = Session({"LADING_HOST": "unix:///x", "DOCKER_API_VERSION": "v1.44"})
    assert session.client.api_version == "1.44"
