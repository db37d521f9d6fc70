"""The routes of the tag Volume: what they ask of the engine, and how they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.wire.volumes import VolumeCreate

if TYPE_CHECKING:
    from tests.unit.api.conftest import Api


def test_a_create_says_what_was_asked(api: Api) -> None:
    document = {"Name": "data", "DriverOpts": {"a": "b"}, "Labels": {"c": "d"}}
    response, body = api.ask("POST", "/volumes/create", document)
    assert (response.status, body["Name"]) == (201, "data")
    expected = VolumeCreate(name="data", driver_opts={"a": "b"}, labels={"c": "d"})
    assert api.backend.volumes.asked == [expected]


def test_a_remove_answers_204(api: Api) -> None:
    response, _ = api.ask("DELETE", "/volumes/data?force=1")
    assert (response.status, api.backend.volumes.asked) == (204, [("data", True)])


@pytest.mark.parametrize(("version", "is_narrow"), [("1.41", False), ("1.42", True)])
def test_a_prune_is_narrow_since_api_1_42(api: Api, version: str, is_narrow: bool) -> None:
    response, _ = api.ask("POST", f"/v{version}/volumes/prune")
    assert (response.status, api.backend.volumes.asked) == (200, [({}, is_narrow)])


@pytest.mark.parametrize("path", ["/volumes?filters={%22x%22:[%22y%22]}"])
def test_a_filter_that_nobody_knows_is_refused(api: Api, path: str) -> None:
    response, body = api.ask("GET", path)
    assert (response.status, body["message"]) == (400, "invalid filter 'x'")


def test_there_is_no_cluster_whose_volumes_could_be_changed(api: Api) -> None:
    response, body = api.ask("PUT", "/volumes/data?version=1", {})
    message = "volume update only valid for cluster volumes, but swarm is unavailable"
    assert (response.status, body["message"]) == (503, message)
