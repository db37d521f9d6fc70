"""How much of a log is kept: `max-size`, `max-file`, `compress`, with each driver's defaults.

json-file counts in thousands and has no limit unless asked; `local`, and the cache of the drivers
that send elsewhere, count in 1024s and keep five files of 20 MiB.
"""

from collections.abc import Mapping

from lading import quantities
from lading.errors import InvalidArgument
from lading.logs.go_values import bool_of, int_of

LOCAL_MAX_SIZE, LOCAL_MAX_FILE = 20 << 20, 5  # dockerd's defaults of `local` and of its cache

Options = Mapping[str, str]


def rotation(driver: str, options: Options) -> tuple[int, int, bool]:
    """(max-size in bytes or 0, max-file, compress) of a driver. Raises InvalidArgument."""
    if driver == "json-file":
        return json_file_rotation(options)
    names = ("max-size", "max-file", "compress")
    prefix = "" if driver == "local" else "cache-"
    size, files, compress = (options.get(prefix + name, "") for name in names)
    try:
        maximum = quantities.parse_bytes(size) if size else LOCAL_MAX_SIZE
    except InvalidArgument as error:
        raise InvalidArgument(f"invalid value for max-size: {size}: {error}") from error
    if maximum <= 0:
        raise InvalidArgument("max size should be a positive number")
    count = int_of(files) if files else LOCAL_MAX_FILE
    does_compress = bool_of(compress) if compress else True
    if does_compress and count <= 1:
        raise InvalidArgument("compression cannot be enabled when max file count is 1")
    return maximum, max(count, 1), does_compress


def json_file_rotation(options: Options) -> tuple[int, int, bool]:
    """(max-size in bytes or 0, max-file, compress) of json-file. Raises InvalidArgument."""
    size = 0
    if "max-size" in options:
        size = _decimal_size(options["max-size"])
        if size <= 0:
            raise InvalidArgument("max-size must be a positive number")
    count = int_of(options["max-file"]) if "max-file" in options else 1
    if count < 1:
        raise InvalidArgument("max-file cannot be less than 1")
    compress = bool_of(options["compress"]) if "compress" in options else False
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
