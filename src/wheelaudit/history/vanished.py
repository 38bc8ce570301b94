"""OUTPUT (pure): WA504, a Python on a platform that had a wheel has none now, or a build has lost a wheel.

What vanishes on several platforms alike is one event, so that a person reads one
sentence: a platform of which nothing is left by itself, otherwise each Python with the
platforms that it is gone from. Whether a Python has reached its end of life is for the
reader to judge: it is told like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wheelaudit.grid import is_floor
from wheelaudit.history.coverage import (
    ANY,
    Python,
    Pythons,
    Rows,
    build_rows,
    describe_pythons,
    find_uncovered,
    overlaps,
    parse_entries,
    render_entries,
    subtract_rows,
)
from wheelaudit.history.layout import find_literals
from wheelaudit.history.nights import Build, Nights, Trouble, build_evidence, join_words, strip_version
from wheelaudit.history.values import Event, OpenEvent
from wheelaudit.markers import Comparison
from wheelaudit.metadata import Reading, UnreadableWheel


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """What of WA504 begins, goes on and ends tonight."""

    troubles: tuple[Trouble, ...]
    still_open: tuple[OpenEvent, ...]
    """Narrowed to what is still gone; the subject stays that of the night it was told."""
    closed: tuple[OpenEvent, ...]


def find_vanished(nights: Nights, *, pending: Sequence[OpenEvent]) -> Vanished:
    """Return WA504 of tonight; ``pending`` are those of other nights."""
    if not pending and not _may_lack(nights):
        return Vanished(troubles=(), still_open=(), closed=())
    literals = _find_literals(nights)
    # An unread floor may be what is back: what was told as gone stays open, and nothing new is told as gone.
    certain = _find_certain(nights.after)
    rows = build_rows(certain, literals)
    has = rows if certain == nights.after.audit.readings else build_rows(nights.after.audit.readings, literals)
    left = [(each, _narrow(each, nights.after, rows)) for each in pending]
    still = tuple(narrowed for _, narrowed in left if narrowed is not None)
    return Vanished(
        troubles=tuple(_find_troubles(nights, literals, has, still)),
        still_open=still,
        closed=tuple(each for each, narrowed in left if narrowed is None),
    )


def _may_lack(nights: Nights) -> bool:
    """Whether some wheel of the build before has none tonight that is for the same Pythons and platforms."""
    return nights.before is not None and bool(_find_missing(nights.before, nights.after))


def _find_missing(before: Build, after: Build) -> tuple[Reading, ...]:
    """Return the wheels of one build that have no like in the other: what vanished was theirs."""
    there = {_find_kind(reading) for reading in after.audit.readings}
    return tuple(reading for reading in before.audit.readings if _find_kind(reading) not in there)


def _find_kind(reading: Reading) -> tuple[object, ...]:
    """What decides where a wheel is installed."""
    return reading.wheel.tags, reading.wheel.build, _find_bound(reading)


def _find_bound(reading: Reading) -> str | None:
    return reading.wheel.requires_python if isinstance(reading, UnreadableWheel) else reading.core.requires_python


def _find_literals(nights: Nights) -> tuple[Comparison, ...]:
    before = () if nights.before is None else nights.before.audit.readings
    return find_literals((*before, *nights.after.audit.readings))


def _find_certain(build: Build) -> tuple[Reading, ...]:
    """Leave out unread wheels for "this Python and above": their Requires-Python says which, and it is unknown."""
    return tuple(
        reading
        for reading in build.audit.readings
        if not (isinstance(reading, UnreadableWheel) and is_floor(reading.wheel))
    )


# --- what is open ------------------------------------------------------------------------------------


def _narrow(each: OpenEvent, build: Build, rows: Rows) -> OpenEvent | None:
    """Return what is left of an open event; None where all of it is back."""
    if not each.event.platforms:
        return each if _is_file_gone(each.event, build) else None
    left = find_uncovered(parse_entries(each.event.platforms), rows)
    if not left:
        return None
    platforms = render_entries(left)
    return each if platforms == each.event.platforms else replace(each, event=replace(each.event, platforms=platforms))


def _is_file_gone(event: Event, build: Build) -> bool:
    """Of the build that has lost it; another one never had the file."""
    return build.snapshot.version == event.after and event.subject not in _find_names(build)


def _find_names(build: Build) -> frozenset[str]:
    return frozenset(strip_version(wheel.filename) for wheel in build.audit.release.wheels)


# --- what is new -------------------------------------------------------------------------------------


def _find_troubles(
    nights: Nights, literals: Sequence[Comparison], has: Rows, pending: Iterable[OpenEvent]
) -> Iterator[Trouble]:
    if nights.before is None:
        return
    before, known = nights.before, tuple(pending)
    gone = find_uncovered(build_rows(_find_certain(before), literals), has)
    for each in known:
        gone = subtract_rows(gone, parse_entries(each.event.platforms))
    missing = _find_missing(before, nights.after)
    own = _find_own_rows(missing, literals) if gone else {}
    for pythons, platforms in _gather(gone, has):
        rows = dict.fromkeys(platforms, pythons)
        wheels = (reading for reading in missing if overlaps(own[_find_kind(reading)], rows))
        yield _build_trouble(nights, _build_gone(nights, rows, wheels))
    subjects = {each.event.subject for each in known}
    for name, readings in _find_lost_files(before, nights.after).items():
        told = any(overlaps(own.get(_find_kind(reading), {}), gone) for reading in readings)
        if name not in subjects and not told:
            yield _build_trouble(nights, _build_lost_file(nights, name, readings))


def _find_own_rows(readings: Iterable[Reading], literals: Sequence[Comparison]) -> dict[tuple[object, ...], Rows]:
    """What each kind of wheel covers by itself."""
    return {kind: build_rows([one], literals) for kind, one in {_find_kind(each): each for each in readings}.items()}


def _build_trouble(nights: Nights, event: Event) -> Trouble:
    return Trouble(event=event, since=nights.after.snapshot, is_new=True)


def _gather(gone: Rows, has: Rows) -> list[tuple[Pythons, tuple[str, ...]]]:
    """Gather what vanished into as few sentences as say it: sets of Pythons, each with its platforms."""
    by_pythons: dict[Pythons, list[str]] = {}
    by_platforms: dict[tuple[str, ...], set[Python]] = {}
    partly: dict[Python, list[str]] = {}
    for platform, pythons in sorted(gone.items()):
        if platform in has or ANY in has:
            for python in pythons:
                partly.setdefault(python, []).append(platform)
        else:
            by_pythons.setdefault(pythons, []).append(platform)
    for python, platforms in partly.items():
        by_platforms.setdefault(tuple(platforms), set()).add(python)
    found = [(pythons, tuple(platforms)) for pythons, platforms in by_pythons.items()]
    found += [(frozenset(pythons), platforms) for platforms, pythons in by_platforms.items()]
    return sorted(found, key=lambda each: (each[1], sorted(each[0])))


def _build_gone(nights: Nights, rows: Mapping[str, Pythons], wheels: Iterable[Reading]) -> Event:
    platforms = sorted(rows)
    pythons = describe_pythons(rows[platforms[0]])
    where = join_words(["every platform" if platform == ANY else platform for platform in platforms])
    return nights.build_event(
        id="WA504",
        level="regression",
        subject=f"{pythons} on {', '.join(platforms)}",
        message=f"{pythons} {'are' if len(rows[platforms[0]]) > 1 else 'is'} gone from {where} "
        f"{nights.since('had wheels for it')}.",
        platforms=render_entries(rows),
        wheels=build_evidence(wheels),
    )


def _find_lost_files(before: Build, after: Build) -> dict[str, list[Reading]]:
    """Return the wheels of one build that were on the page and are not, by their names without version."""
    lost: dict[str, list[Reading]] = {}
    if before.snapshot.version == after.snapshot.version:
        names = _find_names(after)
        for reading in before.audit.readings:
            name = strip_version(reading.wheel.filename)
            if name not in names:
                lost.setdefault(name, []).append(reading)
    return dict(sorted(lost.items()))


def _build_lost_file(nights: Nights, name: str, readings: Sequence[Reading]) -> Event:
    return nights.build_event(
        id="WA504",
        level="regression",
        subject=name,
        message=f"{readings[0].wheel.filename} is gone from the index {nights.since('was there')}.",
        wheels=build_evidence(readings),
    )
