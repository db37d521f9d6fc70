"""Descriptors, manifests and indexes, and how bytes become one of them.

Source: OCI image-spec 1.1 (descriptor.md, manifest.md, image-index.md) and Docker's image manifest
version 2, schema 2, which has the same fields. Unknown fields are ignored here and survive in the
stored bytes.
"""

from typing import TypeVar

import msgspec
from msgspec import Struct, field

from lading.errors import InvalidArgument
from lading.oci import digest as digests
from lading.oci import media_types
from lading.oci.platform import Platform

T = TypeVar("T")

MANIFEST_LIMIT = 4 * 1024 * 1024  # bytes; distribution-spec: registries must take at least this
MAX_BLOB_SIZE = 1 << 62  # a size must fit a file offset

REFERENCE_TYPE = "vnd.docker.reference.type"  # annotation of attestation entries (BuildKit)


class InvalidManifest(InvalidArgument):
    """invalid manifest: {0}"""


class Descriptor(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What a piece of content is: its type, digest and size in bytes."""

    media_type: str
    digest: str
    size: int
    urls: list[str] | None = None
    annotations: dict[str, str] | None = None
    data: str | None = None  # base64 of the content itself
    artifact_type: str | None = None
    platform: Platform | None = None

    def is_attestation(self) -> bool:
        """Whether an index entry describes another entry instead of being an image."""
        return REFERENCE_TYPE in (self.annotations or {}) or (
            self.platform is not None and self.platform.architecture == "unknown"
        )


class Manifest(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One image: its config and its layers, lowest first."""

    config: Descriptor
    layers: list[Descriptor]
    schema_version: int = field(default=2)
    media_type: str | None = None
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class Index(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Images for several platforms under one digest; entries may be indexes again."""

    manifests: list[Descriptor]
    schema_version: int = field(default=2)
    media_type: str | None = None
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None

    def images(self) -> list[Descriptor]:
        """The entries that are images (or indexes of images), without attestations."""
        return [entry for entry in self.manifests if not entry.is_attestation()]


class _Probe(Struct, rename="camel"):
    schema_version: int = 0
    media_type: str | None = None
    config: object = None
    manifests: object = None


def parse(data: bytes, media_type: str = "") -> Manifest | Index:
    """Read a manifest or an index. Raises InvalidManifest.

    The document's own `mediaType` must agree with what the sender called it, and a document may
    not be both: else one digest would mean two images (CVE-2021-41190).
    """
    probe = _decode(data, _Probe)
    kind = _kind(probe, media_type.partition(";")[0].strip())
    parsed = _decode(data, kind)
    for entry in _descriptors(parsed):
        check_descriptor(entry)
    return parsed


def check_descriptor(descriptor: Descriptor) -> None:
    """Raise InvalidManifest unless digest and size are possible."""
    try:
        digests.check(descriptor.digest)
    except digests.InvalidDigest as error:
        raise InvalidManifest(f"{descriptor.digest!r}: {error}") from error
    if not 0 <= descriptor.size <= MAX_BLOB_SIZE:
        raise InvalidManifest(f"{descriptor.digest}: impossible size {descriptor.size}")


def media_type_of(parsed: Manifest | Index, announced: str = "") -> str:
    """What to call the document in a descriptor."""
    fallback = media_types.INDEX if isinstance(parsed, Index) else media_types.MANIFEST
    known = media_types.MANIFESTS | media_types.INDEXES
    return parsed.media_type or (announced if announced in known else fallback)


def encode(document: Manifest | Index) -> bytes:
    """The bytes of a document that Lading makes itself; equal documents give equal bytes."""
    fields = msgspec.to_builtins(document)
    ordered = {"schemaVersion": 2, **fields}  # a default would be left out; the spec requires it
    return msgspec.json.encode(ordered)


def indent(document: bytes) -> bytes:
    """The same JSON in lines, three blanks a level: so docker writes the lists that it makes."""
    return msgspec.json.format(document, indent=3)


def _kind(probe: _Probe, announced: str) -> type[Manifest] | type[Index]:
    if probe.schema_version == 1 or announced in media_types.SCHEMA1:
        raise InvalidManifest("Docker image manifest schema 1 is not supported")
    if probe.schema_version != 2:
        raise InvalidManifest(f"unsupported schema version {probe.schema_version}")
    if (probe.config is None) == (probe.manifests is None):
        raise InvalidManifest("neither or both of an image and an index")
    kind: type[Manifest] | type[Index] = Manifest if probe.manifests is None else Index
    allowed = media_types.MANIFESTS if kind is Manifest else media_types.INDEXES
    others = (media_types.MANIFESTS | media_types.INDEXES) - allowed
    for name in (probe.media_type or "", announced):
        if name in others:
            raise InvalidManifest(f"the document is not of its media type {name}")
    return kind


def _descriptors(parsed: Manifest | Index) -> list[Descriptor]:
    return parsed.manifests if isinstance(parsed, Index) else [parsed.config, *parsed.layers]


def _decode(data: bytes, kind: type[T]) -> T:
    if len(data) > MANIFEST_LIMIT:
        raise InvalidManifest(f"larger than {MANIFEST_LIMIT} bytes")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidManifest(str(error)) from error
