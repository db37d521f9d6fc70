"""Where cosign puts the signatures of an image, and how they are fetched.

    tag sha256-<hex>.sig             a manifest whose layers are payloads, one for each signature
    referrers of the digest          manifests of the same form (OCI 1.1; cosign's oci-1-1 mode)
    tag sha256-<hex>                 the index of referrers where a registry has no such API

    layer: simplesigning JSON, annotation dev.cosignproject.cosign/signature = base64

Everything is small and bounded: who can write to the repository decides what is there.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

from lading.errors import NotFound
from lading.oci import digest as digests
from lading.oci.manifest import Descriptor, Index, InvalidManifest, Manifest
from lading.registry.client import Repository
from lading.registry.client.errors import InvalidAnswer

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
ARTIFACT_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json"
ANNOTATION = "dev.cosignproject.cosign/signature"
PAYLOAD_BYTES = 256 * 1024
MOST = 64  # signatures of one image that are looked at
MOST_MANIFESTS = 16


class Signature(NamedTuple):
    """A payload, and what somebody has signed it with; nothing of it is verified."""

    payload: bytes
    signature: bytes


def fetch(repository: Repository, digest: str) -> Iterator[Signature]:
    """What is in the registry for an image. Raises what the registry says but "not found"."""
    left = MOST
    for manifest in _manifests(repository, digest):
        for layer in manifest.layers:
            if layer.media_type != PAYLOAD_TYPE:
                continue
            if not left:
                return
            left -= 1
            if signature := _signature(repository, layer):
                yield signature


def _manifests(repository: Repository, digest: str) -> Iterator[Manifest]:
    base = digest.replace(":", "-")
    if (tagged := _manifest(repository, f"{base}.sig")) is not None:
        yield tagged
    referrers = repository.referrers(digest, artifact_type=ARTIFACT_TYPE)
    for referrer in referrers[:MOST_MANIFESTS]:
        if (manifest := _manifest(repository, referrer.digest)) is not None:
            yield manifest


def _manifest(repository: Repository, target: str) -> Manifest | None:
    try:
        parsed = repository.manifest(target).parsed
    except (NotFound, InvalidManifest):
        return None
    return None if isinstance(parsed, Index) else parsed


def _signature(repository: Repository, layer: Descriptor) -> Signature | None:
    """One signature; None for what is damaged: another one may be whole."""
    try:
        signature = base64.b64decode((layer.annotations or {}).get(ANNOTATION, ""), validate=True)
    except binascii.Error:
        return None
    if not signature or layer.size > PAYLOAD_BYTES:
        return None
    try:
        response, _ = repository.open_blob(layer)
        with response:
            payload = response.read_all(PAYLOAD_BYTES)
    except (NotFound, InvalidAnswer):
        return None
    return Signature(payload, signature) if digests.verifies(payload, layer.digest) else None
