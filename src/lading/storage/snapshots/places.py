"""Keys, roots and the looks of trees: what every driver of directories needs and none changes."""

import os

from lading import errors
from lading.storage import durable
from lading.storage.layers import attributes

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class InvalidKey(errors.InvalidArgument):
    """invalid snapshot key: {0!r}"""


class OtherDriver(errors.Conflict):
    """{0} was made by the storage driver {1}, and {2} cannot read it"""


def claim(root: str, driver: str, *, is_new: bool) -> None:
    """Write down which driver made the root, durably. Raises OtherDriver when it was another one.

    Roots from before that was done are of overlay2; so are those with layers whose note is empty,
    as a power cut could leave it when the note was not yet written durably.
    """
    known = noted(root)
    if not known:
        known = driver if is_new else "overlay2"
        durable.replace_file(root, "driver", known.encode())
    if known != driver:
        raise OtherDriver(root, known, driver)


def noted(root: str) -> str:
    """Which driver made the root; "" when nothing is noted."""
    try:
        with open(os.path.join(root, "driver"), encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def checked(key: str) -> str:
    """The key. A key is a file name. Raises InvalidKey."""
    if not key or key.startswith(".") or "/" in key or "\0" in key or len(key) > 255:
        raise InvalidKey(key)
    return key


def copy_attributes(source: str, target: str) -> None:
    """Make one tree's root look like another's: the merged root has the upper's attributes."""
    source_fd = os.open(source, _DIRECTORY)
    try:
        target_fd = os.open(target, _DIRECTORY)
        try:
            attributes.copy_from(source_fd, os.fstat(source_fd), target_fd)
        finally:
            os.close(target_fd)
    finally:
        os.close(source_fd)
