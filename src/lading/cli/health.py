"""The flags of a health check, and what they mean."""

from __future__ import annotations

from lading.cli.flags import BOOL, DURATION, INT, STRING, Flag
from lading.cli.parser import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.sdk.request import Document

FLAGS = (
    Flag("health-cmd", "", STRING, "Command to run to check health"),
    Flag("health-interval", "", DURATION, "Time between running the check (ms|s|m|h)"),
    Flag("health-retries", "", INT, "Consecutive failures needed to report unhealthy"),
    Flag(
        "health-start-interval",
        "",
        DURATION,
        "Time between running the check during the start period (ms|s|m|h)",
    ),
    Flag(
        "health-start-period",
        "",
        DURATION,
        "Start period for the container to initialize before counting failures (ms|s|m|h)",
    ),
    Flag("health-timeout", "", DURATION, "Maximum time to allow one check to run (ms|s|m|h)"),
    Flag("no-healthcheck", "", BOOL, "Disable any container-specified HEALTHCHECK"),
)


class HealthArguments(Arguments):
    """Durations in nanoseconds."""

    health_cmd: str
    health_interval: int
    health_retries: int
    health_start_interval: int
    health_start_period: int
    health_timeout: int
    no_healthcheck: bool


def config(args: HealthArguments) -> Document | None:
    """None leaves the image's. Raises ValueError with Docker's words."""
    asked = {
        "Interval": args.health_interval,
        "Timeout": args.health_timeout,
        "StartPeriod": args.health_start_period,
        "StartInterval": args.health_start_interval,
        "Retries": args.health_retries,
    }
    if args.no_healthcheck:
        if args.health_cmd or any(asked.values()):
            raise ValueError("--no-healthcheck conflicts with --health-* options")
        return {"Test": ["NONE"]}
    for flag in ("interval", "timeout", "retries", "start-period", "start-interval"):
        if getattr(args, f"health_{flag.replace('-', '_')}") < 0:
            raise ValueError(f"--health-{flag} cannot be negative")
    document: Document = {key: value for key, value in asked.items() if value}
    if args.health_cmd:
        document["Test"] = ["CMD-SHELL", args.health_cmd]
    return document or None
