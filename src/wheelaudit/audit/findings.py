"""WING A (pure): what is wrong, under the stable ids of the README (WA1xx and WA2xx)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.audit.groups import Asks, Kin, Scene
from wheelaudit.audit.points import Mask
from wheelaudit.audit.values import Finding, Proof, Verdict
from wheelaudit.environments import describe_environments
from wheelaudit.grid import build_served
from wheelaudit.metadata import RequirementKey, UnreadableWheel, WheelMetadata, parse_requires_python

_HELP = {
    "WA101": "Ask the project to give all wheels one metadata{lock}.",
    "WA102": "Ask the project to mark these requirements for their platforms{lock}.",
    "WA103": "Ask the project to pin one version, or to mark each pin{lock}.",
    "WA104": "Ask the project to give all wheels one Requires-Python{lock}.",
    "WA105": "Ask the project to provide the same extras in all wheels{lock}.",
    "WA106": "Ask the project for one metadata: no marker names what sets these wheels apart.",
    "WA201": "Try again later; if it stays, tell whoever keeps the index.",
    "WA202": "Tell whoever keeps the index: the file was changed after it was hashed.",
    "WA203": "Tell the project: the wheel was renamed or built wrongly.",
    "WA204": "Tell whoever keeps the index: installers choose by the page, then meet the metadata.",
    "WA205": "Tell whoever keeps the index: installers that read the wheel see something else.",
    "WA206": "Tell the project: tools read this metadata differently, or refuse it.",
    "WA301": "Pin versions whose local parts differ, or use one of the indexes alone; uv has no override per index, "
    "though a source with a marker gives each platform the metadata of its own index.",
}
_LOCK = "; until then lock with the override"

_Meanings = frozenset[int | None]
"""Indexes into `Scene.kin`; None: of an unread wheel."""

MAX_SHOWN = 500
"""Characters of a requirement that is none, in a message; a hostile one may have megabytes."""

MAX_LISTED = 3
"""Requirements named in a message of their own; `Finding.requirements` has all."""


def find_findings(scene: Scene, verdict: Verdict, *, conflict: str | None, proof: Proof | None) -> tuple[Finding, ...]:
    """Return every finding, by id; ``proof`` is there where an override is, ``conflict`` says why there is none."""
    findings = [*_find_faults(scene)]
    if verdict == "inconsistent":
        findings += _find_differences(scene)
        findings += _find_refusals(scene)
        findings += _find_missing_extras(scene)
        findings += _find_ties(scene, conflict=conflict, proof=proof)
        findings += _find_index_differences(scene)
    lock = _LOCK if proof is not None and not proof.deviations else ""
    findings = [replace(finding, help=_HELP[finding.id].format(lock=lock)) for finding in findings]
    return tuple(sorted(findings, key=lambda finding: (finding.id, finding.wheels, finding.message)))


def _find_differences(scene: Scene) -> Iterator[Finding]:
    """WA101, 102, 103: what a lock lacks, has too much or in another version, by the wheels it is read from."""
    needs = scene.needs()
    needed_by_project = _Siblings(needs)
    known = scene.points.where(number for number, kin in enumerate(scene.best_kin) if None not in kin)
    for kin in scene.kin:
        asks = kin.meaning.asks
        asked_by_project = _Siblings(asks)
        missing: dict[RequirementKey, Mask] = {}
        leaking: dict[RequirementKey, Mask] = {}
        other: dict[RequirementKey, Mask] = {}
        for key in needs.keys() | asks.keys():
            need, has = needs.get(key, 0) & known, asks.get(key, 0) & known
            siblings = asked_by_project.find(key) & known
            missing[key] = need & ~has & ~siblings
            other[key] = need & ~has & siblings
            leaking[key] = has & ~need & ~needed_by_project.find(key)
        names = _names(kin)
        wheels, one = _count(len(names), "wheel"), len(names) == 1
        for finding, found, text in (
            ("WA101", missing, f"{wheels} {'lacks' if one else 'lack'} {{what}} that {{where}} needs."),
            (
                "WA102",
                leaking,
                f"{wheels} {'asks' if one else 'ask'} for {{what}} in places whose own wheels do not: "
                "read for all, {they} would leak to {where}.",
            ),
            (
                "WA103",
                other,
                f"{wheels} {'asks' if one else 'ask'} for {{what}} in another version than {{where}} needs.",
            ),
        ):
            keys = sorted((key for key, mask in found.items() if mask), key=str)
            where = 0
            for key in keys:
                where |= found[key]
            if keys:
                yield Finding(
                    id=finding,
                    message=text.format(
                        what=_count(len(keys), "requirement"),
                        they="it" if len(keys) == 1 else "they",
                        where=_describe(scene, where),
                    ),
                    wheels=names,
                    requirements=tuple(map(str, keys)),
                )


class _Siblings:
    """Where another requirement of a project is asked for; two masks a project, however many it has."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._once: dict[NormalizedName, Mask] = {}
        self._twice: dict[NormalizedName, Mask] = {}
        for key, mask in asks.items():
            once = self._once.get(key.project, 0)
            self._once[key.project] = once | mask
            self._twice[key.project] = self._twice.get(key.project, 0) | once & mask

    def find(self, key: RequirementKey) -> Mask:
        """Return the points at which another requirement of the project of ``key`` is asked for."""
        return self._once.get(key.project, 0) & ~self._asks.get(key, 0) | self._twice.get(key.project, 0)


