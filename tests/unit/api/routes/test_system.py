"""Ping, version, info, and events from the journal."""

import json
import time
from typing import Any
from urllib.parse import quote

from lading.events import Event

NOW = 1_700_000_000 * 10**9


def event(action: str, at_s: int = 0, kind: str = "container") -> Event:
    return Event(kind, action, "abc", {"name": "web", "image": "busybox"}, NOW + at_s * 10**9)


def lines(body: Any) -> list[dict[str, Any]]:
    if isinstance(body, dict):
        return [body]
    return [json.loads(line) for line in body.splitlines()]


def test_ping_by_get_and_head(api: Any) -> None:
    response, body = api.ask("GET", "/_ping")
    assert (response.status, body) == (200, b"OK")
    assert response.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
    response, body = api.ask("HEAD", "/_ping")
    assert (response.status, body, response.headers["Content-Length"]) == (200, b"", "0")
    assert response.headers["Swarm"] == "inactive"


def test_version_and_info_come_from_the_system(api: Any) -> None:
    assert api.ask("GET", "/version")[1]["Platform"] == {"Name": "Lading"}
    assert api.ask("GET", "/info")[1]["ID"] == "engine"


def test_past_events_are_replayed_between_two_times(api: Any) -> None:
    api.call(api.backend.publish(*(event(name, at) for at, name in enumerate("abcd"))))
    path = f"/events?since={NOW // 10**9 + 1}&until={NOW // 10**9 + 2}"
    assert [line["Action"] for line in lines(api.ask("GET", path)[1])] == ["b", "c"]


def test_an_event_is_written_as_docker_writes_it(api: Any) -> None:
    api.call(api.backend.publish(event("start")))
    [line] = lines(api.ask("GET", f"/events?since=1&until={NOW // 10**9}")[1])
    assert line == {
        "status": "start", "id": "abc", "from": "busybox", "Type": "container",
        "Action": "start", "Actor": {"ID": "abc", "Attributes": {"name": "web",
        "image": "busybox"}}, "scope": "local", "time": NOW // 10**9, "timeNano": NOW,
    }  # fmt: skip


def test_events_are_filtered(api: Any) -> None:
    api.call(api.backend.publish(event("start"), event("pull", kind="image"), event("die")))
    filters = quote('{"type":["container"],"event":{"die":true}}')
    body = api.ask("GET", f"/events?since=1&until={NOW // 10**9}&filters={filters}")[1]
    assert [line["Action"] for line in lines(body)] == ["die"]


def test_events_that_come_are_followed_until_a_time(api: Any) -> None:
    client = api.connect()
    until = time.time() + 0.5
    client.sendall(f"GET /events?until={until:.3f} HTTP/1.1\r\nHost: d\r\n\r\n".encode())
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += client.recv(1)
    now = Event("container", "start", "abc", {}, time.time_ns())
    api.call(api.backend.publish(now))
    while not received.endswith(b"\r\n0\r\n\r\n"):
        received += client.recv(4096)
    assert b'"Action":"start"' in received
    assert time.time() < until + 2


def test_old_clients_do_not_know_the_create_of_an_image(api: Any) -> None:
    api.call(api.backend.publish(event("create", kind="image"), event("die")))
    path = f"events?since=1&until={NOW // 10**9}"
    assert len(lines(api.ask("GET", f"/v1.45/{path}")[1])) == 1
    assert len(lines(api.ask("GET", f"/v1.46/{path}")[1])) == 2


def test_times_and_filters_are_checked(api: Any) -> None:
    response, body = api.ask("GET", "/events?since=5&until=4")
    assert (response.status, body["message"]) == (
        400,
        "`since` time (5) cannot be after `until` time (4)",
    )
    assert api.ask("GET", "/events?filters=" + quote('{"x":["y"]}'))[0].status == 400
