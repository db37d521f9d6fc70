"""The image operations; pulls and loads report as they go."""

import json
from typing import Any

import pytest

from lading.errors import NotFound


@pytest.mark.parametrize(
    ("query", "reference"),
    [
        ("fromImage=busybox&tag=1.36", "busybox:1.36"),
        ("fromImage=busybox", "busybox"),
        ("fromImage=a/b&tag=sha256:12", "a/b@sha256:12"),
        ("fromImage=busybox:", "busybox"),
    ],
)
def test_a_pull_names_one_reference(api: Any, query: str, reference: str) -> None:
    api.ask("POST", f"/images/create?{query}")
    assert api.backend.images.calls == [("pull", reference, None)]


def test_progress_is_a_line_per_message(api: Any) -> None:
    api.backend.images.messages = [{"status": "Pulling"}, {"status": "Done", "id": "x"}]
    response, body = api.ask("POST", "/images/create?fromImage=busybox")
    assert response.headers["Content-Type"] == "application/json"
    assert body == b'{"status":"Pulling"}\r\n{"status":"Done","id":"x"}\r\n'


def test_an_error_before_the_first_message_is_the_status(api: Any) -> None:
    api.backend.images.failure = NotFound("manifest for x not found")
    response, body = api.ask("POST", "/images/create?fromImage=x")
    assert (response.status, body) == (404, {"message": "manifest for x not found"})


def test_a_later_error_is_the_last_message(api: Any) -> None:
    api.backend.images.messages = [{"status": "Pulling"}]
    api.backend.images.failure = NotFound("gone")
    response, body = api.ask("POST", "/images/create?fromImage=x")
    assert response.status == 200
    last = json.loads(body.splitlines()[-1])
    assert last == {"errorDetail": {"message": "gone"}, "error": "gone"}


def test_a_load_streams_its_body(api: Any) -> None:
    response, body = api.ask("POST", "/images/load", "tar")
    assert (response.status, body) == (200, {"stream": 'Loaded image: "tar"\n'})


def test_remove_and_tag_call_one_function(api: Any) -> None:
    assert api.ask("DELETE", "/images/a/b:1?noprune=1")[1] == [{"Untagged": "a/b:1"}]
    assert api.ask("POST", "/images/a/b:1/tag?repo=c")[0].status == 201
    assert api.backend.images.calls == [
        ("remove", "a/b:1", False, False),
        ("tag", "a/b:1", "c", "latest"),
    ]


def test_old_clients_see_the_virtual_size(api: Any) -> None:
    assert "VirtualSize" not in api.ask("GET", "/images/json")[1][0]
    assert api.ask("GET", "/v1.43/images/json")[1][0]["VirtualSize"] == 7


def test_an_import_is_not_supported_yet(api: Any) -> None:
    assert api.ask("POST", "/images/create?fromSrc=-")[0].status == 501
