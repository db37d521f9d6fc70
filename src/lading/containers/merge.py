"""What the image says and what the user says, merged into the container's configuration. Pure.

Docker's rules (moby: daemon/commit.go, merge): the user's word wins; variables, labels, ports and
volumes are united; a user's entrypoint clears the image's command.
"""

from msgspec import UNSET
from msgspec.structs import replace

from lading.containers import health
from lading.errors import InvalidArgument
from lading.oci.config import ExecutionConfig
from lading.wire.containers import ContainerConfig


class NoCommand(InvalidArgument):
    """no command specified"""


def merge(asked: ContainerConfig, image: ExecutionConfig) -> ContainerConfig:
    """The configuration that is stored and run. Raises NoCommand."""
    merged = unite(asked, image)
    if not merged.entrypoint and not merged.cmd:
        raise NoCommand
    return merged


def unite(asked: ContainerConfig, image: ExecutionConfig) -> ContainerConfig:
    """The user's words, and the image's where the user has none."""
    entrypoint, command = asked.entrypoint, asked.cmd
    if not entrypoint:
        command = command or image.cmd  # a user's entrypoint clears the image's command
        if entrypoint is None:
            entrypoint = image.entrypoint
    if entrypoint == [""]:
        entrypoint = None  # `--entrypoint ""` clears the image's
    return replace(
        asked,
        entrypoint=entrypoint or None,
        cmd=command,
        env=_variables(image.env or [], asked.env or []),
        labels={**(image.labels or {}), **(asked.labels or {})},
        exposed_ports={**(image.exposed_ports or {}), **(asked.exposed_ports or {})} or UNSET,
        volumes={**(image.volumes or {}), **(asked.volumes or {})} or None,
        user=(asked.user or "") or image.user or "",
        working_dir=(asked.working_dir or "") or image.working_dir or "",
        stop_signal=asked.stop_signal or image.stop_signal or UNSET,
        healthcheck=health.inherited(asked.healthcheck, image.healthcheck),
        shell=asked.shell or image.shell or UNSET,
    )


def _variables(image: list[str], asked: list[str]) -> list[str]:
    """The user's variables first, then the image's that the user did not name."""
    named = {entry.partition("=")[0] for entry in asked}
    return [*asked, *(entry for entry in image if entry.partition("=")[0] not in named)]
