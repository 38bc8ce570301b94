"""OUTPUT (pure): WA503, a requirement lost, gained or pinned anew between two nights.

What every environment does alike that needs or needed the project is a note: a
nightly's pins move every night. What only some of them do is a finding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName

from wheelaudit.audit.points import Mask
from wheelaudit.history.needs import Change, Needs, build_needs, find_changes
from wheelaudit.history.nights import Build, Nights, build_evidence, list_texts
from wheelaudit.history.values import Event, EventWheel
from wheelaudit.metadata import RequirementKey

_Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """One change of one project, and the environments that make it alike."""

    lost: _Texts
    gained: _Texts
    numbers: tuple[int, ...]


def find_requirement_events(nights: Nights, *, explained: Collection[NormalizedName] = ()) -> tuple[Event, ...]:
    """Return WA503 of tonight, one event a project; projects that WA501 or WA502 tell of are left out.

    A night that is undecided tells none: the next one that is decided is held against the
    same build, and tells all of it.
    """
    if nights.before is None or nights.after.audit.verdict == "undecided":
        return ()
    needs = build_needs(nights.before.audit.readings, nights.after.audit.readings)
    changes = (change for change in find_changes(needs) if change.project not in explained)
    return tuple(_build_event(nights, nights.before, needs, change) for change in changes)


def _build_event(nights: Nights, before: Build, needs: Needs, change: Change) -> Event:
    moves = _find_moves(needs, change)
    lost = tuple(sorted({text for move in moves for text in move.lost}))
    gained = tuple(sorted({text for move in moves for text in move.gained}))
    where = "wherever it is asked for" if change.alike else f"in {needs.describe(_join(moves))}"
    return nights.build_event(
        id="WA503",
        level="note" if change.alike else "finding",
        subject=change.project,
        message=_describe(nights, moves, lost, gained, where),
        platforms=tuple(needs.describe(move.numbers) for move in moves),
        lost=lost,
        gained=gained,
        wheels=_find_evidence(nights, before, needs, moves),
    )


def _describe(nights: Nights, moves: Sequence[_Move], lost: _Texts, gained: _Texts, where: str) -> str:
    if all(move.lost and move.gained for move in moves):
        return f"{list_texts(lost)} became {list_texts(gained)} {where} {nights.since('had the former')}."
    if not gained:
        return f"{list_texts(lost)} is asked for no more {where} {nights.since('asked for it')}."
    if not lost:
        return f"{list_texts(gained)} is asked for {where} {nights.since('did not ask for it')}."
    return f"{list_texts(lost)} went and {list_texts(gained)} came {where} {nights.since('had the former')}."


def _join(moves: Sequence[_Move]) -> list[int]:
    return sorted({number for move in moves for number in move.numbers})


def _find_moves(needs: Needs, change: Change) -> tuple[_Move, ...]:
    """Gather the environments that lose and gain alike, in the order of environments."""
    lost, gained = _spell_by_number(needs, change.lost), _spell_by_number(needs, change.gained)
    moves: dict[tuple[_Texts, _Texts], list[int]] = {}
    for number in sorted(lost.keys() | gained.keys()):
        moves.setdefault((tuple(lost.get(number, ())), tuple(gained.get(number, ()))), []).append(number)
    return tuple(_Move(lost=one, gained=two, numbers=tuple(numbers)) for (one, two), numbers in moves.items())


def _spell_by_number(needs: Needs, masks: Mapping[RequirementKey, Mask]) -> dict[int, list[str]]:
    spelled: dict[int, list[str]] = {}
    for key, mask in masks.items():
        for number, text in _spell(needs, key, mask):
            spelled.setdefault(number, []).append(text)
    return spelled


def _spell(needs: Needs, key: RequirementKey, mask: Mask) -> Iterator[tuple[int, str]]:
    """Yield a requirement by environment, with an extra only where it does not move without."""
    plain = frozenset(needs.find_numbers(mask, None))
    for number, extra in needs.points.split(mask):
        if extra is None:
            yield number, str(key)
        elif number not in plain:
            yield number, f'{key}; extra == "{extra}"'


def _find_evidence(nights: Nights, before: Build, needs: Needs, moves: Sequence[_Move]) -> tuple[EventWheel, ...]:
    """Of each move the wheels of one environment in both builds: held side by side they show it."""
    first = [needs.shared[move.numbers[0]] for move in moves]
    wheels = {wheel for each in first for wheel in (*each.before, *each.after)}
    readings = (*before.audit.readings, *nights.after.audit.readings)
    return build_evidence(reading for reading in readings if reading.wheel in wheels)
