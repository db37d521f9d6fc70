"""An event: what happened to which object, numbered and timed. Names are Docker's.

Types and actions: https://docs.docker.com/reference/cli/docker/system/events/ ; who stores and
replays them is `lading.state.journal`.
"""

from msgspec import Struct


class Event(Struct, frozen=True):
    """One thing that happened. `sequence` is 0 until the journal has numbered it."""

    type: str  # "container", "image", "network", ...
    action: str  # "create", "start", "die", "exec_start: sh"
    actor_id: str
    attributes: dict[str, str]
    time_ns: int
    sequence: int = 0
