"""The container operations: what the service is asked, what the client is told."""

import json
from typing import Any

import pytest

from lading.errors import NotModified, Unavailable
from lading.wire.containers import ContainerCreate, WaitResult
from lading.wire.host_config import HostConfig


def calls(api: Any) -> list[Any]:
    result: list[Any] = api.backend.containers.calls
    return result


def test_create_gives_the_document_name_and_platform(api: Any) -> None:
    body = {"Image": "busybox", "HostConfig": {"Memory": 5}}
    response, created = api.ask("POST", "/containers/create?name=web&platform=linux/amd64", body)
    assert (response.status, created) == (201, {"Id": "ab" * 32, "Warnings": []})
    asked = ContainerCreate(image="busybox", host_config=HostConfig(memory=5))
    assert calls(api) == [("create", asked, {"name": "web", "platform": "linux/amd64"})]


def test_create_ignores_what_an_old_client_cannot_know(api: Any) -> None:
    body = {"Image": "x", "HostConfig": {"Annotations": {"a": "b"}, "KernelMemory": 9}}
    api.ask("POST", "/v1.41/containers/create", body)
    api.ask("POST", "/v1.51/containers/create", body)
    old, new = (call[1].host_config for call in calls(api))
    assert old == HostConfig(kernel_memory=9)
    assert new == HostConfig(annotations={"a": "b"})


def test_create_wants_a_config(api: Any) -> None:
    response, body = api.ask("POST", "/containers/create", {})
    assert (response.status, body["message"]) == (
        400,
        "config cannot be empty in order to create a container",
    )


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/containers/web/start", ("start", "web", {})),
        (
            "POST",
            "/containers/web/stop?t=-1&signal=INT",
            ("stop", "web", {"signal": "INT", "timeout_s": -1}),
        ),
        (
            "POST",
            "/v1.41/containers/web/restart?signal=INT",
            ("restart", "web", {"signal": None, "timeout_s": None}),
        ),
        ("POST", "/containers/web/kill?signal=HUP", ("kill", "web", {"signal": "HUP"})),
        ("POST", "/containers/web/pause", ("pause", "web", {})),
        ("POST", "/containers/web/unpause", ("unpause", "web", {})),
        ("POST", "/containers/web/rename?name=new", ("rename", "web", "new", {})),
        (
            "DELETE",
            "/containers/web?force=1&v=true",
            ("remove", "web", {"force": True, "volumes": True, "link": False}),
        ),
    ],
)
def test_verbs_call_one_function_and_answer_204(
    api: Any, method: str, path: str, expected: object
) -> None:
    response, body = api.ask(method, path)
    assert (response.status, body) == (204, b"")
    assert calls(api) == [expected]


def test_resize_wants_both_sizes(api: Any) -> None:
    assert api.ask("POST", "/containers/web/resize?h=24&w=80")[0].status == 200
    assert api.ask("POST", "/containers/web/resize?h=24")[0].status == 400
    assert calls(api) == [("resize", "web", {"height": 24, "width": 80})]


def test_what_is_already_so_answers_304_without_a_body(api: Any) -> None:
    api.backend.containers.failure = NotModified("already started")
    response, body = api.ask("POST", "/containers/web/start")
    assert (response.status, body) == (304, b"")


def test_a_failed_kill_says_what_could_not_be_killed(api: Any) -> None:
    api.backend.containers.failure = Unavailable("not now")
    response, body = api.ask("POST", "/containers/web/kill")
    assert (response.status, body["message"]) == (503, "cannot kill container: web: not now")


def test_start_refuses_a_body(api: Any) -> None:
    assert api.ask("POST", "/containers/web/start", {"Binds": ["/a:/b"]})[0].status == 400
    assert api.ask("POST", "/containers/web/start", {})[0].status == 204


def test_list_reads_its_parameters(api: Any) -> None:
    filters = "%7B%22name%22%3A%5B%22web%22%5D%7D"
    body = api.ask("GET", f"/containers/json?all=1&limit=2&filters={filters}")[1]
    assert [row["Names"] for row in body] == [["/web"]]
    options = {"all": True, "limit": 2, "size": False, "filters": {"name": ["web"]}}
    assert calls(api) == [("list", options)]


def test_inspect_hides_what_an_old_client_cannot_know(api: Any) -> None:
    new = api.ask("GET", "/containers/web/json")[1]
    old = api.ask("GET", "/v1.42/containers/web/json")[1]
    assert new["HostConfig"]["Annotations"] == {"a": "b"}
    assert "Annotations" not in old["HostConfig"]
    assert "DNSNames" in new["NetworkSettings"]["Networks"]["bridge"]
    assert "DNSNames" not in old["NetworkSettings"]["Networks"]["bridge"]


def test_wait_is_registered_and_its_head_sent_before_the_exit(api: Any) -> None:
    client = api.connect()
    client.sendall(
        b"POST /containers/web/wait?condition=next-exit HTTP/1.1\r\nHost: d\r\n"
        b"Connection: close\r\n\r\n"
    )
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += client.recv(1)
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert calls(api) == [("wait", "web", "next-exit")]
    exit_ = api.backend.containers.exit
    api.loop.call_soon_threadsafe(exit_.set_result, WaitResult(status_code=3))
    body = b"".join(iter(lambda: client.recv(65536), b""))
    assert b'{"StatusCode":3}\n' in body


def test_wait_knows_three_conditions(api: Any) -> None:
    response, body = api.ask("POST", "/containers/web/wait?condition=x")
    assert (response.status, body["message"]) == (400, 'invalid condition: "x"')


def test_logs_are_framed_with_their_streams(api: Any) -> None:
    response, body = api.ask("GET", "/containers/web/logs?stdout=1&tail=all&since=1.5")
    assert response.headers["Content-Type"] == "application/vnd.docker.multiplexed-stream"
    assert body == b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n"
    assert calls(api)[0][2] == {
        "follow": False, "stdout": True, "stderr": False, "since_ns": 1_500_000_000,
        "until_ns": None, "timestamps": False, "tail": None, "details": False,
    }  # fmt: skip


def test_logs_of_a_terminal_are_raw(api: Any) -> None:
    api.backend.containers.logs_given.tty = True
    response, body = api.ask("GET", "/containers/web/logs?stderr=1")
    assert response.headers["Content-Type"] == "application/vnd.docker.raw-stream"
    assert body == b"out\nerr\n"


def test_logs_want_a_stream(api: Any) -> None:
    response, body = api.ask("GET", "/containers/web/logs")
    assert (response.status, json.dumps(body)) == (
        400,
        '{"message": "Bad parameters: you must choose at least one stream"}',
    )
