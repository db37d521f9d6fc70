"""The control group that a service manager has handed to the user's engine, if it has.

On cgroup v2 a group either has processes or hands controllers down, never both (kernel doc,
cgroup-v2.rst, "No Internal Process Constraint"). So the engine moves from the group that it was
started in to a leaf below, and containers get theirs beside that leaf. A service of the user's own
manager with Delegate=yes has such a group; a login shell has none, and then there are no limits.
"""

import os
from contextlib import suppress

from lading.kernel.cgroup.hierarchy import LEAF, delegated, own_v2, parse_mountinfo, read_text


def settle() -> bool:
    """Move to the leaf of our group; whether there is one that is ours."""
    mount = parse_mountinfo(read_text("/proc/self/mountinfo")).v2
    if mount is None:
        return False
    groups = read_text("/proc/self/cgroup")
    if delegated(mount, groups):
        return True
    place = mount + own_v2(groups)
    files = (f"{place}/{name}" for name in ("", "cgroup.procs", "cgroup.subtree_control"))
    if not all(os.access(path, os.W_OK) for path in files):
        return False
    leaf = f"{place}/{LEAF}"
    with suppress(FileExistsError):
        os.mkdir(leaf, 0o755)
    try:
        with open(f"{leaf}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    except OSError:  # the rest of the group is somebody else's after all
        os.rmdir(leaf)
        return False
    return True
