"""Rows as tables, JSON and templates."""

from __future__ import annotations

import pytest

from lading.cli import format
from lading.cli.failures import Failure
from lading.cli.format import Field

FIELDS = {
    "ID": Field("CONTAINER ID", lambda row: str(row["id"])),
    "Label": Field("", lambda row, name: format.label_of(row["labels"], name), takes=1),
    "Names": Field("NAMES", lambda row: str(row["name"])),
}
ROWS = [
    {"id": "1", "name": "web", "labels": {"a": "b"}},
    {"id": "2", "name": "dé<", "labels": {}},
]


def rendered(wanted: str) -> str:
    return format.rows(ROWS, FIELDS, wanted, ("ID", "Names"), go_type="*formatter.X")


def test_the_table_has_headers() -> None:
    expected = "CONTAINER ID   NAMES\n1              web\n2              dé<\n"
    assert rendered("") == rendered("table") == expected


def test_a_table_of_chosen_columns() -> None:
    assert rendered(r"table {{.Names}}\tx {{.ID}}") == (
        "NAMES     x CONTAINER ID\nweb       x 1\ndé<       x 2\n"
    )


def test_functions_leave_headers_alone() -> None:
    assert rendered(r"table {{upper .Names}}\t{{truncate .ID 1}}") == (
        "NAMES     CONTAINER ID\nWEB       1\nDÉ<       2\n"
    )


def test_json_is_an_object_a_line_with_htmls_letters_escaped() -> None:
    assert rendered("json") == '{"ID":"1","Names":"web"}\n{"ID":"2","Names":"dé\\u003c"}\n'
    assert rendered("{{json .Names}}") == '"web"\n"dé<"\n'


def test_a_template_is_a_line_a_row() -> None:
    assert rendered(r"{{.ID}}\t{{ .Names }}!") == "1\tweb!\n2\tdé<!\n"


def test_a_method_takes_its_argument() -> None:
    assert rendered('{{.Label "a"}}|{{"a" | .Label}}') == "b|b\n|\n"
    with pytest.raises(Failure, match="wrong number of args for Label: want 1 got 0"):
        rendered("{{.Label}}")
    with pytest.raises(Failure, match="wrong number of args for ID: want 0 got 1"):
        rendered('{{.ID "x"}}')


def test_an_unclosed_action_and_an_unknown_field() -> None:
    with pytest.raises(Failure, match=r"^template parsing error: template: :1: unclosed action$"):
        rendered("{{.ID")
    with pytest.raises(Failure, match=r"can't evaluate field Foo in type \*formatter.X"):
        rendered("{{.Foo}}")


def test_a_document_by_path() -> None:
    document = {"Server": {"Version": "1"}}
    assert format.document(document, "{{.Server.Version}} {{.Client.X}}") == "1 <no value>\n"
    assert format.document(document, "json") == '{"Server":{"Version":"1"}}\n'


def test_a_document_with_a_shape_has_fields_that_json_leaves_out() -> None:
    document = {"Server": {"Version": "1"}}
    shown = format.document(document, "{{.Server.GoVersion}}|{{.Client.Os}}", "system.versionInfo")
    assert shown == "|\n"
    with pytest.raises(Failure, match=r"can't evaluate field Foo in type system.versionInfo"):
        format.document(document, "{{.Foo}}", "system.versionInfo")
