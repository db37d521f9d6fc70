"""The built-in drivers by name; the one that made a root is the only one that can read it."""

from lading.errors import InvalidArgument
from lading.state import Database
from lading.storage.snapshots.copying import BtrfsDriver, NativeDriver
from lading.storage.snapshots.driver import Driver
from lading.storage.snapshots.overlay import OverlayDriver

DEFAULT = "overlay2"
BUILT_IN: dict[str, type[OverlayDriver | NativeDriver | BtrfsDriver]] = {
    "btrfs": BtrfsDriver,
    "native": NativeDriver,
    "overlay": OverlayDriver,
    "overlay2": OverlayDriver,
    "overlayfs": OverlayDriver,
    "vfs": NativeDriver,
}


class UnknownDriver(InvalidArgument):
    """driver not supported: {0} (there are btrfs, overlay2 and vfs)"""


def open_driver(name: str, root: str, database: Database) -> Driver:
    """Open a root with a driver. Raises UnknownDriver, RootInUse, places.OtherDriver."""
    driver = BUILT_IN.get(name or DEFAULT)
    if driver is None:
        raise UnknownDriver(name)
    return driver(root, database)
