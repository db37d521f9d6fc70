"""JSON without the price of importing `json`: that package loads `re` and `enum`, 8 ms of a start.

CPython's own accelerator `_json` holds the scanner and the encoder that `json` wraps. When it is
there it is used directly; without it, or when a text is wrong (the package words the error), the
`json` package does the work. Both give the same values.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    import _json
except ImportError:  # another implementation of Python
    _json = None  # type: ignore[assignment]

_BLANKS = " \t\r\n"


class _Context:
    """The attributes that the C scanner reads; the values are those of `json.JSONDecoder()`."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> float:
        return float(name.replace("Infinity", "inf"))


# the stub asks for json's own class; the scanner reads attributes
_scan = _json.make_scanner(_Context()) if _json else None  # type: ignore[arg-type]


def loads(text: str | bytes) -> Any:
    """The value of one JSON document; raises ValueError when it is not one."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if _scan is None:
        return _loads_slowly(text)
    stripped = text.strip(_BLANKS)
    try:
        value, end = _scan(stripped, 0)
    except (StopIteration, ValueError):
        return _loads_slowly(text)
    return value if end == len(stripped) else _loads_slowly(text)


def _loads_slowly(text: str) -> Any:
    import json

    return json.loads(text)


def dumps(value: object, *, ascii: bool = True) -> str:
    """One line of JSON, no blanks; `ascii` escapes all other letters."""
    if _json is None:
        import json

        return json.dumps(value, separators=(",", ":"), ensure_ascii=ascii)
    quote = _json.encode_basestring_ascii if ascii else _json.encode_basestring
    encode = _json.make_encoder({}, _refuse, quote, None, ":", ",", False, False, True)
    return "".join(encode(value, 0))


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is not JSON: {value!r}")
