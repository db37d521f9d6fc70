"""An engine in no swarm says so, in dockerd's words."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/swarm"),
        ("GET", "/v1.41/nodes"),
        ("GET", "/services/x/logs?stdout=1"),
        ("POST", "/secrets/create"),
        ("DELETE", "/configs/x"),
        ("POST", "/services/x/update?version=1"),
    ],
)
def test_only_a_manager_can_do_that(api: Any, method: str, path: str) -> None:
    response, body = api.ask(method, path)
    assert response.status == 503
    assert body["message"].startswith("This node is not a swarm manager. Use ")


def test_there_is_nothing_to_leave(api: Any) -> None:
    response, body = api.ask("POST", "/swarm/leave?force=1")
    assert (response.status, body["message"]) == (503, "This node is not part of a swarm")


def test_a_swarm_cannot_be_made(api: Any) -> None:
    response, body = api.ask("POST", "/swarm/init", {})
    assert (response.status, body["message"]) == (
        501,
        "swarm mode is not supported by this engine",
    )
