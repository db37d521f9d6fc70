"""`--format`: tables, JSON lines and templates over the rows of a list.

A row type is a dict of field name -> Field. A template understands `{{.Name}}`, `{{.A.B}}`,
`{{json .}}` and `{{json .Name}}`; the rest of Go's template language says so instead of guessing.
`Template` is the seam for the whole language: `parse` makes one, `render(look_up)` fills it.
"""

from __future__ import annotations

from lading.cli import table
from lading.cli.failures import Failure
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lading.sdk.request import Document

MISSING = object()
BAD_TEMPLATE = 64  # Docker's exit code for a template that does not parse


class Field:
    """One column: its header, and its text for a document."""

    __slots__ = ("header", "value")

    def __init__(self, header: str, value: Callable[[Document], str]) -> None:
        self.header = header
        self.value = value


class Template:
    """Literal texts and actions in turn; an action is (is_json, path)."""

    def __init__(self, parts: list[str | tuple[bool, tuple[str, ...]]]) -> None:
        self._parts = parts

    def render(self, look_up: Callable[[tuple[str, ...]], object]) -> str:
        """The text, each path replaced by what `look_up` finds."""
        texts = []
        for part in self._parts:
            if isinstance(part, str):
                texts.append(part)
            else:
                is_json, path = part
                value = look_up(path)
                texts.append(to_json(value) if is_json else go_text(value))
        return "".join(texts)


def parse(text: str) -> Template:
    """Raises Failure on what is not understood."""
    parts: list[str | tuple[bool, tuple[str, ...]]] = []
    rest = text.replace("\\t", "\t").replace("\\n", "\n")
    while rest:
        literal, opened, rest = rest.partition("{{")
        if literal:
            parts.append(literal)
        if not opened:
            break
        action, closed, rest = rest.partition("}}")
        if not closed:
            raise Failure(f"template parsing error: unclosed action in {text!r}", BAD_TEMPLATE)
        parts.append(_action(action))
    return Template(parts)


def _action(text: str) -> tuple[bool, tuple[str, ...]]:
    words = text.split()
    is_json = len(words) == 2 and words[0] == "json"
    path = words[-1] if words and (len(words) == 1 or is_json) else ""
    names = tuple(path[1:].split(".")) if len(path) > 1 else ()
    if not path.startswith(".") or any(not _is_name(name) for name in names):
        raise Failure(
            f"template parsing error: {{{{{text}}}}} is not supported: use {{{{.Field}}}}, "
            "{{json .Field}} or {{json .}}",
            BAD_TEMPLATE,
        )
    return is_json, names


def _is_name(text: str) -> bool:
    return text.isidentifier()


def to_json(value: object) -> str:
    return "null" if value is MISSING else json_text.dumps(value, ascii=False)


def go_text(value: object) -> str:
    """As Go's %v prints a decoded JSON value."""
    if value is MISSING or value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_text(item) for item in value) + "]"
    return str(value)


def rows(
    documents: Iterable[Document],
    fields: Mapping[str, Field],
    format: str,
    columns: Sequence[str],
) -> str:
    """The whole output of a list. `columns` are those of the table without a format."""
    if format in ("", "table"):
        return _table(documents, [fields[name] for name in columns])
    if format == "json":
        format = "{{json .}}"
    if format.startswith("table "):
        cells = [parse(cell) for cell in _cells(format[6:].strip())]
        lines = [[cell.render(_header_of(fields)) for cell in cells]]
        lines += [
            [cell.render(_value_of(document, fields)) for cell in cells] for document in documents
        ]
        return table.render(lines)
    template = parse(format)
    return "".join(template.render(_value_of(document, fields)) + "\n" for document in documents)


def _cells(text: str) -> list[str]:
    return text.replace("\\t", "\t").split("\t")


def _table(documents: Iterable[Document], columns: Sequence[Field]) -> str:
    lines = [[field.header for field in columns]]
    lines += [[field.value(document) for field in columns] for document in documents]
    return table.render(lines)


def _header_of(fields: Mapping[str, Field]) -> Callable[[tuple[str, ...]], object]:
    return lambda path: _field(path, fields).header


def _value_of(
    document: Document, fields: Mapping[str, Field]
) -> Callable[[tuple[str, ...]], object]:
    def look_up(path: tuple[str, ...]) -> object:
        if not path:
            return {name: fields[name].value(document) for name in sorted(fields)}
        return _field(path, fields).value(document)

    return look_up


def look_up_in(document: object) -> Callable[[tuple[str, ...]], object]:
    """Paths through nested documents; what is not there is MISSING."""

    def look_up(path: tuple[str, ...]) -> object:
        value = document
        for name in path:
            value = value.get(name, MISSING) if isinstance(value, dict) else MISSING
        return value

    return look_up


def document(value: object, wanted: str) -> str:
    """One line: a document as `json`, or what a template says of it."""
    template = parse("{{json .}}" if wanted == "json" else wanted)
    return template.render(look_up_in(value)) + "\n"


def _field(path: tuple[str, ...], fields: Mapping[str, Field]) -> Field:
    if len(path) == 1 and path[0] in fields:
        return fields[path[0]]
    raise Failure(f"template: no field {'.'.join(path)}; there are {', '.join(sorted(fields))}")
