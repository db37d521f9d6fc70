"""What a template can call: Go's built-in functions, and those that Docker adds."""

from __future__ import annotations

from lading.cli.gotemplate import escaping, printing
from lading.cli.gotemplate.errors import CallProblem
from lading.cli.gotemplate.printf import sprintf
from lading.cli.gotemplate.values import (
    NIL_LIST,
    NIL_MAP,
    NilPointer,
    Object,
    StringMap,
    is_true,
    type_name,
)
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NO_FINAL = object()  # no value comes through the pipe


class Function:
    """`kinds` of the arguments; a last one with "..." takes any number. `is_lazy`: and, or."""

    __slots__ = ("call", "is_lazy", "kinds", "least", "most")

    def __init__(self, call: Callable[..., object], *kinds: str, is_lazy: bool = False) -> None:
        self.call = call
        self.is_lazy = is_lazy
        variadic = bool(kinds) and kinds[-1].endswith("...")
        self.kinds = tuple(kind.removesuffix("...") for kind in kinds)
        self.least = len(kinds) - variadic
        self.most = None if variadic else len(kinds)

    def complaint_about(self, count: int) -> str:
        if self.most is None:
            return f"want at least {self.least} got {count}" if count < self.least else ""
        return "" if count == self.most else f"want {self.most} got {count}"

    def kind_of(self, position: int) -> str:
        return self.kinds[min(position, len(self.kinds) - 1)]


def fits(value: object, kind: str) -> bool:
    """Whether a value can be an argument of a kind: "any", "string", "int", "[]string"."""
    if kind == "any":
        return True
    if kind == "string":
        return isinstance(value, str)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


# -- comparison

_ORDER_ERROR = "invalid type for comparison"


def _incompatible(left: object, right: object) -> CallProblem:
    types = f"{type_name(left)} and {type_name(right)}"
    return CallProblem(f"incompatible types for comparison: {types}")


def _basic_kind(value: object) -> str:
    """Go compares values of one basic kind only."""
    if isinstance(value, bool):
        return "bool"
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind.__name__
    return ""


def _eq(first: object, *others: object) -> bool:
    if not others:
        raise CallProblem("missing argument for comparison")
    if isinstance(first, list | dict) and isinstance(others[0], list | dict):
        _check_comparable(first)
    return any(_is_equal(first, other) for other in others)


def _check_comparable(value: object) -> None:
    if isinstance(value, list | dict):
        raise CallProblem(f"non-comparable type {printing.shown(value)}: {type_name(value)}")


def _is_equal(left: object, right: object) -> bool:
    kinds = _basic_kind(left), _basic_kind(right)
    if kinds[0] != kinds[1]:
        if left is None or right is None:
            return False
        raise _incompatible(left, right)
    if kinds[0]:
        return left == right
    _check_comparable(right)
    return left is right


def _ne(left: object, right: object) -> bool:
    return not _eq(left, right)


def _lt(left: object, right: object) -> bool:
    kinds = _basic_kind(left), _basic_kind(right)
    if not all(kinds):
        raise CallProblem(_ORDER_ERROR)
    if kinds[0] != kinds[1]:
        raise _incompatible(left, right)
    if kinds[0] == "bool":
        raise CallProblem(_ORDER_ERROR)
    return left < right  # type: ignore[operator,no-any-return]  # of one kind, as was checked


def _le(left: object, right: object) -> bool:
    return _lt(left, right) or _eq(left, right)


def _gt(left: object, right: object) -> bool:
    return not _le(left, right)


def _ge(left: object, right: object) -> bool:
    return not _lt(left, right)


# -- parts of a value


def _length(value: object) -> int:
    if value is None:
        raise CallProblem("reflect: call of reflect.Value.Type on zero Value")
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, list | dict):
        return len(value)
    raise CallProblem(f"len of type {type_name(value)}")


def _index(value: object, *keys: object) -> object:
    if value is None:
        raise CallProblem("index of untyped nil")
    for key in keys:
        if isinstance(value, NilPointer) or value is None:
            raise CallProblem("index of nil pointer")
        value = _item(value, key)
    return value


def _item(value: object, key: object) -> object:
    if isinstance(value, dict):
        if key is None:
            raise CallProblem("value is nil; should be of type string")
        if not isinstance(key, str):
            raise CallProblem(f"value has type {type_name(key)}; should be string")
        return value.get(key, "" if isinstance(value, StringMap) else None)
    if isinstance(value, list | str):
        bounds = len(value.encode()) if isinstance(value, str) else len(value)
        position = _position(key, bounds, is_end=False)
        return value.encode()[position] if isinstance(value, str) else value[position]
    raise CallProblem(f"can't index item of type {type_name(value)}")


