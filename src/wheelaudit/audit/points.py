"""WING A (pure): where markers hold, as bit masks over (environment, extra) points.

Evaluating each marker in each environment one at a time is what makes naive tools
slow. A comparison looks at one variable, and a variable takes few values; so each
comparison is evaluated once per distinct value, and "and"/"or" become ``&``/``|``
of integers that have one bit a point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.utils import NormalizedName, canonicalize_name

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
        self._row: Mask = (1 << self.width) - 1
        self.column: Mask = self._build_column(True for _ in self.assignments)
        """The points without an extra: times a row of extras, that row at every assignment."""
        self._rows: dict[str, Mask] = {}
        """By the extra's normalised name."""
        for place, extra in enumerate(self.extras):
            name = canonicalize_name(extra or "")
            self._rows[name] = self._rows.get(name, 0) | 1 << place
        self._masks: dict[Expression, Mask] = {}
        self._values: dict[str, dict[str, Mask]] = {}

    def at(self, assignment: int) -> Mask:
        """Return the points of one assignment, with every extra."""
        return ((1 << self.width) - 1) << (assignment * self.width)

    def where(self, assignments: Iterable[int]) -> Mask:
        """Return the points of several assignments."""
        chosen = set(assignments)
        return self._build_column(number in chosen for number in range(len(self.assignments))) * self._row

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
        # Byte by byte: to take the lowest bit of a great number anew each time goes by the square of its size.
        for start, byte in enumerate(mask.to_bytes((mask.bit_length() + 7) // 8, "little")):
            if byte:
                for bit in range(8):
                    if byte >> bit & 1:
                        assignment, extra = divmod(start * 8 + bit, self.width)
                        yield assignment, self.extras[extra]

    def _evaluate(self, expression: Expression) -> Mask:
        match expression:
            case Comparison(variable="extra"):
                return self._find_row(expression) * self.column
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

    def _find_row(self, comparison: Comparison) -> Mask:
        """The extras with which a comparison of ``extra`` holds: it is one name's, or all others' (PEP 685)."""
        row = self._rows.get(canonicalize_name(comparison.value), 0)
        # What `packaging` makes of it is asked of one extra only: thousands of them ask thousands of times.
        return row if holds(comparison, comparison.value) else self._row & ~row

    def _build_column(self, chosen: Iterable[bool]) -> Mask:
        """The points without an extra of the assignments that are ``chosen``."""
        # By way of a text: as a sum it would go by the square of the number of assignments.
        bits = ["1" if each else "0" for each in chosen]
        return int(("0" * (self.width - 1)).join(reversed(bits)) or "0", 2)

    def _points_by_value(self, variable: str) -> dict[str, Mask]:
        if variable not in self._values:
            numbers: dict[str, list[int]] = {}
            for number, assignment in enumerate(self.assignments):
                numbers.setdefault(assignment[variable], []).append(number)
            # As often as not each assignment has a value of its own: a bit each is then less than a column each.
            self._values[variable] = {
                value: self.at(own[0]) if len(own) == 1 else self.where(own) for value, own in numbers.items()
            }
        return self._values[variable]
