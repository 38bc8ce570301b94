"""WING A (pure): the locked releases whose wheels were read, each laid out over the environments that it serves.

Each release has points of its own (environments with extras); what is true of the
whole lock is reckoned over the environments of all releases together. A stage leads
from one numbering to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import NormalizedName

from wheelaudit.audit.groups import Asks, Scene, build_bounded_scene
from wheelaudit.audit.points import Mask, Points
from wheelaudit.audit.worlds import Markers, find_markers
from wheelaudit.lock import Lock, LockedPackage
from wheelaudit.markers import VARIABLES, Comparison, comparisons
from wheelaudit.metadata import Reading, WheelMetadata
from wheelaudit.release import Release

MAX_COMPARISONS = 300
"""Of all markers together; each may add environments to every release. Locks of hundreds of packages have some 60."""

_SHARED = frozenset(VARIABLES) - {"platform_release", "platform_version"}
"""A kernel that one release names (pyobjc's wheels name 15) would multiply the environments of all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A locked release, what its environments need, and where these are among all environments."""

    position: int
    """In `Lock.packages`."""
    package: LockedPackage
    release: Release
    scene: Scene
    needs: Asks
    """Of the best wheels, with what their requirements on extras of the release itself bring."""
    known: Mask
    """Points whose best wheels were all read."""
    understood: Mask
    """Those of `known` at which no requirement is other than PEP 508: what is not named there is not asked for."""
    places: tuple[int, ...]
    """Per assignment of the scene its number among the assignments of all stages."""
    markers: Markers
    """The lock's, over the scene's points."""

    @property
    def points(self) -> Points:
        return self.scene.points

    def column(self, extra: NormalizedName | None) -> Mask:
        """Return the points with this extra: None without one; 0 where no wheel names it."""
        if extra not in self.points.extras:
            return 0
        return _find_column(self.points) << self.points.extras.index(extra)

    def spread(self, mask: Mask) -> Mask:
        """Return all points of the environments that ``mask`` has a point of."""
        return self.points.where({assignment for assignment, _ in self.points.split(mask)})

    def to_shared(self, mask: Mask) -> Mask:
        """Return the environments that ``mask`` has a point of, by their numbers among all: one bit each."""
        found = 0
        for assignment in {assignment for assignment, _ in self.points.split(mask)}:
            found |= 1 << self.places[assignment]
        return found

    def to_own(self, shared: Mask) -> Mask:
        """Return the points, with every extra, of environments by their numbers among all."""
        return self.points.where(number for number, place in enumerate(self.places) if shared >> place & 1)

    def brings(self, extra: NormalizedName) -> Mask:
        """Return the points at which, of whatever wheel it is asked, this extra adds something."""
        column, plain = self.column(extra), _find_column(self.points)
        if not column or not self.scene.kin:
            return 0
        place = self.points.extras.index(extra)
        every = plain
        for kin in self.scene.kin:
            more = 0
            for asked in kin.meaning.asks.values():
                more |= (asked & column) >> place & ~asked
            every &= more
        return self.spread(every)


def build_stages(
    lock: Lock, readings: Mapping[int, tuple[Release, tuple[Reading, ...]]]
) -> tuple[tuple[Stage, ...], Points]:
    """Lay out every release that was read; the points are the environments of all of them, without extras."""
    named = _find_comparisons(lock, readings)
    scenes: dict[int, Scene] = {}
    numbers: dict[tuple[str, ...], int] = {}
    assignments: list[Mapping[str, str]] = []
    for position, (release, own) in readings.items():
        order = {wheel: number for number, wheel in enumerate(release.wheels)}
        own = tuple(sorted(own, key=lambda each: order[each.wheel]))
        scenes[position] = build_bounded_scene(own, comparisons=named)
        for variables in scenes[position].points.assignments:
            if numbers.setdefault(tuple(variables.values()), len(numbers)) == len(assignments):
                assignments.append(variables)
    stages = [
        _build_stage(position, lock.packages[position], readings[position][0], scene, numbers)
        for position, scene in scenes.items()
    ]
    return tuple(stages), Points(assignments, ())


def _build_stage(
    position: int, package: LockedPackage, release: Release, scene: Scene, numbers: Mapping[tuple[str, ...], int]
) -> Stage:
    points = scene.points
    needs: Asks = scene.kin[0].meaning.asks if scene.kin else {}
    known = points.full
    unparsed = {number for number, kin in enumerate(scene.kin) if kin.meaning.unparsed}
    understood = 0 if unparsed else known
    if scene.unread or len(scene.kin) > 1:
        # Where all wheels mean the same, and so in most releases, it does not matter which of them is the best.
        needs, best = scene.needs(), list(enumerate(scene.best_kin))
        known = points.where(number for number, kin in best if None not in kin)
        understood = known & points.where(number for number, kin in best if not kin & unparsed)
    return Stage(
        position=position,
        package=package,
        release=release,
        scene=scene,
        needs=follow_own_extras(needs, release.project, points),
        known=known,
        understood=understood,
        places=tuple(numbers[tuple(variables.values())] for variables in points.assignments),
        markers=Markers(points),
    )


def _find_comparisons(
    lock: Lock, readings: Mapping[int, tuple[Release, tuple[Reading, ...]]]
) -> tuple[Comparison, ...]:
    """Return what all environments must tell apart, so that those of one release are found again in another's."""
    # The bound is no marker, but environments lie inside or outside of it like those of one.
    found = dict.fromkeys(
        Comparison("python_full_version", each.operator, each.version) for each in lock.requires_python or ()
    )
    markers = dict.fromkeys(find_markers(lock))
    cores = {
        id(each.core): each.core for _, own in readings.values() for each in own if isinstance(each, WheelMetadata)
    }
    for core in cores.values():
        markers.update(dict.fromkeys(line.marker for line in core.requires_dist if line.marker is not None))
    found.update(dict.fromkeys(each for marker in markers for each in comparisons(marker) if each.variable in _SHARED))
    return tuple(found)[:MAX_COMPARISONS]


def follow_own_extras(needs: Asks, project: NormalizedName, points: Points) -> Asks:
    """Return ``needs`` with what a release's requirements on itself bring: ``P[x]``, asked by P, is all that x brings.

    Source: uv writes no arrow from a package to itself, but those that follow from it.
    """
    followed = {key: mask for key, mask in needs.items() if key.project != project}
    column = _find_column(points)
    own = _find_own_edges({key: mask for key, mask in needs.items() if key.project == project}, column, points)
    changed = True
    while changed:
        changed = False
        for (source, target), where in own.items():
            for key, mask in followed.items():
                more = ((mask >> target & where) << source) & ~mask
                if more:
                    followed[key] = followed[key] | more
                    changed = True
    return followed


def _find_own_edges(own: Asks, column: Mask, points: Points) -> dict[tuple[int, int], Mask]:
    """By the places of two extras, where the first asks for the second."""
    edges: dict[tuple[int, int], Mask] = {}
    for key, mask in own.items():
        for target, extra in enumerate(points.extras):
            if extra in key.extras:
                for source in range(points.width):
                    where = mask >> source & column
                    if where and source != target:
                        edges[source, target] = edges.get((source, target), 0) | where
    return edges


def _find_column(points: Points) -> Mask:
    """The points without an extra."""
    return points.full // ((1 << points.width) - 1)
