"""What stands for Go's values, and what Go asks of them: truth, type, length.

Python                  Go
None                    an untyped nil, or no value at all
NIL_POINTER             a nil pointer inside a struct: prints <nil>
bool, int, float, str   the same
list, dict              slice, map (JSON's: of interface {})
Object                  a struct with methods: documents that have a shape, rows of a list
"""

from __future__ import annotations

from lading.cli.gotemplate.errors import NoSuchField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Object:
    """A Go value with fields and methods. `go_type` is in error messages."""

    go_type = "struct"
    escapes_html = False  # in JSON: <, > and &

    def look_up(self, name: str, arguments: Sequence[object] | None) -> object:
        """A field's value, or what a method answers (`arguments` None: none were given).

        Raises NoSuchField, CallProblem.
        """
        raise NoSuchField(name)

    def to_json(self) -> object:
        """What `json` shows of it."""
        return {}

    def members(self) -> Sequence[object]:
        """The values of its fields, in order: what printing the whole shows."""
        return ()


class NilPointer:
    """A pointer in a document that points nowhere; `go_type` begins with its asterisk."""

    def __init__(self, go_type: str) -> None:
        self.go_type = go_type


class StringMap(dict[str, object]):
    """A map[string]string: `index` finds an empty text where there is nothing."""


NIL_LIST: list[object] = []  # of a field that JSON leaves out: prints [], is null as JSON
NIL_MAP: dict[str, object] = StringMap()


def is_true(value: object) -> bool:
    """Not the empty value of its type. An object is always true."""
    if isinstance(value, NilPointer):
        return False
    if isinstance(value, Object):
        return True
    return bool(value)


def type_name(value: object) -> str:
    """As Go's %T, of values that came as JSON or were written in the template."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "bool"
    for kind, name in ((int, "int"), (float, "float64"), (str, "string")):
        if isinstance(value, kind):
            return name
    if isinstance(value, dict):
        is_typed = isinstance(value, StringMap)
        return "map[string]string" if is_typed else "map[string]interface {}"
    if isinstance(value, list):
        return "[]string" if value and all(isinstance(x, str) for x in value) else "[]interface {}"
    name = getattr(value, "go_type", "")
    return str(name) or type(value).__name__


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def sorted_items(value: dict[str, object]) -> list[tuple[str, object]]:
    """A map in the order in which Go prints and ranges it."""
    return sorted(value.items())
