"""OUTPUT (pure): what the environments that two builds serve need of each, and in what that differs.

By environment (platform, C library, Python, ABI), never by wheel: a build may have one
wheel where the last had two, and nobody's need has changed. An environment is compared
where both best wheels were read, and what they say can be understood alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName

from wheelaudit.audit.groups import Asks, build_meaning, core_signature, find_extras
from wheelaudit.audit.points import Mask, Points
from wheelaudit.environments import Environment, Served, describe_environments
from wheelaudit.grid import build_served
from wheelaudit.history.layout import find_literals
from wheelaudit.markers import Comparison
from wheelaudit.metadata import CoreMetadata, Reading, RequirementKey, WheelMetadata, parse_requires_python
from wheelaudit.release import WheelFile
from wheelaudit.tags import Level

_Best = tuple[WheelFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """An environment that both builds serve, with its best wheels in each."""

    environment: Environment
    before: _Best
    after: _Best


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the shared environments need in two builds; assignment N of `points` is environment N."""

    shared: tuple[Shared, ...]
    points: Points
    before: Asks
    after: Asks

    def find_numbers(self, mask: Mask, extra: NormalizedName | None) -> tuple[int, ...]:
        """Return the environments that a set of points holds with ``extra``."""
        return tuple(number for number, found in self.points.split(mask) if found == extra)

    def describe(self, numbers: Iterable[int]) -> str:
        """Name environments in one line, as `Impact.environments` does."""
        universe = [each.environment for each in self.shared]
        return describe_environments([universe[number] for number in numbers], universe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of the requirements on one project between two builds."""

    project: NormalizedName
    lost: Mapping[RequirementKey, Mask]
    """Requirement to the points that need it no more."""
    gained: Mapping[RequirementKey, Mask]
    alike: bool
    """Whether it is the same wherever the project is or was needed."""

    @property
    def mask(self) -> Mask:
        """Every point at which something changed."""
        mask = 0
        for found in (*self.lost.values(), *self.gained.values()):
            mask |= found
        return mask


def find_changes(needs: Needs) -> tuple[Change, ...]:
    """Return what changed, one change a project, by project."""
    projects: dict[NormalizedName, set[RequirementKey]] = {}
    for key in needs.before.keys() | needs.after.keys():
        projects.setdefault(key.project, set()).add(key)
    changes = (_build_change(needs, project, sorted(keys, key=str)) for project, keys in sorted(projects.items()))
    return tuple(change for change in changes if change.mask)


def _build_change(needs: Needs, project: NormalizedName, keys: Sequence[RequirementKey]) -> Change:
    lost: dict[RequirementKey, Mask] = {}
    gained: dict[RequirementKey, Mask] = {}
    either = 0
    for key in keys:
        before, after = needs.before.get(key, 0), needs.after.get(key, 0)
        either |= before | after
        if before & ~after:
            lost[key] = before & ~after
        if after & ~before:
            gained[key] = after & ~before
    alike = all(mask == either for mask in (*lost.values(), *gained.values()))
    return Change(project=project, lost=lost, gained=gained, alike=alike)


def build_needs(before: Sequence[Reading], after: Sequence[Reading]) -> Needs:
    """Lay two builds out over the environments that both serve, and evaluate what each needs there."""
    literals = find_literals((*before, *after))
    first, second = _find_cores(before), _find_cores(after)
    pairs = _pair(_find_served(before, literals), _find_served(after, literals))
    shared = tuple(each for each in pairs if _is_comparable(each, first, second))
    extras = find_extras((*first.values(), *second.values()))
    points = Points([each.environment.variables() for each in shared], extras)
    return Needs(
        shared=shared,
        points=points,
        before=_evaluate([each.before for each in shared], first, points),
        after=_evaluate([each.after for each in shared], second, points),
    )


def _find_cores(readings: Iterable[Reading]) -> dict[WheelFile, CoreMetadata]:
    return {reading.wheel: reading.core for reading in readings if isinstance(reading, WheelMetadata)}


def _find_served(readings: Sequence[Reading], literals: Sequence[Comparison]) -> tuple[Served, ...]:
    bounds = {
        reading.wheel: reading.core.python_specifier
        if isinstance(reading, WheelMetadata)
        else parse_requires_python(reading.wheel.requires_python)
        for reading in readings
    }
    return build_served([reading.wheel for reading in readings], requires_python=bounds, comparisons=literals)


_Levels = Mapping[Level, Served]


def _pair(before: Iterable[Served], after: Iterable[Served]) -> tuple[Shared, ...]:
    """Return the environments of both, in the order of ``after``; those that differ in nothing that matters, once.

    The levels of a C library or system are those that each build's tags name: at a level
    between two of them an installer finds what it finds at the lower one.
    """
    first, second = _gather_levels(before), _gather_levels(after)
    found: dict[tuple[object, ...], Shared] = {}
    for identity, own in second.items():
        other = first.get(identity, {})
        for level in sorted({*own, *other}, reverse=True):
            one, two = _find_at(other, level), _find_at(own, level)
            if one is not None and two is not None:
                # The identity is made of the variables, and of an ABI and C library that choose the wheels alone.
                key = (tuple(two.environment.variables().values()), one.best, two.best)
                found.setdefault(key, Shared(environment=two.environment, before=one.best, after=two.best))
    return tuple(found.values())


def _gather_levels(served: Iterable[Served]) -> dict[tuple[object, ...], dict[Level, Served]]:
    """Environments by everything but the level."""
    gathered: dict[tuple[object, ...], dict[Level, Served]] = {}
    for each in served:
        platform, python = each.environment.platform, each.environment.interpreter
        variables = tuple(each.environment.variables().values())
        identity = (platform.system, platform.libc, python.kind, python.abi, *variables)
        gathered.setdefault(identity, {})[platform.level] = each
    return gathered


def _find_at(levels: _Levels, level: Level) -> Served | None:
    return levels.get(max((own for own in levels if own <= level), default=level))


def _is_comparable(
    each: Shared, before: Mapping[WheelFile, CoreMetadata], after: Mapping[WheelFile, CoreMetadata]
) -> bool:
    """Whether all its best wheels were read, and hold the same lines (none, as a rule) that nobody can understand."""
    cores = [*map(before.get, each.before), *map(after.get, each.after)]
    return None not in cores and len({frozenset(core.unparsed) for core in cores if core is not None}) == 1


def _evaluate(best: Sequence[_Best], cores: Mapping[WheelFile, CoreMetadata], points: Points) -> Asks:
    """Return what best wheels ask for, each in its own environments; one reckoning for each distinct metadata."""
    places: dict[tuple[object, ...], list[int]] = {}
    distinct: dict[tuple[object, ...], CoreMetadata] = {}
    signatures = {wheel: core_signature(core) for wheel, core in cores.items()}
    for number, wheels in enumerate(best):
        for wheel in wheels:
            distinct.setdefault(signatures[wheel], cores[wheel])
            places.setdefault(signatures[wheel], []).append(number)
    needs: dict[RequirementKey, Mask] = {}
    for signature, core in distinct.items():
        here = points.where(places[signature])
        for key, mask in build_meaning(core, points).asks.items():
            if mask & here:
                needs[key] = needs.get(key, 0) | (mask & here)
    return needs
