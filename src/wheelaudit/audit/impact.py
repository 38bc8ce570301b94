"""WING A (pure): what a lock made from one wheel's metadata gives each environment, against what it needs there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelaudit.audit.groups import Asks, Scene
from wheelaudit.audit.points import Mask
from wheelaudit.audit.values import Coverage, Impact, Matrix, State
from wheelaudit.environments import Environment, Served, describe_environments
from wheelaudit.grid import is_floor
from wheelaudit.metadata import RequirementKey
from wheelaudit.release import WheelFile

Row = tuple[RequirementKey, NormalizedName | None]
"""A requirement, and the extra that brings it; None where it comes without one."""


def build_impact(
    scene: Scene, read: WheelFile | None, *, requires_python: SpecifierSet | None = None
) -> tuple[Impact, ...]:
    """Return what a lock made from ``read`` loses and gains, per set of environments that lose and gain alike.

    Environments outside ``requires_python`` are no part of the lock; those whose best
    wheel is unread are left out, because what they need is unknown.
    """
    if read is None or read not in scene.kin_of:
        return ()
    states = _build_states(scene, read)
    grouped: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Environment]] = {}
    universe: list[Environment] = []
    for served, assignment in zip(scene.distinct, scene.assignment_of, strict=True):
        version = served.environment.interpreter.full_version
        if requires_python is not None and not requires_python.contains(version, prereleases=True):
            continue
        universe.append(served.environment)
        lost = tuple(_spell(row) for row, state in states.items() if state(assignment) == "lost")
        gained = tuple(_spell(row) for row, state in states.items() if state(assignment) == "gained")
        if lost or gained:
            grouped.setdefault((lost, gained), []).append(served.environment)
    return tuple(
        Impact(environments=describe_environments(environments, universe), lost=lost, gained=gained)
        for (lost, gained), environments in grouped.items()
    )


def build_matrix(scene: Scene, read: WheelFile | None) -> Matrix:
    """Return the requirements in which wheels differ, against sets of environments that see all of them alike."""
    states = _build_states(scene, read)
    columns: dict[tuple[State, ...], list[Environment]] = {}
    for served, assignment in zip(scene.distinct, scene.assignment_of, strict=True):
        column = tuple(state(assignment) for state in states.values())
        columns.setdefault(column, []).append(served.environment)
    if not states:
        return Matrix(columns=(), rows=())
    universe = [served.environment for served in scene.distinct]
    rows: list[tuple[str, tuple[State, ...]]] = []
    for number, row in enumerate(states):
        rows.append((_spell(row), tuple(column[number] for column in columns)))
    return Matrix(
        columns=tuple(describe_environments(environments, universe) for environments in columns.values()),
        rows=tuple(rows),
    )


def build_coverage(scene: Scene) -> tuple[Coverage, ...]:
    """Return which platforms and Pythons have a wheel; wheels for any platform are one row of their own.

    A wheel for no particular C library also serves musl by its tag; a row for musl is
    there only where a wheel was built for it.
    """
    rows: dict[str, dict[tuple[str, int, int, str], str]] = {}
    newest: dict[str, int] = {}
    for served in scene.served:
        python = served.environment.interpreter
        newest[python.kind] = max(newest.get(python.kind, 0), python.minor)
    for served in scene.served:
        label = _coverage_label(served)
        python = served.environment.interpreter
        if label is not None:
            open_ended = python.minor == newest[python.kind] and is_floor(served.best[0])
            text = f"{python.label}{'+' if open_ended else ''}"
            rows.setdefault(label, {})[python.kind, python.major, python.minor, python.abi] = text
    return tuple(
        Coverage(platform=platform, pythons=tuple(dict.fromkeys(pythons[key] for key in sorted(pythons))))
        for platform, pythons in sorted(rows.items())
    )


def _coverage_label(served: Served) -> str | None:
    tags = {tag.platform for tag in served.best[0].tags}
    if "any" in tags:
        return "any"
    platform = served.environment.platform
    if platform.libc == "musl" and not any(tag.startswith("musllinux") for tag in tags):
        return None
    return platform.label


def _build_states(scene: Scene, read: WheelFile | None) -> dict[Row, Callable[[int], State]]:
    """Per requirement in which wheels differ, a function from an assignment's number to the state there.

    An extra has a row of its own where it changes what its requirement's plain row says.
    """
    needs = scene.needs()
    asks: Asks | None = None
    if read is not None and read in scene.kin_of:
        asks = scene.kin[scene.kin_of[read]].meaning.asks
    unknown = scene.points.where(number for number, kin in enumerate(scene.best_kin) if None in kin)
    states: dict[Row, Callable[[int], State]] = {}
    for key in _find_differing(scene):
        need, has = needs.get(key, 0), None if asks is None else asks.get(key, 0)
        plain = _state_of(scene, need, has, unknown, 0)
        numbers = range(len(scene.points.assignments))
        if any(plain(number) != "absent" for number in numbers):
            states[key, None] = plain
        for place, extra in enumerate(scene.points.extras):
            if extra is not None and _adds(scene, need, has or 0, unknown, place):
                states[key, extra] = _state_of(scene, need, has, unknown, place)
    return states


def _adds(scene: Scene, need: Mask, has: Mask, unknown: Mask, place: int) -> bool:
    """Whether in some assignment the state with an extra is neither absent nor that without."""
    column = scene.points.column
    vague, differing, present = (unknown ^ unknown >> place) & column, 0, (unknown >> place) & column
    for mask in (need, has):
        differing |= (mask ^ mask >> place) & column & ~(unknown >> place)
        present |= (mask >> place) & column
    return bool((vague | differing) & present)


def _state_of(scene: Scene, need: Mask, has: Mask | None, unknown: Mask, place: int) -> Callable[[int], State]:
    width = scene.points.width

    def state(assignment: int) -> State:
        point = 1 << (assignment * width + place)
        if unknown & point:
            return "unknown"
        if has is None:
            return "needed" if need & point else "absent"
        match bool(need & point), bool(has & point):
            case True, True:
                return "same"
            case True, False:
                return "lost"
            case False, True:
                return "gained"
        return "absent"

    return state


def _find_differing(scene: Scene) -> Iterable[RequirementKey]:
    """The requirements that not all readings ask for at the same points, in the order of the wheels."""
    meanings: list[Mapping[RequirementKey, Mask]] = [kin.meaning.asks for kin in scene.kin]
    keys = dict.fromkeys(line.key for kin in scene.kin for line in kin.readings[0].core.requires_dist)
    return [key for key in keys if len({asks.get(key, 0) for asks in meanings}) > 1]


def _spell(row: Row) -> str:
    key, extra = row
    return str(key) if extra is None else f'{key}; extra == "{extra}"'
