"""From what a user writes to an image: a name, name@digest, an ID, the start of an ID.

The config's digest is taken for the image, too: it is what other engines call the image ID.
"""

import re
from sqlite3 import Connection
from typing import NamedTuple

from lading.errors import InvalidArgument, NotFound
from lading.images import records
from lading.images.records import ImageRecord
from lading.oci import digest as digests
from lading.oci import reference as references
from lading.oci.reference import Reference

_HEX = re.compile(r"[a-f0-9]{1,64}")


class NoSuchImage(NotFound):
    """No such image: {0}"""


class AmbiguousImage(InvalidArgument):
    """multiple IDs found with provided prefix: {0}"""


class Found(NamedTuple):
    """The image, and the complete reference by which it was found (None: by ID)."""

    record: ImageRecord
    name: Reference | None


def find(connection: Connection, text: str) -> Found:
    """Look the image up. Raises NoSuchImage, AmbiguousImage, InvalidReference."""
    if digests.is_digest(text):
        return _by_digest(connection, text, text)
    if re.fullmatch(r"[a-f0-9]{64}", text):
        return _by_digest(connection, f"sha256:{text}", text)
    reference = references.parse(text).with_default_tag()
    digest = _by_name(connection, reference)
    if digest:
        return _found(connection, digest, reference)
    if _HEX.fullmatch(text):
        matches = records.find_prefix(connection, f"sha256:{text}")
        if len(matches) > 1:
            raise AmbiguousImage(text)
        if matches:
            return _found(connection, matches[0], None)
    raise NoSuchImage(reference.familiar)


def _by_name(connection: Connection, reference: Reference) -> str | None:
    """A digest beside the name is what counts; a tag beside a digest says nothing."""
    if reference.digest is None:
        return records.find_name(connection, str(reference))
    digest = records.find_digest(connection, reference.digest)
    record = records.get(connection, digest) if digest else None
    known = {references.parse(name).name for name in record.names} if record else set()
    return digest if reference.name in known else None


def _by_digest(connection: Connection, digest: str, shown: str) -> Found:
    known = records.find_digest(connection, digest)
    if known is None:
        raise NoSuchImage(shown)
    return _found(connection, known, None)


def _found(connection: Connection, digest: str, name: Reference | None) -> Found:
    record = records.get(connection, digest)
    if record is None:
        raise NoSuchImage(name.familiar if name else digest)
    return Found(record, name)
