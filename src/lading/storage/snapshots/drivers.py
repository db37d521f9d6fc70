"""The built-in drivers by name; the one that made a root is the only one that can read it."""

from lading.errors import InvalidArgument
from lading.kernel import namespaces
from lading.state import Database
from lading.storage.snapshots.copying import BtrfsDriver, NativeDriver
from lading.storage.snapshots.driver import Driver
from lading.storage.snapshots.overlay import OverlayDriver, UserOverlayDriver

DEFAULT = "overlay2"
USER_DEFAULT = "overlay2-userxattr"  # where we are not the host's root
BUILT_IN: dict[str, type[OverlayDriver | NativeDriver | BtrfsDriver]] = {
    "btrfs": BtrfsDriver,
    "native": NativeDriver,
    "overlay": OverlayDriver,
    "overlay2": OverlayDriver,
    "overlay2-userxattr": UserOverlayDriver,
    "overlayfs": OverlayDriver,
    "vfs": NativeDriver,
}


class UnknownDriver(InvalidArgument):
    """driver not supported: {0} (there are btrfs, overlay2, overlay2-userxattr and vfs)"""


def open_driver(name: str, root: str, database: Database) -> Driver:
    """Open a root with a driver. Raises UnknownDriver, RootInUse, places.OtherDriver."""
    if namespaces.in_user_namespace() and BUILT_IN.get(name or DEFAULT) is OverlayDriver:
        name = USER_DEFAULT
    driver = BUILT_IN.get(name or DEFAULT)
    if driver is None:
        raise UnknownDriver(name)
    return driver(root, database)
