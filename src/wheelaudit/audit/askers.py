"""WING A (pure): who else asks for a project, in a lock without arrows.

A pylock.toml as uv writes it does not say what a package is there for. It was gained
by a release only if nobody asks for it where it is locked, and that is known only
where everything that is locked there was read, and what the project itself asks for.
"""

from __future__ import annotations

from collections.abc import Mapping

from packaging.utils import NormalizedName

from wheelaudit.audit.points import Mask
from wheelaudit.audit.reach import Graph, Node
from wheelaudit.audit.stages import Stage
from wheelaudit.audit.worlds import Markers, World


def find_claimed(
    graph: Graph,
    stages: Mapping[int, Stage],
    stage: Stage,
    project: NormalizedName,
    *,
    reached: Mapping[Node, Mask],
    markers: Markers,
    world: World,
) -> Mask:
    """Return the environments in which somebody but ``stage`` asks for ``project``, or may."""
    roots = graph.lock.roots
    if roots is None or any(root.project == project for root in roots):
        return markers.points.full
    claimed = 0
    for position, package in enumerate(graph.lock.packages):
        # The project's own packages ask for the roots.
        if position == stage.position or package.project == project or package.origin == "project":
            continue
        asking = markers.points.full
        if package.dependencies is not None:
            asking = _find_arrows_to(graph, position, project, markers, world)
        elif position in stages:
            asking = _find_asking(stages[position], project, asking)
        claimed |= asking & reached.get((position, None), 0)
    return claimed


def _find_arrows_to(graph: Graph, position: int, project: NormalizedName, markers: Markers, world: World) -> Mask:
    mask = 0
    for arrow in graph.find_arrows((position, None)):
        if arrow.dependency.project == project:
            mask |= markers.holds(arrow.dependency.marker, world)
    return mask


def _find_asking(stage: Stage, project: NormalizedName, full: Mask) -> Mask:
    """Where a release asks for ``project``, whatever extras are asked of it, or where nobody knows what it asks for."""
    asking = 0
    for key, mask in stage.needs.items():
        if key.project == project:
            asking |= mask
    return stage.to_shared(asking) | (full & ~stage.to_shared(stage.understood))
