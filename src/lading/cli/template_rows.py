"""Rows of a list through a template: a text a row, or `table` with a header."""

from __future__ import annotations

from lading.cli import format, table
from lading.cli.failures import Failure
from lading.cli.gotemplate import TemplateError
from lading.cli.gotemplate.errors import CallProblem, NoSuchField
from lading.cli.gotemplate.functions import HEADER_FUNCTIONS
from lading.cli.gotemplate.values import NilPointer, Object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lading.cli.format import Field
    from lading.cli.gotemplate import Template
    from lading.sdk.request import Document


class Row(Object):
    """A document and the columns that it is seen through. Values are made when asked for."""

    escapes_html = True

    def __init__(self, document: Document, fields: Mapping[str, Field], go_type: str) -> None:
        self._document = document
        self._fields = fields
        self.go_type = go_type

    def look_up(self, name: str, arguments: Sequence[object] | None) -> object:
        field = self._fields.get(name)
        if field is None:
            raise NoSuchField(name)
        given = arguments or ()
        if len(given) != field.takes:
            raise CallProblem(
                f"wrong number of args for {name}: want {field.takes} got {len(given)}"
            )
        value = field.value(self._document, *given)
        return NilPointer(self.go_type) if value is None else value

    def to_json(self) -> object:
        return format.as_document(self._document, self._fields)

    def members(self) -> Sequence[object]:
        return list(format.as_document(self._document, self._fields).values())


def render(
    documents: Iterable[Document], fields: Mapping[str, Field], wanted: str, go_type: str
) -> str:
    """Raises Failure with Docker's words."""
    is_table = wanted.startswith("table")
    template = format.parse(wanted.removeprefix("table").strip(" "), code=1)
    lines = [_line(template, Row(document, fields, go_type)) for document in documents]
    if not is_table:
        return "".join(lines)
    headers = {name: field.header for name, field in fields.items() if field.header}
    header, _ = template.render_until_error(headers, functions=HEADER_FUNCTIONS)
    return table.align(f"{header}\n{''.join(lines)}")


def _line(template: Template, row: Row) -> str:
    try:
        return template.render(row) + "\n"
    except TemplateError as error:
        raise Failure(f"template parsing error: {error}") from None
