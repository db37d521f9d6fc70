"""Templates against what Docker's own command made of them, and what no template may do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.cli.gotemplate import TemplateError, parse
from lading.cli.gotemplate.errors import ExecutionProblem

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())

PIECES = st.sampled_from(
    [
        *("{{", "}}", "{{-", "-}}", " ", "\n", ".", ".a", ".b.c", "$", "$x", ":=", "=", ",", "|"),
        *("(", ")", "1", "-2.5", "0x", "'a'", '"s"', '"', "`r`", "/*", "*/", "nil", "true"),
        *("if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"),
        *("printf", "len", "index", "slice", "and", "eq", "lt", "json", "join", "%d", "é", "\\"),
    ]
)
DATA = {"a": [1, "x", None, {"c": True}], "b": {"c": 1.5, "d": "text"}}


@pytest.mark.parametrize(
    ("text", "output", "problem"), GOLDEN["cases"], ids=[case[0] for case in GOLDEN["cases"]]
)
def test_a_template_gives_what_docker_gives(text: str, output: str, problem: str) -> None:
    try:
        written, error = parse(text).render_until_error(GOLDEN["data"])
    except TemplateError as wrong:
        written, error = "", wrong
    assert (written, str(error or "")) == (output, problem)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_no_text_breaks_the_parser_or_the_evaluator(text: str) -> None:
    try:
        problem = parse(text).render_until_error(DATA)[1]
    except TemplateError as error:
        problem = error
    assert problem is None or str(problem).startswith("template: ")


@given(st.text(alphabet=st.characters(blacklist_characters="{", codec="utf-8")))
def test_text_without_actions_is_itself(text: str) -> None:
    assert parse(text).render({}) == text


@given(st.text().filter(lambda text: "*/" not in text and "{{" not in text))
def test_comments_leave_nothing(comment: str) -> None:
    assert parse(f"a{{{{/*{comment}*/}}}}b").render({}) == "ab"


@given(st.lists(st.integers() | st.text(max_size=5), max_size=6))
def test_range_visits_each_element_once_in_order(items: list[object]) -> None:
    text = parse("{{range $i, $v := .}}{{$i}}:{{json $v}};{{else}}none{{end}}").render(items)
    expected = "".join(
        f"{i}:{json.dumps(v, ensure_ascii=False)};" for i, v in enumerate(items)
    ).replace("\u2028", "\\u2028")
    assert text == (expected.replace("\u2029", "\\u2029") or "none")


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 30), st.sampled_from(["", "-", "0"]))
def test_printf_pads_numbers_as_c_does(number: int, width: int, flag: str) -> None:
    assert (
        parse(f'{{{{printf "%{flag}{width}d" .}}}}').render(number) == f"%{flag}{width}d" % number
    )


def test_a_missing_key_is_no_value_or_an_error() -> None:
    template = parse("{{.nope}}")
    assert template.render({}) == "<no value>"
    with pytest.raises(ExecutionProblem, match='map has no entry for key "nope"'):
        template.render({}, strict=True)


def test_templates_that_use_themselves_end() -> None:
    template = parse('{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}')
    with pytest.raises(ExecutionProblem, match="exceeded maximum template depth"):
        template.render({})


def test_blocks_in_blocks_end() -> None:
    with pytest.raises(TemplateError, match="too many blocks"):
        parse("{{if 1}}" * 1000)
    with pytest.raises(TemplateError, match="too many blocks"):
        parse("{{" + "(" * 1000)


def test_what_was_written_before_an_error_is_kept() -> None:
    written, problem = parse("a{{.x.y.z}}").render_until_error({"x": 1})
    assert written == "a"
    assert str(problem) == (
        'template: :1:5: executing "" at <.x.y.z>: can\'t evaluate field y in type int'
    )
