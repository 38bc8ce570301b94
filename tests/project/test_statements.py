from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given

from tests.project.drawn import NAMES, VALUES, Drawn, documents
from wheelaudit.project.statements import UnplacedError, parse_elements, parse_statements


@given(drawn=documents())
def test_statements_together_are_the_text(drawn: Drawn) -> None:
    statements = parse_statements(drawn.text)
    assert "".join(drawn.text[each.start : each.end] for each in statements) == drawn.text


@given(drawn=documents())
def test_each_assignment_has_the_value_that_the_document_has(drawn: Drawn) -> None:
    for statement in parse_statements(drawn.text):
        if statement.kind == "assignment":
            start, end = statement.value
            alone = tomllib.loads(f"value = {drawn.text[start:end]}")["value"]
            values: list[Any] = [tomllib.loads(drawn.text)]
            for key in statement.path:
                # Of an array of tables any may be the one; which one, the statement does not say.
                values = [
                    each[key]
                    for value in values
                    for each in (value if isinstance(value, list) else [value])
                    if key in each
                ]
            assert repr(alone) in map(repr, values)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", NAMES)
def test_value_ends_where_its_text_ends(name: str, value: str) -> None:
    text = f"first = 1\n{name} = {value} # behind\nlast = 1\n"
    _, statement, last = parse_statements(text)
    assert text[slice(*statement.value)] == value
    assert statement.comments[-1] == "# behind"
    assert last.path == ("last",)


@pytest.mark.parametrize("value", VALUES)
def test_elements_of_an_array_are_told_apart(value: str) -> None:
    text = f"key = [{value},\n# between\n{value} # , ]\n, {value}]"
    elements = parse_elements(text, 6)
    assert [text[each.start : each.end] for each in elements] == [value] * 3
    assert [each.comma is None for each in elements] == [False, False, True]
    assert all(text[each.comma] == "," for each in elements[:2] if each.comma is not None)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_headers_are_read_as_toml_reads_them(end: str) -> None:
    text = end.join(['[[ "a" . b ."c.]#" ]] # [x]', "\t[ d.'e' ]", "f.g = 1", "", " # [h]", ""])
    statements = parse_statements(text)
    assert [(each.kind, each.path) for each in statements] == [
        ("array", ("a", "b", "c.]#")),
        ("table", ("d", "e")),
        ("assignment", ("d", "e", "f", "g")),
        ("blank", ()),
        ("comment", ()),
    ]
    assert [each.comments for each in statements] == [("# [x]",), (), (), (), ("# [h]",)]


@pytest.mark.parametrize("text", ["key", "key = [", 'key = "', "= 1", "[a", "a b = 1", "key = '''", "a = {"])
def test_text_that_is_no_toml_cannot_be_cut(text: str) -> None:
    with pytest.raises(UnplacedError):
        parse_statements(text)
