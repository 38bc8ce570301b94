"""WING A (pure): what each wheel asks for in each environment, which wheels mean the same, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.audit.points import Mask, Points
from wheelaudit.audit.uv import lower_bound
from wheelaudit.audit.values import Verdict
from wheelaudit.environments import Served
from wheelaudit.errors import InvalidMetadataError, ReleaseTooLargeError
from wheelaudit.grid import build_served, find_distinct
from wheelaudit.markers import Comparison
from wheelaudit.markers import comparisons as find_comparisons
from wheelaudit.metadata import (
    CoreMetadata,
    Reading,
    RequirementKey,
    UnreadableWheel,
    WheelMetadata,
    parse_requires_python,
)
from wheelaudit.release import WheelFile

MAX_MASK_BYTES = 256 * 1024 * 1024
"""Of all masks of a release: points by what is asked for at them. A wheel for any platform with 400 extras comes to
50 MB; five thousand extras are nobody's."""

MAX_ANSWERS = 1_000_000
"""Of comparisons, each asked at every value that its variable takes, 10 us an answer; usual are some hundreds."""

MAX_COMPARED = 1_000_000
"""Requirements in which wheels differ by environments: half a minute. Of torch there are 1,300."""

_REMEDY = "Tell the project; no release that is installed anywhere needs as many."

