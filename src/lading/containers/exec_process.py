"""The OCI process of an exec, and why it could not be started."""

from lading.containers import oci_spec
from lading.containers.container import Container
from lading.errors import InvalidArgument
from lading.wire.exec import ExecConfig


class ExecFailed(InvalidArgument):
    """OCI runtime exec failed: exec failed: unable to start container process: {0}"""


def process(
    container: Container,
    config: ExecConfig,
    size: tuple[int, int] | None,
    walls: oci_spec.Walls,
) -> dict[str, object]:
    """The OCI process of an exec: the container's environment and walls, its own command."""
    record = container.record
    hostname = record.config.hostname
    privileged = config.privileged or record.host_config.privileged
    names = (
        oci_spec.all_capabilities() if privileged else oci_spec.capability_names(record.host_config)
    )
    own = config.env or []
    named = {entry.partition("=")[0] for entry in own}
    inherited = [
        entry
        for entry in oci_spec.environment(record, hostname, tty=config.tty)
        if entry.partition("=")[0] not in named
    ]
    document: dict[str, object] = {
        "terminal": config.tty,
        "user": {
            "username": config.user or record.config.user or "0",
            "groupAdd": record.host_config.group_add or [],
        },
        "args": list(config.cmd or []),
        "env": [*inherited, *own],
        "cwd": config.working_dir or record.config.working_dir or "/",
        "capabilities": {"bounding": names, "effective": names, "permitted": names},
        **oci_spec.confined(walls),  # of a privileged exec, too: they are the container's
    }
    if config.tty and size and any(size):
        document["consoleSize"] = {"height": size[0], "width": size[1]}
    return document
