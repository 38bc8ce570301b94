"""A night on a terminal: the verdict first, a line a stream, and nothing that an index could do to the terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from tests.conftest import Golden
from tests.report.hostile import hostile_text
from tests.report.nights import (
    FOUR,
    PINS,
    build_busy_night,
    build_hostile_night,
    build_real_night,
    build_real_regression,
)
from wheelaudit.history.values import Night
from wheelaudit.report.lines import cell_width
from wheelaudit.report.nightly import describe_night
from wheelaudit.report.nightly_human import render_night

NIGHTS = {
    **{f"night-{number}": night for number, night in enumerate(FOUR, start=1)},
    "busy": build_busy_night(),
    "real": build_real_night(),
    "real-regression": build_real_regression(),
}
SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("name", NIGHTS)
def test_night_reads_as_its_golden_file(name: str, width: int, golden: Golden) -> None:
    golden(f"nightly/{name}.{width}.txt", render_night(NIGHTS[name], width=width, color=False))


@pytest.mark.parametrize("name", NIGHTS)
def test_first_line_is_the_verdict(name: str) -> None:
    night = NIGHTS[name]
    assert render_night(night, width=80, color=False).partition("\n")[0] == describe_night(night)[0]


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("name", NIGHTS)
def test_no_line_is_longer_than_the_width(name: str, width: int) -> None:
    for line in render_night(NIGHTS[name], width=width, color=False).splitlines():
        assert cell_width(line) <= width or "://" in line


@pytest.mark.parametrize("name", NIGHTS)
def test_colour_adds_no_word_and_takes_none_away(name: str) -> None:
    colored = render_night(NIGHTS[name], width=80, color=True)
    assert "\x1b[" in colored
    plain = "".join(f"{line.rstrip()}\n" for line in SGR.sub("", colored).splitlines())
    assert plain == render_night(NIGHTS[name], width=80, color=False)


def test_every_stream_has_a_line_with_its_verdict() -> None:
    text = render_night(build_busy_night(), width=140, color=False)
    assert re.search(r"^  gone 1\.0 on nightly/cu126 +undecided$", text, re.MULTILINE)
    assert re.search(r"^  torch 2\.7\.0\.dev20250115\+cpu on nightly/cpu +consistent$", text, re.MULTILINE)
    assert re.search(r"^  torch 2\.7\.0\.dev20250115\+cu126 .* inconsistent  since 2025-01-14 ", text, re.MULTILINE)


def test_what_is_lost_is_listed_tonight_and_while_it_is_open() -> None:
    for night in (FOUR[1], FOUR[2]):
        text = render_night(night, width=80, color=False)
        assert "LOST 3:" in text
        assert set(PINS) <= set(text.split())


def test_what_could_not_be_read_is_told_with_its_remedy() -> None:
    text = render_night(build_busy_night(), width=200, color=False)
    assert "Not read: nothing is known of these\n  torchaudio on nightly/cu126\n" in text
    assert "four times. Try again in a few minutes." in text


def test_night_without_streams_is_no_good_night() -> None:
    night = Night(night=FOUR[0].night, streams=(), failures=build_busy_night().failures)
    text, style = describe_night(night)
    assert text == "Night of 2025-01-13: 1 not read; 0 streams read"
    assert style == "bold yellow"
    assert "nothing is known of this night" in render_night(night, width=80, color=False)


@given(hostile_text)
def test_hostile_night_is_printable_text(text: str) -> None:
    printed = render_night(build_hostile_night(text), width=80, color=False)
    assert all(line.isprintable() for line in printed.split("\n"))
    printed.encode("utf-8")


def test_long_text_is_cut() -> None:
    assert len(render_night(build_hostile_night("x" * 1_000_000), width=80, color=False)) < 100_000
