"""WING A (pure): the plainest marker that holds at some points and not at others.

Plainest: the fewest comparisons; among equals those on ``sys_platform``, then
``platform_machine``, then Python, then the implementation, and ``==`` before ``!=``.
An interval of Pythons stays open at its ends (``python_version >= "3.12"``, not a
list), so that a Python nobody has released yet gets what the newest one gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from packaging.version import Version

from wheelaudit.audit.points import Mask, Points
from wheelaudit.markers import All, AnyOf, Comparison, Expression, comparisons, count_comparisons, join_all, join_any

MAX_SEARCHED = 6
"""Comparisons up to which the fewest are searched for; beyond, a marker is right but maybe not the plainest."""

MAX_STEPS = 200_000
"""Steps of that search; a release whose wheels differ without any pattern must not hang the audit."""

MAX_STEPS_IN_ALL = 25 * MAX_STEPS
"""Of all searches for one override: real ones take a few hundred each, and a hostile release has 10,000 lines."""

_VARIABLE_ORDER = {
    "sys_platform": 0,
    "platform_machine": 1,
    "python_version": 2,
    "python_full_version": 3,
    "platform_python_implementation": 4,
}
_OPERATOR_ORDER = {">=": 0, "<": 0, "==": 1, "!=": 2}


class InseparableError(Exception):
    """Some point must be in and out at once as far as the environment's variables tell."""


class Separators:
    """The plainest markers over some points, each searched for once, and within `MAX_STEPS_IN_ALL` together."""

    def __init__(self, points: Points) -> None:
        self._points = points
        self._steps = MAX_STEPS_IN_ALL
        self._known: dict[tuple[Mask, Mask, Mask], Expression | InseparableError | None] = {}

    def find(self, need: Mask, shun: Mask, *, avoid: Mask = 0) -> Expression | None:
        """Return what `find_plainest` returns or raises; a marker that is right but maybe not plain at the bound."""
        key = need, shun, avoid
        if key not in self._known:
            try:
                found, steps = _search(self._points, need, shun, avoid, most=min(MAX_STEPS, self._steps))
                self._known[key] = found
                self._steps -= min(self._steps, steps)
            except InseparableError as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, InseparableError):
            raise InseparableError
        return known


def find_plainest(points: Points, need: Mask, shun: Mask, *, avoid: Mask = 0) -> Expression | None:
    """Return the plainest marker that holds at all of ``need`` and nowhere in ``shun``; None (always) if that will do.

    It holds at a point of ``avoid`` only where that differs from one of ``need`` in no
    variable that separates. Looks at the environments only, not at extras. Raises
    `InseparableError` where an assignment of those variables is in ``need`` and ``shun``.
    """
    return _search(points, need, shun, avoid, most=MAX_STEPS)[0]


def _search(points: Points, need: Mask, shun: Mask, avoid: Mask, *, most: int) -> tuple[Expression | None, int]:
    """Return the marker and the steps that it took, ``most`` of them before the fewest comparisons are given up."""
    if not shun | avoid:
        return None, 0
    classes = _Classes.of(points, need, shun, avoid & ~need)
    if not classes.shun:
        return None, 0
    if classes.need & classes.shun:
        raise InseparableError
    search = _Search(atoms=classes.atoms, most=most)
    for size in range(1, MAX_SEARCHED + 1):
        found = search.find(classes.need, classes.shun, size)
        if found is not None:
            return tidy(found), search.steps
        if search.steps > most:
            break
    return tidy(_build_cover(classes)), search.steps


def plainness(expression: Expression | None) -> tuple[object, ...]:
    """Sort key of markers: the plainer first."""
    parts = sorted(_comparison_key(comparison) for comparison in comparisons(expression))
    return (
        len(parts),
        tuple(part[0] for part in parts),
        tuple(part[1] for part in parts),
        tuple(part[2] for part in parts),
        str(expression),
    )


def tidy(expression: Expression) -> Expression:
    """Order the parts of ``expression``: plain comparisons first, by variable."""
    match expression:
        case Comparison():
            return expression
        case All(parts):
            joined = join_all(*sorted(map(tidy, parts), key=_part_key))
        case AnyOf(parts):
            joined = join_any(*sorted(map(tidy, parts), key=_part_key))
    assert joined is not None
    return joined


def _part_key(part: Expression) -> tuple[object, ...]:
    keys = [_comparison_key(comparison) for comparison in comparisons(part)]
    return (not isinstance(part, Comparison), min(keys), str(part))


