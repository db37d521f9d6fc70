"""How one state of a container follows from another. Pure, but for the clock."""

import time

from msgspec.structs import replace

from lading.containers import health
from lading.containers.record import ContainerRecord, ContainerState, Health


def first_health(record: ContainerRecord) -> Health | None:
    """The health of a container at the start of a run."""
    return health.at_start(health.check_of(record.config), record.state.health)


def exited(earlier: ContainerState, outcome: dict[str, object] | None) -> ContainerState:
    """The state after an exit; `outcome` None: the monitor was killed."""
    if outcome is None:
        return replace(
            earlier,
            status="exited",
            pid=0,
            exit_code=255,
            error="the container's monitor was killed: the exit code is unknown",
            finished_ns=time.time_ns(),
            health=health.at_end(earlier.health),
        )
    return replace(
        earlier,
        status="exited",
        pid=0,
        exit_code=int(str(outcome["exit_code"])),
        oom_killed=bool(outcome.get("oom_killed")),
        finished_ns=int(str(outcome.get("finished_at_ns") or time.time_ns())),
        health=health.at_end(earlier.health),
    )


def duration(earlier: ContainerState, state: ContainerState) -> dict[str, str]:
    """What `die` tells of the run's length."""
    seconds = max(state.finished_ns - earlier.started_ns, 0) // 1_000_000_000
    return {"execDuration": str(seconds)}
