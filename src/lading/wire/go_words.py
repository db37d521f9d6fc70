"""What does not fit into a document, in the words of Go's encoding/json, which users know.

    json: cannot unmarshal string into Go struct field .HostConfig.Memory of type int64

msgspec says where and what it expected; the Go type is that of our own type at that place. A key of
a map is not told by msgspec and is written as `*`.
"""

import re
from typing import Any

from msgspec import inspect

# msgspec's names of JSON types, as Go has them; an integer's overflow it tells as a number
_JSON_TYPES = {"str": "string", "int": "number", "float": "number", "bool": "bool",
               "array": "array", "object": "object", "null": "null"}  # fmt: skip
_EXPECTED = re.compile(r"Expected `([^`]*)`, got `([^`]*)`(?: - at `([^`]*)`)?")
_NAMES = {"ContainerCreate": "CreateRequest", "ContainerUpdate": "UpdateConfig",
          "ExecConfig": "ExecOptions"}  # fmt: skip  # moby's, of documents that are read
_UNNAMED = "CreateRequest"  # moby decodes it by a struct that has no name
# fields that are an `int` in moby, and those that are durations; all other numbers are int64
_INTS = {"StopTimeout", "OomScoreAdj", "MaximumRetryCount", "Retries"}
_DURATIONS = {"Interval", "Timeout", "StartPeriod", "StartInterval"}
INT64 = range(-(1 << 63), 1 << 63)


def explain(text: str, kind: Any) -> str:
    """A message of msgspec's ValidationError about a document of this kind."""
    match = _EXPECTED.match(text)
    if match is None:
        return text
    expected, got, path = match.groups()
    told = _JSON_TYPES.get(got, got)
    steps = [step for step in re.split(r"[.\[\]]+", (path or "$")[1:]) if step]
    if not steps:
        return f"json: cannot unmarshal {told} into Go value of type container.{_name(kind)}"
    wanted = _go_type(_at(inspect.type_info(kind), steps), steps[-1]) or expected
    return f"json: cannot unmarshal {told} into {_place(kind, steps)} of type {wanted}"


def too_wide(value: int, steps: list[str], kind: Any) -> str:
    """Of a number that Go's int64 cannot hold."""
    return f"json: cannot unmarshal number {value} into {_place(kind, steps)} of type int64"


def find_wide(value: object, steps: list[str]) -> tuple[int, list[str]] | None:
    """The first number that Go's int64 cannot hold, and where it is."""
    if isinstance(value, int) and value not in INT64:
        return value, steps
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, item in inner:
        if found := find_wide(item, [*steps, str(key)]):
            return found
    return None


def _place(kind: Any, steps: list[str]) -> str:
    name = _name(kind)
    path = ".".join("*" if step == "..." else step for step in steps)
    field = f"{'' if name == _UNNAMED else name}.{path}"
    return field if steps[-1].isdigit() else f"Go struct field {field}"


def _name(kind: Any) -> str:
    name = getattr(kind, "__name__", str(kind))
    return _NAMES.get(name, name)


def _at(shape: inspect.Type, steps: list[str]) -> inspect.Type | None:
    """The type of what is at a path."""
    found: inspect.Type | None = _plain(shape)
    for step in steps:
        if isinstance(found, inspect.StructType):
            fields = {field.encode_name: field.type for field in found.fields}
            found = fields.get(step)
        elif isinstance(found, inspect.ListType):
            found = found.item_type
        elif isinstance(found, inspect.DictType):
            found = found.value_type
        else:
            return None
        found = _plain(found) if found is not None else None
    return found


def _plain(shape: inspect.Type) -> inspect.Type:
    """Without what is around it: limits, and null beside it."""
    while isinstance(shape, inspect.Metadata):
        shape = shape.type
    if isinstance(shape, inspect.UnionType):
        kinds = [kind for kind in shape.types if not isinstance(kind, inspect.NoneType)]
        return _plain(kinds[0]) if len(kinds) == 1 else shape
    return shape


def _go_type(shape: inspect.Type | None, field: str) -> str:
    """Its name in Go; nothing for what has none here."""
    if isinstance(shape, inspect.StructType):
        return f"container.{_name(shape.cls)}"
    if isinstance(shape, inspect.ListType):
        return f"[]{_go_type(_plain(shape.item_type), '')}"
    if isinstance(shape, inspect.DictType):
        value = _plain(shape.value_type)
        told = "struct {}" if isinstance(value, inspect.DictType) else _go_type(value, "")
        return f"map[string]{told}"
    if isinstance(shape, inspect.IntType):
        return "int" if field in _INTS else "time.Duration" if field in _DURATIONS else "int64"
    if isinstance(shape, inspect.StrType):
        return "string"
    return "bool" if isinstance(shape, inspect.BoolType) else ""
