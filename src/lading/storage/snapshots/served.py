"""The driver fuse-overlayfs: the overlay driver's directories, stacked by a process.

For engines of plain users on kernels and file systems that refuse overlayfs to them: before Linux
5.11, or where the data root has no user.* attributes or is itself an overlay. What the process
leaves in the upper directory is told by `layers.whiteout`.
"""

import os
import shutil

from lading import errors
from lading.kernel import fuse, mount, namespaces
from lading.state import Database
from lading.storage import trees
from lading.storage.snapshots.overlay import OverlayDriver

PROGRAM = "fuse-overlayfs"


class CannotServe(errors.SystemFault):
    """the storage driver fuse-overlayfs cannot be used: {0}"""


class NoOverlay(errors.SystemFault):
    """overlayfs is refused in {0} ({1}), and so is its substitute: {2} \
(--storage-driver=vfs works everywhere, and copies each image for each container)"""


class FuseOverlayDriver(OverlayDriver):
    """Snapshots for fuse-overlayfs. Raises CannotServe when it is opened."""

    name = "fuse-overlayfs"

    def __init__(self, root: str, database: Database) -> None:
        self.server = find_program()
        # where we are not the host's root trusted.* cannot be written
        self.userxattr = namespaces.in_user_namespace()
        super().__init__(root, database)


def find_program() -> str:
    """Where it is, if it can be used. Raises CannotServe."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise CannotServe(f"there is no program {PROGRAM} in PATH (Debian's package has its name)")
    try:
        os.close(fuse.open_device())
    except OSError as error:
        hint = " (modprobe fuse)" if isinstance(error, FileNotFoundError) else ""
        raise CannotServe(f"{fuse.DEVICE}: {error.strerror}{hint}") from error
    return program


def refusal(root: str) -> str:
    """Why overlayfs cannot be mounted here with the option userxattr; "" when it can be."""
    place = os.path.join(root, "probe")
    try:
        for name in ("lower", "upper", "work"):
            os.makedirs(os.path.join(place, name), mode=0o700, exist_ok=True)
        options: dict[str, str | None] = {
            f"{name}dir": f"{place}/{name}" for name in ("lower", "upper", "work")
        }
        os.close(mount.detached("overlay", {**options, "userxattr": None}))
        return ""
    except OSError as error:
        return f"{error.strerror}: {error.filename}" if error.filename else str(error)
    finally:
        directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            trees.remove_tree(directory, "probe")
        finally:
            os.close(directory)
