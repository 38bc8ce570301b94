"""WING A (pure): which extras and groups of a lock's project are on together, and where its markers hold then.

uv locks all extras and groups at once, but for those that the project declares to be
in conflict: of these its markers ask by name (``extra == "extra-5-asker-cpu"``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from wheelaudit.audit.points import Mask, Points
from wheelaudit.lock import Choice, Lock
from wheelaudit.markers import All, AnyOf, Comparison, Expression, comparisons

World = frozenset[str]
"""`Choice.text` of the choices that are on."""

MAX_WORLDS = 128
"""Three sets of four extras make 125; every further world costs a walk over the whole lock."""


def find_worlds(lock: Lock) -> tuple[World, ...]:
    """Return every combination of choices that can be on together; where they are too many, each choice alone.

    What is in no conflict is on in all of them: uv locks it together with everything else.
    """
    rivals = _find_rivals(lock.conflicts)
    free = frozenset(choice.text for choice in _find_choices(lock) if choice.text not in rivals)
    named = sorted(_find_named(lock) - rivals.keys())
    found = [world | free | frozenset(named) for world in _combine(rivals)]
    if named:
        # A pylock.toml has no conflicts: what its markers leave out with one choice, they may ask for without.
        found += [free, *(free | {text} for text in named[:MAX_WORLDS])]
    return tuple(dict.fromkeys(found))


def _combine(rivals: dict[str, set[str]]) -> list[World]:
    worlds: list[World] = [frozenset()]
    for text, others in rivals.items():
        worlds += [world | {text} for world in worlds if not world & others]
        if len(worlds) > MAX_WORLDS:
            return [frozenset(), *(frozenset({each}) for each in rivals)][:MAX_WORLDS]
    return worlds


def _find_rivals(conflicts: Iterable[Sequence[Choice]]) -> dict[str, set[str]]:
    rivals: dict[str, set[str]] = {}
    for conflict in conflicts:
        texts = {choice.text: None for choice in conflict}
        for text in texts:
            rivals.setdefault(text, set()).update(texts.keys() - {text})
    return rivals


def _find_choices(lock: Lock) -> Iterator[Choice]:
    for package in lock.packages:
        if package.origin == "project":
            yield Choice(project=package.project)
            yield from (Choice(project=package.project, extra=extra) for extra in package.optional)
            yield from (Choice(project=package.project, group=group) for group in package.groups)


def _find_named(lock: Lock) -> set[str]:
    if lock.kind == "pylock.toml":
        # Its roots by choice are never sure (`Graph.find_reached`), whichever is on: they make no world.
        lock = replace(lock, roots=())
    return {each.value for marker in find_markers(lock) for each in comparisons(marker) if each.variable == "extra"}


def find_markers(lock: Lock) -> tuple[Expression, ...]:
    """Return every marker of the lock, each once."""
    found: dict[Expression, None] = dict.fromkeys(lock.environments)
    arrows = list(lock.roots or ())
    for package in lock.packages:
        found.update(dict.fromkeys(package.where))
        arrows += package.dependencies or ()
        for own in (*package.optional.values(), *package.groups.values()):
            arrows += own
    found.update(dict.fromkeys(arrow.marker for arrow in arrows if arrow.marker is not None))
    return tuple(found)


class Markers:
    """Where a lock's markers hold, over some points, in each world."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self._masks: dict[tuple[Expression, World], Mask] = {}

    def holds(self, expression: Expression | None, world: World) -> Mask:
        """Return the points at which ``expression`` holds in ``world``; None holds at all."""
        if expression is None or not names_choice(expression):
            return self.points.holds(expression)
        mask = self._masks.get((expression, world))
        if mask is None:
            mask = self._masks[expression, world] = self._evaluate(expression, world)
        return mask

    def holds_any(self, expressions: Sequence[Expression], world: World) -> Mask:
        """Return the points at which one of ``expressions`` holds; all of them where there is none to hold."""
        if not expressions:
            return self.points.full
        mask = 0
        for expression in expressions:
            mask |= self.holds(expression, world)
        return mask

    def _evaluate(self, expression: Expression, world: World) -> Mask:
        match expression:
            case Comparison(variable="extra", op=op, value=value):
                return self.points.full if (value in world) == (op == "==") else 0
            case Comparison():
                return self.points.holds(expression)
            case All(parts):
                mask = self.points.full
                for part in parts:
                    mask &= self.holds(part, world)
                return mask
            case AnyOf(parts):
                return self.holds_any(parts, world)


@lru_cache(maxsize=65536)
def names_choice(expression: Expression) -> bool:
    """Return whether a lock's marker asks which choices are on."""
    return any(comparison.variable == "extra" for comparison in comparisons(expression))
