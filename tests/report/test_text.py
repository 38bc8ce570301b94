from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.report.text import collapse_pythons, count_of, escape_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [text] 'with' \"quotes\"", "plain [text] 'with' \"quotes\""),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b", r"\x9b"),
        ("a\r\nb\tc\0", r"a\r\nb\tc\x00"),
        ("\u202e\u2066\u200e", r"\u202e\u2066\u200e"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("\u2028", r"\u2028"),
        ("\xa0", r"\xa0"),
        ("::error file=a::b", r"\x3a:error file=a\x3a:b"),
        ("x ##[add-mask]y ###[z]", r"x \x23#[add-mask]y #\x23#[z]"),
        ("http://[::1]:80/ a :: b ## [c]", "http://[::1]:80/ a :: b ## [c]"),
        ("zażółć 测试", "zażółć 测试"),
    ],
)
def test_what_cannot_be_seen_is_spelled(text: str, shown: str) -> None:
    assert escape_text(text) == shown


@given(st.text(st.characters(exclude_categories=())) | st.text(alphabet=":#[]aZ \x1b"))
def test_escaped_text_is_visible_encodable_and_stays_as_it_is(text: str) -> None:
    shown = escape_text(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
    assert "\n" not in shown
    shown.encode("utf-8")
    assert not re.search(r"::[A-Za-z]|##\[", shown)
    assert escape_text(shown) == shown


@pytest.mark.parametrize(
    ("pythons", "text"),
    [
        (("3.10", "3.11", "3.12", "3.13", "3.13t"), "3.10-3.13, 3.13t"),
        (("3.8", "3.10", "3.11"), "3.8, 3.10-3.11"),
        (("3.12", "pypy3.9", "pypy3.10"), "3.12, pypy3.9-pypy3.10"),
        (("3.9", "3.10", "3.11+"), "3.9+"),
        (("3.9", "3.11+", "3.12"), "3.9, 3.11+, 3.12"),
        (("3.13t", "3.14t+", "pypy3.10+"), "3.13t+, pypy3.10+"),
        (("3.13t", "3.14t", "3.14"), "3.13t-3.14t, 3.14"),
        (("2.7", "3.8"), "2.7, 3.8"),
        (("\x1b", ""), "\x1b, "),
        ((), ""),
    ],
)
def test_pythons_that_follow_each_other_are_a_range(pythons: tuple[str, ...], text: str) -> None:
    assert collapse_pythons(pythons) == text


def test_one_is_no_plural() -> None:
    assert [count_of(number, "wheel") for number in (0, 1, 2)] == ["0 wheels", "1 wheel", "2 wheels"]
