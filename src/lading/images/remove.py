"""Removing images by Docker's rules, decided here without I/O.

    asked by      names of the image            what happens
    name          it is one of several          that name goes, nothing else
    name          the last one, unused          name and image go
    name          the last one, in use          409 unless forced; forced: the name goes, and the
                                                image unless a container runs on it
    ID            one tag or none               names and image go (409 when in use)
    ID            several repositories or tags  409 unless forced

Texts: moby, daemon/images/image_delete.go (imageDeleteConflict), which clients match on.
"""

import time
from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import NamedTuple

from lading.errors import Conflict
from lading.events import Event
from lading.images import records
from lading.images.records import ImageRecord
from lading.oci import digest as digests
from lading.oci import reference as references
from lading.oci.reference import Reference
from lading.state import journal

SHORT = 12  # characters of an ID that people are shown


class ReferenceInUse(Conflict):
    """conflict: unable to remove repository reference "{0}" (must force) - container {1} is using \
its referenced image {2}"""


class ImageConflict(Conflict):
    """conflict: unable to delete {0} ({1}) - {2}"""


class User(NamedTuple):
    """A container that was made from the image."""

    container_id: str
    is_running: bool


class Removal(NamedTuple):
    """What to do: names to drop, and whether the image goes."""

    names: tuple[str, ...]
    is_deleted: bool


def decide(
    image: ImageRecord, name: Reference | None, users: Sequence[User], *, force: bool
) -> Removal:
    """What removing the image (by this name, or by ID) comes to. Raises Conflict."""
    if name is not None and str(name) in image.names:
        return _by_name(image, name, users, force=force)
    # by ID or by repo@digest
    if not force and not _is_single(image.names):
        raise _conflict(image, "must be forced", "image is referenced in multiple repositories")
    _check_users(image, users, force=force)
    return Removal(image.names, True)


def _by_name(image: ImageRecord, name: Reference, users: Sequence[User], *, force: bool) -> Removal:
    dropped = (str(name), *_stranded_digests(image, name))
    if set(image.names) - set(dropped):
        return Removal(dropped, False)
    if users and not force:
        container, shown = users[0].container_id[:SHORT], digests.short(image.digest)
        raise ReferenceInUse(name.familiar, container, shown)
    # forced: the name goes in any case, the image when nobody runs on it
    return Removal(dropped, not any(user.is_running for user in users))


def _check_users(image: ImageRecord, users: Sequence[User], *, force: bool) -> None:
    for user in users:
        container = user.container_id[:SHORT]
        if user.is_running:
            reason = f"image is being used by running container {container}"
            raise _conflict(image, "cannot be forced", reason)
    if users and not force:
        reason = f"image is being used by stopped container {users[0].container_id[:SHORT]}"
        raise _conflict(image, "must be forced", reason)


def _stranded_digests(image: ImageRecord, name: Reference) -> list[str]:
    """Names by digest go with the last tag of their repository."""
    siblings = [references.parse(other) for other in image.names if other != str(name)]
    siblings = [other for other in siblings if other.name == name.name]
    return [] if any(other.tag for other in siblings) else [str(other) for other in siblings]


def _is_single(names: Sequence[str]) -> bool:
    """Whether all names are of one repository, with at most one tag."""
    parsed = [references.parse(name) for name in names]
    repositories = {reference.name for reference in parsed}
    return len(repositories) <= 1 and sum(1 for reference in parsed if reference.tag) <= 1


def _conflict(image: ImageRecord, force: str, reason: str) -> ImageConflict:
    return ImageConflict(digests.short(image.digest), force, reason)


def carry_out(
    connection: Connection, digest: str, removal: Removal, labels: Mapping[str, str]
) -> None:
    """Change the rows, with the events that tell of it."""
    now_ns = time.time_ns()
    for name in removal.names:
        records.drop_name(connection, name)
        tell(connection, "untag", digest, {**labels, "name": digest}, now_ns)
    if removal.is_deleted:
        records.drop(connection, digest)
        # without labels, as dockerd tells it: there is no image any more
        tell(connection, "delete", digest, {"name": digest}, now_ns)


def tell(
    connection: Connection, action: str, digest: str, attributes: Mapping[str, str], now_ns: int
) -> None:
    """Append an event of an image to the journal."""
    journal.append(connection, Event("image", action, digest, dict(attributes), now_ns))
