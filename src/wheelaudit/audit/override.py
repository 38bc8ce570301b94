"""WING A (pure): the union of the wheels' requirements, confined where it must be (DESIGN, "The override").

Per requirement (project, extras, specifier): a wheel's own line where its marker
already holds exactly where the requirement is needed; otherwise that marker joined
with the plainest one that keeps it out of the environments that do not need it.
Lines of one project are kept apart even where no wheel serves, because uv forks on
overlapping lines.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from packaging.tags import Tag
from packaging.utils import NormalizedName

from wheelaudit.audit.groups import Asks, Scene
from wheelaudit.audit.merging import merge_orders
from wheelaudit.audit.points import Mask, Points
from wheelaudit.audit.separators import InseparableError, Separators, plainness
from wheelaudit.audit.universe import Universe
from wheelaudit.audit.uv import find_floor
from wheelaudit.audit.values import Override, Union
from wheelaudit.errors import ReleaseTooLargeError
from wheelaudit.grid import find_platforms
from wheelaudit.markers import (
    All,
    AnyOf,
    Comparison,
    Expression,
    count_comparisons,
    evaluate,
    join_all,
    join_any,
)
from wheelaudit.metadata import (
    MAX_REQUIREMENT_CHARACTERS,
    RequirementKey,
    RequirementLine,
    WheelMetadata,
    parse_requirement_line,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two requirements of one project that no version meets, both needed at one point that no marker divides."""

    first: RequirementKey
    second: RequirementKey


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variant:
    """One line as some wheels spell it, and where those wheels need it."""

    line: RequirementLine
    kin: frozenset[int]


_Lines = Sequence[tuple[frozenset[int], Expression | None]]
"""Markers of lines, each with the meanings of the wheels whose line it is."""


def build_override(scene: Scene, *, union: Union = "scoped") -> Override | Conflict:
    """Return the override of a release whose wheels were all read, or the conflict that forbids one.

    Raises `ReleaseTooLargeError` where the environments that uv knows besides are too many, or a marker is too long.
    """
    readings = [reading for reading in scene.readings if isinstance(reading, WheelMetadata)]
    if union == "plain":
        requires_dist = _build_plain(readings)
    else:
        conflict = find_conflict(scene)
        if conflict is not None:
            return conflict
        requires_dist = _build_scoped(scene, readings)
    return Override(
        name=readings[0].wheel.project,
        version=readings[0].wheel.version,
        requires_python=_build_requires_python(readings),
        requires_dist=requires_dist,
        provides_extras=merge_orders(reading.core.provides_extra for reading in readings),
    )


def find_conflict(scene: Scene) -> Conflict | None:
    """Return two requirements that tied wheels ask for at one point and that no version meets; None: no such two."""
    for assignment, numbers in enumerate(scene.best_kin):
        asks = [scene.kin[number].meaning.asks for number in numbers if number is not None]
        if len(asks) < 2:
            continue
        for place in range(scene.points.width):
            point = 1 << (assignment * scene.points.width + place)
            wanted = [frozenset(key for key, mask in each.items() if mask & point) for each in asks]
            for first, second in combinations(sorted(frozenset().union(*wanted), key=str), 2):
                together = any({first, second} <= each for each in wanted)
                if first.project == second.project and not together and _exclude_each_other(first, second):
                    return Conflict(first=first, second=second)
    return None


def _exclude_each_other(first: RequirementKey, second: RequirementKey) -> bool:
    if first.url or second.url:
        return first.url != second.url
    return first.specifier.is_disjoint(second.specifier)


def _build_plain(readings: Sequence[WheelMetadata]) -> tuple[str, ...]:
    """Every line of every wheel once, nothing confined and nothing left out."""
    texts: dict[RequirementLine, str] = {}
    for reading in readings:
        for line in reading.core.requires_dist:
            texts.setdefault(line, line.text)
    return tuple(texts[line] for line in merge_orders(reading.core.requires_dist for reading in readings))


def _build_requires_python(readings: Sequence[WheelMetadata]) -> str | None:
    """The lowest bound over the wheels, as its wheel spells it where it is nothing but that bound."""
    bounds = {_spell_bound(reading.core.requires_python): reading.core.python_specifier for reading in readings}
    if len(bounds) == 1 and None not in bounds.values():
        return next(iter(bounds))
    floor = find_floor(bounds.values())
    if floor is None:
        return None
    for text, bound in bounds.items():
        if bound is not None and len(bound) == 1 and find_floor([bound]) == floor:
            return text
    return f">={floor}"