def _find_refusals(scene: Scene) -> Iterator[Finding]:
    """WA104: a Requires-Python that shuts out environments which other wheels serve."""
    for kin in scene.kin:
        if kin.meaning.refused:
            bound = kin.readings[0].core.requires_python
            yield Finding(
                id="WA104",
                message=f"Requires-Python {bound} shuts out {_describe(scene, kin.meaning.refused)}, "
                "which other wheels of the release serve.",
                wheels=_names(kin),
            )


def _find_missing_extras(scene: Scene) -> Iterator[Finding]:
    """WA105: extras that some wheels provide and others do not."""
    provided = [(kin, frozenset(reading.core.provides_extra), reading) for kin in scene.kin for reading in kin.readings]
    union = frozenset().union(*(extras for _, extras, _ in provided))
    lacking: dict[tuple[str, ...], list[str]] = {}
    for _, extras, reading in provided:
        if union - extras:
            lacking.setdefault(tuple(sorted(union - extras)), []).append(reading.wheel.filename)
    for missing, wheels in sorted(lacking.items()):
        noun = "extra" if len(missing) == 1 else "extras"
        yield Finding(
            id="WA105",
            message=f"{_count(len(wheels), 'wheel')} {'does' if len(wheels) == 1 else 'do'} not provide the {noun} "
            f"{', '.join(missing)}.",
            wheels=tuple(sorted(wheels)),
        )


def _find_ties(scene: Scene, *, conflict: str | None, proof: Proof | None) -> Iterator[Finding]:
    """WA106: environments with the same marker variables whose best wheels do not mean the same."""
    # Once: each time it is reckoned anew over all environments, and there may be thousands of ties.
    best = scene.best_kin
    tied = {number for number, kin in enumerate(best) if len(kin - {None}) > 1}
    if not tied:
        return
    wheels = {
        wheel
        for served, assignment in zip(scene.distinct, scene.assignment_of, strict=True)
        if assignment in tied
        for wheel in served.best
    }
    apart = (
        f"{'index, ' if len({wheel.index for wheel in wheels}) > 1 else ''}free threading, C library or system version"
    )
    consequence = ""
    if conflict is not None:
        consequence = f" {conflict}"
    elif proof is not None and proof.deviations:
        consequence = " The override asks there for what any of these wheels asks for."
    requirements: set[str] = set()
    for number in tied:
        here = scene.points.at(number)
        asks = [scene.kin[k].meaning.asks for k in best[number] if k is not None]
        keys = frozenset(key for each in asks for key in each)
        requirements.update(str(key) for key in keys if len({each.get(key, 0) & here for each in asks}) > 1)
    yield Finding(
        id="WA106",
        message="No marker can tell apart the wheels that serve "
        f"{_describe(scene, scene.points.where(tied))} ({apart}).{consequence}",
        wheels=tuple(sorted({wheel.filename for wheel in wheels})),
        requirements=tuple(sorted(requirements)),
    )


def find_index_clash(scene: Scene) -> tuple[str, str] | None:
    """Return two indexes that no one override is right for; None where there is none."""
    return next(((first, second) for first, second, _ in _compare_indexes(scene)), None)


def _find_index_differences(scene: Scene) -> Iterator[Finding]:
    """WA301: one version on two indexes, whose best wheels for one environment do not mean the same."""
    for first, second, differing in _compare_indexes(scene):
        here = scene.points.where(differing)
        one, two = (_find_asked(scene, {number: sides[side] for number, sides in differing.items()}) for side in (0, 1))
        sides = [
            f"{index} alone asks for {_list(only)}" for index, only in ((first, one - two), (second, two - one)) if only
        ]
        readings = (reading for reading in scene.readings if reading.wheel.index in (first, second))
        yield Finding(
            id="WA301",
            message=f"One version on two indexes, two metadata: in {_describe(scene, here)} "
            f"{first} and {second} differ{': ' if sides else ''}{'; '.join(sides)}. "
            "uv would take one override for both.",
            wheels=tuple(sorted({reading.wheel.filename for reading in readings})),
            requirements=tuple(sorted(map(str, one ^ two))),
        )


