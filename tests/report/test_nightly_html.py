"""The page of a night: regressions first, verdicts, calendar, evidence; well formed and harmless."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests.conftest import Golden
from tests.report.examples import build_torch
from tests.report.hostile import hostile_text
from tests.report.html_examples import (
    FIRST,
    LOST,
    TORCH,
    build_event,
    build_failure,
    build_four_nights,
    build_hostile_night,
    build_year,
)
from tests.report.pages import Element, check_page
from tests.report.test_html import fill
from wheelaudit.history.values import Night
from wheelaudit.report.html_page import shorten
from wheelaudit.report.nightly_html import render_night_html


def find_section(root: Element, name: str) -> Element:
    (section,) = (each for each in root.find("section") if each.attributes.get("aria-labelledby") == name)
    return section


def read_facts(element: Element) -> dict[str, str]:
    (facts,) = (each for each in element.find("dl") if each.attributes.get("class") == "facts")
    return dict(zip(map(squeeze, facts.find("dt")), map(squeeze, facts.find("dd")), strict=True))


def squeeze(element: Element) -> str:
    return " ".join(element.text.split())


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_page_of_a_night_is_the_golden_one(golden: Golden, number: int) -> None:
    night = build_four_nights()[number - 1]
    page = render_night_html(night)
    check_page(page)
    assert page == render_night_html(night)
    if number in (2, 4):
        golden(f"html/night-{number}.html", page)


def test_first_night_is_a_baseline() -> None:
    root = check_page(render_night_html(build_four_nights()[0]))
    assert "The first night: a baseline" in find_section(root, "regressions").text


def test_regression_comes_first_with_its_sentence_builds_platforms_and_lost_lines() -> None:
    root = check_page(render_night_html(build_four_nights()[1]))
    (main,) = root.find("main")
    first = next(each for each in main.children if isinstance(each, Element))
    assert first.attributes["aria-labelledby"] == "regressions"
    (card,) = first.find("article")
    told = squeeze(card)
    assert "torch==2.7.0.dev20250115+cu126 is newly inconsistent" in told
    assert read_facts(card) == {
        "Since": "build 2.7.0.dev20250115+cu126",
        "Held against": "2.7.0.dev20250114+cu126",
        "Where": "linux x86_64, CPython 3.11-3.13",
    }
    (lost,) = (each for each in card.find("ul") if each.attributes["class"] == "lines")
    assert [each.text for each in lost.find("li")] == list(LOST)
    assert "Evidence: 9 wheels" in told


def test_open_event_says_since_when_and_what_was_good() -> None:
    root = check_page(render_night_html(build_four_nights()[2]))
    assert "No regression was told tonight." in find_section(root, "regressions").text
    assert read_facts(find_section(root, "open")) == {
        "Open since": "2025-01-15, build 2.7.0.dev20250115+cu126",
        "Last good": "2.7.0.dev20250114+cu126",
        "Where": "linux x86_64, CPython 3.11-3.13",
    }


def test_failure_is_told_and_is_no_empty_result() -> None:
    root = check_page(render_night_html(build_four_nights()[2]))
    told = squeeze(find_section(root, "failures"))
    assert "triton on nightly/cu126" in told
    assert "answered 503" in told
    assert "Try again in a few minutes." in told


def test_fix_is_told_as_good_news_beside_a_regression() -> None:
    root = check_page(render_night_html(build_four_nights()[3]))
    assert "WA504" in find_section(root, "regressions").text
    (card,) = find_section(root, "news").find("article")
    assert card.attributes["class"] == "card good"
    assert "consistent again" in card.text


def test_verdicts_have_a_row_for_a_project_and_a_column_for_an_index() -> None:
    night = build_four_nights()[2]
    spec = f"{night.streams[1].snapshot.stream.project} on nightly/cu126"
    root = check_page(render_night_html(replace(night, failures=((spec, build_failure()),))))
    (table,) = find_section(root, "verdicts").find("table")
    assert [squeeze(each) for each in next(table.find("thead")).find("th")] == [
        "Project",
        "nightly/cpu",
        "nightly/cu126",
    ]
    rows = [[squeeze(each) for each in row.find("th", "td")] for row in next(table.find("tbody")).find("tr")]
    assert rows == [
        ["torch", "not watched", "× inconsistent 1 open2.7.0.dev20250116+cu126"],
        ["torchvision", "✓ consistent2.7.0.dev20250116+cpu", "! could not be read"],
    ]


def test_calendar_has_a_square_with_a_title_for_every_night_and_says_it_in_words() -> None:
    root = check_page(render_night_html(build_four_nights()[2]))
    pictures = [each for each in root.find("svg") if each.attributes.get("role") == "img"]
    assert len(pictures) == 2
    squares = [each for each in pictures[0].find("rect") if list(each.find("title"))]
    assert [(each.attributes["class"], each.text) for each in squares] == [
        ("consistent", "Tue 2025-01-14: consistent, 2.7.0.dev20250114+cu126"),
        ("inconsistent told", "Wed 2025-01-15: inconsistent, 2.7.0.dev20250115+cu126; told WA501"),
        ("inconsistent", "Thu 2025-01-16: inconsistent, 2.7.0.dev20250116+cu126"),
    ]
    assert "2025-01-15: inconsistent, 2.7.0.dev20250115+cu126; told WA501" in squeeze(find_section(root, "calendar"))
    for picture in pictures:
        title, description = (
            each for each in picture.children if isinstance(each, Element) and "id" in each.attributes
        )
        assert title.text.startswith("Nights of ")
        assert "nights from 2025-01-14 to 2025-01-16" in description.text


def test_night_without_calendar_has_no_section_for_it() -> None:
    root = check_page(render_night_html(replace(build_four_nights()[1], calendar={})))
    assert "Calendar" not in root.text


def test_night_that_read_nothing_says_what_failed() -> None:
    night = Night(night=FIRST, streams=(), failures=(("torch on nightly/cu126", build_failure()),))
    root = check_page(render_night_html(night))
    assert "1 could not be read; 0 builds read." in root.text
    assert "answered 503" in root.text


def test_matrix_stands_open_and_the_rest_of_the_evidence_is_folded() -> None:
    root = check_page(render_night_html(build_four_nights()[1]))
    builds = find_section(root, "builds")
    broken = next(builds.find("article"))
    folded = [squeeze(next(each.find("summary"))) for each in broken.find("details") if each.attributes.get("class")]
    assert folded == ["What uv makes of it", "Findings", "Override and its proof", "Wheels, URLs and metadata hashes"]
    outside = [each for each in broken.find("table") if each.attributes.get("class") == "matrix"]
    assert len(outside) == 1
    assert not any(outside[0] in list(each.find("table")) for each in broken.find("details"))


@settings(max_examples=30)
@given(hostile_text)
def test_hostile_night_is_only_text(text: str) -> None:
    root = check_page(render_night_html(build_hostile_night(fill(build_torch(), text), text)))
    shown = " ".join(shorten(text).split())
    assert shown.replace("`", "") in " ".join(root.text.split()).replace("`", "")


def test_events_beyond_what_a_page_holds_are_counted() -> None:
    night = build_four_nights()[1]
    torch = night.streams[0]
    event = build_event(TORCH, night.night, torch.audit, lost=(), wheels=())
    many = replace(torch, events=tuple(replace(event, subject=str(number)) for number in range(400)))
    root = check_page(render_night_html(replace(night, streams=(many,))))
    assert "and 100 more regressions" in find_section(root, "regressions").text


def test_year_of_forty_eight_streams_is_a_page_that_a_browser_opens() -> None:
    page = render_night_html(build_year())
    assert page.count("<rect class=") > 48 * 365
    # Measured: 2.7 MB, of which the calendars are 2.0.
    assert len(page) < 5_000_000
