"""The events of volumes that a container's run mounts and leaves."""

from lading.containers.container import Container
from lading.containers.context import Context, Happening


def mount_events(context: Context, container: Container, action: str) -> list[Happening]:
    """What happens to the container's volumes with its start or end."""
    volumes = context.volumes
    found: list[Happening] = []
    for mount in container.record.mounts or []:
        if mount.type != "volume" or not volumes.has(mount.name):
            continue
        more = {"container": container.id}
        if action == "mount":
            more["destination"] = mount.destination
            more["read/write"] = str(not mount.is_read_only).lower()
            more["propagation"] = mount.propagation
        found.append(volumes.event(action, volumes.find(mount.name), **more))
    return found