def _comparison_key(comparison: Comparison) -> tuple[int, int, str]:
    return (_VARIABLE_ORDER.get(comparison.variable, 9), _OPERATOR_ORDER.get(comparison.op, 9), comparison.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Atom:
    comparison: Comparison
    mask: Mask
    """Over classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Classes:
    """The points once per distinct value of the variables that separate; masks have one bit a class."""

    need: Mask
    shun: Mask
    atoms: tuple[_Atom, ...]
    """By plainness; of several that hold in the same classes the plainest."""
    boxes: tuple[Expression, ...]
    """Per class the marker that holds there and in no other class."""

    @classmethod
    def of(cls, points: Points, need: Mask, shun: Mask, avoid: Mask) -> _Classes:
        numbers: dict[tuple[str, ...], int] = {}
        representatives: list[int] = []
        masks = {True: 0, False: 0}
        for wanted, mask, firm in ((True, need, True), (False, shun, True), (False, avoid, False)):
            for assignment in dict.fromkeys(assignment for assignment, _ in points.split(mask)):
                variables = points.assignments[assignment]
                key = tuple(variables[name] for name in _VARIABLE_ORDER)
                number = numbers.setdefault(key, len(numbers))
                if number == len(representatives):
                    representatives.append(assignment)
                if firm or not masks[True] >> number & 1:
                    masks[wanted] |= 1 << number
        assignments = [points.assignments[number] for number in representatives]
        inside = [assignments[number] for number in range(len(assignments)) if masks[True] >> number & 1]
        outside = [assignments[number] for number in range(len(assignments)) if masks[False] >> number & 1]
        mixed = {each["python_version"] for each in inside} & {each["python_version"] for each in outside}
        by_mask: dict[Mask, _Atom] = {}
        for comparison in sorted(_find_comparisons(assignments, mixed), key=_comparison_key):
            holding = points.holds(comparison)
            mask = sum(1 << number for number, each in enumerate(representatives) if holding & points.at(each))
            by_mask.setdefault(mask, _Atom(comparison=comparison, mask=mask))
        boxes = tuple(_box(key) for key in numbers)
        return cls(need=masks[True], shun=masks[False], atoms=tuple(by_mask.values()), boxes=boxes)


def _find_comparisons(assignments: Sequence[object], mixed: set[str]) -> Iterator[Comparison]:
    """Every comparison that can tell two of the assignments apart, in the words that people use."""
    values: dict[str, list[str]] = {
        name: sorted({each[name] for each in assignments})  # type: ignore[index]
        for name in _VARIABLE_ORDER
    }
    for name in ("sys_platform", "platform_machine", "platform_python_implementation"):
        for value in values[name]:
            yield Comparison(name, "==", value)
            yield Comparison(name, "!=", value)
    minors = sorted(values["python_version"], key=Version)
    for version in minors:
        yield Comparison("python_version", "==", version)
        yield Comparison("python_version", "!=", version)
    for version in minors[1:]:
        yield Comparison("python_version", ">=", version)
        yield Comparison("python_version", "<", version)
    # Patch releases only where a minor version is on both sides: they make no plain marker.
    for full in sorted(values["python_full_version"], key=Version)[1:]:
        if ".".join(full.split(".")[:2]) in mixed:
            yield Comparison("python_full_version", ">=", full)
            yield Comparison("python_full_version", "<", full)


def _box(values: tuple[str, ...]) -> Expression:
    named = dict(zip(_VARIABLE_ORDER, values, strict=True))
    del named["python_version"]
    joined = join_all(*(Comparison(name, "==", value) for name, value in named.items()))
    assert joined is not None
    return joined


@dataclass(slots=True, kw_only=True)
class _Search:
    """Iterative deepening over "one atom or/and the rest" and "one conjunction or the rest" (and its mirror image)."""

    atoms: tuple[_Atom, ...]
    most: int
    steps: int = 0
    _known: dict[tuple[Mask, Mask, int], Expression | None] = field(default_factory=dict)

    def find(self, need: Mask, shun: Mask, size: int) -> Expression | None:
        """Return the plainest expression of exactly ``size`` comparisons, or None; neither mask is empty."""
        key = (need, shun, size)
        if key not in self._known:
            self._known[key] = min(self._candidates(need, shun, size), key=plainness, default=None)
        return self._known[key]

    def _candidates(self, need: Mask, shun: Mask, size: int) -> Iterator[Expression]:
        self.steps += len(self.atoms)
        if size == 1:
            yield from (atom.comparison for atom in self.atoms if not need & ~atom.mask and not shun & atom.mask)
            return
        if self.steps > self.most:
            return
        for atom in self.atoms:
            if not atom.mask & shun and atom.mask & need and need & ~atom.mask:
                yield from self._with(atom.comparison, need & ~atom.mask, shun, size - 1, join_any)
            if not need & ~atom.mask and atom.mask & shun and shun & ~atom.mask:
                yield from self._with(atom.comparison, need, shun & atom.mask, size - 1, join_all)
        for width in range(2, size - 1):
            for term, mask in self._terms(width):
                if not mask & shun and mask & need and need & ~mask:
                    yield from self._with(term, need & ~mask, shun, size - width, join_any)
            for clause, mask in self._clauses(width):
                if not need & ~mask and mask & shun and shun & ~mask:
                    yield from self._with(clause, need, shun & mask, size - width, join_all)

    def _with(self, first: Expression, need: Mask, shun: Mask, size: int, join: object) -> Iterator[Expression]:
        rest = self.find(need, shun, size)
        if rest is not None:
            joined = join(first, rest)  # type: ignore[operator]
            if count_comparisons(joined) == count_comparisons(first) + count_comparisons(rest):
                yield joined

    def _terms(self, width: int) -> Iterator[tuple[Expression, Mask]]:
        """Conjunctions of ``width`` atoms."""
        for chosen in combinations(self.atoms, width):
            self.steps += 1
            if self.steps > self.most:
                return
            mask = chosen[0].mask
            for atom in chosen[1:]:
                mask &= atom.mask
            if mask:
                yield All(tuple(atom.comparison for atom in chosen)), mask

    def _clauses(self, width: int) -> Iterator[tuple[Expression, Mask]]:
        """Disjunctions of ``width`` atoms."""
        for chosen in combinations(self.atoms, width):
            self.steps += 1
            if self.steps > self.most:
                return
            mask = 0
            for atom in chosen:
                mask |= atom.mask
            yield AnyOf(tuple(atom.comparison for atom in chosen)), mask


def _build_cover(classes: _Classes) -> Expression:
    """Return "or" over conjunctions, built greedily in two ways; the plainer. Always right."""
    return min((_cover(classes, broad=broad) for broad in (True, False)), key=plainness)


def _cover(classes: _Classes, *, broad: bool) -> Expression:
    """Cover what is needed by conjunctions, one after the other.

    Each begins with everything and is narrowed until nothing shunned is left in it, by
    the atom that keeps most of what is still needed (``broad``) or sheds most.
    """
    terms: list[Expression] = []
    left = classes.need
    while left:
        lowest = left & -left
        chosen: list[_Atom] = []
        mask = classes.need | classes.shun
        while mask & classes.shun:
            narrowing = [atom for atom in classes.atoms if atom.mask & lowest and mask & classes.shun & ~atom.mask]
            if not narrowing:
                break
            keeps = {atom: -(left & mask & atom.mask).bit_count() for atom in narrowing}
            sheds = {atom: (classes.shun & mask & atom.mask).bit_count() for atom in narrowing}
            first, second = (keeps, sheds) if broad else (sheds, keeps)
            chosen.append(min(narrowing, key=lambda atom: (first[atom], second[atom])))
            mask &= chosen[-1].mask
        if mask & classes.shun:
            # No comparison is left that helps: name every variable. Then the point stands alone, or InseparableError
            # would have been raised.
            number = lowest.bit_length() - 1
            terms.append(classes.boxes[number])
            mask = lowest
        else:
            kept = _without_needless(chosen, classes.shun)
            joined = join_all(*(atom.comparison for atom in kept))
            assert joined is not None
            terms.append(joined)
            mask = classes.need
            for atom in kept:
                mask &= atom.mask
        left &= ~mask
    joined = join_any(*terms)
    assert joined is not None
    return joined


def _without_needless(chosen: Sequence[_Atom], shun: Mask) -> list[_Atom]:
    """Drop atoms that later ones made needless."""
    kept = list(chosen)
    for atom in chosen:
        rest = shun
        for other in kept:
            if other is not atom:
                rest &= other.mask
        if not rest and len(kept) > 1:
            kept.remove(atom)
    return kept
