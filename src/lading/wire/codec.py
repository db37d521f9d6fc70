"""JSON to documents and back, as strict as we like and as lenient as clients need.

`decode` reads strictly first: one pass, no copies. Only a body that fails is read again the way Go
reads JSON, because clients grew up with that: keys match in any case, a null leaves a field at its
zero value, unknown keys mean nothing, and a command may be one string instead of a list. What still
does not fit is the client's fault and is told in Go's words.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from lading.errors import InvalidArgument
from lading.wire import go_words

T = TypeVar("T")
R = TypeVar("R")

_WIDE = re.compile(rb"[0-9]{19,}")  # digits that may be more than an int64 holds


class InvalidJSON(InvalidArgument):
    """invalid JSON: {0}"""


class TrailingContent(InvalidArgument):
    """unexpected content after JSON"""


def encode(document: object) -> bytes:
    """One document as JSON, without a line end."""
    return _encoder.encode(document)


def decode(body: bytes, kind: type[T]) -> T:
    """The document in `body`; an empty body and `null` are the document without any field.

    Raises InvalidJSON, TrailingContent (400).
    """
    if _WIDE.search(body):
        return _decode_leniently(body, kind)
    try:
        document: T = _decoder(kind).decode(body)
        return document
    except msgspec.ValidationError:
        return _decode_leniently(body, kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if not body.strip():
            return _convert({}, kind)
        raise _malformed(error) from None


_encoder = msgspec.json.Encoder()


def _cached(function: Callable[[Any], R]) -> Callable[[Any], R]:
    """`functools.cache` for an argument that mypy does not know to be hashable: type[T]."""
    return cache(function)


@_cached
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _decode_leniently(body: bytes, kind: type[T]) -> T:
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error) from None
    folded = _fold({} if raw is None else raw, _shape(kind))
    if found := go_words.find_wide(folded, []):
        raise InvalidJSON(go_words.too_wide(*found, kind))
    return _convert(folded, kind)


def _convert(raw: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise InvalidJSON(go_words.explain(str(error), kind)) from None


def _malformed(error: Exception) -> InvalidArgument:
    text = str(error)
    if "trailing characters" in text:
        return TrailingContent()
    if "truncated" in text:
        return InvalidJSON("unexpected EOF")
    return InvalidJSON(text.removeprefix("JSON is malformed: "))


# --- the lenient pass: bend a value to the shape that is wanted -----------------------------------


@_cached
def _shape(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _fold(value: object, shape: inspect.Type) -> Any:
    """`value` with keys respelled, nulls and strangers dropped, where `shape` wants that."""
    extra = {}
    while isinstance(shape, inspect.Metadata):
        extra.update(shape.extra or {})
        shape = shape.type
    if isinstance(shape, inspect.UnionType):
        return _fold_union(value, shape)
    if isinstance(value, str) and extra.get("one_string_is_a_list"):
        return [value]
    if isinstance(shape, inspect.StructType) and isinstance(value, dict):
        return _fold_struct(value, shape)
    if isinstance(shape, inspect.TupleType) and isinstance(value, list):
        return _fold_array(value, shape)
    if isinstance(shape, inspect.ListType) and isinstance(value, list):
        return [_fold_item(item, shape.item_type) for item in value]
    if isinstance(shape, inspect.DictType) and isinstance(value, dict):
        return {key: _fold_item(item, shape.value_type) for key, item in value.items()}
    return value


def _fold_union(value: object, shape: inspect.UnionType) -> Any:
    if value is None:
        return None
    candidates = [kind for kind in shape.types if not isinstance(kind, inspect.NoneType)]
    return _fold(value, candidates[0]) if len(candidates) == 1 else value


def _fold_struct(value: dict[str, object], shape: inspect.StructType) -> dict[str, object]:
    """Exact spelling wins over folded spelling, as in Go; a null means "not given"."""
    known = {field.encode_name: field for field in shape.fields}
    folded = {name.lower(): name for name in known}
    result: dict[str, object] = {}
    for key, item in value.items():
        name = key if key in known else folded.get(key.lower())
        if name is None or (name in result and name != key):
            continue
        if item is None and not _takes_null(known[name].type):
            continue
        result[name] = _fold(item, known[name].type)
    return result


def _fold_array(value: list[object], shape: inspect.TupleType) -> list[object]:
    """Go's arrays have a fixed length: what is missing is zero, what is too much is dropped."""
    filled = [*value, *[None] * len(shape.item_types)]
    return [_fold_item(item, kind) for item, kind in zip(filled, shape.item_types, strict=False)]


def _fold_item(item: object, shape: inspect.Type) -> Any:
    """An element of a list or a map: a null there is the element's zero value, as in Go."""
    if item is not None or _takes_null(shape):
        return _fold(item, shape)
    for kind, zero in ((inspect.StrType, ""), (inspect.IntType, 0), (inspect.ListType, [])):
        if isinstance(shape, kind):
            return zero
    return {} if isinstance(shape, inspect.DictType | inspect.StructType) else None


def _takes_null(shape: inspect.Type) -> bool:
    while isinstance(shape, inspect.Metadata):
        shape = shape.type
    if isinstance(shape, inspect.UnionType):
        return any(isinstance(kind, inspect.NoneType) for kind in shape.types)
    return isinstance(shape, inspect.NoneType | inspect.AnyType)
