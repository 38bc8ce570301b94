"""WING A (pure): what a lock gives the environments of one release, by project.

uv.lock has arrows for it. A pylock.toml as uv writes it has none: there a release is
given whatever of its wheels' requirements is locked in the environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.audit.points import Mask
from wheelaudit.audit.reach import Arrow, Edge, Graph, Node
from wheelaudit.audit.stages import Stage
from wheelaudit.audit.worlds import World
from wheelaudit.lock import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """A project that a lock gives a release."""

    project: NormalizedName
    version: Version | None
    """None: the lock does not say."""
    extras: tuple[NormalizedName, ...] | None
    """None: nobody knows."""
    target: int | None
    """Position in `Lock.packages`; None where the lock lacks it."""
    where: Mask
    """Points of the stage."""


Given = Mapping[NormalizedName, tuple[Gift, ...]]


def tells_gained(lock: Lock) -> bool:
    """Return whether WA412 can be told: without arrows, nobody knows what a pylock.toml alone has a package for."""
    arrows = any(package.dependencies is not None for package in lock.packages)
    return lock.kind == "uv.lock" or arrows or lock.roots is not None


def find_given(graph: Graph, stage: Stage, world: World) -> Given:
    """Return what the lock gives a release in ``world``, wherever it is come to."""
    gifts = _find_by_name if stage.package.dependencies is None else _find_by_arrows
    found: dict[NormalizedName, list[Gift]] = {}
    for gift in gifts(graph, stage, world):
        if gift.where and gift.project != stage.package.project:
            found.setdefault(gift.project, []).append(gift)
    return {project: tuple(own) for project, own in found.items()}


def _find_by_arrows(graph: Graph, stage: Stage, world: World) -> Iterator[Gift]:
    for extra in stage.points.extras:
        # What comes without an extra comes with each.
        with_extra = stage.points.full if extra is None else stage.column(extra)
        for arrow in graph.find_arrows((stage.position, extra)):
            for target, where in _find_targets(graph, arrow, stage, world):
                version = arrow.dependency.version
                if version is None and target is not None:
                    version = graph.lock.packages[target].version
                yield Gift(
                    project=arrow.dependency.project,
                    version=version,
                    extras=arrow.dependency.extras,
                    target=target,
                    where=where & with_extra,
                )


def _find_targets(graph: Graph, arrow: Arrow, stage: Stage, world: World) -> Iterator[tuple[int | None, Mask]]:
    if not arrow.targets:
        yield None, stage.markers.holds(arrow.dependency.marker, world)
    yield from graph.find_places(arrow, stage.markers, world)


def _find_by_name(graph: Graph, stage: Stage, world: World) -> Iterator[Gift]:
    lines = (line for kin in stage.scene.kin for line in kin.readings[0].core.requires_dist)
    for project in dict.fromkeys(line.key.project for line in lines):
        for target in graph.find_positions(project):
            package = graph.lock.packages[target]
            where = stage.markers.holds_any(package.where, world)
            yield Gift(project=project, version=package.version, extras=None, target=target, where=where)


def find_asked_extras(
    graph: Graph, stages: Mapping[int, Stage], given: Mapping[int, Given], world: World
) -> dict[Node, tuple[Edge, ...]]:
    """Return the extras that wheels ask of other locked packages, as edges besides the lock's arrows.

    An arrow of uv's lacks an extra that the wheel it has read of the other release lacks,
    or has empty; whoever asks for it is owed what that release's own wheels say.
    """
    edges: dict[Node, list[Edge]] = {}
    for stage in stages.values():
        for key, mask in stage.needs.items():
            gifts = given[stage.position].get(key.project, ()) if key.project not in graph.lock.overrides else ()
            for extra in map(NormalizedName, key.extras):
                for gift in gifts:
                    asked = mask & gift.where & stage.known
                    if gift.target is not None and gift.target in stages and asked:
                        # Where the arrow alone is at fault, the other release has nothing to answer for.
                        asked &= ~find_lost_extra(graph, stages, stage, gift, extra, world)
                        for source, where in _find_sources(stage, asked):
                            edges.setdefault(source, []).append(((gift.target, extra), where))
    return {node: tuple(own) for node, own in edges.items()}


def _find_sources(stage: Stage, mask: Mask) -> Iterator[Edge]:
    """Yield by extra the environments of a release's points."""
    for extra in stage.points.extras:
        where = stage.to_shared(mask & stage.column(extra))
        if where:
            yield (stage.position, extra), where


def find_lost_extra(
    graph: Graph, stages: Mapping[int, Stage], stage: Stage, gift: Gift, extra: NormalizedName, world: World
) -> Mask:
    """Return the points at which ``gift`` lacks an extra that certainly brings something.

    Certainly: the lock itself has what it brings, as somebody else asks for it, or every
    wheel of the other release says so. Of an extra that is missing or empty in the wheel
    that it has read, uv writes nothing: such a gift is as it should be.
    """
    if gift.extras is None or gift.target is None or extra in gift.extras:
        return 0
    content = 0
    for arrow in graph.find_arrows((gift.target, extra)):
        content |= stage.markers.holds(arrow.dependency.marker, world)
    other = stages.get(gift.target)
    if other is not None:
        content |= stage.to_own(other.to_shared(other.brings(extra)))
    return content & gift.where
