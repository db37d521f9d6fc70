"""JSON without the module `json`, which loads `re` and `enum`: a third of a small command's start.

The scanner and the encoder are the same ones, written in C, that `json` itself calls. Where an
interpreter has them in another shape, `json` is used after all.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SPACE = " \t\n\r"
_scan: Callable[[str, int], tuple[Any, int]] | None = None
_chunks: Callable[[object, int], tuple[str, ...]] | None = None


class _Context:
    """What the scanner asks for: json's own defaults, but NaN and Infinity are no JSON here."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> object:
        raise ValueError(f"{name} is no JSON")


def _fail(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is no JSON")


try:
    import _json

    _scan = _json.make_scanner(_Context)  # type: ignore[arg-type]  # any object with these names
    _chunks = _json.make_encoder(
        None, _fail, _json.encode_basestring_ascii, None, ":", ",", False, False, False
    )
    if _scan is None or _chunks is None or "".join(_chunks([1], 0)) != "[1]":
        _scan = _chunks = None
except (ImportError, TypeError, AttributeError):
    _scan = _chunks = None


def encode(value: object) -> str:
    """Compact text, ASCII only. Raises TypeError, ValueError."""
    if _chunks is None:
        import json

        return json.dumps(value, separators=(",", ":"))
    return "".join(_chunks(value, 0))


def decode(text: str) -> Any:
    """The value. Raises ValueError."""
    if _scan is None:
        import json

        return json.loads(text)
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = _scan(text, start)
    except StopIteration as error:
        raise ValueError(f"no JSON at character {error.value}") from None
    if text[end:].strip(_SPACE):
        raise ValueError(f"more after the end of JSON at character {end}")
    return value
