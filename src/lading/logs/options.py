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
from lading.logs.tag import TagSource, render

COMMON = frozenset({"labels", "labels-regex", "env", "env-regex", "tag"})
ROTATION = frozenset({"max-size", "max-file", "compress"})
EVERYWHERE = frozenset(  # of every driver but none; the caches are those of drivers without reading
    {"mode", "max-buffer-size"}
    | {f"cache-{name}" for name in ("disabled", "max-size", "max-file", "compress")}
)
LOCAL = ("json-file", "local")  # drivers whose whole work our segments are
REMOTE = ("awslogs", "fluentd", "gcplogs", "gelf", "journald", "splunk", "syslog")
DRIVERS = ("json-file", "local", "none", *REMOTE)
LOCAL_MAX_SIZE, LOCAL_MAX_FILE = 20 << 20, 5  # dockerd's defaults of `local` and of its cache
NONE_QUOTA = 1 << 20  # enough for what an attached client has not read yet; more is held for it
MIN_QUOTA = 4096
MAX_BUFFER_SIZE = 1_000_000  # dockerd's default of max-buffer-size

Options = Mapping[str, str]


class NoSuchDriver(InvalidArgument):
    """error looking up logging plugin {0}: plugin "{0}" not found"""


class UnknownOption(InvalidArgument):
    """unknown log opt '{0}' for {1}"""


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
    if _bool(options.get("cache-disabled", "")) is None:
        raise BadCacheDisabled(options["cache-disabled"])
    _check_names(driver, options)


def _check_names(driver: str, options: Options) -> None:
    known = COMMON | EVERYWHERE | (ROTATION if driver in LOCAL else frozenset())
    for name in options:
        is_own = driver in REMOTE and name.startswith(_PREFIXES.get(driver, driver))
        if name not in known and not is_own:
            raise UnknownOption(
                name, "log driver local" if driver == "local" else f"{driver} log driver"
            )


_PREFIXES = {"gcplogs": "gcp-"}


def plan(driver: str, options: Options, source: TagSource) -> LogPlan:
    """What is checked when a container starts. Raises BadValue."""
    if driver == "none":
        return LogPlan(driver, NONE_QUOTA, is_readable=False)
    try:
        size, count, compress = _rotation(driver, options)
        tag = render(options.get("tag", ""), source)
        attributes = _attributes(options, source)
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
        max_lag=0 if is_waited_for else max_lag,
        attributes=attributes if driver != "local" else {},
    )


def _rotation(driver: str, options: Options) -> tuple[int, int, bool]:
    """(max-size in bytes or 0, max-file, compress)"""
    if driver == "json-file":
        return _json_file(options)
    names = ("max-size", "max-file", "compress")
    prefix = "" if driver == "local" else "cache-"
    size, files, compress = (options.get(prefix + name, "") for name in names)
    try:
        maximum = quantities.parse_bytes(size) if size else LOCAL_MAX_SIZE
    except InvalidArgument as error:
        raise InvalidArgument(f"invalid value for max-size: {size}: {error}") from error
    if maximum <= 0:
        raise InvalidArgument("max size should be a positive number")
    count = _int(files) if files else LOCAL_MAX_FILE
    does_compress = _go_bool(compress) if compress else True
    if does_compress and count <= 1:
        raise InvalidArgument("compression cannot be enabled when max file count is 1")
    return maximum, max(count, 1), does_compress


def _json_file(options: Options) -> tuple[int, int, bool]:
    size = 0
    if "max-size" in options:
        size = _decimal_size(options["max-size"])
        if size <= 0:
            raise InvalidArgument("max-size must be a positive number")
    count = _int(options["max-file"]) if "max-file" in options else 1
    if count < 1:
        raise InvalidArgument("max-file cannot be less than 1")
    compress = _go_bool(options["compress"]) if "compress" in options else False
    if compress and (count < 2 or not size):
        raise InvalidArgument(
            "compress cannot be true when max-file is less than 2 or max-size is not set"
        )
    return size, count, compress


def _decimal_size(text: str) -> int:
    """`10k` as 10000: json-file counts in thousands, where `local` counts in 1024s."""
    binary = quantities.parse_bytes(text)
    suffix = text.strip().lower().removesuffix("b").removesuffix("i")[-1:]
    power = "kmgtp".find(suffix) + 1 if suffix else 0
    return int(binary / 1024**power * 1000**power)


def _int(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise InvalidArgument(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def _bool(text: str) -> bool | None:
    """A boolean as Go reads it, nothing being false; None when it is none."""
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    return False if text in ("", "0", "f", "F", "false", "FALSE", "False") else None


def _go_bool(text: str) -> bool:
    value = _bool(text) if text else None
    if value is None:
        raise InvalidArgument(f'strconv.ParseBool: parsing "{text}": invalid syntax')
    return value


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
