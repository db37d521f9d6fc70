"""Manifests and indexes are told apart, and impossible ones are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci import manifest, media_types
from lading.oci.manifest import Descriptor, Index, InvalidManifest, Manifest
from lading.oci.platform import Platform

DIGEST = "sha256:" + "a" * 64
CONFIG = {"mediaType": media_types.CONFIG, "digest": DIGEST, "size": 2}


def document(**fields: object) -> bytes:
    return json.dumps({"schemaVersion": 2, **fields}).encode()


def test_a_docker_manifest_is_a_manifest() -> None:
    data = document(mediaType=media_types.DOCKER_MANIFEST, config=CONFIG, layers=[], extra=1)
    parsed = manifest.parse(data, "application/vnd.docker.distribution.manifest.v2+json; x=y")
    assert isinstance(parsed, Manifest)
    assert parsed.config == Descriptor(media_types.CONFIG, DIGEST, 2)


def test_attestations_are_not_images() -> None:
    entries = [
        {**CONFIG, "platform": {"architecture": "amd64", "os": "linux", "os.version": "1"}},
        {**CONFIG, "platform": {"architecture": "unknown", "os": "unknown"}},
        {**CONFIG, "annotations": {manifest.REFERENCE_TYPE: "attestation-manifest"}},
    ]
    parsed = manifest.parse(document(manifests=entries))
    assert isinstance(parsed, Index)
    assert [entry.platform for entry in parsed.images()] == [
        Platform("amd64", "linux", os_version="1")
    ]


@pytest.mark.parametrize(
    ("data", "announced"),
    [
        (b"", ""),
        (b"[]", ""),
        (b"{", ""),
        (document(), ""),
        (document(config=CONFIG, layers=[], manifests=[]), ""),
        (document(config=CONFIG, layers=[]), media_types.INDEX),
        (document(config=CONFIG, layers=[], mediaType=media_types.INDEX), ""),
        (document(manifests=[]), media_types.DOCKER_MANIFEST),
        (document(config={**CONFIG, "digest": "sha256:../x"}, layers=[]), ""),
        (document(config={**CONFIG, "size": -1}, layers=[]), ""),
        (document(config={**CONFIG, "size": 1 << 63}, layers=[]), ""),
        (document(config=CONFIG, layers={}), ""),
        (json.dumps({"schemaVersion": 1, "fsLayers": []}).encode(), ""),
        (b'{"a":' * 100_000, ""),
        (b" " * (manifest.MANIFEST_LIMIT + 1), ""),
    ],
)
def test_what_is_neither_is_refused(data: bytes, announced: str) -> None:
    with pytest.raises(InvalidManifest):
        manifest.parse(data, announced)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(InvalidManifest):
        manifest.parse(data)


def test_what_is_encoded_is_read_back() -> None:
    made = Manifest(Descriptor(media_types.CONFIG, DIGEST, 2), [], media_type=media_types.MANIFEST)
    data = manifest.encode(made)
    assert json.loads(data)["schemaVersion"] == 2
    assert manifest.parse(data) == made
