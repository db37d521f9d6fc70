"""What a push has to send: documents and blobs of an image, in the order in which they must go.

A registry refuses a manifest whose blobs it has not, and an index whose manifests it has not; and
what describes an image (an attestation) comes after what it describes, for some registries refuse
an unknown subject. So: blobs, image manifests, other manifests, the index.
"""

from collections.abc import Callable
from typing import NamedTuple

from lading.errors import NotFound
from lading.oci import manifest as manifests
from lading.oci import platform as platforms
from lading.oci.manifest import Descriptor, Index, Manifest
from lading.oci.platform import Platform
from lading.storage.content import ContentStore

DEEPEST_INDEX = 8


class Incomplete(NotFound):
    """content digest {0}: not found"""


class NoPlatformHere(NotFound):
    """image does not provide the specified platform ({0})"""


class Document(NamedTuple):
    """A manifest or index as it is stored, with what it means."""

    descriptor: Descriptor
    data: bytes
    parsed: Manifest | Index

    @property
    def blobs(self) -> list[Descriptor]:
        """The blobs that it names; those that are fetched from elsewhere are not ours to send."""
        if isinstance(self.parsed, Index):
            return []
        return [each for each in (self.parsed.config, *self.parsed.layers) if not each.urls]

    @property
    def foreign(self) -> list[Descriptor]:
        """The layers that stay where they are."""
        return [] if isinstance(self.parsed, Index) else [e for e in self.parsed.layers if e.urls]


class Plan(NamedTuple):
    """Documents in the order of sending, the target last, and the blobs that they need."""

    documents: list[Document]

    @property
    def target(self) -> Document:
        """What the tag will name."""
        return self.documents[-1]

    @property
    def blobs(self) -> list[Descriptor]:
        """Each blob once: those of the first document first."""
        found: dict[str, Descriptor] = {}
        for document in self.documents:
            for blob in document.blobs:
                found.setdefault(blob.digest, blob)
        return list(found.values())

    @property
    def foreign(self) -> list[Descriptor]:
        """Layers that are not sent."""
        return [layer for document in self.documents for layer in document.foreign]


def make(
    content: ContentStore, target: Descriptor, *, is_there: Callable[[Descriptor], bool]
) -> Plan:
    """The plan for a manifest or a whole index.

    `is_there` tells of a manifest that is not in the store whether the registry has it already.
    Raises Incomplete when something has to be sent that is not here.
    """
    documents: dict[str, Document] = {}
    _collect(content, target, documents, is_there, 0)
    return Plan(list(documents.values()))


def select(content: ContentStore, target: Descriptor, wanted: Platform) -> Descriptor:
    """The manifest of an image for that platform. Raises NoPlatformHere."""
    document = read(content, target)
    for _ in range(DEEPEST_INDEX):
        if not isinstance(document.parsed, Index):
            return document.descriptor
        entries = [e for e in document.parsed.images() if content.has(e.digest)]
        position = platforms.select([entry.platform for entry in entries], wanted)
        if position is None:
            break
        document = read(content, entries[position])
    raise NoPlatformHere(wanted)


def read(content: ContentStore, descriptor: Descriptor) -> Document:
    """A document of the store. Raises Incomplete."""
    if not content.has(descriptor.digest):
        raise Incomplete(descriptor.digest)
    data = content.read_bytes(descriptor.digest, manifests.MANIFEST_LIMIT)
    return Document(descriptor, data, manifests.parse(data, descriptor.media_type))


def _collect(
    content: ContentStore,
    target: Descriptor,
    documents: dict[str, Document],
    is_there: Callable[[Descriptor], bool],
    depth: int,
) -> None:
    if target.digest in documents or depth > DEEPEST_INDEX:
        return
    document = read(content, target)
    if isinstance(document.parsed, Index):
        for entry in sorted(document.parsed.manifests, key=Descriptor.is_attestation):
            if content.has(entry.digest):
                _collect(content, entry, documents, is_there, depth + 1)
            elif not is_there(entry):
                raise Incomplete(entry.digest)
    documents[target.digest] = document
