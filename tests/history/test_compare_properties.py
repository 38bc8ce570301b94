"""Drawn nights: nothing is told twice, what is opened can be closed, and changes are as a second opinion has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import oracle
from tests.audit.test_override_properties import PLATFORMS, PYTHONS, metadata, releases
from tests.history.compared import build_night, compare, follow, night
from tests.releases import build_reading
from wheelaudit.history.changes import find_requirement_events
from wheelaudit.history.nights import Build, Nights
from wheelaudit.history.values import Event

Wheels = tuple[oracle.Wheel, ...]


@st.composite
def exact_releases(draw: st.DrawFn) -> Wheels:
    """Wheels for some Pythons and platforms alone: those that the second opinion's fixed grid has all of."""
    platform = st.sampled_from(PLATFORMS)
    tag = st.one_of(
        st.builds(lambda python, on: f"{python}-{python}-{on}", st.sampled_from(PYTHONS), platform),
        st.builds(lambda on: f"cp313-cp313t-{on}", platform),
        st.builds(lambda python, on: f"{python}-abi3-{on}", st.sampled_from(PYTHONS), platform),
    )
    names = draw(st.lists(tag, min_size=1, max_size=6, unique=True))
    variants = draw(st.lists(metadata(), min_size=1, max_size=3))
    wheels = []
    for name in sorted(names):
        lines, extras, python = draw(st.sampled_from(variants))
        wheels.append(oracle.Wheel(f"thing-1.0-{name}.whl", lines, python, extras))
    return tuple(wheels)


@st.composite
def pairs(draw: st.DrawFn, drawn: st.SearchStrategy[Wheels] | None = None) -> tuple[Wheels, Wheels]:
    """Two builds; the second often has the wheels of the first, some of them with other metadata."""
    strategy = releases() if drawn is None else drawn
    before = draw(strategy)
    if draw(st.booleans()):
        return before, draw(strategy)
    after = []
    for wheel in before:
        lines, extras, python = draw(metadata())
        keep = draw(st.booleans())
        after.append(wheel if keep else oracle.Wheel(wheel.filename, lines, python, extras))
    return before, tuple(after)


def build(wheels: Wheels, version: str, day: int, *, backwards: bool = False) -> Build:
    readings = [
        build_reading(
            wheel.filename.replace("thing-1.0-", f"thing-{version}-"),
            wheel.requires_dist,
            wheel.requires_python,
            wheel.provides_extra,
        )
        for wheel in wheels
    ]
    return build_night(readings[::-1] if backwards else readings, day)


@given(releases())
@settings(max_examples=20)
def test_night_held_against_itself_tells_nothing(wheels: Wheels) -> None:
    same = build(wheels, "1.0", 1)
    assert compare(same, same).events == ()
    first, second = follow(same, same)
    assert (second.events, second.opened, second.closed) == ((), (), ())
    assert second.still_open == first.opened


@given(pairs())
@settings(max_examples=20)
def test_what_was_told_is_not_told_again(drawn: tuple[Wheels, Wheels]) -> None:
    one, two = build(drawn[0], "1.0", 1), build(drawn[1], "1.1", 2)
    told = follow(one, two, two)
    assert told[2].events == ()
    assert (told[2].opened, told[2].closed) == ((), ())
    pending = (*told[1].opened, *told[1].still_open)
    again = compare(one, two, pending)
    assert {event.id for event in again.events} <= {"WA502", "WA503"}
    assert again.still_open == tuple(sorted(pending, key=lambda each: (each.event.id, each.event.subject)))


@given(pairs())
@settings(max_examples=20)
def test_what_was_opened_is_closed_by_a_build_in_which_all_is_right(drawn: tuple[Wheels, Wheels]) -> None:
    right = night("1.2", ["py2.py3-none-any"], 3)
    told = follow(build(drawn[0], "1.0", 1), build(drawn[1], "1.1", 2), right)
    assert told[2].still_open == ()
    assert told[2].opened == ()
    keys = [(each.event.id, each.event.subject) for each in told[2].closed]
    assert len(set(keys)) == len(keys) == len(told[1].opened) + len(told[1].still_open)


