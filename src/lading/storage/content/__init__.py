"""Blobs by digest, verbatim: what was pulled is what will be pushed, byte for byte."""

from lading.storage.content.digest import InvalidDigest
from lading.storage.content.ingest import DigestMismatch, Ingest, SizeMismatch
from lading.storage.content.store import Blob, BlobNotFound, BlobTooLarge, ContentStore

__all__ = [
    "Blob",
    "BlobNotFound",
    "BlobTooLarge",
    "ContentStore",
    "DigestMismatch",
    "Ingest",
    "InvalidDigest",
    "SizeMismatch",
]
