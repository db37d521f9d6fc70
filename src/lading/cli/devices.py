"""How flags that are about devices are read: block I/O limits, rules of the device cgroup, GPUs.

Each function takes one text and returns what the API wants, or raises ValueError with Docker's
words.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.sdk.request import Document

_RATE = "invalid rate for device: {}. The correct format is <device-path>:<number>"
_UNITS = "[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"


def _path_and_value(text: str) -> tuple[str, str]:
    path, colon, value = text.partition(":")
    if not colon:
        raise ValueError(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {text}")
    return path, value


def weight(text: str) -> Document:
    """`/dev/sda:500`; 0 means none of its own."""
    path, value = _path_and_value(text)
    if not value.isdigit() or not (int(value) == 0 or 10 <= int(value) <= 1000):
        raise ValueError(f"invalid weight for device: {text}")
    return {"Path": path, "Weight": int(value)}


def bytes_rate(text: str) -> Document:
    """`/dev/sda:1mb`."""
    from lading import quantities
    from lading.errors import InvalidArgument

    path, value = _path_and_value(text)
    try:
        return {"Path": path, "Rate": quantities.parse_bytes(value)}
    except InvalidArgument:
        raise ValueError(_RATE.format(text) + _UNITS) from None


def operations_rate(text: str) -> Document:
    """`/dev/sda:1000`."""
    path, value = _path_and_value(text)
    if not (value.isascii() and value.isdigit()):
        raise ValueError(_RATE.format(text) + ". Number must be a positive integer")
    return {"Path": path, "Rate": int(value)}


def cgroup_rule(text: str) -> str:
    """`c 42:* rmw`. Source: Linux, admin-guide/cgroup-v1/devices."""
    words = text.split(" ")
    numbers = words[1].split(":") if len(words) == 3 else []
    is_rule = (
        len(numbers) == 2
        and words[0] in ("a", "b", "c")
        and all(number == "*" or (number.isascii() and number.isdigit()) for number in numbers)
        and 1 <= len(words[2]) <= 3
        and not words[2].strip("rwm")
    )
    if not is_rule:
        raise ValueError(f"invalid device cgroup format '{text}'")
    return text


def gpus(text: str) -> Document:
    """`all`, `2`, `device=0`, `"device=0,1",capabilities=utility`; the word `gpu` is added."""
    found: Document = {}
    for field in _fields(text):
        key, equals, value = field.partition("=")
        if not equals:
            key, value = "count", field
        if key in found:
            raise ValueError(f"gpu request key '{key}' can be specified only once")
        found[key] = value
    request: Document = {"Driver": found.pop("driver", ""), "Count": 0}
    if "count" in found:
        request["Count"] = _count(found.pop("count"))
    request["DeviceIDs"] = found.pop("device", "").split(",") if "device" in found else None
    asked = found.pop("capabilities", "")
    names = asked.split(",") if asked else []
    request["Capabilities"] = [[*names, *([] if "gpu" in names else ["gpu"])]]
    options = found.pop("options", "")
    pairs = (pair.partition("=") for pair in options.split(",") if pair)
    request["Options"] = {name: value for name, _, value in pairs}
    if found:
        raise ValueError(f"unexpected key '{next(iter(found))}' in '{text}'")
    if request["DeviceIDs"] is None and not request["Count"]:
        request["Count"] = 1
    return request


def _count(text: str) -> int:
    if text == "all":
        return -1
    try:
        return int(text)
    except ValueError:
        wanted = 'value must be either "all" or an integer'
        raise ValueError(f"invalid count ({text}): {wanted}: invalid syntax") from None


def _fields(text: str) -> list[str]:
    """Comma-separated; quotes keep a comma inside of a field (RFC 4180)."""
    fields = [""]
    is_quoted = False
    for letter in text:
        if letter == '"':
            is_quoted = not is_quoted
        elif letter == "," and not is_quoted:
            fields.append("")
        else:
            fields[-1] += letter
    return fields
