from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from wheelaudit.report.lines import KEEP, Line, cell_width, layout_columns, paragraph, render_lines, wrap_words

PRINTABLE = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")).filter(str.isprintable))

ITEMS = PRINTABLE.filter(lambda text: bool(text.strip()) and "://" not in text)


@given(PRINTABLE, st.integers(10, 100), st.integers(0, 5))
def test_wrapped_lines_fit_and_hold_every_character(text: str, width: int, hang: int) -> None:
    first, *rest = wrap_words(text, width, hang=hang)
    assert cell_width(first) <= width or "://" in first
    assert all(cell_width(line) <= width - hang or "://" in line for line in rest)
    assert "".join((first, *rest)).replace(" ", "") == text.replace(" ", "")


def test_url_is_never_cut() -> None:
    url = "https://files.example/" + "a" * 100
    assert wrap_words(f"see {url} for more", 20) == ["see", url, "for more"]


def test_long_file_name_is_cut_at_the_width() -> None:
    assert wrap_words("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_command_is_not_broken() -> None:
    lines = paragraph(f"run the command `uv{KEEP}cache{KEEP}clean`", 24, indent=2, hang=2)
    assert lines == [(("  run the command", ""),), (("    `uv cache clean`", ""),)]


@given(st.lists(ITEMS, max_size=30), st.integers(12, 100))
def test_columns_fit_and_hold_every_item(items: list[str], width: int) -> None:
    lines = layout_columns(items, width)
    assert all(cell_width(line) <= width for line in lines)
    assert sorted("".join(lines).replace(" ", "")) == sorted("".join(items).replace(" ", ""))


def test_columns_are_read_downwards() -> None:
    assert layout_columns(["a", "bb", "c", "d", "e"], 6) == ["a   d", "bb  e", "c"]


@given(PRINTABLE)
def test_width_is_that_of_a_terminal(text: str) -> None:
    assert cell_width(text) == cell_len(text)


def test_colour_of_a_caller_is_all_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    line: Line = (("red", "red"), (" [bold]", ""))
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert render_lines([line], color=False) == "red [bold]\n"
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    assert render_lines([line], color=True) == "\x1b[31mred\x1b[0m [bold]\n"
