"""The image operations; pulls and loads report as they go."""

import base64
import json
from typing import Any

import pytest

from lading.errors import NotFound
from lading.wire.auth import AuthConfig


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


def test_a_load_that_fails_answers_200_and_tells_in_the_stream(api: Any) -> None:
    api.backend.images.failure = NotFound("no image in it")
    response, body = api.ask("POST", "/images/load", "tar")
    assert response.status == 200
    assert body == {"errorDetail": {"message": "no image in it"}, "error": "no image in it"}


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


def test_an_import_is_a_create_without_an_image(api: Any) -> None:
    path = "/images/create?fromSrc=-&repo=a/b&tag=1&message=m&changes=CMD+x&changes=USER+y"
    assert api.ask("POST", path, "tar")[1] == {"status": "sha256:1"}
    [(verb, body, options)] = api.backend.images.calls
    assert (verb, body) == ("import", b'"tar"')
    assert (options["repo"], options["tag"], options["message"]) == ("a/b", "1", "m")
    assert (options["source"], options["changes"]) == ("-", ["CMD x", "USER y"])


def test_credentials_come_in_a_header(api: Any) -> None:
    value = base64.urlsafe_b64encode(b'{"username":"me","password":"?>?>"}').decode().rstrip("=")
    api.ask("POST", "/images/create?fromImage=x", headers={"X-Registry-Auth": value})
    assert api.backend.images.auth.pair() == ("me", "?>?>")
    api.ask("POST", "/images/x/push", headers={"X-Registry-Auth": "no JSON"})
    assert api.backend.images.auth == AuthConfig()


def test_a_push_names_tag_and_platform(api: Any) -> None:
    platform = "%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22arm64%22%7D"
    api.ask("POST", f"/images/host:5000/a/b/push?tag=v1&platform={platform}")
    assert api.backend.images.calls == [("push", "host:5000/a/b", "v1", "linux/arm64")]
    answer = api.ask("POST", "/images/a/push?platform=linux")
    assert answer[0].status == 400


def test_an_archive_of_one_and_of_several(api: Any) -> None:
    response, body = api.ask("GET", "/images/get?names=a&names=b:1")
    assert (response.headers["Content-Type"], body) == ("application/x-tar", b"tar ball")
    api.ask("GET", "/images/host/a:1/get")
    assert api.backend.images.calls == [("save", ["a", "b:1"], []), ("save", ["host/a:1"], [])]


def test_prune_takes_its_filters(api: Any) -> None:
    answer = api.ask("POST", "/images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D")
    assert answer[1] == {"ImagesDeleted": None, "SpaceReclaimed": 7}
    assert api.backend.images.calls == [("prune", {"dangling": ["false"]}, False)]
    assert (
        api.ask("POST", "/images/prune?filters=%7B%22name%22%3A%5B%22x%22%5D%7D")[0].status == 400
    )


def test_login_answers_with_a_token(api: Any) -> None:
    response, body = api.ask("POST", "/auth", {"username": "me", "serveraddress": "host"})
    assert (response.status, body) == (200, {"Status": "Login Succeeded", "IdentityToken": "token"})
    assert api.backend.images.auth.serveraddress == "host"


def test_search_and_distribution_answer_with_documents(api: Any) -> None:
    [hit] = api.ask("GET", "/images/search?term=x&limit=3")[1]
    assert (hit["name"], hit["star_count"]) == ("x", 0)
    assert api.backend.images.calls == [("search", "x", 3, {})]
    found = api.ask("GET", "/distribution/host/a:1/json")[1]
    assert found == {"Descriptor": {"digest": "host/a:1"}, "Platforms": []}
