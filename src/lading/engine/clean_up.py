"""Taking an engine's marks off the host: bridge, firewall rules, addresses, cgroup parents,
AppArmor profile.

For the owner who ends an engine for good (`ladingd --clean-up`); what is below data-root stays.
"""

import contextlib
import os
from typing import TYPE_CHECKING

from lading.kernel.cgroup import hierarchies

if TYPE_CHECKING:
    from lading.engine.engine import Engine


async def clean_up(engine: "Engine") -> None:
    """Remove what an engine without running containers still has on the host."""
    await engine.context.call_network(engine.networks.remove_everything)
    if not any(container.record.state.is_running for container in engine.containers.all()):
        engine.context.security.apparmor.remove()  # theirs would leave them unconfined
    if engine.layout.uses_systemd:  # whose slices are not ours to remove
        return
    trees = hierarchies()
    for mount in {*trees.v1.values(), *([trees.v2] if trees.v2 else [])}:
        remove_empty(mount, os.path.dirname(engine.layout.cgroup("x")))


def remove_empty(mount: str, path: str) -> None:
    """Remove a cgroup and its parents below `mount`, as far as nobody uses them."""
    with contextlib.suppress(OSError):  # EBUSY: in use; ENOENT: never made
        while path.strip("/"):
            os.rmdir(mount + path)
            path = os.path.dirname(path)
