"""`--format`: tables, JSON lines and templates over the rows of a list, or over one document.

A row type is a dict of field name -> Field. Templates are Go's, by `gotemplate`, which is loaded
only when there is one: `lading ps` does without.
"""

from __future__ import annotations

from lading.cli import table
from lading.cli.failures import Failure
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lading.cli.gotemplate import Template
    from lading.sdk.request import Document

BAD_TEMPLATE = 64  # Docker's exit code for a template that does not parse


class Field:
    """One column: its header, and its value for a document, mostly a text.

    `takes` makes it a method of so many arguments, which follow the document (`{{.Label "key"}}`).
    """

    __slots__ = ("header", "takes", "value")

    def __init__(self, header: str, value: Callable[..., object], *, takes: int = 0) -> None:
        self.header = header
        self.value = value
        self.takes = takes


def label_of(labels: Mapping[str, str], name: str) -> str:
    """What `{{.Label "name"}}` is, everywhere."""
    return labels.get(name, "")


def rows(
    documents: Iterable[Document],
    fields: Mapping[str, Field],
    format: str,
    columns: Sequence[str],
    *,
    go_type: str = "*formatter.context",
) -> str:
    """The whole output of a list. `columns` are those of the table without a format."""
    if format in ("", "table"):
        return _table(documents, [fields[name] for name in columns])
    if format == "json":
        format = "{{json .}}"
    from lading.cli import template_rows

    return template_rows.render(documents, fields, format, go_type)


def as_document(document: Document, fields: Mapping[str, Field]) -> dict[str, object]:
    """A row as JSON shows it: every field that takes no arguments, by name."""
    return {name: fields[name].value(document) for name in sorted(fields) if not fields[name].takes}


def _table(documents: Iterable[Document], columns: Sequence[Field]) -> str:
    lines = [[field.header for field in columns]]
    lines += [[str(field.value(document)) for field in columns] for document in documents]
    return table.render(lines)


def unescaped(text: str) -> str:
    r"""`\t` and `\n`, which shells leave as they are, become what they mean."""
    return text.replace("\\t", "\t").replace("\\n", "\n")


def parse(text: str, *, code: int = BAD_TEMPLATE, name: str = "") -> Template:
    """Raises Failure with Docker's words."""
    from lading.cli import gotemplate

    try:
        return gotemplate.parse(unescaped(text), name)
    except gotemplate.TemplateError as error:
        raise Failure(f"template parsing error: {error}", code) from None


def fill(template: Template, value: object) -> str:
    """The template's text for one value. Raises Failure with Docker's words."""
    from lading.cli import gotemplate

    try:
        return template.render(value)
    except gotemplate.TemplateError as error:
        raise Failure(str(error)) from None


def document(value: Document, wanted: str, go_type: str = "", *, name: str = "") -> str:
    """One line: a document as `json`, or what a template says of it.

    `go_type` is its shape (see `shapes`); without one it is a map of what JSON says.
    """
    if wanted == "json":
        return json_text.dumps(value, ascii=False) + "\n"
    template = parse(wanted, name=name)
    if not go_type:
        return fill(template, value) + "\n"
    from lading.cli.shapes import Shaped

    return fill(template, Shaped(go_type, value)) + "\n"
