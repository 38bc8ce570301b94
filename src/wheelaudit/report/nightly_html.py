"""OUTPUT (pure): a night as a page for a browser: what broke, what is open, a calendar, and the evidence.

One file that loads nothing and runs nothing, as `wheelaudit.report.html_page` has it.
Regressions come first: a person reads this page in the morning, often on a phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wheelaudit.audit.values import Verdict
from wheelaudit.errors import WheelAuditError
from wheelaudit.history.values import Event, EventWheel, Level, Night, OpenEvent, Stream, StreamNight
from wheelaudit.report.html_calendar import Calendar, Frame, build_calendar, build_frame
from wheelaudit.report.html_page import Listing, build_link, clip, render_page
from wheelaudit.report.html_release import (
    MOST_ENTRIES,
    MOST_LINES,
    MOST_WHEELS,
    ReleaseView,
    build_release,
    split_environments,
)
from wheelaudit.report.results import RULES
from wheelaudit.report.text import count_of

MOST_STREAMS = 200
"""On one page; 8 projects on 6 channels are 48."""
MOST_EVENTS = 300
"""Told or open, on one page; a night on which a whole index breaks has one for every stream."""
FIXED = "WA502"
"""The one event that is good news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One event as a page tells it."""

    id: str
    url: str | None
    title: str
    """What the id means, in a few words."""
    tone: str
    """Class of the style sheet: ``bad``, ``good``, ``note``."""
    level: Level
    stream: str
    anchor: str
    """Where the stream's build is on the page."""
    message: str
    before: str | None
    after: str
    platforms: tuple[str, ...]
    lost: Listing[str]
    gained: Listing[str]
    wheels: Listing[tuple[EventWheel, str | None]]
    """With the URL where it may be linked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenView:
    """An event of another night that is still so."""

    event: EventView
    since: str
    since_version: str
    known_good: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEntry:
    """One stream in the table of verdicts."""

    label: str
    verdict: Verdict
    version: str
    anchor: str
    regressed: bool
    """Whether a regression was told of it tonight."""
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """One project on one index."""

    entries: tuple[GridEntry, ...]
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Projects as rows, indexes as columns."""

    indexes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[GridCell, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """One stream and its newest build."""

    name: str
    before: str | None
    release: ReleaseView
    calendar: Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class NightView:
    """What the page says, in the order in which it says it."""

    date: str
    summary: str
    baseline: bool
    """Whether nothing is known of an earlier night, so that nothing could be told."""
    regressions: Listing[EventView]
    news: Listing[EventView]
    """What else was told tonight."""
    failures: Listing[tuple[str, WheelAuditError]]
    grid: Grid
    open: Listing[OpenView]
    frame: Frame | None
    """None: no calendar was asked for."""
    streams: Listing[StreamView]


def render_night_html(night: Night) -> str:
    """Return the page, ending with a newline; of 48 streams with 365 nights each it is 2.7 MB."""
    return render_page("nightly.html", title=f"Nightly report, {night.night.isoformat()}", night=_build_night(night))


def _build_night(night: Night) -> NightView:
    anchors = {each.snapshot.stream: f"stream-{number}" for number, each in enumerate(night.streams, 1)}
    told = [_build_event(event, anchors) for each in night.streams for event in each.events]
    still = [_build_open(each, anchors) for stream in night.streams for each in stream.open]
    frame = build_frame(night.night, (each for nights in night.calendar.values() for each in nights))
    shown = frame if night.calendar else None
    baseline = bool(night.streams) and all(each.before is None for each in night.streams)
    return NightView(
        date=night.night.isoformat(),
        summary=_summarize(night, told, still),
        baseline=baseline,
        regressions=clip((event for event in told if event.level == "regression"), MOST_EVENTS),
        news=clip(_sort_news(told), MOST_EVENTS),
        failures=clip(night.failures, MOST_EVENTS),
        grid=_build_grid(night, anchors),
        open=clip(sorted(still, key=lambda each: each.event.level != "regression"), MOST_EVENTS),
        frame=shown,
        streams=clip((_build_stream(each, night, frame, anchors) for each in night.streams), MOST_STREAMS),
    )


def _sort_news(told: Iterable[EventView]) -> list[EventView]:
    """Findings before notes, good news first of all; within, the order of streams stays."""
    rest = [event for event in told if event.level != "regression"]
    return sorted(rest, key=lambda event: (event.tone != "good", event.level == "note"))


def _summarize(night: Night, told: Sequence[EventView], still: Sequence[OpenView]) -> str:
    """Return the night in one sentence."""
    regressions = sum(event.level == "regression" for event in told)
    fixed = sum(event.tone == "good" for event in told)
    others = len(told) - regressions - fixed
    parts = (
        f"{count_of(regressions, 'regression')} told tonight" if regressions else "no regression told tonight",
        count_of(fixed, "fix", "fixes") if fixed else "",
        count_of(others, "other change") if others else "",
        f"{len(still)} still open" if still else "",
        f"{len(night.failures)} could not be read" if night.failures else "",
        f"{count_of(len(night.streams), 'build')} read",
    )
    sentence = "; ".join(part for part in parts if part)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _build_event(event: Event, anchors: dict[Stream, str]) -> EventView:
    rule = RULES.get(event.id)
    tone = "good" if event.id == FIXED else "note" if event.level == "note" else "bad"
    return EventView(
        id=event.id,
        url=rule.url if rule else None,
        title=rule.title if rule else "",
        tone="warn" if tone == "bad" and event.level == "finding" else tone,
        level=event.level,
        stream=str(event.stream),
        anchor=anchors.get(event.stream, "builds"),
        message=event.message,
        before=None if event.before is None else str(event.before),
        after=str(event.after),
        platforms=tuple(line for each in event.platforms[:MOST_ENTRIES] for line in split_environments(each)),
        lost=clip(event.lost, MOST_LINES),
        gained=clip(event.gained, MOST_LINES),
        wheels=clip(((wheel, build_link(wheel.url)) for wheel in event.wheels), MOST_WHEELS),
    )


def _build_open(still: OpenEvent, anchors: dict[Stream, str]) -> OpenView:
    return OpenView(
        event=_build_event(still.event, anchors),
        since=still.since.isoformat(),
        since_version=str(still.since_version),
        known_good=None if still.known_good is None else str(still.known_good),
    )


def _build_grid(night: Night, anchors: dict[Stream, str]) -> Grid:
    streams = night.streams[:MOST_STREAMS]
    indexes = tuple(sorted({each.snapshot.stream.index for each in streams}))
    failed = {spec for spec, _ in night.failures}
    cells: dict[tuple[str, str], list[GridEntry]] = {}
    for each in streams:
        stream = each.snapshot.stream
        cells.setdefault((stream.project, stream.index), []).append(_build_entry(each, anchors[stream]))
    projects = sorted({project for project, _ in cells})
    return Grid(
        indexes=indexes,
        rows=tuple(
            (
                project,
                tuple(
                    GridCell(entries=tuple(cells.get((project, index), ())), failed=f"{project} on {index}" in failed)
                    for index in indexes
                ),
            )
            for project in projects
        ),
    )


def _build_entry(each: StreamNight, anchor: str) -> GridEntry:
    return GridEntry(
        label=each.snapshot.stream.label,
        verdict=each.audit.verdict,
        version=str(each.snapshot.version),
        anchor=anchor,
        regressed=any(event.level == "regression" for event in each.events),
        open=len(each.open),
    )


def _build_stream(each: StreamNight, night: Night, frame: Frame, anchors: dict[Stream, str]) -> StreamView:
    stream = each.snapshot.stream
    return StreamView(
        name=str(stream),
        before=None if each.before is None else str(each.before.version),
        release=build_release(each.audit, anchor=anchors[stream]),
        calendar=build_calendar(frame, night.calendar.get(stream, ())),
    )
