"""fuse-overlayfs for a thread that looks at a container which does not run, see `view`.

The server has a mount namespace without the mount that it serves, or it would keep that alive: so
it is started first, and the thread moves to another namespace before it attaches the mount. When
the thread ends, by itself or with the engine, the mount goes, and then the server by itself.
"""

import os
import subprocess
import threading

from lading.kernel import fuse, mount, namespaces
from lading.runtime import served_root
from lading.storage.snapshots import Overlay


def attach(overlay: Overlay, directory: str) -> int:
    """Mount it for this thread alone, in a new mount namespace; a descriptor of its root.

    Raises OSError.
    """
    device = fuse.open_device()
    try:
        tree = fuse.mount(device, "fuse-overlayfs")
        place, words = served_root.command(overlay._asdict(), device)  # type: ignore[arg-type]
        null = subprocess.DEVNULL
        server = subprocess.Popen(
            words, cwd=place, pass_fds=[device], env={}, stdin=null, stdout=null, stderr=null
        )
    finally:
        os.close(device)
    threading.Thread(target=server.wait, daemon=True).start()  # for its end somebody has to wait
    namespaces.unshare(namespaces.CLONE_NEWNS)
    mount.move_mount(tree, mount.AT_FDCWD, directory)
    return tree
