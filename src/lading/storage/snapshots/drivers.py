"""The built-in drivers by name; the one that made a root is the only one that can read it."""

from lading.errors import InvalidArgument
from lading.kernel import namespaces
from lading.state import Database
from lading.storage.snapshots.copying import BtrfsDriver, NativeDriver
from lading.storage.snapshots.driver import Driver
from lading.storage.snapshots.overlay import OverlayDriver, UserOverlayDriver
from lading.storage.snapshots.places import noted
from lading.storage.snapshots.served import (
    CannotServe,
    FuseOverlayDriver,
    NoOverlay,
    find_program,
    refusal,
)

DEFAULT = "overlay2"
USER_DEFAULT = "overlay2-userxattr"  # where we are not the host's root
BUILT_IN: dict[str, type[OverlayDriver | NativeDriver | BtrfsDriver]] = {
    "btrfs": BtrfsDriver,
    "fuse-overlayfs": FuseOverlayDriver,
    "native": NativeDriver,
    "overlay": OverlayDriver,
    "overlay2": OverlayDriver,
    "overlay2-userxattr": UserOverlayDriver,
    "overlayfs": OverlayDriver,
    "vfs": NativeDriver,
}


class UnknownDriver(InvalidArgument):
    """driver not supported: {0} (there are btrfs, fuse-overlayfs, overlay2, \
overlay2-userxattr and vfs)"""


def open_driver(name: str, root: str, database: Database) -> Driver:
    """Open a root with a driver; with "" what made it, or what this host can do.

    Raises UnknownDriver, RootInUse, places.OtherDriver, CannotServe, NoOverlay.
    """
    if namespaces.in_user_namespace() and BUILT_IN.get(name or DEFAULT) is OverlayDriver:
        name = USER_DEFAULT if name else _user_default(root)
    driver = BUILT_IN.get(name or DEFAULT)
    if driver is None:
        raise UnknownDriver(name)
    return driver(root, database)


def _user_default(root: str) -> str:
    """Of an engine that is not the host's root. A root keeps the driver that it has."""
    if known := noted(root):
        return known
    refused = refusal(root)
    if not refused:
        return USER_DEFAULT
    try:
        find_program()
    except CannotServe as error:
        raise NoOverlay(root, refused, error) from error
    return FuseOverlayDriver.name
