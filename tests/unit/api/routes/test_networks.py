"""The network operations."""

from typing import Any
from urllib.parse import quote

import pytest

from lading.errors import PermissionDenied


def test_a_list_has_filters_in_either_spelling_of_its_path(api: Any) -> None:
    filters = quote('{"name":["w"]}')
    for path in ("/networks", "/networks/", "/v1.41/networks"):
        response, body = api.ask("GET", f"{path}?filters={filters}")
        assert (response.status, body[0]["Name"]) == (200, "web")
    assert api.backend.network_verbs.calls == [("list", {"name": ["w"]})] * 3


def test_a_network_is_made_with_what_was_asked(api: Any) -> None:
    asked = {"Name": "web", "EnableIPv4": False, "IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}}
    response, body = api.ask("POST", "/networks/create", asked)
    assert (response.status, body) == (201, {"Id": "n1", "Warning": ""})
    _, document = api.backend.network_verbs.calls[0]
    assert document.ipam.config[0].subnet == "10.9.0.0/24"
    assert document.enable_ipv4 is False


def test_an_old_client_cannot_switch_ipv4_off(api: Any) -> None:
    api.ask("POST", "/v1.47/networks/create", {"Name": "web", "EnableIPv4": False})
    assert api.backend.network_verbs.calls[0][1].enable_ipv4 is None


def test_status_is_for_clients_that_know_it(api: Any) -> None:
    _, body = api.ask("GET", "/v1.51/networks/web")
    assert "Status" not in body
    assert body["IPAM"] == {"Driver": "default", "Options": None, "Config": None}


def test_a_name_may_hold_slashes(api: Any) -> None:
    api.ask("GET", "/networks/a/b?scope=local")
    api.ask("POST", "/networks/a/b/connect", {"Container": "c"})
    calls = [call[:2] for call in api.backend.network_verbs.calls]
    assert calls == [("inspect", "a/b"), ("connect", "a/b")]


def test_verbs_answer_as_dockers(api: Any) -> None:
    joined = {"Container": "c1", "EndpointConfig": {"Aliases": ["db"], "GwPriority": 3}}
    assert api.ask("POST", "/networks/web/connect", joined)[0].status == 200
    left = {"Container": "c1", "Force": True}
    assert api.ask("POST", "/networks/web/disconnect", left)[0].status == 200
    assert api.ask("DELETE", "/networks/web")[0].status == 204
    assert api.ask("POST", "/networks/prune")[1] == {"NetworksDeleted": ["old"]}
    connect, disconnect, *_ = api.backend.network_verbs.calls
    assert connect[2].endpoint_config.aliases == ["db"]
    assert connect[2].endpoint_config.gw_priority == 3
    assert disconnect[2].force


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/networks?filters=%7B%22bogus%22:[%22x%22]%7D", "invalid filter 'bogus'"),
        (
            "/networks/web?verbose=x",
            'invalid value for verbose: x: strconv.ParseBool: parsing "x": invalid syntax',
        ),
    ],
)
def test_nonsense_is_refused(api: Any, path: str, text: str) -> None:
    response, body = api.ask("GET", path)
    assert (response.status, body) == (400, {"message": text})


def test_an_error_is_told_with_its_status(api: Any) -> None:
    api.backend.network_verbs.failure = PermissionDenied("network web has active endpoints")
    response, body = api.ask("DELETE", "/networks/web")
    assert (response.status, body["message"]) == (403, "network web has active endpoints")
