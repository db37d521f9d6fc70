"""Which requirements hold for a name, and files that are no policy."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.images.trust import policy
from lading.images.trust.policy import BadPolicy
from lading.oci import reference as references

SIGNED = {"type": "sigstoreSigned", "keyPath": "/k"}


def read(scopes: dict[str, object], default: object = ({"type": "reject"},)) -> policy.Policy:
    document = {"default": default, "transports": {"docker": scopes}}
    return policy.parse(json.dumps(document).encode(), "file")


def kind(found: policy.Policy, name: str) -> str:
    return found.requirements(references.parse(name).with_default_tag())[0].type


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("example.org/team/app:1", "example.org/team/app:1", "example.org/team/app:2"),
        ("example.org/team/app", "example.org/team/app:2", "example.org/team/app2:2"),
        ("example.org/team", "example.org/team/sub/app", "example.org/teams/app"),
        ("example.org", "example.org/app", "sub.example.org/app"),
        ("*.example.org", "a.b.example.org/app", "example.org/app"),
        ("docker.io/library/busybox", "busybox", "other/busybox"),
        ("", "anything/else", "none"),
    ],
)
def test_a_scope_holds_for_what_lies_in_it(scope: str, inside: str, outside: str) -> None:
    found = read({scope: [SIGNED]})
    assert kind(found, inside) == policy.SIGSTORE
    assert scope == "" or kind(found, outside) == policy.REJECT


def test_the_narrowest_scope_decides() -> None:
    found = read({"": [SIGNED], "docker.io": [{"type": "insecureAcceptAnything"}]})
    assert kind(found, "busybox") == policy.ACCEPT


@pytest.mark.parametrize(
    "requirement",
    [
        {"type": "signedBy", "keyPath": "/k"},
        {"type": "reject", "keyPath": "/k"},
        {"type": "sigstoreSigned"},
        {"type": "sigstoreSigned", "keyPath": "/k", "keyData": "eA=="},
        {"type": "sigstoreSigned", "keyPath": "/k", "signedIdentity": {"type": "any"}},
        {"type": "sigstoreSigned", "keyPath": "/k", "signedIdentity": {"type": "exactReference"}},
        {"type": "sigstoreSigned", "keyPath": "/k", "rekorPublicKeyPath": "/r"},
        {"type": "insecureAcceptAnythin"},
        {},
    ],
)
def test_a_requirement_that_is_not_understood_is_an_error(requirement: object) -> None:
    with pytest.raises(BadPolicy):
        read({"example.org": [requirement]})


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b'{"default": []}', b'{"default": [{"type": "reject"}], "x": 1}']
)
def test_a_file_that_is_no_policy_is_an_error(text: bytes) -> None:
    with pytest.raises(BadPolicy):
        policy.parse(text, "file")


@given(st.binary(max_size=80))
def test_garbage_is_a_policy_or_an_error(data: bytes) -> None:
    try:
        policy.parse(data, "file")
    except BadPolicy:
        return
