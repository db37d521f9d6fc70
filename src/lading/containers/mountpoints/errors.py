"""What can be wrong with mounts. The texts are dockerd's, for clients match on them."""

from lading.errors import InvalidArgument


class InvalidSpecification(InvalidArgument):
    """invalid volume specification: '{0}'"""


class InvalidBind(InvalidArgument):
    """invalid volume specification: '{0}': invalid mount config for type "{1}": {2}"""


class InvalidMode(InvalidArgument):
    """invalid mode: {0}"""


class InvalidMount(InvalidArgument):
    """invalid mount config for type "{0}": {1}"""


class MisplacedOptions(InvalidArgument):
    """{0} must not be specified on mount type "{1}\""""


class DuplicateMount(InvalidArgument):
    """Duplicate mount point: {0}"""


class NoVolumesFrom(InvalidArgument):
    """volumes-from specification cannot be an empty string"""


class MissingVolumesFrom(InvalidArgument):
    """{0}"""


EMPTY = "field {0} must not be empty"
FORBIDDEN = "field {0} must not be specified"
NOT_ABSOLUTE = "invalid mount path: '{0}' mount path must be absolute"
IS_ROOT = "invalid specification: destination can't be '/'"
NO_SOURCE = "bind source path does not exist: {0}"
