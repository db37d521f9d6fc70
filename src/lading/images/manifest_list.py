"""Manifest lists that a client puts together: looking manifests up, and pushing an index of them.

    fetch    a name at a registry -> its manifest with the platform, or those of its index
    push     each manifest, with its blobs, into the target's repository; then the index

The client keeps the list (as docker's does); only registries are touched here. What a manifest
names goes over by mounts, and where the registry does not mount, through the content store.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from lading.errors import InvalidArgument
from lading.images import copy, distribution
from lading.images.copy import CopyRequest
from lading.images.progress import Progress, ignore
from lading.images.stores import Stores
from lading.oci import digest as digests
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci.manifest import Descriptor, Index, Manifest
from lading.oci.reference import DEFAULT_TAG, Reference
from lading.registry.client import Access, Cancellation, FetchedManifest, Registry, Repository
from lading.registry.client.tokens import Authorize


class OtherRegistry(InvalidArgument):
    """cannot use source images from a different registry than the target image: {0} != {1}"""


class NoPlatform(InvalidArgument):
    """manifest {0} must have an OS and Architecture to be pushed to a registry"""


class Found(NamedTuple):
    """A manifest at a registry: its name, what and for which platform it is, its bytes."""

    reference: Reference
    descriptor: Descriptor
    data: bytes
    entries: Sequence["Found"] = ()  # of an index that was looked into

    @property
    def is_index(self) -> bool:
        """Whether it names other manifests."""
        return self.descriptor.media_type in media_types.INDEXES


class Entry(NamedTuple):
    """A manifest that shall be in the list, and where it is now."""

    reference: Reference
    descriptor: Descriptor  # with its platform


def fetch(
    registry: Registry,
    reference: Reference,
    authorize: Authorize,
    cancellation: Cancellation,
    *,
    deep: bool,
) -> Found:
    """What a registry has under a name; with `deep` the manifests of an index, too. Blocks.

    Raises what the registry says.
    """
    repository, target = registry.resolve(reference, cancellation=cancellation, authorize=authorize)
    fetched = registry.fetch_manifest(repository, target.digest, cancellation=cancellation)
    found = _found(repository, reference, fetched)
    if not isinstance(fetched.parsed, Index) or not deep:
        return found
    entries = []
    for entry in fetched.parsed.images():
        below = registry.fetch_manifest(repository, entry.digest, cancellation=cancellation)
        one = _found(repository, reference._replace(digest=entry.digest), below)
        if entry.platform:
            one = one._replace(descriptor=_with_platform(one.descriptor, entry))
        entries.append(one)
    return found._replace(entries=entries)


def push(
    stores: Stores,
    registry: Registry,
    target: Reference,
    entries: Sequence[Entry],
    authorize: Authorize,
    cancellation: Cancellation,
    progress: Progress,
) -> Descriptor:
    """Push an index of these manifests. Blocks. Raises OtherRegistry, NoPlatform, what it says.

    `progress` hears docker's line for each manifest.
    """
    data = encode([entry.descriptor for entry in entries], [e.reference for e in entries])
    for entry in entries:
        if entry.reference.domain != target.domain:
            raise OtherRegistry(entry.reference.domain, target.domain)
    for entry in entries:
        digest = entry.descriptor.digest
        request = CopyRequest(ignore, cancellation, entry.reference.with_digest(digest), authorize)
        place = target.with_digest(digest)
        copy.to_registry(stores, registry, request, place, authorize)
        progress({"status": f"Pushed ref {place} with digest: {digest}"})
    media_type = media_type_of([entry.descriptor for entry in entries])
    uploads = registry.open_for_push(Access(target), cancellation=cancellation, authorize=authorize)
    uploads.put_manifest(target.tag or DEFAULT_TAG, media_type, data)
    return Descriptor(media_type, digests.of(data), len(data))


def media_type_of(entries: Sequence[Descriptor]) -> str:
    """What the list is called: Docker's name, unless OCI's manifests are in it."""
    is_oci = any(entry.media_type == media_types.MANIFEST for entry in entries)
    return media_types.INDEX if is_oci else media_types.DOCKER_MANIFEST_LIST


def encode(entries: Sequence[Descriptor], names: Sequence[Reference]) -> bytes:
    """The list's bytes, the same that docker makes of the same entries. Raises NoPlatform."""
    for entry, name in zip(entries, names, strict=True):
        if entry.platform is None or not (entry.platform.os and entry.platform.architecture):
            raise NoPlatform(name)
    document = {
        "schemaVersion": 2,
        "mediaType": media_type_of(entries),
        "manifests": [_entry(entry) for entry in entries],
    }
    return manifests.indent(msgspec.json.encode(document))


def _entry(entry: Descriptor) -> dict[str, object]:
    """The fields in docker's order (distribution's Descriptor, then the platform)."""
    assert entry.platform is not None
    platform = entry.platform
    fields: dict[str, object] = {
        "mediaType": entry.media_type,
        "size": entry.size,
        "digest": entry.digest,
    }
    if entry.annotations:
        fields["annotations"] = entry.annotations
    told = {
        "architecture": platform.architecture,
        "os": platform.os,
        "os.version": platform.os_version,
        "os.features": platform.os_features,
        "variant": platform.variant,
    }
    fields["platform"] = {name: value for name, value in told.items() if value}
    return fields


def _found(repository: Repository, reference: Reference, fetched: FetchedManifest) -> Found:
    descriptor = fetched.descriptor
    if isinstance(fetched.parsed, Manifest):
        platform = distribution.platform_of(repository, fetched.parsed)
        descriptor = Descriptor(
            descriptor.media_type, descriptor.digest, descriptor.size, platform=platform
        )
    return Found(reference, descriptor, fetched.data)


def _with_platform(descriptor: Descriptor, entry: Descriptor) -> Descriptor:
    return Descriptor(
        descriptor.media_type, descriptor.digest, descriptor.size, platform=entry.platform
    )