def _spell_bound(text: str | None) -> str | None:
    """Return a bound as it is written, without empty parts: uv passes over them in a wheel, but not in an entry."""
    if text is None or all(part.strip() for part in text.split(",")):
        return text
    return ",".join(part.strip() for part in text.split(",") if part.strip())


def _build_scoped(scene: Scene, readings: Sequence[WheelMetadata]) -> tuple[str, ...]:
    builder = _Builder(scene, readings)
    order = merge_orders([line.key for line in reading.core.requires_dist] for reading in readings)
    for key in order:
        builder.keep_verbatim(key)
    for key in order:
        builder.confine(key)
    return tuple(builder.texts[key] for key in order if key in builder.texts)


class _Builder:
    """Places one line per requirement, verbatim ones first, so that they decide where the others may hold."""

    def __init__(self, scene: Scene, readings: Sequence[WheelMetadata]) -> None:
        self.scene = scene
        self.best = scene.best_kin
        self.universe = Universe(scene)
        self.points: Points = self.universe.points
        self.separators = Separators(self.points)
        self.needs: Asks = scene.needs()
        self.needed: dict[NormalizedName, Mask] = {}
        """By project, where any of its requirements is needed."""
        for key, mask in self.needs.items():
            self.needed[key.project] = self.needed.get(key.project, 0) | mask
        self.variants = _find_variants(scene, readings)
        self.texts: dict[RequirementKey, str] = {}
        self.placed: dict[NormalizedName, list[tuple[RequirementKey, Mask]]] = {}

    def keep_verbatim(self, key: RequirementKey) -> None:
        """Place the first line whose own marker holds exactly where the requirement is needed, if there is one."""
        need = self.needs.get(key, 0)
        for variant in self.variants.get(key, ()):
            holding = self.points.holds(variant.line.marker)
            if holding & self.universe.served == need and not self._loose(variant.line.marker) & self._closed(key):
                self._place(key, variant.line.text, variant.line.marker)
                return

    def confine(self, key: RequirementKey) -> None:
        """Place the requirement with the plainest marker that is right, unless it stands or nothing needs it."""
        need = self.needs.get(key, 0)
        if key in self.texts or not need:
            return
        shun = self.universe.served & ~need
        avoid = self._closed(key)
        candidates = list(self._confine_one(key, need, shun, avoid)) or [
            self._confine_many(lines, need, shun, avoid) for lines in _find_spellings(self.variants[key])
        ]
        marker = min(candidates, key=lambda each: (count_comparisons(each), candidates.index(each)))
        marker = self._simplify(marker, avoid)
        holding = self.points.holds(marker)
        if holding & shun or need & ~holding:
            raise AssertionError(f"the marker built for {key} is wrong: {marker}")
        # A URL ends at white space (PEP 508): the semicolon must not touch it.
        text = str(key) if marker is None else f"{key}{' ' if key.url else ''}; {marker}"
        if len(text) > MAX_REQUIREMENT_CHARACTERS:
            raise ReleaseTooLargeError(
                f"The line that {key} would need has more than {MAX_REQUIREMENT_CHARACTERS} characters.",
                remedy="Tell the project; no release that is installed anywhere needs as many.",
            )
        if parse_requirement_line(text).marker != marker:
            raise AssertionError(f"the requirement built for {key} does not parse back: {text}")
        self._place(key, text, marker)

    def _confine_one(self, key: RequirementKey, need: Mask, shun: Mask, avoid: Mask) -> Iterable[Expression | None]:
        """Join one line's own marker with a separator, for each line that holds wherever the requirement is needed."""
        for variant in self.variants[key]:
            holding = self.points.holds(variant.line.marker)
            if not need & ~holding:
                # Where an extra decides in the same environment, the markers of several wheels must do it together.
                with contextlib.suppress(InseparableError):
                    loose = self._loose(variant.line.marker)
                    separator = self.separators.find(need, shun & holding, avoid=avoid & loose)
                    yield join_all(variant.line.marker, separator)

    def _confine_many(self, lines: _Lines, need: Mask, shun: Mask, avoid: Mask) -> Expression | None:
        """Confine each line to where its own wheels need it, and join them with "or"."""
        clauses: list[tuple[Expression | None, Mask]] = []
        for kin, marker in lines:
            holding = self.points.holds(marker)
            own = need & holding & self._best_of(kin)
            if own:
                separator = self.separators.find(own, shun & holding, avoid=avoid & self._loose(marker))
                clause = join_all(marker, separator)
                clauses.append((clause, self.points.holds(clause)))
        for candidate in sorted(clauses, key=lambda each: plainness(each[0]), reverse=True):
            rest = [other for other in clauses if other is not candidate]
            covered = 0
            for _, mask in rest:
                covered |= mask
            if rest and not need & ~covered:
                clauses = rest
        return join_any(*(clause for clause, _ in clauses))

    def _best_of(self, kin: frozenset[int]) -> Mask:
        """The points whose best wheel is of one of ``kin``."""
        return self.points.where(number for number, best in enumerate(self.best) if best & kin)

    def _closed(self, key: RequirementKey) -> Mask:
        """The points where uv must not see a line of ``key`` hold, because another one of its project does.

        That is where only the other is needed, and where no wheel serves but a placed line
        holds, unless one wheel asks for both there.
        """
        closed = self.needed.get(key.project, 0) & ~self.needs.get(key, 0)
        for other, holding in self.placed.get(key.project, ()):
            together = 0
            for meaning in self.universe.meanings:
                together |= meaning.asks.get(key, 0) & meaning.asks.get(other, 0)
            closed |= holding & self.universe.free & ~together
        return closed

    def _loose(self, marker: Expression | None) -> Mask:
        """The points where ``marker`` may hold for all uv can tell."""
        return self.points.holds(_loosen(marker))

    def _place(self, key: RequirementKey, text: str, marker: Expression | None) -> None:
        self.texts[key] = text
        self.placed.setdefault(key.project, []).append((key, self._loose(marker)))

    def _simplify(self, marker: Expression | None, avoid: Mask) -> Expression | None:
        """Drop every part without which ``marker`` holds at the same points, free ones included, also to uv's eyes."""
        whole = self._extent(marker, avoid)
        if marker is None or whole == self._extent(None, avoid):
            return None
        match marker:
            case All(parts):
                join = join_all
            case AnyOf(parts):
                join = join_any
            case _:
                return marker
        kept = [self._simplify(part, avoid) for part in parts]
        for part in list(reversed(kept)):
            rest = [other for other in kept if other is not part]
            if rest and self._extent(join(*rest), avoid) == whole:
                kept = rest
        return join(*kept)

    def _extent(self, marker: Expression | None, avoid: Mask) -> tuple[Mask, Mask]:
        """The points where ``marker`` holds, and those of ``avoid`` where uv would take it to hold."""
        return self.points.holds(marker), self._loose(marker) & avoid


