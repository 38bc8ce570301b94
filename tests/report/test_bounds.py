"""Bounds: what is cut says so, and a block is whole or not there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.report.bounds import MOST_CHARACTERS, cut_lines, cut_text, fit_blocks

OUT = "left out\n"


def test_long_text_says_that_it_was_cut() -> None:
    assert cut_text("x" * MOST_CHARACTERS) == "x" * MOST_CHARACTERS
    assert cut_text("x" * 1_000_000) == f"{'x' * MOST_CHARACTERS}... (cut here, 1000000 characters in all)"


def test_long_list_counts_what_it_leaves_out() -> None:
    assert cut_lines(["a", "b"], noun="wheel", most=2) == ["a", "b"]
    assert cut_lines(["a", "b", "c"], noun="wheel", most=2) == ["a", "b", "and 1 more wheel: see --format json"]
    assert cut_lines(["a", "b", "c"], noun="wheel", most=1) == ["a", "and 2 more wheels: see --format json"]


@given(st.lists(st.text(alphabet="ab", max_size=30).map(lambda text: f"{text}\n"), max_size=12), st.integers(40, 200))
def test_blocks_are_whole_and_what_is_missing_is_told(blocks: list[str], most: int) -> None:
    text = fit_blocks(blocks, most=most, left_out=OUT)
    assert len(text) <= most
    whole = "\n".join(blocks)
    assert text == whole or OUT in text
    assert len(whole) + len(OUT) + 3 > most or text == whole
    kept = [block for block in text.split("\n\n") if block]
    assert {f"{block.strip()}\n" for block in kept} <= {*blocks, OUT}


def test_block_that_fits_after_one_that_does_not_is_kept() -> None:
    assert fit_blocks(["a\n", "b" * 90 + "\n", "c\n"], most=60, left_out=OUT) == f"a\n\n{OUT}\nc\n"
