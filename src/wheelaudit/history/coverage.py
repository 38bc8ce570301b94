"""OUTPUT (pure): which Pythons on which platforms have a wheel, as sets that can be subtracted.

Reports write ``3.9+`` for "this one and all above". A set of Pythons is compared over
the minor versions that either side lists, and one that stands for all above them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wheelaudit.audit.groups import build_scene
from wheelaudit.audit.impact import build_coverage
from wheelaudit.environments import IMPLEMENTATIONS
from wheelaudit.grid import LAST_LISTED_MINOR
from wheelaudit.history.nights import join_words
from wheelaudit.markers import Comparison
from wheelaudit.metadata import Reading

ANY = "any"
"""The row of wheels for every platform: it stands in for each."""

_PYTHON = re.compile(r"([a-z]*)(\d)\.(\d+)(t?)(\+?)")
_ENTRY = re.compile(r"(.+), C?Python (.+)", re.DOTALL)
"""A platform and its Pythons. A tag is lower case: the capital ends the platform, whatever that holds."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Python:
    """``3.12``, ``3.13t``, ``pypy3.10``, ``3.9+``; in the order of reports, CPython first."""

    kind: str
    """``pypy``; "" for CPython."""
    major: int
    minor: int
    threading: str
    """``t`` for a free-threaded build."""
    above: str = ""
    """``+`` where everything above is meant, too."""

    def __str__(self) -> str:
        return f"{self.kind}{self.major}.{self.minor}{self.threading}{self.above}"

    @property
    def line(self) -> tuple[str, int, str]:
        """What a floor stays within."""
        return self.kind, self.major, self.threading


Pythons = frozenset[Python]
Rows = Mapping[str, Pythons]
"""Platform to the Pythons that have a wheel on it."""


def build_rows(readings: Sequence[Reading], literals: Iterable[Comparison]) -> Rows:
    """Return what some wheels cover, laid out over ``literals``."""
    if not readings:
        return {}
    coverage = build_coverage(build_scene(readings, comparisons=literals))
    return {row.platform: frozenset(map(parse_python, row.pythons)) for row in coverage}


def parse_python(text: str) -> Python:
    """Parse a Python as `Coverage` and `Event.platforms` spell it. Raises ValueError where it is none."""
    match = _PYTHON.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no Python")
    kind, major, minor, threading, above = match.groups()
    return Python(kind=kind, major=int(major), minor=int(minor), threading=threading, above=above)


def find_uncovered(rows: Rows, cover: Rows) -> Rows:
    """Return what of ``rows`` has no wheel in ``cover``, where one for any platform is one for each."""
    anywhere = cover.get(ANY, frozenset())
    return subtract_rows(rows, {platform: cover.get(platform, frozenset()) | anywhere for platform in rows})


def subtract_rows(rows: Rows, other: Rows) -> Rows:
    """Return what is in ``rows`` and not in ``other``, by platform; platforms that lose everything are left out."""
    left = {platform: _subtract(own, other.get(platform, frozenset())) for platform, own in rows.items()}
    return {platform: pythons for platform, pythons in sorted(left.items()) if pythons}


def overlaps(rows: Rows, other: Rows) -> bool:
    """Whether some Python on some platform is in both."""
    return any(_subtract(own, other[platform]) != _fold(own) for platform, own in rows.items() if platform in other)


def render_entries(rows: Rows) -> tuple[str, ...]:
    """Write rows as `Event.platforms`: ``linux x86_64, CPython 3.12, 3.13t``."""
    return tuple(f"{platform}, {describe_pythons(rows[platform], joined=False)}" for platform in sorted(rows))


def parse_entries(entries: Iterable[str]) -> Rows:
    """Read back what `render_entries` wrote; what it did not write is no row."""
    rows: dict[str, Pythons] = {}
    for entry in entries:
        match = _ENTRY.fullmatch(entry)
        if match is not None:
            try:
                rows[match[1]] = frozenset(parse_python(text) for text in match[2].split(", "))
            except ValueError:
                continue
    return rows


def describe_pythons(pythons: Pythons, *, joined: bool = True) -> str:
    """Name Pythons: ``CPython 3.12 and 3.13t``; several implementations are just Python."""
    texts = [str(python) for python in sorted(pythons)]
    name = "Python" if any(python.kind for python in pythons) else IMPLEMENTATIONS["cp"][0]
    return f"{name} {join_words(texts) if joined else ', '.join(texts)}"


def _subtract(pythons: Pythons, other: Pythons) -> Pythons:
    minors = _find_minors((*pythons, *other))
    return _fold(frozenset(_expand(pythons, minors)) - frozenset(_expand(other, minors)))


def _find_minors(pythons: Iterable[Python]) -> dict[tuple[str, int, str], tuple[int, ...]]:
    """Per line the minor versions to compare: those that are listed, and what lies between them."""
    listed: dict[tuple[str, int, str], set[int]] = {}
    for python in pythons:
        listed.setdefault(python.line, set()).add(python.minor)
    return {
        line: tuple(sorted(minors | set(range(min(minors), min(max(minors), LAST_LISTED_MINOR)))))
        for line, minors in listed.items()
    }


def _expand(pythons: Pythons, minors: Mapping[tuple[str, int, str], Sequence[int]]) -> Iterator[Python]:
    """Yield each Python of ``minors`` that is in a set, and the one that stands for all above."""
    for python in pythons:
        if not python.above:
            yield python
            continue
        own = minors[python.line]
        yield from (replace(python, minor=minor, above="") for minor in own if minor >= python.minor)
        yield replace(python, minor=own[-1] + 1)


def _fold(pythons: Pythons) -> Pythons:
    """Write ``3.11, 3.12, 3.13+`` as ``3.11+``: equal sets are spelled alike."""
    left = set(pythons)
    for floor in pythons:
        while floor.above and replace(floor, minor=floor.minor - 1, above="") in left:
            lower = replace(floor, minor=floor.minor - 1)
            left -= {floor, replace(lower, above="")}
            left.add(lower)
            floor = lower
    return frozenset(left)
