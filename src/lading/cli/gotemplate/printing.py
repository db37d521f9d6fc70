"""Values as Go's fmt prints them: `{{.}}`, print, println. Source: Go, package fmt."""

from __future__ import annotations

from lading.cli.gotemplate.values import (
    NilPointer,
    Object,
    sorted_items,
)
from lading.cli.human import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def shown(value: object) -> str:
    """What `{{value}}` writes: `<no value>` for nothing."""
    return "<no value>" if value is None else text(value)


def text(value: object, verb: str = "v") -> str:
    """As %v (or %s) of a value inside of others; %q quotes texts."""
    if value is None or isinstance(value, NilPointer):
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value) if verb == "q" else value
    if isinstance(value, float):
        return general(value)
    if isinstance(value, list):
        return "[" + " ".join(text(item, verb) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{text(key, verb)}:{text(item, verb)}" for key, item in sorted_items(value))
        return "map[" + " ".join(pairs) + "]"
    if isinstance(value, Object) and type(value).__str__ is object.__str__:
        return "{" + " ".join(text(member, verb) for member in value.members()) + "}"
    return str(value)


def general(value: float) -> str:
    """As %v: shortest digits, an exponent from 1e+21 on and below 1e-4."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]
    if value == 0 or 1e-4 <= abs(value) < 1e21:
        plain = f"{value:.17g}" if float(f"{value:.15g}") != value else f"{value:.15g}"
        if "e" in plain or float(plain) != value or len(repr(value)) < len(plain):
            plain = repr(value)
        if "e" in plain:
            plain = f"{value:.0f}"
        return plain.removesuffix(".0")
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign, digits = exponent[0], exponent[1:].lstrip("0")
    return f"{mantissa.removesuffix('.0')}e{sign}{digits.rjust(2, '0')}"


def joined(arguments: Sequence[object]) -> str:
    """A lone text is itself; else as `print`."""
    if len(arguments) == 1 and isinstance(arguments[0], str):
        return arguments[0]
    return sprint(*arguments)


def sprint(*arguments: object) -> str:
    """Blanks only between two that are no texts."""
    pieces: list[str] = []
    for position, argument in enumerate(arguments):
        before = arguments[position - 1] if position else ""
        if position and not isinstance(argument, str) and not isinstance(before, str):
            pieces.append(" ")
        pieces.append(text(argument))
    return "".join(pieces)


def sprintln(*arguments: object) -> str:
    return " ".join(text(argument) for argument in arguments) + "\n"
