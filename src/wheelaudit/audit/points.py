"""WING A (pure): where markers hold, as bit masks over (environment, extra) points.

Evaluating each marker in each environment one at a time is what makes naive tools
slow. A comparison looks at one variable, and a variable takes few values; so each
comparison is evaluated once per distinct value, and "and"/"or" become ``&``/``|``
of integers that have one bit a point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.utils import NormalizedName

from wheelaudit.markers import All, AnyOf, Comparison, Expression, holds

Mask = int
"""One bit per point; bit ``assignment * len(extras) + extra``."""


class Points:
    """Assignments of the marker variables, each without an extra and with each of some extras."""

    def __init__(self, assignments: Sequence[Mapping[str, str]], extras: Sequence[NormalizedName]) -> None:
        self.assignments = tuple(assignments)
        self.extras: tuple[NormalizedName | None, ...] = (None, *extras)
        self.width = len(self.extras)
        self.full: Mask = (1 << (len(self.assignments) * self.width)) - 1
        self._masks: dict[Expression, Mask] = {}
        self._values: dict[str, dict[str, Mask]] = {}

    def at(self, assignment: int) -> Mask:
        """Return the points of one assignment, with every extra."""
        return ((1 << self.width) - 1) << (assignment * self.width)

    def where(self, assignments: Iterable[int]) -> Mask:
        """Return the points of several assignments."""
        mask = 0
        for assignment in assignments:
            mask |= self.at(assignment)
        return mask

    def holds(self, expression: Expression | None) -> Mask:
        """Return the points at which ``expression`` holds; None holds at all."""
        if expression is None:
            return self.full
        mask = self._masks.get(expression)
        if mask is None:
            mask = self._masks[expression] = self._evaluate(expression)
        return mask

    def split(self, mask: Mask) -> Iterator[tuple[int, NormalizedName | None]]:
        """Yield (assignment, extra) of each point in ``mask``, in order."""
        while mask:
            low = mask & -mask
            assignment, extra = divmod(low.bit_length() - 1, self.width)
            yield assignment, self.extras[extra]
            mask ^= low

    def _evaluate(self, expression: Expression) -> Mask:
        match expression:
            case Comparison(variable="extra"):
                row = sum(1 << place for place, extra in enumerate(self.extras) if holds(expression, extra or ""))
                return row * self._column
            case Comparison():
                mask = 0
                for value, points in self._points_by_value(expression.variable).items():
                    if holds(expression, value):
                        mask |= points
                return mask
            case All(parts):
                mask = self.full
                for part in parts:
                    mask &= self.holds(part)
                return mask
            case AnyOf(parts):
                mask = 0
                for part in parts:
                    mask |= self.holds(part)
                return mask

    @property
    def _column(self) -> Mask:
        """The points without an extra: times a row of extras, that row at every assignment."""
        return self.full // ((1 << self.width) - 1) if self.assignments else 0

    def _points_by_value(self, variable: str) -> dict[str, Mask]:
        if variable not in self._values:
            by_value: dict[str, Mask] = {}
            for number, assignment in enumerate(self.assignments):
                value = assignment[variable]
                by_value[value] = by_value.get(value, 0) | self.at(number)
            self._values[variable] = by_value
        return self._values[variable]
