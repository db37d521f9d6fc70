"""What `--log-driver` and `--log-opt` ask for, checked as dockerd checks it, and what it comes to.

Names of options are checked when a container is created, their values when it starts: so dockerd
does it, and so `docker create` succeeds and `docker start` fails. All drivers keep our segments;
they differ in how much is kept and in who may read it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote_plus

from lading import quantities
from lading.errors import InvalidArgument, NotSupported, SystemFault
from lading.logs import driver as drivers
from lading.logs.driver import COMMON, check_names
from lading.logs.go_values import bool_of, bool_or_none
from lading.logs.rotation import rotation
from lading.logs.tag import TagSource, render

ROTATION = frozenset({"max-size", "max-file", "compress"})
EVERYWHERE = frozenset(  # of every driver but none; the caches are those of drivers without reading
    {"mode", "max-buffer-size"}
    | {f"cache-{name}" for name in ("disabled", "max-size", "max-file", "compress")}
)
MIRROR = "mirror"  # ours: whether json-file keeps dockerd's file of JSON lines, too
LOCAL = ("json-file", "local")  # drivers whose whole work our segments are
REMOTE = ("fluentd", "gelf", "journald", "syslog")  # each a driver of `lading.logs.drivers`
UNSENT = ("awslogs", "gcplogs", "splunk")  # dockerd's that are not there yet: the log is kept here
READY = ("json-file", "local", "none", *REMOTE)
DRIVERS = (*READY, *UNSENT)
NONE_QUOTA = 1 << 20  # enough for what an attached client has not read yet; more is held for it
MIN_QUOTA = 4096
MAX_BUFFER_SIZE = 1_000_000  # dockerd's default of max-buffer-size

Options = Mapping[str, str]


class NoSuchDriver(InvalidArgument):
    """error looking up logging plugin {0}: plugin "{0}" not found"""


class BadMode(InvalidArgument):
    """logger: logging mode not supported: {0}"""


class BufferWithoutMode(InvalidArgument):
    """logger: max-buffer-size option is only supported with 'mode=non-blocking'"""


class BadBufferSize(InvalidArgument):
    """error parsing option max-buffer-size: {0}"""


class BadCacheDisabled(InvalidArgument):
    """invalid value for option cache-disabled: {0}"""


class BadValue(SystemFault):
    """{0}"""


class NotReadable(NotSupported):
    """configured logging driver does not support reading"""


class LogPlan(NamedTuple):
    """What the options come to. `quota` is in bytes, 0 for no limit."""

    driver: str
    quota: int
    compress: bool = False
    is_readable: bool = True
    max_lag: int = 0  # bytes that a sink in non-blocking mode may lag behind; 0: any number
    sink: str = ""  # the driver (`lading.logs.driver`) that gets the log as well
    attributes: Mapping[str, str] = MappingProxyType(
        {}
    )  # told with each line that is read with details

    @property
    def details(self) -> str:
        """The attributes as `logs --details` writes them."""
        return details(self.attributes)


def check(driver: str, options: Options) -> None:
    """What is checked when a container is created. Raises InvalidArgument."""
    if driver not in DRIVERS:
        raise NoSuchDriver(driver)
    if driver == "none":
        return
    mode = options.get("mode", "")
    if mode not in ("", "blocking", "non-blocking"):
        raise BadMode(mode)
    if "max-buffer-size" in options:
        if mode != "non-blocking":
            raise BufferWithoutMode
        try:
            quantities.parse_bytes(options["max-buffer-size"])
        except InvalidArgument as error:
            raise BadBufferSize(error) from error
    if bool_or_none(options.get("cache-disabled", "")) is None:
        raise BadCacheDisabled(options["cache-disabled"])
    own = {name: value for name, value in options.items() if name not in EVERYWHERE}
    if driver in REMOTE:
        drivers.find(driver).check(own)
    else:
        _check_names(driver, own)


def _check_names(driver: str, options: Options) -> None:
    known = COMMON | (ROTATION if driver in LOCAL else frozenset())
    known |= {MIRROR} if driver == "json-file" else set()
    if driver in UNSENT:
        known |= {name for name in options if name.startswith(_PREFIXES.get(driver, driver))}
    check_names(options, known, "log driver local" if driver == "local" else f"{driver} log driver")


_PREFIXES = {"gcplogs": "gcp-"}


def plan(driver: str, options: Options, source: TagSource) -> LogPlan:
    """What is checked when a container starts. Raises BadValue."""
    if driver == "none":
        return LogPlan(driver, NONE_QUOTA, is_readable=False)
    try:
        size, count, compress = rotation(driver, options)
        tag = render(options.get("tag", ""), source)
        attributes = _attributes(options, source)
        is_mirrored = driver == "json-file" and bool_of(options.get(MIRROR, "false"))
    except InvalidArgument as error:
        raise BadValue(error) from error
    if driver == "json-file" and options.get("tag"):
        attributes["tag"] = tag
    is_waited_for = options.get("mode") != "non-blocking"
    max_lag = quantities.parse_bytes(options.get("max-buffer-size", str(MAX_BUFFER_SIZE)))
    return LogPlan(
        driver,
        max(size * count, MIN_QUOTA) if size else 0,
        compress,
        is_readable=not bool_or_none(options.get("cache-disabled", "")) or driver in LOCAL,
        sink="json-lines" if is_mirrored else driver if driver in REMOTE else "",
        max_lag=0 if is_waited_for else max_lag,
        attributes=attributes if driver != "local" else {},
    )


def is_mirrored(options: Options) -> bool:
    """Whether json-file keeps dockerd's file, too."""
    return bool(bool_or_none(options.get(MIRROR, "")))


def _attributes(options: Options, source: TagSource) -> dict[str, str]:
    """The labels and variables of the container that the options name."""
    found = _chosen(source.labels, options, "labels")
    variables = dict(entry.split("=", 1) for entry in source.env if "=" in entry)
    return found | _chosen(variables, options, "env")


def _chosen(values: Mapping[str, str], options: Options, option: str) -> dict[str, str]:
    names = set(options.get(option, "").split(","))
    pattern = options.get(f"{option}-regex", "")
    try:
        matches = re.compile(pattern).search
    except re.error as error:
        raise InvalidArgument(f"error parsing regexp: {_reason(error)}: `{pattern}`") from error
    return {n: v for n, v in values.items() if n in names or (pattern and matches(n))}


def _reason(error: re.error) -> str:
    """In Go's words, where they are known."""
    if "unterminated character set" in error.msg:
        return "missing closing ]"
    return "missing closing )" if "missing )" in error.msg else error.msg


def details(attributes: Mapping[str, str]) -> str:
    """`a=b,c=d`, sorted and quoted as in a URL."""
    quoted = [(quote_plus(key), quote_plus(value)) for key, value in sorted(attributes.items())]
    return ",".join(f"{key}={value}" for key, value in quoted)
