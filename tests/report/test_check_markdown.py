"""The Markdown of `wheelaudit check`: it says what the report says, and a parser finds only our own structure in it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from markdown_it.token import Token

from tests.conftest import Golden
from tests.report.hostile import hostile_text
from tests.report.test_check import ALL, CURRENT, FOREIGN, IGNORED, STALE, build_hostile
from tests.report.test_markdown import INERT, LIVE, PARSER
from wheelaudit.audit.values import Finding
from wheelaudit.report.check import CheckLine
from wheelaudit.report.check_markdown import render_check_markdown

OURS = INERT | {"strong_open", "strong_close"}


def render(*lines: CheckLine, written: tuple[str, ...] = ()) -> str:
    return render_check_markdown(lines, file="pyproject.toml", written=written)


def walk(text: str) -> list[Token]:
    return [child for token in PARSER.parse(text) for child in (token, *(token.children or []))]


def find_blocks(text: str) -> list[str]:
    return [token.type for token in PARSER.parse(text)]


def test_report_of_every_status(golden: Golden) -> None:
    golden("check/every-status.md", render(*ALL, replace(STALE, mended=True), written=("pyproject.toml",)))


def test_what_is_right_is_told_in_a_table_alone() -> None:
    assert render(CURRENT) == (
        "# `pyproject.toml`: 1 override, in order\n"
        "\n"
        "| Override | Status | Findings | Where |\n"
        "| --- | --- | --- | --- |\n"
        "| `torch 2.6.0+cu126` | current: right in 84 of 84 environment/extra pairs |  | `pyproject.toml`, line 12 |\n"
    )


def test_nothing_to_check_is_said() -> None:
    assert render() == "# `pyproject.toml`: no overrides (dependency-metadata), nothing to check\n"


def test_commands_are_code() -> None:
    codes = {token.content for token in walk(render(STALE, FOREIGN)) if token.type == "code_inline"}
    assert {"wheelaudit check --write", "wheelaudit check --write --all-entries", "uv cache clean torch"} <= codes
    assert "uv lock" in render(replace(STALE, mended=True), written=("pyproject.toml",))


def test_what_was_mended_is_told_without_its_help() -> None:
    text = render(replace(STALE, mended=True))
    assert "stale, replaced now" in text
    assert "Help:" not in text
    assert "What to do next" not in text


def test_what_is_put_off_says_until_when() -> None:
    assert "Ignored: WA402 until 2027-01-31: we wait for 2.7\n" in render(IGNORED)


def test_what_is_too_long_is_cut() -> None:
    long = Finding(id="WA401", message="x" * 99999, help="y" * 99999)
    assert len(render(replace(STALE, findings=(long,), error="z" * 99999, ignored=("v" * 99999,)))) < 10_000


@given(hostile_text)
def test_foreign_text_makes_no_structure(text: str) -> None:
    printed = render_check_markdown(build_hostile(text), file=text, written=[text])
    assert all(char.isprintable() for line in printed.split("\n") for char in line)
    inline = [child for token in PARSER.parse(printed) for child in token.children or []]
    assert {child.type for child in inline} <= OURS
    for child in inline:
        if child.type != "code_inline":
            assert not LIVE.search(child.content), child.content
    # The blocks are those of the same report with a harmless word in it.
    if text.strip():
        word = render_check_markdown(build_hostile("word"), file="word", written=["word"])
        assert find_blocks(printed) == find_blocks(word)
