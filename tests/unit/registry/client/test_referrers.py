"""What is about a digest: by the API of OCI 1.1, and where there is none."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from lading.registry.client import Repository
from lading.registry.client.errors import RegistryRefused

if TYPE_CHECKING:
    from tests.unit.registry.client.conftest import FaultServer

DIGEST = "sha256:" + "a" * 64
KIND = "application/x.signature"


def index(*kinds: str | None) -> bytes:
    entries = [
        {"mediaType": "m", "digest": f"sha256:{n:064x}", "size": 1, "artifactType": kind}
        for n, kind in enumerate(kinds)
    ]
    for entry in entries:
        if entry["artifactType"] is None:
            del entry["artifactType"]
    return json.dumps({"schemaVersion": 2, "manifests": entries}).encode()


def found(repository: Repository) -> list[str]:
    return [each.digest[-1] for each in repository.referrers(DIGEST, artifact_type=KIND)]


def test_the_api_is_asked_for_the_type_and_its_answer_is_filtered(
    fault_server: "FaultServer", repository_at: Callable[[str], Repository]
) -> None:
    answer = fault_server.answers["/v2/"][0]._replace(body=index(KIND, "other", KIND))
    fault_server.answers[f"/v2/app/referrers/{DIGEST}"] = [answer]
    assert found(repository_at(fault_server.address)) == ["0", "2"]
    assert "artifactType=application%2Fx.signature" in fault_server.requests[-1][1]


def test_without_the_api_the_index_of_clients_is_read(
    fault_server: "FaultServer", repository_at: Callable[[str], Repository]
) -> None:
    assert found(repository_at(fault_server.address)) == []
    answer = fault_server.answers["/v2/"][0]._replace(body=index(None, KIND, "other"))
    fault_server.answers[f"/v2/app/manifests/{DIGEST.replace(':', '-')}"] = [answer]
    assert found(repository_at(fault_server.address)) == ["0", "1"]


def test_a_registry_that_fails_is_not_one_without_referrers(
    fault_server: "FaultServer", repository_at: Callable[[str], Repository]
) -> None:
    answer = fault_server.answers["/v2/"][0]._replace(status=400, body=b"no")
    fault_server.answers[f"/v2/app/referrers/{DIGEST}"] = [answer]
    with pytest.raises(RegistryRefused):
        found(repository_at(fault_server.address))