Asks = Mapping[RequirementKey, Mask]
"""Requirement to the points at which it is asked for; requirements asked for nowhere are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What one metadata comes to in the served environments: equal meanings, equal locks."""

    asks: Asks
    refused: Mask
    """Served points below the metadata's own Requires-Python: a lock tool that reads it leaves them out."""
    unparsed: tuple[str, ...]
    """Requirements that are not PEP 508; two meanings can be compared only where these are equal."""

    def same_as(self, other: Meaning) -> bool:
        """Whether both ask for the same everywhere."""
        return (self.asks, self.refused, self.unparsed) == (other.asks, other.refused, other.unparsed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """Readings of one meaning."""

    readings: tuple[WheelMetadata, ...]
    meaning: Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A release laid out for judging: its environments as points, and what every reading means there."""

    readings: tuple[Reading, ...]
    served: tuple[Served, ...]
    """Every environment, those included that differ in nothing that matters."""
    distinct: tuple[Served, ...]
    assignment_of: tuple[int, ...]
    """Per distinct environment the number of its assignment in `points`: several where only the ABI or libc differs."""
    points: Points
    kin: tuple[Kin, ...]
    """By their first wheel."""
    kin_of: Mapping[WheelFile, int]
    """Of the wheels that were read."""
    bounds: Mapping[WheelFile, SpecifierSet | None]
    """Requires-Python of each wheel's metadata; the page's where it is unread."""
    comparisons: tuple[Comparison, ...]
    """Those of all markers, and those of others that it was laid out for."""

    @property
    def unread(self) -> tuple[UnreadableWheel, ...]:
        return tuple(reading for reading in self.readings if isinstance(reading, UnreadableWheel))

    @property
    def best_kin(self) -> tuple[frozenset[int | None], ...]:
        """Per assignment, the meanings of its best wheels; None among them where one is unread."""
        best: list[set[int | None]] = [set() for _ in self.points.assignments]
        for served, assignment in zip(self.distinct, self.assignment_of, strict=True):
            best[assignment].update(self.kin_of.get(wheel) for wheel in served.best)
        return tuple(frozenset(kin) for kin in best)

    def needs(self) -> Asks:
        """Return what the best wheels ask for: a point needs a requirement if any wheel tied there asks for it."""
        places: dict[int, list[int]] = {}
        for assignment, numbers in enumerate(self.best_kin):
            for number in numbers:
                if number is not None:
                    places.setdefault(number, []).append(assignment)
        needs: dict[RequirementKey, Mask] = {}
        for number, assignments in places.items():
            here = self.points.where(assignments)
            for key, mask in self.kin[number].meaning.asks.items():
                if mask & here:
                    needs[key] = needs.get(key, 0) | (mask & here)
        return needs


def build_scene(readings: Sequence[Reading], *, comparisons: Iterable[Comparison] = ()) -> Scene:
    """Lay a release's readings out over the environments that its wheels serve.

    ``comparisons`` are of other markers that the environments must tell apart, such as a lock's.
    Raises `ReleaseTooLargeError` where the readings name more than can be compared.
    """
    read = tuple(reading for reading in readings if isinstance(reading, WheelMetadata))
    # Wheels of one advertised hash share one object: what is asked of a metadata is reckoned once for all of them.
    cores = {core_signature(core): core for core in {id(each.core): each.core for each in read}.values()}
    bounds = {
        reading.wheel: reading.core.python_specifier
        if isinstance(reading, WheelMetadata)
        else parse_requires_python(reading.wheel.requires_python)
        for reading in readings
    }
    markers = dict.fromkeys(line.marker for core in cores.values() for line in core.requires_dist)
    own = (comparison for marker in markers for comparison in find_comparisons(marker))
    named = tuple(dict.fromkeys((*own, *comparisons)))
    served = build_served([reading.wheel for reading in readings], requires_python=bounds, comparisons=named)
    distinct = find_distinct(served)
    numbers: dict[tuple[str, ...], int] = {}
    assignments: list[Mapping[str, str]] = []
    assignment_of: list[int] = []
    for each in distinct:
        variables = each.environment.variables()
        number = numbers.setdefault(tuple(variables.values()), len(numbers))
        if number == len(assignments):
            assignments.append(variables)
        assignment_of.append(number)
    extras = find_extras(cores.values())
    lines = len(named) + sum(len(core.requires_dist) for core in cores.values())
    _check_size((len(extras) + 1) * len(assignments), lines)
    _check_answers(named, assignments)
    points = Points(assignments, extras)
    meanings = {signature: build_meaning(core, points) for signature, core in cores.items()}
    kin = _gather_kin(read, meanings)
    return Scene(
        readings=tuple(readings),
        served=served,
        distinct=distinct,
        assignment_of=tuple(assignment_of),
        points=points,
        kin=kin,
        kin_of={reading.wheel: number for number, each in enumerate(kin) for reading in each.readings},
        bounds=bounds,
        comparisons=named,
    )


def build_bounded_scene(readings: Sequence[Reading], *, comparisons: Iterable[Comparison] = ()) -> Scene:
    """Lay out a release as `build_scene` does; where its readings name too much for that, as if none had been read.

    Who cannot compare wheels must not call them equal: such a release is undecided (WA206).
    Raises `ReleaseTooLargeError` where the tags of the wheels alone are too many.
    """
    comparisons = tuple(comparisons)
    try:
        return build_scene(readings, comparisons=comparisons)
    except ReleaseTooLargeError as error:
        return build_scene([_give_up(reading, error) for reading in readings], comparisons=comparisons)


def _give_up(reading: Reading, cause: ReleaseTooLargeError) -> Reading:
    # What the page says of Python would stand for what the metadata say, and names versions too.
    wheel = replace(reading.wheel, requires_python=None)
    if isinstance(reading, UnreadableWheel):
        return replace(reading, wheel=wheel)
    error = InvalidMetadataError(f"{cause.message} So the metadata are not compared.", remedy=cause.remedy)
    return UnreadableWheel(wheel=wheel, error=error, faults=reading.faults)


def _check_size(points: int, lines: int) -> None:
    """Refuse before it is made what would fill the memory: a mask a line has a bit a point."""
    if points // 8 * lines > MAX_MASK_BYTES:
        raise ReleaseTooLargeError(
            f"The metadata of the release ask for {lines} things in {points} places, which is more than are compared.",
            remedy=_REMEDY,
        )


def _check_answers(named: Iterable[Comparison], assignments: Sequence[Mapping[str, str]]) -> None:
    counts = Counter(comparison.variable for comparison in named if comparison.variable != "extra")
    answers = sum(count * len({each[name] for each in assignments}) for name, count in counts.items())
    if answers > MAX_ANSWERS:
        raise ReleaseTooLargeError(
            f"The markers of the release ask more than {MAX_ANSWERS} questions of its environments.", remedy=_REMEDY
        )


def judge_bounded(scene: Scene) -> tuple[Scene, Verdict]:
    """Return the verdict, and the scene that it is of: one without readings where they differ in too much to tell."""
    verdict = judge(scene)
    if verdict != "inconsistent":
        return scene, verdict
    meanings = [kin.meaning.asks for kin in scene.kin]
    keys = dict.fromkeys(key for asks in meanings for key in asks)
    differing = sum(1 for key in keys if len({asks.get(key, 0) for asks in meanings}) > 1)
    if differing * len(scene.distinct) <= MAX_COMPARED:
        return scene, verdict
    error = ReleaseTooLargeError(
        f"The wheels of the release differ in {differing} requirements over {len(scene.distinct)} environments, "
        "which is more than are compared.",
        remedy=_REMEDY,
    )
    scene = build_scene([_give_up(reading, error) for reading in scene.readings])
    return scene, judge(scene)


def judge(scene: Scene) -> Verdict:
    """Return the verdict (DESIGN: consistent, inconsistent, undecided).

    Two readings that disagree in one served environment make the release inconsistent,
    however many others are unread. Requirements that are not PEP 508 mean nobody knows
    what: readings are compared only where these are the same text.
    """
    by_unparsed: dict[tuple[str, ...], int] = {}
    for kin in scene.kin:
        by_unparsed[kin.meaning.unparsed] = by_unparsed.get(kin.meaning.unparsed, 0) + 1
    if any(count > 1 for count in by_unparsed.values()):
        return "inconsistent"
    return "undecided" if scene.unread or len(by_unparsed) != 1 else "consistent"


def core_signature(core: CoreMetadata) -> tuple[object, ...]:
    """Return a key that is equal for metadata that differ in nothing that is judged."""
    return (core.requires_dist, core.requires_python, core.provides_extra, core.unparsed)


def find_extras(cores: Iterable[CoreMetadata]) -> tuple[NormalizedName, ...]:
    """Return every extra that any metadata names, in Provides-Extra or (uv uses those too) only in a marker; sorted."""
    extras: set[NormalizedName] = set()
    for core in cores:
        extras.update(core.provides_extra)
        for line in core.requires_dist:
            extras.update(
                NormalizedName(comparison.value)
                for comparison in find_comparisons(line.marker)
                if comparison.variable == "extra" and comparison.op in ("==", "!=") and comparison.value
            )
    return tuple(sorted(extras))


def build_meaning(core: CoreMetadata, points: Points) -> Meaning:
    """Return what ``core`` asks for at each of ``points``."""
    asks: dict[RequirementKey, Mask] = {}
    for line in dict.fromkeys(core.requires_dist):
        mask = points.holds(line.marker)
        if mask:
            asks[line.key] = asks.get(line.key, 0) | mask
    floor = lower_bound(core.python_specifier)
    refused = 0
    if floor is not None:
        refused = points.where(
            number
            for number, variables in enumerate(points.assignments)
            if Version(variables["python_full_version"]) < floor
        )
    return Meaning(asks=asks, refused=refused, unparsed=tuple(sorted(set(core.unparsed))))


def _gather_kin(read: Sequence[WheelMetadata], meanings: Mapping[tuple[object, ...], Meaning]) -> tuple[Kin, ...]:
    gathered: list[tuple[Meaning, list[WheelMetadata]]] = []
    place: dict[int, int] = {}
    for reading in read:
        core = id(reading.core)
        if core not in place:
            meaning = meanings[core_signature(reading.core)]
            same = (number for number, (other, _) in enumerate(gathered) if meaning.same_as(other))
            place[core] = next(same, len(gathered))
            if place[core] == len(gathered):
                gathered.append((meaning, []))
        gathered[place[core]][1].append(reading)
    return tuple(Kin(readings=tuple(readings), meaning=meaning) for meaning, readings in gathered)
