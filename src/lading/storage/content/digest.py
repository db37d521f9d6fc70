"""Digests as the OCI image spec writes them: `sha256:<64 hex>`, `sha512:<128 hex>`.

Only registered algorithms that we can compute are let in, because a digest becomes a file path.
Source: OCI image-spec 1.1, descriptor.md#digests.
"""

import hashlib
from typing import Protocol

from lading import errors

HEX_LENGTHS = {"sha256": 64, "sha512": 128}  # descriptor.md#registered-algorithms
_HEX = frozenset("0123456789abcdef")  # the spec forbids capitals


class InvalidDigest(errors.InvalidArgument):
    """invalid digest: {0!r}"""


class Hash(Protocol):
    """What we use of a hashlib object."""

    def update(self, data: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


def parse(digest: str) -> tuple[str, str]:
    """Split into algorithm and hex. Raises InvalidDigest."""
    algorithm, _, encoded = digest.partition(":")
    if len(encoded) != HEX_LENGTHS.get(algorithm) or not _HEX.issuperset(encoded):
        raise InvalidDigest(digest)
    return algorithm, encoded


def new_hash(algorithm: str) -> Hash:
    """A running hash of a registered algorithm."""
    return hashlib.new(algorithm, usedforsecurity=False)


def of(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of bytes that are in memory."""
    running = new_hash(algorithm)
    running.update(data)
    return f"{algorithm}:{running.hexdigest()}"