def _position(key: object, length: int, *, is_end: bool) -> int:
    if key is None:
        raise CallProblem("cannot index slice/array with nil")
    if isinstance(key, bool) or not isinstance(key, int):
        raise CallProblem(f"cannot index slice/array with type {type_name(key)}")
    if key < 0 or key > length or (key == length and not is_end):
        raise CallProblem(f"index out of range: {key}")
    return key


def _slice(value: object, *keys: object) -> object:
    if value is None:
        raise CallProblem("slice of untyped nil")
    if len(keys) > 3:
        raise CallProblem(f"too many slice indexes: {len(keys)}")
    if not isinstance(value, list | str):
        raise CallProblem(f"can't slice item of type {type_name(value)}")
    if isinstance(value, str) and len(keys) == 3:
        raise CallProblem("cannot 3-index slice a string")
    data: list[object] | bytes = value.encode() if isinstance(value, str) else value
    bounds = [_position(key, len(data), is_end=True) for key in keys]
    start, end = (bounds + [0, len(data)][len(bounds) :])[:2]
    if start > end:
        raise CallProblem(f"invalid slice index: {start} > {end}")
    part = data[start:end]
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else part


def _call(*arguments: object) -> object:
    if not arguments or arguments[0] is None:
        raise CallProblem("call of nil")
    kind = type_name(arguments[0])
    raise CallProblem(f"non-function {printing.shown(arguments[0])} of type {kind}")


# -- Docker's


def to_json(value: object) -> str:
    """As Go's encoder; it escapes HTML's letters only in what has a JSON form of its own: rows."""
    text = json_text.dumps(plain(value), ascii=False)
    if isinstance(value, Object) and value.escapes_html:
        for letter in "<>&":
            text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def plain(value: object) -> object:
    """What JSON knows: objects as their documents, in lists and maps, too."""
    if isinstance(value, Object):
        return value.to_json()
    if isinstance(value, NilPointer) or value is NIL_LIST or value is NIL_MAP:
        return None
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def _split(text: str, separator: str) -> list[object]:
    if not separator:
        return list(text)
    return list(text.split(separator))


def _join(parts: list[str], separator: str) -> str:
    return separator.join(parts)


def _title(text: str) -> str:
    """The first letter of each word in capitals; the rest stays."""
    letters = []
    before = " "
    for letter in text:
        starts = before.isspace() if before > "\x7f" else not (before.isalnum() or before == "_")
        letters.append(letter.upper() if starts and len(letter.upper()) == 1 else letter)
        before = letter
    return "".join(letters)


def _pad(text: str, before: int, after: int) -> str:
    if min(before, after) < 0 and text:
        raise CallProblem("strings: negative Repeat count")
    return " " * min(before, 1 << 16) + text + " " * min(after, 1 << 16) if text else ""


def _truncate(text: str, length: int) -> str:
    encoded = text.encode()
    if len(encoded) < length:
        return text
    if length < 0:
        raise CallProblem(f"runtime error: slice bounds out of range [:{length}]")
    return encoded[:length].decode("utf-8", "replace")


FUNCTIONS = {
    "and": Function(lambda: None, "any...", is_lazy=True),
    "or": Function(lambda: None, "any...", is_lazy=True),
    "not": Function(lambda value: not is_true(value), "any"),
    "eq": Function(_eq, "any", "any..."),
    "ne": Function(_ne, "any", "any"),
    "lt": Function(_lt, "any", "any"),
    "le": Function(_le, "any", "any"),
    "gt": Function(_gt, "any", "any"),
    "ge": Function(_ge, "any", "any"),
    "len": Function(_length, "any"),
    "index": Function(_index, "any", "any..."),
    "slice": Function(_slice, "any", "any..."),
    "call": Function(_call, "any", "any..."),
    "print": Function(printing.sprint, "any..."),
    "println": Function(printing.sprintln, "any..."),
    "printf": Function(sprintf, "string", "any..."),
    "html": Function(escaping.html, "any..."),
    "js": Function(escaping.js, "any..."),
    "urlquery": Function(escaping.url_query, "any..."),
    "json": Function(to_json, "any"),
    "split": Function(_split, "string", "string"),
    "join": Function(_join, "[]string", "string"),
    "title": Function(_title, "string"),
    "lower": Function(lambda text: text.lower(), "string"),
    "upper": Function(lambda text: text.upper(), "string"),
    "pad": Function(_pad, "string", "int", "int"),
    "truncate": Function(_truncate, "string", "int"),
}

# What a table's header row is filled with: functions that change words leave headers alone.
HEADER_FUNCTIONS = FUNCTIONS | {
    "json": Function(lambda text: text, "string"),
    "title": Function(lambda text: text, "string"),
    "lower": Function(lambda text: text, "string"),
    "upper": Function(lambda text: text, "string"),
    "truncate": Function(lambda text, length: text, "string", "int"),
}
