"""What a signature vouches for, and what it does not."""

import json
from typing import Any

import pytest

from lading.images.trust import payload
from lading.images.trust.policy import Identity
from lading.oci import reference as references

DIGEST = "sha256:" + "a" * 64
APP = references.parse("example.org/team/app:1")


def said(name: str = "example.org/team/app", **critical: Any) -> bytes:
    document = {
        "type": "cosign container image signature",
        "image": {"docker-manifest-digest": DIGEST},
        "identity": {"docker-reference": name},
        **critical,
    }
    return json.dumps({"critical": document, "optional": None}).encode()


def why_not(data: bytes, **identity: str) -> str:
    return payload.objection(data, DIGEST, APP, Identity(**identity))


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("example.org/team/app", {}),
        ("example.org/team/app:1", {}),
        ("example.org/team/app:2", {"type": "matchRepository"}),
        ("example.org/team/app:1", {"type": "matchExact"}),
        ("other.org/x:1", {"type": "exactReference", "docker_reference": "other.org/x:1"}),
        ("other.org/x:2", {"type": "exactRepository", "docker_repository": "other.org/x"}),
    ],
)
def test_a_signature_for_the_name_counts(name: str, identity: dict[str, str]) -> None:
    assert why_not(said(name), **identity) == ""


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("example.org/team/app:2", {}),
        ("example.org/team/other", {}),
        ("example.org/team/app", {"type": "matchExact"}),
        ("example.org/team/other:1", {"type": "matchRepository"}),
        ("example.org/team/app:1", {"type": "exactReference", "docker_reference": "a.b/x:1"}),
    ],
)
def test_a_signature_for_another_name_does_not_count(name: str, identity: dict[str, str]) -> None:
    assert why_not(said(name), **identity) == f"it is for {name}"


def test_a_signature_for_another_image_does_not_count() -> None:
    other = {"docker-manifest-digest": "sha256:" + "b" * 64}
    assert "it is for sha256:bbb" in why_not(said(image=other))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "payload is damaged"),
        (b"{}", "payload is damaged"),
        (said(type="letter"), "it is of type 'letter'"),
        (said(name="UPPER"), "its identity is no name"),
        (said(more=1), "payload is damaged"),
    ],
)
def test_what_is_not_understood_does_not_count(data: bytes, reason: str) -> None:
    assert reason in why_not(data)
