"""The Markdown of `wheelaudit lock`: it says what the report says, and a parser finds only our own structure in it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from markdown_it.token import Token

from tests.conftest import Golden
from tests.report.examples import LOST
from tests.report.hostile import hostile_text
from tests.report.test_lock import REPORT, RIGHT, TORCH, build, build_hostile
from tests.report.test_markdown import INERT, LIVE, PARSER
from wheelaudit.report.lock_markdown import render_lock_markdown

OURS = INERT | {"strong_open", "strong_close", "softbreak"}


def walk(text: str) -> list[Token]:
    return [child for token in PARSER.parse(text) for child in (token, *(token.children or []))]


def find_blocks(text: str) -> list[str]:
    return [token.type for token in PARSER.parse(text)]


def test_report_of_every_status(golden: Golden) -> None:
    golden("lock/every-status.md", render_lock_markdown(REPORT))


def test_every_requirement_is_in_a_block_of_its_own() -> None:
    fences = [token.content for token in walk(render_lock_markdown(REPORT)) if token.type == "fence"]
    assert fences[0] == "".join(f"{requirement}\n" for requirement in LOST)
    assert len(fences) == 3


def test_what_is_right_is_told_in_a_few_lines() -> None:
    text = render_lock_markdown(RIGHT)
    assert text.startswith("# `uv.lock`: its 1 release is given what its wheels ask for\n\n## Summary\n")
    assert "What to do next" not in text


def test_commands_are_code() -> None:
    codes = [token.content for token in walk(render_lock_markdown(build(TORCH))) if token.type == "code_inline"]
    assert {"wheelaudit lock --write", "uv lock"} <= set(codes)
    text = render_lock_markdown(build(replace(TORCH, override="written"), written=("pyproject.toml",)))
    assert "1. Written: pyproject.toml.\n2. Run `uv lock`.\n" in text


@given(hostile_text)
def test_foreign_text_makes_no_structure(text: str) -> None:
    printed = render_lock_markdown(build_hostile(text))
    assert all(char.isprintable() for line in printed.split("\n") for char in line)
    inline = [child for token in PARSER.parse(printed) for child in token.children or []]
    assert {child.type for child in inline} <= OURS
    for child in inline:
        if child.type != "code_inline":
            assert not LIVE.search(child.content), child.content
    # The blocks are those of the same report with a harmless word in it.
    if text.strip():
        assert find_blocks(printed) == find_blocks(render_lock_markdown(build_hostile("word")))