def _compare_indexes(scene: Scene) -> Iterator[tuple[str, str, dict[int, tuple[_Meanings, _Meanings]]]]:
    """Yield each pair of indexes that differ: by assignment, what their best wheels mean there."""
    indexes = tuple(dict.fromkeys(reading.wheel.index for reading in scene.readings))
    if len(indexes) < 2:
        return
    numbers = {tuple(variables.values()): number for number, variables in enumerate(scene.points.assignments)}
    best = {index: _find_best_kin(scene, index, numbers) for index in indexes}
    for first, second in combinations(indexes, 2):
        shared = sorted(best[first].keys() & best[second].keys())
        sides = {number: (best[first][number], best[second][number]) for number in shared}
        differing = {number: (one, two) for number, (one, two) in sides.items() if one != two and None not in one | two}
        if differing:
            yield first, second, differing


def _find_asked(scene: Scene, meanings: Mapping[int, _Meanings]) -> set[RequirementKey]:
    """Return what the best wheels of one index ask for, by assignment."""
    return {
        key
        for number, kin in meanings.items()
        for each in kin
        if each is not None
        for key, mask in scene.kin[each].meaning.asks.items()
        if mask & scene.points.at(number)
    }


def _find_best_kin(scene: Scene, index: str, numbers: Mapping[tuple[str, ...], int]) -> dict[int, _Meanings]:
    """Per assignment the meanings of the wheels that an installer takes who knows this index alone."""
    own = [reading for reading in scene.readings if reading.wheel.index == index]
    best: dict[int, set[int | None]] = {}
    for served in build_served(
        [reading.wheel for reading in own], requires_python=scene.bounds, comparisons=scene.comparisons
    ):
        number = numbers.get(tuple(served.environment.variables().values()))
        if number is not None:
            best.setdefault(number, set()).update(scene.kin_of.get(wheel) for wheel in served.best)
    return {number: frozenset(kin) for number, kin in best.items()}


def _list(keys: Iterable[RequirementKey]) -> str:
    """The first few, for a sentence; `Finding.requirements` has all."""
    texts = sorted(map(str, keys))
    more = f" and {len(texts) - MAX_LISTED} more" if len(texts) > MAX_LISTED else ""
    return f"{', '.join(texts[:MAX_LISTED])}{more}"


def _find_faults(scene: Scene) -> Iterator[Finding]:
    """WA2xx: what is wrong with the index or a wheel by itself; equal messages are one finding."""
    gathered: dict[tuple[str, str], list[str]] = {}
    for reading in scene.readings:
        for finding, message in _faults_of(reading):
            gathered.setdefault((finding, message), []).append(reading.wheel.filename)
    for (finding, message), wheels in gathered.items():
        yield Finding(id=finding, message=message, wheels=tuple(sorted(wheels)))


def _faults_of(reading: WheelMetadata | UnreadableWheel) -> Iterator[tuple[str, str]]:
    yield from ((fault.finding, fault.message) for fault in reading.faults)
    if isinstance(reading, UnreadableWheel):
        yield reading.error.finding, reading.error.message
        return
    core, wheel = reading.core, reading.wheel
    if canonicalize_name(core.name) != wheel.project or not _same_version(core.version, wheel.version):
        yield (
            "WA203",
            f"The metadata is of {core.name} {core.version}, the file name of {wheel.project} {wheel.version}.",
        )
    if wheel.requires_python is not None:
        page, own = parse_requires_python(wheel.requires_python), core.python_specifier
        if page is not None and page != own:
            yield (
                "WA204",
                f"The page says Requires-Python {wheel.requires_python}, "
                f"the metadata {core.requires_python or 'nothing'}.",
            )
    if core.requires_python and core.python_specifier is None:
        yield "WA206", f"Requires-Python {core.requires_python!r} is not a version specifier (PEP 440)."
    for text in dict.fromkeys(core.unparsed):
        shown = repr(text) if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]!r}... ({len(text)} characters)"
        yield "WA206", f"Requires-Dist {shown} is not a requirement (PEP 508)."


def _same_version(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except ValueError:  # no version, or one too long for an integer
        return False


def _names(kin: Kin) -> tuple[str, ...]:
    return tuple(sorted(reading.wheel.filename for reading in kin.readings))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _describe(scene: Scene, points: Mask) -> str:
    """Name the environments of some points."""
    numbers = {assignment for assignment, _ in scene.points.split(points)}
    environments = [
        (number, served.environment) for number, served in zip(scene.assignment_of, scene.distinct, strict=True)
    ]
    return describe_environments(
        [environment for number, environment in environments if number in numbers],
        [environment for _, environment in environments],
    )
