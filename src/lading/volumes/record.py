"""What is kept of a volume, and what can be wrong with asking for one. The texts are dockerd's."""

from msgspec import Struct

from lading.errors import Conflict, InvalidArgument, NotFound, SystemFault

ANONYMOUS_LABEL = "com.docker.volume.anonymous"
LOCAL = "local"


class NoSuchVolume(NotFound):
    """get {0}: no such volume"""


class NoSuchDriver(NotFound):
    """create {0}: error looking up volume plugin {1}: plugin "{1}" not found"""


class InvalidVolumeName(InvalidArgument):
    """create {0}: "{0}" includes invalid characters for a local volume name, \
only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. \
If you intended to pass a host directory, use absolute path"""


class ShortVolumeName(InvalidArgument):
    """create {0}: volume name is too short, names should be at least two alphanumeric characters"""


class LongVolumeName(InvalidArgument):
    """create {0}: volume name is too long, names should be at most 255 characters"""


class InvalidOption(InvalidArgument):
    """create {0}: {1}"""


class NameTaken(Conflict):
    """create {0}: driver '{1}' already has volume '{0}': volume name must be unique"""


class VolumeExists(Conflict):
    """volume {0} exists already"""


class NotEmpty(Conflict):
    """volume {0} is not empty"""


class NotPlain(Conflict):
    """volume {0} cannot be {1}: only a plain directory of the local driver can"""


class StillInUse(Conflict):
    """rename {0}: volume is in use - [{1}]"""


class VolumeInUse(Conflict):
    """remove {0}: volume is in use - [{1}]"""


class CannotMount(SystemFault):
    """error while mounting volume '{0}': {1}"""


class DriverFailed(SystemFault):
    """{0} {1}: {2}"""


class Volume(Struct, frozen=True, omit_defaults=True):
    """One volume as stored. `options` and `labels` are as they were asked, None if they were not.

    A driver may tell more about it (`status`), which is asked for when it is shown and not stored.
    """

    name: str
    driver: str = LOCAL
    created_ns: int = 0
    options: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    renamed_from: str = ""  # while its directory may still have the earlier name

    @property
    def is_anonymous(self) -> bool:
        """Whether it was made without a name, for one container."""
        return ANONYMOUS_LABEL in (self.labels or {})
