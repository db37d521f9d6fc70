"""What a health check asks, and what a probe's result means: pure decisions.

    starting --success--> healthy --`retries` failures in a row--> unhealthy --success--> healthy

A failure does not count while the container is starting and its start period lasts. Docker's rules
(moby: daemon/health.go), which keep the last five results of 4096 bytes each.
"""

from typing import NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from lading.containers.record import Health, ProbeResult
from lading.oci.config import Healthcheck as ImageHealthcheck
from lading.wire.containers import ContainerConfig, Healthcheck

SECOND_NS = 1_000_000_000
INTERVAL_NS = 30 * SECOND_NS
TIMEOUT_NS = 30 * SECOND_NS
START_INTERVAL_NS = 5 * SECOND_NS
RETRIES = 3
KEPT_RESULTS = 5
OUTPUT_BYTES = 4096
DEFAULT_SHELL = ["/bin/sh", "-c"]
STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"


class Check(NamedTuple):
    """A health check with nothing left open. Times are in nanoseconds."""

    command: list[str]
    interval_ns: int = INTERVAL_NS
    timeout_ns: int = TIMEOUT_NS
    start_period_ns: int = 0
    start_interval_ns: int = START_INTERVAL_NS
    retries: int = RETRIES

    def pause_ns(self, health: Health, up_ns: int) -> int:
        """How long to wait before the next probe of a container that is up for so long."""
        if up_ns < self.start_period_ns and health.status == STARTING:
            return self.start_interval_ns
        return self.interval_ns


def check_of(config: ContainerConfig) -> Check | None:
    """The check of a container; None when it has none, or one that is switched off."""
    asked = config.healthcheck or Healthcheck()
    kind, *words = asked.test or ["NONE"]
    if kind == "CMD-SHELL":
        words = [*(config.shell or DEFAULT_SHELL), *words]
    elif kind != "CMD":
        return None
    return Check(
        words,
        asked.interval or INTERVAL_NS,
        asked.timeout or TIMEOUT_NS,
        asked.start_period or 0,
        asked.start_interval or START_INTERVAL_NS,
        asked.retries or RETRIES,
    )


def inherited(
    asked: Healthcheck | UnsetType, image: ImageHealthcheck | None
) -> Healthcheck | UnsetType:
    """The user's check, completed by the image's where it says nothing."""
    if image is None:
        return asked
    asked = asked or Healthcheck()
    return Healthcheck(
        test=asked.test or image.test or UNSET,
        interval=asked.interval or image.interval or UNSET,
        timeout=asked.timeout or image.timeout or UNSET,
        start_period=asked.start_period or image.start_period or UNSET,
        start_interval=asked.start_interval or image.start_interval or UNSET,
        retries=asked.retries or image.retries or UNSET,
    )


def at_start(check: Check | None, earlier: Health | None) -> Health | None:
    """The health of a container that begins a run: the results of the last one are still told."""
    if check is None:
        return None
    return Health(log=earlier.log if earlier else [])


def after_probe(check: Check, health: Health, result: ProbeResult, up_ns: int) -> Health:
    """The health after one more result; `up_ns` is how long the run had lasted when it began."""
    log = [*health.log, result][-KEPT_RESULTS:]
    if result.exit_code == 0:
        return Health(HEALTHY, 0, log)
    if health.status == STARTING and up_ns < check.start_period_ns:
        return replace(health, log=log)
    streak = health.failing_streak + 1
    status = UNHEALTHY if streak >= check.retries else health.status
    return Health(status, streak, log)


def at_end(health: Health | None) -> Health | None:
    """Of a container that has ended: it does not work, as Docker says."""
    return replace(health, status=UNHEALTHY) if health else None


def output_text(output: bytes, *, is_cut: bool) -> str:
    """What is kept of a probe's output."""
    text = output[:OUTPUT_BYTES].decode(errors="replace")
    return text + "..." if is_cut else text
