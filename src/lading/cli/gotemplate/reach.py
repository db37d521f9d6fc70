"""From a value to one of its fields: `.A` of a struct, a map, or nothing."""

from __future__ import annotations

from lading.cli.gotemplate.errors import NoSuchField
from lading.cli.gotemplate.values import NilPointer, Object, type_name
from lading.cli.human import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Unreachable(Exception):
    """The message is what Go says behind `executing ... at <...>: `."""


def field(
    receiver: object, name: str, arguments: Sequence[object] | None, *, strict: bool
) -> object:
    """`strict` is Go's missingkey=error. Raises Unreachable, CallProblem."""
    if receiver is None:
        if strict:
            raise Unreachable(f"nil data; no entry for key {quoted(name)}")
        return None
    if isinstance(receiver, NilPointer):
        raise Unreachable(f"nil pointer evaluating {receiver.go_type}.{name}")
    if isinstance(receiver, dict):
        return _entry(receiver, name, arguments, strict=strict)
    if isinstance(receiver, Object):
        try:
            return receiver.look_up(name, arguments)
        except NoSuchField:
            pass  # Go's sentence is below
    raise Unreachable(f"can't evaluate field {name} in type {type_name(receiver)}")


def _entry(
    receiver: dict[str, object], name: str, arguments: Sequence[object] | None, *, strict: bool
) -> object:
    if arguments is not None:
        raise Unreachable(f"{name} is not a method but has arguments")
    if name not in receiver and strict:
        raise Unreachable(f"map has no entry for key {quoted(name)}")
    return receiver.get(name)
