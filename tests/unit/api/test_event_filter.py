"""Filters choose events as Docker's do."""

import pytest

from lading.api.event_filter import includes
from lading.events import Event

START = Event("container", "start", "abc", {"name": "web", "image": "r:5000/a:1", "k": "v"}, 0)
EXEC = Event("container", "exec_start: ls -l", "abc", {"name": "web"}, 0)
PULL = Event("image", "pull", "busybox:latest", {"name": "busybox"}, 0)


@pytest.mark.parametrize(
    ("filters", "event"),
    [
        ({}, START),
        ({"type": ["image", "container"]}, START),
        ({"event": ["start"], "container": ["we"]}, START),
        ({"container": ["ab"]}, START),
        ({"image": ["r:5000/a"]}, START),
        ({"image": ["r:5000/a:1"]}, START),
        ({"image": ["busybox"]}, PULL),
        ({"label": ["k"]}, START),
        ({"label": ["k=v", "image"]}, START),
        ({"event": ["exec_start"]}, EXEC),
        ({"scope": ["local"]}, START),
    ],
)
def test_these_are_included(filters: dict[str, list[str]], event: Event) -> None:
    assert includes(filters, event)


@pytest.mark.parametrize(
    ("filters", "event"),
    [
        ({"type": ["image"]}, START),
        ({"event": ["sta"]}, START),
        ({"container": ["other"]}, START),
        ({"image": ["a"]}, START),
        ({"label": ["k=w"]}, START),
        ({"label": ["k", "missing"]}, START),
        ({"event": ["exec_create"]}, EXEC),
        ({"scope": ["swarm"]}, START),
    ],
)
def test_these_are_not(filters: dict[str, list[str]], event: Event) -> None:
    assert not includes(filters, event)