@given(pairs())
@settings(max_examples=15)
def test_order_of_wheels_changes_nothing(drawn: tuple[Wheels, Wheels]) -> None:
    nights = [build(wheels, f"1.{day}", day) for day, wheels in enumerate(drawn, 1)]
    turned = [build(wheels, f"1.{day}", day, backwards=True) for day, wheels in enumerate(drawn, 1)]
    assert follow(*nights) == follow(*turned)


@dataclass(frozen=True)
class Move:
    """What one project's requirements do in one (environment, extra), by the second opinion."""

    lost: oracle.Asked
    gained: oracle.Asked


def find_moves(before: Wheels, after: Wheels) -> dict[str, set[Move]]:
    """By project what happens where it is or was needed, in every environment that both builds serve."""
    found: dict[str, set[Move]] = {}
    for target in oracle.targets():
        best = [oracle.best_wheel(wheels, target) for wheels in (before, after)]
        if None in best:
            continue
        for extra in ("", *oracle.extras_of((*before, *after))):
            old, new = (ask(wheel, target, extra) for wheel in best if wheel is not None)
            for project in {each[0] for each in old | new}:
                one, two = ({each for each in asked if each[0] == project} for asked in (old, new))
                found.setdefault(project, set()).add(Move(frozenset(one - two), frozenset(two - one)))
    return found


def ask(wheel: oracle.Wheel, target: oracle.Target, extra: str) -> oracle.Asked:
    return oracle.asked(wheel.requires_dist, target, extra if extra in wheel.provides_extra else "")


def parse(texts: Iterable[str]) -> set[object]:
    # With "foo" alone as line and as target: what comes with an extra, asked for without one's condition.
    (target, *_) = oracle.targets()
    return {each for text in texts for each in oracle.asked([text.partition(";")[0]], target, "")}


def find_told(before: Wheels, after: Wheels) -> dict[str, Event]:
    nights = Nights(before=build(before, "1.0", 1), after=build(after, "1.1", 2))
    return {event.subject: event for event in find_requirement_events(nights)}


@given(pairs(exact_releases()))
@settings(max_examples=60)
def test_changes_are_those_that_the_second_opinion_finds(drawn: tuple[Wheels, Wheels]) -> None:
    told = find_told(*drawn)
    moves = {
        project: found for project, found in find_moves(*drawn).items() if found != {Move(frozenset(), frozenset())}
    }
    assert told.keys() == moves.keys()
    for project, found in moves.items():
        event = told[project]
        assert parse(event.lost) == {each for move in found for each in move.lost}
        assert parse(event.gained) == {each for move in found for each in move.gained}
        assert event.level == ("note" if len(found) == 1 else "finding")


@given(pairs())
@settings(max_examples=20)
def test_no_change_that_the_second_opinion_finds_is_left_out(drawn: tuple[Wheels, Wheels]) -> None:
    told = find_told(*drawn)
    for project, found in find_moves(*drawn).items():
        lost = {each for move in found for each in move.lost}
        gained = {each for move in found for each in move.gained}
        if not lost and not gained:
            continue
        assert lost <= parse(told[project].lost)
        assert gained <= parse(told[project].gained)
        if len(found) > 1:
            assert told[project].level == "finding"


@given(pairs())
@settings(max_examples=15)
def test_projects_that_a_verdict_tells_of_are_no_change_besides(drawn: tuple[Wheels, Wheels]) -> None:
    one, two = build(drawn[0], "1.0", 1), build(drawn[1], "1.1", 2)
    told = compare(one, two)
    changes = find_requirement_events(Nights(before=one, after=two))
    left = [event for event in told.events if event.id == "WA503"]
    assert set(left) <= set(changes)
    if not {event.id for event in told.events} & {"WA501", "WA502"}:
        assert tuple(left) == changes
