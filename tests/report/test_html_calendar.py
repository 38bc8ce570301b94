"""The calendar: weeks as columns from Monday on, each night at its place, and the same in words."""

from __future__ import annotations

import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from wheelaudit.audit.values import Verdict
from wheelaudit.history.values import CalendarNight
from wheelaudit.report.html_calendar import LEAST_WEEKS, MOST_RUNS, MOST_WEEKS, PITCH, build_calendar, build_frame

SUNDAY = datetime.date(2025, 1, 19)


def build_night(day: datetime.date, verdict: Verdict = "consistent", *told: str) -> CalendarNight:
    return CalendarNight(night=day, version=Version("1.0"), verdict=verdict, told=told)


def count_back(days: int, last: datetime.date = SUNDAY) -> list[datetime.date]:
    return [last - datetime.timedelta(days=number) for number in reversed(range(days))]


def test_week_is_a_column_from_monday_to_sunday() -> None:
    nights = [build_night(day) for day in count_back(8)]
    frame = build_frame(SUNDAY, nights)
    cells = build_calendar(frame, nights).cells
    last = (frame.weeks - 1) * PITCH
    assert [(cell.x, cell.y // PITCH) for cell in cells] == [(last - PITCH, 6), *((last, day) for day in range(7))]


def test_night_without_a_record_leaves_its_place_empty() -> None:
    days = count_back(3)
    frame = build_frame(SUNDAY, [])
    assert [cell.y // PITCH for cell in build_calendar(frame, [build_night(days[0]), build_night(days[2])]).cells] == [
        4,
        6,
    ]


def test_few_nights_stand_in_a_quarter_and_many_in_a_year() -> None:
    assert build_frame(SUNDAY, [build_night(SUNDAY)]).weeks == LEAST_WEEKS
    long = [build_night(day) for day in count_back(2000)]
    frame = build_frame(SUNDAY, long)
    assert frame.weeks == MOST_WEEKS
    assert len(build_calendar(frame, long).cells) == 7 * MOST_WEEKS


def test_month_is_named_over_the_week_of_its_first_day_and_january_with_its_year() -> None:
    frame = build_frame(SUNDAY, [build_night(datetime.date(2024, 11, 1))])
    names = [label.text for label in frame.labels if label.text[:3] not in ("Mon", "Wed", "Fri")]
    assert names == ["Nov 2024", "Dec", "Jan 2025"]


@pytest.mark.parametrize("told", [(), ("WA501", "WA501", "WA504")])
def test_title_says_day_verdict_build_and_what_was_told(told: tuple[str, ...]) -> None:
    (cell,) = build_calendar(build_frame(SUNDAY, []), [build_night(SUNDAY, "inconsistent", *told)]).cells
    assert cell.told is bool(told)
    assert cell.title == "Sun 2025-01-19: inconsistent, 1.0" + ("; told WA501, WA504" if told else "")


def test_words_tell_nights_that_say_the_same_as_one_and_the_newest_first() -> None:
    days = count_back(6)
    nights = [build_night(day) for day in days[:3]]
    nights += [
        build_night(days[3], "inconsistent", "WA501"),
        build_night(days[4], "inconsistent"),
        build_night(days[5]),
    ]
    calendar = build_calendar(build_frame(SUNDAY, nights), nights)
    assert calendar.summary == "6 nights from 2025-01-14 to 2025-01-19: 4 consistent, 2 inconsistent."
    assert calendar.runs.items == (
        "2025-01-19: consistent, 1.0",
        "2025-01-18: inconsistent, 1.0",
        "2025-01-17: inconsistent, 1.0; told WA501",
        "2025-01-14 to 2025-01-16: consistent, 3 nights",
    )


def test_words_of_a_stream_that_changes_every_night_are_bounded() -> None:
    verdicts: tuple[Verdict, ...] = ("consistent", "inconsistent")
    nights = [build_night(day, verdicts[number % 2]) for number, day in enumerate(count_back(365))]
    runs = build_calendar(build_frame(SUNDAY, nights), nights).runs
    assert (len(runs.items), runs.more) == (MOST_RUNS, 365 - MOST_RUNS)


def test_no_night_is_said_too() -> None:
    calendar = build_calendar(build_frame(SUNDAY, []), [])
    assert (calendar.cells, calendar.summary, calendar.runs.items) == ((), "No night is kept.", ())


@given(
    st.dates(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)),
    st.sets(st.integers(min_value=0, max_value=600), max_size=30),
)
def test_every_night_has_a_place_of_its_own_inside_the_picture(last: datetime.date, ages: set[int]) -> None:
    nights = [build_night(last - datetime.timedelta(days=age)) for age in ages]
    frame = build_frame(last, nights)
    cells = build_calendar(frame, nights).cells
    places = {(cell.x, cell.y) for cell in cells}
    assert len(places) == len(cells) == sum(last - datetime.timedelta(days=age) >= frame.monday for age in ages)
    assert all(0 <= x < frame.field[0] and 0 <= y < frame.field[1] for x, y in places)
    assert all(0 <= label.x < frame.width and 0 < label.y < frame.height for label in frame.labels)
    starts = [label.x for label in frame.labels if label.y < frame.top]
    # A name with its year takes 50 pixels.
    assert all(after - before >= 4 * PITCH for before, after in pairwise(starts))
