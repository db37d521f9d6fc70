"""Digests: "algorithm:hex", the names of content (OCI image-spec, descriptor.md#digests).

A digest travels as plain `str`; this file checks and computes them.
"""

import hashlib
import re
from collections.abc import Iterable

from lading.errors import InvalidArgument

# Registered algorithms that are accepted, and the length of their hex part.
HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_SHAPE = re.compile(r"[A-Za-z0-9]+(?:[+._-][A-Za-z0-9]+)*:[A-Za-z0-9=_-]+", re.ASCII)
_HEX = re.compile(r"[a-f0-9]+", re.ASCII)


class InvalidDigest(InvalidArgument):
    """{0}"""


def check(digest: str) -> str:
    """Return the digest if it is well formed and of a known algorithm.

    Raises InvalidDigest with the texts of Docker's digest package.
    """
    if not _SHAPE.fullmatch(digest):
        raise InvalidDigest("invalid checksum digest format")
    algorithm, _, encoded = digest.partition(":")
    length = HEX_LENGTHS.get(algorithm)
    if length is None:
        raise InvalidDigest("unsupported digest algorithm")
    if len(encoded) != length:
        raise InvalidDigest("invalid checksum digest length")
    if not _HEX.fullmatch(encoded):
        raise InvalidDigest("invalid checksum digest format")
    return digest


def is_digest(text: str) -> bool:
    """Whether `check` would accept the text."""
    try:
        check(text)
    except InvalidDigest:
        return False
    return True


def of(data: bytes, *, algorithm: str = "sha256") -> str:
    """The digest of these bytes."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def verifies(data: bytes, digest: str) -> bool:
    """Whether the bytes are what the digest names."""
    return of(data, algorithm=digest.partition(":")[0]) == digest


def encoded(digest: str) -> str:
    """The hex part."""
    return digest.partition(":")[2]


def short(digest: str) -> str:
    """The twelve characters that people are shown."""
    return encoded(digest)[:12]


def chain_ids(diff_ids: Iterable[str]) -> list[str]:
    """The ChainID of each layer with all below it; the last one names the whole root filesystem.

    ChainID(n) = digest of "ChainID(n-1) DiffID(n)". Source: image-spec, config.md#layer-chainid.
    """
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(of(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return chain
