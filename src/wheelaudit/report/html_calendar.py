"""OUTPUT (pure): the nights of a stream as a calendar, weeks as columns, and the same in words.

Geometry only; the template draws it as SVG (SVG 2). Days are ISO 8601's: a week begins on
Monday.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from wheelaudit.audit.values import Verdict
from wheelaudit.history.values import CalendarNight
from wheelaudit.report.html_page import Listing, clip
from wheelaudit.report.text import count_of

PITCH = 14
"""Pixels from one night to the next; the style sheet draws 11 of them."""
LEFT, TOP, RIGHT = 34, 18, 32
"""Pixels for the names of days and months, the last of which may begin over the last week."""
MOST_WEEKS = 53
"""A year. Older nights are in the history, and 53 columns are as wide as a page."""
LEAST_WEEKS = 14
"""A quarter of a year: four nights alone would float in nothing."""
MOST_RUNS = 40
"""Entries of the list in words; a stream that changes every night would fill the page with them."""

# Not from `calendar`: its names follow the machine's locale, and the same input gives the same bytes.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHOWN_DAYS = (0, 2, 4)
"""Days that are named at the left: every other one, as there is room for."""
LABEL_WEEKS = 4
"""Columns that the name of a month takes, with the year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One night as a square."""

    x: int
    y: int
    verdict: Verdict
    told: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name beside the squares."""

    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all calendars of a page share, so that one night stands at one place in all of them."""

    monday: datetime.date
    """The first day of the first week."""
    weeks: int
    labels: tuple[Label, ...]

    width: int
    """Pixels of the whole picture, names included."""
    height: int
    field: tuple[int, int]
    """Width and height of what the nights fill."""
    left: int = LEFT
    top: int = TOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The nights of one stream."""

    cells: tuple[Cell, ...]
    summary: str
    """One sentence: how many nights of which verdict."""
    runs: Listing[str]
    """The same in words, newest first: one entry for nights that follow each other and say the same."""


def build_frame(last: datetime.date, nights: Iterable[CalendarNight]) -> Frame:
    """Return the weeks up to ``last``: from the first night on, but no fewer than a quarter and no more than a year."""
    first = min((each.night for each in nights), default=last)
    end = _monday_of(last)
    weeks = min(max((end - _monday_of(first)).days // 7 + 1, LEAST_WEEKS), MOST_WEEKS)
    monday = end - datetime.timedelta(weeks=weeks - 1)
    days = [Label(x=0, y=TOP + day * PITCH + 9, text=DAYS[day]) for day in SHOWN_DAYS]
    return Frame(
        monday=monday,
        weeks=weeks,
        labels=(*_month_labels(monday, weeks), *days),
        width=LEFT + weeks * PITCH + RIGHT,
        height=TOP + len(DAYS) * PITCH,
        field=(weeks * PITCH, len(DAYS) * PITCH),
    )


def build_calendar(frame: Frame, nights: Iterable[CalendarNight]) -> Calendar:
    """Return the nights that lie in the frame; of two for one date the later entry counts."""
    end = frame.monday + datetime.timedelta(weeks=frame.weeks)
    by_date = {each.night: each for each in nights if frame.monday <= each.night < end}
    shown = [by_date[night] for night in sorted(by_date)]
    return Calendar(
        cells=tuple(_build_cell(frame, each) for each in shown),
        summary=_summarize(shown),
        runs=clip(reversed(_build_runs(shown)), MOST_RUNS),
    )


def _build_cell(frame: Frame, night: CalendarNight) -> Cell:
    week, day = divmod((night.night - frame.monday).days, 7)
    return Cell(
        x=week * PITCH,
        y=day * PITCH,
        verdict=night.verdict,
        told=bool(night.told),
        title=f"{DAYS[day]} {night.night.isoformat()}: {night.verdict}, {night.version}{_tell(night)}",
    )


def _tell(night: CalendarNight) -> str:
    return f"; told {', '.join(dict.fromkeys(night.told))}" if night.told else ""


def _month_labels(monday: datetime.date, weeks: int) -> list[Label]:
    """Name each month over the week that its first day is in; the first one and each January with the year."""
    starts: list[tuple[int, datetime.date]] = []
    for week in range(weeks):
        sunday = monday + datetime.timedelta(days=7 * week + 6)
        if sunday.day <= len(DAYS):
            starts.append((week, sunday))
    if not starts or starts[0][0] >= LABEL_WEEKS:
        starts.insert(0, (0, monday))
    return [
        Label(x=LEFT + week * PITCH, y=9, text=_name_month(day, year=not number or day.month == 1))
        for number, (week, day) in enumerate(starts)
    ]


def _name_month(day: datetime.date, *, year: bool) -> str:
    return f"{MONTHS[day.month - 1]} {day.year}" if year else MONTHS[day.month - 1]


def _summarize(nights: Sequence[CalendarNight]) -> str:
    if not nights:
        return "No night is kept."
    verdicts: tuple[Verdict, ...] = ("consistent", "inconsistent", "undecided")
    counts = {verdict: sum(1 for each in nights if each.verdict == verdict) for verdict in verdicts}
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    first, last = nights[0].night.isoformat(), nights[-1].night.isoformat()
    between = f"from {first} to {last}" if first != last else f"on {first}"
    return f"{count_of(len(nights), 'night')} {between}: {said}."


def _build_runs(nights: Sequence[CalendarNight]) -> list[str]:
    """Nights that follow each other and say the same, as one; a night on which something was told stands alone."""
    runs: list[str] = []
    for key, group in groupby(nights, key=lambda each: (each.verdict, each.night if each.told else None)):
        members = list(group)
        first, last = members[0].night.isoformat(), members[-1].night.isoformat()
        if len(members) == 1:
            runs.append(f"{first}: {key[0]}, {members[0].version}{_tell(members[0])}")
        else:
            runs.append(f"{first} to {last}: {key[0]}, {count_of(len(members), 'night')}")
    return runs


def _monday_of(day: datetime.date) -> datetime.date:
    return day - datetime.timedelta(days=day.weekday())
