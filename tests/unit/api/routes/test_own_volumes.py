"""Lading's own operations on volumes, and backups: what they ask of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.api.conftest import Api


def test_an_export_is_an_archive(api: Api) -> None:
    response, body = api.ask("GET", "/lading/volumes/data/export?pause=1")
    assert (response.headers["Content-Type"], body) == ("application/x-tar", b"archive")
    assert api.backend.volume_copies.asked == [("data", True)]


def test_a_clone_needs_a_name(api: Api) -> None:
    response, _ = api.ask("POST", "/lading/volumes/data/clone")
    assert response.status == 400
    response, body = api.ask("POST", "/lading/volumes/data/clone?to=copy&snapshot=1")
    assert (response.status, body["Name"]) == (201, "copy")
    assert api.backend.volume_copies.asked == [("data", "copy", False, True)]


def test_a_rename_tells_of_the_volume(api: Api) -> None:
    response, body = api.ask("POST", "/lading/volumes/data/rename?to=new")
    assert (response.status, body["Name"]) == (200, "new")


def test_a_file_of_a_volume_is_told_in_a_header(api: Api) -> None:
    response, _ = api.ask("HEAD", "/lading/volumes/data/archive?path=/a")
    assert "X-Docker-Container-Path-Stat" in response.headers


def test_a_backup_freezes_unless_it_is_told_not_to(api: Api) -> None:
    response, body = api.ask("POST", "/lading/backups/create?container=web")
    assert (response.headers["Content-Type"], body) == ("application/zstd", b"backup")
    api.ask("POST", "/lading/backups/create?container=web&pause=0")
    assert api.backend.backups.asked == [("web", True), ("web", False)]


def test_a_restore_may_give_volumes_other_names(api: Api) -> None:
    response, _ = api.ask("POST", "/lading/backups/restore?name=n&volume=a=b&volume=c=d", {})
    assert response.status == 201
    assert api.backend.backups.asked == [("n", {"a": "b", "c": "d"}, b"{}")]
    response, body = api.ask("POST", "/lading/backups/restore?volume=a", {})
    assert (response.status, body["message"]) == (400, "invalid value for volume: a (OLD=NEW)")
