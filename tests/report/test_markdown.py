"""Markdown: whatever foreign text holds, a parser finds in it text and code, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.report.hostile import ATTACKS, hostile_text
from wheelaudit.report.markdown import escape_markdown, render_code, render_fence, render_prose, render_table
from wheelaudit.report.text import escape_text

# rich brings it: CommonMark with HTML on, tables and strikethrough as GFM has them.
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
INERT = {"text", "text_special", "code_inline"}
LIVE = re.compile(r"@\w|\w#\d|(^|\W)#\d|\bGH-\d|https?:|www\.|:\w+:|\b[0-9a-f]{7,40}\b", re.IGNORECASE)
"""What github.com makes something of in text that is no code."""


def parse_inline(text: str) -> list[Token]:
    """Return the inline tokens of the one paragraph that ``text`` is."""
    tokens = PARSER.parse(text)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"], text
    return tokens[1].children or []


def squeeze(text: str) -> str:
    return " ".join(escape_text(text).split())


@given(hostile_text)
def test_prose_is_text_and_says_the_same(text: str) -> None:
    escaped = escape_markdown(text)
    assert "\n" not in escaped
    if not squeeze(text):
        assert escaped == ""
        return
    children = parse_inline(escaped)
    assert {token.type for token in children} <= INERT
    assert "".join(token.content for token in children) == squeeze(text)


@given(hostile_text)
def test_nothing_in_prose_is_live_outside_of_code(text: str) -> None:
    for token in PARSER.parse(escape_markdown(text)):
        for child in token.children or []:
            if child.type != "code_inline":
                assert not LIVE.search(child.content), child.content


@pytest.mark.parametrize("block", ["- {}", "# {}", "1. {}", "> {}"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_prose_stays_what_it_is_in_every_block(block: str, attack: str) -> None:
    plain = [token.type for token in PARSER.parse(block.format("word"))]
    assert [token.type for token in PARSER.parse(block.format(escape_markdown(attack)))] == plain


@given(hostile_text)
def test_code_span_holds_all_of_its_text(text: str) -> None:
    shown = escape_text(text)
    if not shown.strip(" "):
        return
    (child,) = parse_inline(render_code(text))
    assert (child.type, child.content) == ("code_inline", shown)


def test_code_span_of_nothing_is_nothing() -> None:
    assert render_code("") == ""


@given(st.lists(hostile_text, max_size=5))
def test_fence_is_longer_than_any_run_in_it(lines: list[str]) -> None:
    (token,) = PARSER.parse(render_fence(lines))
    assert (token.type, token.info) == ("fence", "text")
    assert token.content == "".join(f"{escape_text(line)}\n" for line in lines)


@given(st.lists(st.tuples(hostile_text, hostile_text, hostile_text), min_size=1, max_size=4))
def test_cells_stay_in_their_columns(rows: list[tuple[str, str, str]]) -> None:
    cells = [(escape_markdown(a), render_code(b), escape_markdown(c)) for a, b, c in rows]
    tokens = PARSER.parse(render_table(("A", "B", "C"), cells, right=(2,)))
    found = [tokens[number + 1] for number, token in enumerate(tokens) if token.type == "td_open"]
    assert len(found) == 3 * len(rows)
    assert tokens[-1].type == "table_close"
    for token, text in zip(found, (each for row in rows for each in row), strict=True):
        assert {child.type for child in token.children or []} <= INERT
        said = "".join(child.content for child in token.children or [])
        # A bar in code is shown as a character that cannot be shown.
        assert said.strip().replace("\\x7c", "|") in (squeeze(text), escape_text(text).strip()) or "\\x7c" in text


def test_bar_in_prose_is_a_bar_in_a_cell() -> None:
    tokens = PARSER.parse(render_table(("A", "B"), [(escape_markdown("a | b"), escape_markdown("\\|"))]))
    found = [tokens[number + 1] for number, token in enumerate(tokens) if token.type == "td_open"]
    assert ["".join(child.content for child in each.children or []) for each in found] == ["a | b", "\\|"]


def test_table_reads_well_as_it_stands() -> None:
    assert render_table(("Release", "Count"), [("`torch 2.6.0`", "14")], right=(1,)) == (
        "| Release | Count |\n| --- | ---: |\n| `torch 2.6.0` | 14 |\n"
    )


@given(hostile_text, hostile_text)
def test_commands_in_a_sentence_are_code_and_the_rest_is_text(first: str, second: str) -> None:
    for sentence in (first, f"Run `{first}`: {second}", f"{first} `uv lock` {second}"):
        rendered = render_prose(sentence)
        if not escape_text(sentence).strip(" `"):
            continue
        children = parse_inline(rendered.strip(" ")) if rendered.strip(" ") else []
        assert {child.type for child in children} <= INERT
        for child in children:
            assert child.type == "code_inline" or not LIVE.search(child.content), child.content


def test_command_in_a_sentence_reads_well() -> None:
    assert render_prose("Run `uv lock`, then 1*2 in `a_b`.") == "Run `uv lock`, then 1\\*2 in `a_b`."


def test_plain_words_stay_plain() -> None:
    assert escape_markdown("5 wheels lack 14 requirements, CPython 3.10-3.13 (all).") == (
        "5 wheels lack 14 requirements, CPython 3.10-3.13 (all)."
    )


@pytest.mark.parametrize("text", ["``", "````", "a `` b", "`` a ``", "`a` ``"])
def test_backticks_around_nothing_are_text(text: str) -> None:
    assert render_prose(text) == escape_markdown(text)
    assert render_prose(text)


@pytest.mark.parametrize("text", ["https:/x", "see https:x", "http:"])
def test_address_without_its_slashes_is_a_code_span_too(text: str) -> None:
    assert all(
        child.type == "code_inline" or not LIVE.search(child.content) for child in parse_inline(escape_markdown(text))
    )