def _find_spellings(variants: Sequence[_Variant]) -> Iterable[_Lines]:
    """The lines one by one, and those of the same wheels joined with "or": ``(a or b) and c`` may be the plainer."""
    yield [(variant.kin, variant.line.marker) for variant in variants]
    joined: dict[frozenset[int], list[Expression | None]] = {}
    for variant in variants:
        joined.setdefault(variant.kin, []).append(variant.line.marker)
    yield [(kin, join_any(*markers)) for kin, markers in joined.items()]


_TELLING = frozenset(
    (
        "sys_platform",
        "platform_system",
        "platform_machine",
        "python_version",
        "python_full_version",
        "platform_python_implementation",
        "extra",
    )
)
"""Variables by which uv tells that two markers exclude each other; `test_override` holds the real uv to it."""


def _loosen(marker: Expression | None) -> Expression | None:
    """Return what is left of ``marker`` when every comparison that uv cannot relate to others counts as true."""
    match marker:
        case All(parts):
            return join_all(*map(_loosen, parts))
        case AnyOf(parts):
            return join_any(*map(_loosen, parts))
        case Comparison(variable=variable, op=op) if variable not in _TELLING or op in ("in", "not in", "==="):
            return None
    return marker


def _find_variants(scene: Scene, readings: Sequence[WheelMetadata]) -> dict[RequirementKey, list[_Variant]]:
    """Per requirement its lines by wheel file name, but none that can hold on none of its own wheel's platforms."""
    platforms = find_platforms([reading.wheel for reading in readings], comparisons=scene.comparisons)
    found: dict[RequirementKey, dict[RequirementLine, tuple[RequirementLine, set[int]]]] = {}
    seen: set[tuple[int, frozenset[Tag]]] = set()
    for reading in readings:
        same = (id(reading.core), reading.wheel.tags)
        if same in seen:
            continue
        seen.add(same)
        for line in dict.fromkeys(reading.core.requires_dist):
            if any(evaluate(line.marker, variables) for variables in platforms[reading.wheel]):
                _, kin = found.setdefault(line.key, {}).setdefault(line, (line, set()))
                kin.add(scene.kin_of[reading.wheel])
    return {
        key: [_Variant(line=line, kin=frozenset(kin)) for line, kin in lines.values()] for key, lines in found.items()
    }
