"""The rule for names of volumes that have a directory: dockerd's volumeNameRegex. Pure."""

from lading import names
from lading.volumes.record import InvalidVolumeName, LongVolumeName, ShortVolumeName

LONGEST = 255  # NAME_MAX, limits.h


def check(name: str) -> str:
    """The name. Raises ShortVolumeName, InvalidVolumeName, LongVolumeName."""
    if len(name) == 1:
        raise ShortVolumeName(name)
    if not names.is_name(name):
        raise InvalidVolumeName(name)
    if len(name) > LONGEST:
        raise LongVolumeName(name)
    return name
