"""What Docker does not have: the audit, and images made from the host."""

from typing import Any


def test_the_audit_lists_its_findings(api: Any) -> None:
    _, before = api.ask("GET", "/lading/system/check")
    api.backend.findings.append(finding := type(api.backend).finding("cgroup", "/lading/x", "left"))
    _, after = api.ask("GET", "/lading/system/check")
    assert (before, after) == (
        {"findings": []},
        {"findings": [{"kind": finding.kind, "name": finding.name, "detail": finding.detail}]},
    )


def test_an_image_from_the_host_is_made_of_the_tools_that_were_named(api: Any) -> None:
    body = {"tag": "tools", "tools": ["/bin/ls"]}
    response, _ = api.ask("POST", "/lading/images/from-host", body)
    assert response.status == 200
    assert api.backend.images.calls == [("from_host", "tools", ["/bin/ls"])]


def test_without_tools_the_engine_chooses_those_of_the_base_image(api: Any) -> None:
    api.ask("POST", "/lading/images/from-host", {"tag": "base", "tools": []})
    assert api.backend.images.calls == [("from_host", "base", None)]


def test_a_manifest_of_a_registry_comes_with_its_bytes(api: Any) -> None:
    _, found = api.ask("GET", "/lading/registry/manifest?name=r.org/a:1&deep=1&insecure=1")
    assert api.backend.images.calls == [("manifest", "r.org/a:1", True, True)]
    assert found == {"Ref": "r.org/a:1", "Descriptor": {"size": 2}, "Raw": "e30="}


def test_a_manifest_list_is_pushed_under_a_name(api: Any) -> None:
    body = {"Manifests": [{"Ref": "r.org/a:1", "Descriptor": {"size": 2}}]}
    response, _ = api.ask("POST", "/lading/registry/manifest-list?name=r.org/list:1", body)
    assert response.status == 200
    assert api.backend.images.calls == [("push_list", "r.org/list:1", ["r.org/a:1"])]


def test_an_image_is_explored_with_its_files_if_asked(api: Any) -> None:
    _, found = api.ask("GET", "/lading/images/team/app:1/explore?platform=linux/arm64&files=1")
    assert api.backend.images.calls == [("explore", "team/app:1", "linux/arm64", True)]
    assert found == {"Layers": [], "Size": 9, "Wasted": 1, "Waste": []}


def test_what_images_take_is_told(api: Any) -> None:
    _, [row] = api.ask("GET", "/lading/images/usage")
    assert row == {
        "Id": "sha256:1",
        "RepoTags": ["a:1"],
        "Size": 5,
        "SharedSize": 2,
        "UniqueSize": 3,
        "BlobSize": 4,
        "Containers": 1,
        "Added": 10,
        "LastUsed": 20,
    }
