"""Where a container's asking for a log driver meets the logs room: defaults, checks, the plan."""

from msgspec.structs import replace

from lading.containers import oci_spec
from lading.containers.layout import Layout
from lading.containers.record import ContainerRecord
from lading.errors import LadingError, SystemFault
from lading.logs import LogPlan, TagSource, options
from lading.logs.drivers import json_lines
from lading.wire.host_config import LogConfig


class LogNotOpened(SystemFault):
    """failed to create task for container: failed to initialize logging driver: {0}"""


def with_defaults(asked: LogConfig, default: LogConfig) -> LogConfig:
    """What is asked, completed by the engine's own: its driver, and its options for that driver."""
    driver = asked.type or default.type or "json-file"
    inherited = default.config or {} if driver == default.type else {}
    return replace(asked, type=driver, config={**inherited, **(asked.config or {})})


def check(config: LogConfig) -> None:
    """Raises InvalidArgument for what dockerd refuses when a container is created."""
    options.check(config.type or "json-file", config.config or {})


def is_unsent(config: LogConfig) -> bool:
    """Whether its driver would send the log elsewhere, and is not there yet."""
    return config.type in options.UNSENT


def plan_of(record: ContainerRecord) -> LogPlan:
    """What its driver and options come to. Raises LadingError with dockerd's reason."""
    config = record.host_config.log_config
    return options.plan(config.type or "json-file", config.config or {}, source_of(record))


def source_of(record: ContainerRecord) -> TagSource:
    """What is known of it where its log is opened."""
    return TagSource(
        id=record.id,
        name=record.name,
        image_id=record.image_id,
        image_name=record.config.image,
        command=" ".join(oci_spec.arguments(record)),
        hostname=record.config.hostname,
        labels=record.config.labels or {},
        env=record.config.env or (),
        created_ns=record.created_ns,
    )


def log_path(record: ContainerRecord, layout: Layout) -> str:
    """Where inspect says that it is: the file that dockerd would have, if there is one; else the
    directory of the segments. Other drivers have no path.
    """
    config = record.host_config.log_config
    if config.type not in ("", "json-file"):
        return ""
    if options.is_mirrored(config.config or {}):
        return json_lines.file_path(layout.files(record.id), record.id)
    return layout.log(record.id)


def plan_for_start(record: ContainerRecord) -> LogPlan:
    """The same; raises LogNotOpened."""
    try:
        return plan_of(record)
    except LadingError as error:
        raise LogNotOpened(error) from error
