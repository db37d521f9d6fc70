"""Rows as tables, JSON and templates."""

from __future__ import annotations

import pytest

from lading.cli import format
from lading.cli.failures import Failure
from lading.cli.format import Field

FIELDS = {
    "ID": Field("CONTAINER ID", lambda row: str(row["id"])),
    "Names": Field("NAMES", lambda row: str(row["name"])),
}
ROWS = [{"id": "1", "name": "web"}, {"id": "2", "name": "dé"}]


def rendered(wanted: str) -> str:
    return format.rows(ROWS, FIELDS, wanted, ("ID", "Names"))


def test_the_table_has_headers() -> None:
    expected = "CONTAINER ID   NAMES\n1              web\n2              dé\n"
    assert rendered("") == rendered("table") == expected


def test_a_table_of_chosen_columns() -> None:
    assert rendered(r"table {{.Names}}\tx {{.ID}}") == (
        "NAMES     x CONTAINER ID\nweb       x 1\ndé        x 2\n"
    )


def test_json_is_an_object_a_line() -> None:
    assert rendered("json") == '{"ID":"1","Names":"web"}\n{"ID":"2","Names":"dé"}\n'
    assert rendered("{{json .Names}}") == '"web"\n"dé"\n'


def test_a_template_is_a_line_a_row() -> None:
    assert rendered(r"{{.ID}}\t{{ .Names }}!") == "1\tweb!\n2\tdé!\n"


@pytest.mark.parametrize("text", ["{{range .}}", "{{.ID | upper}}", "{{}}", "{{ID}}", "{{.A..B}}"])
def test_what_is_not_understood_is_said(text: str) -> None:
    with pytest.raises(Failure, match="template parsing error") as caught:
        rendered(text)
    assert caught.value.code == 64


def test_an_unclosed_action_and_an_unknown_field() -> None:
    with pytest.raises(Failure, match="unclosed action"):
        rendered("{{.ID")
    with pytest.raises(Failure, match="no field Foo; there are ID, Names"):
        rendered("{{.Foo}}")


def test_values_are_printed_as_go_prints_them() -> None:
    value = {"b": [1, "x", True], "a": None}
    assert format.go_text(value) == "map[a:<no value> b:[1 x true]]"


def test_a_document_by_path() -> None:
    document = {"Server": {"Version": "1"}}
    assert format.document(document, "{{.Server.Version}} {{.Client.X}}") == "1 <no value>\n"
    assert format.document(document, "json") == '{"Server":{"Version":"1"}}\n'
