"""WING A (pure): what a lock gives each environment, held against what the wheels that it names ask for there.

Compared are the environments that a release's wheels serve and the lock covers: inside
its Python bound and its supported markers, and where the release is come to from the
project, with the extras that are asked of it. Nothing is said of environments whose best
wheel is unread.

Of wheels that no marker tells apart (WA106: free threading, C library) any may be the
one that is installed: what one of them asks for is lost where the lock does not give it,
and not gained where it does. What the user decides is no finding: ``override-dependencies``
in any respect, ``exclude-dependencies`` for what is not given. An extra that a lock gives
without need (``c[x]`` for ``c``) is not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packaging.utils import NormalizedName

from wheelaudit.audit.askers import find_claimed
from wheelaudit.audit.given import Gift, Given, find_asked_extras, find_given, find_lost_extra, tells_gained
from wheelaudit.audit.losses import Discrepancy, Losses, build_findings
from wheelaudit.audit.points import Mask, Points
from wheelaudit.audit.reach import Graph, Node
from wheelaudit.audit.stages import Stage, build_stages
from wheelaudit.audit.values import LockAudit, LockStatus
from wheelaudit.audit.worlds import Markers, World, find_worlds
from wheelaudit.lock import Lock
from wheelaudit.metadata import Reading, RequirementKey
from wheelaudit.release import Release

__all__ = ["judge_lock", "tells_gained"]


def judge_lock(lock: Lock, readings: Mapping[int, tuple[Release, tuple[Reading, ...]]]) -> dict[int, LockAudit]:
    """Judge every release of ``lock`` whose wheels were read.

    ``readings`` are by position in `Lock.packages`, with the release that holds exactly the
    wheels that the lock names; so is what is returned.
    """
    stages, points = build_stages(lock, readings)
    judge = _Judge(lock, {stage.position: stage for stage in stages}, points)
    for world in find_worlds(lock):
        judge.compare(world)
    return {position: _build_audit(lock, stage, judge.losses[position]) for position, stage in judge.stages.items()}


class _Judge:
    """Gathers what is wrong over the worlds: what is so in one of them, a user meets."""

    def __init__(self, lock: Lock, stages: Mapping[int, Stage], points: Points) -> None:
        self.graph = Graph(lock)
        self.stages = stages
        self.markers = Markers(points)
        self.losses = {position: Losses() for position in stages}

    def compare(self, world: World) -> None:
        """Compare every release in ``world``."""
        given = {position: find_given(self.graph, stage, world) for position, stage in self.stages.items()}
        asked = find_asked_extras(self.graph, self.stages, given, world)
        reached = self.graph.find_reached(self.markers, world, asked=asked)
        for position, stage in self.stages.items():
            covered = _find_covered(stage, reached)
            if covered:
                self.losses[position].covered |= covered
                self._compare_needs(stage, given[position], covered & stage.known, world)
                self._compare_gifts(stage, given[position], covered & stage.understood, world, reached)

    def _compare_needs(self, stage: Stage, given: Given, at: Mask, world: World) -> None:
        """WA411 and WA413: what is asked for, and not given or not in such a version."""
        losses, lock = self.losses[stage.position], self.graph.lock
        for key, mask in stage.needs.items():
            asked = mask & at
            if not asked or key.project in lock.overrides:
                continue
            gifts = given.get(key.project, ())
            there = _join(gifts)
            if key.project not in lock.excludes:
                losses.add(Discrepancy(id="WA411", key=key), asked & ~there)
            refused = asked & there & ~_join([gift for gift in gifts if _admits(key, gift)])
            for gift in gifts if refused else ():
                losses.add(Discrepancy(id="WA413", key=key, version=gift.version), refused & gift.where)
            for extra in map(NormalizedName, key.extras):
                having = _join([gift for gift in gifts if gift.extras is None or extra in gift.extras])
                for gift in gifts:
                    lost = find_lost_extra(self.graph, self.stages, stage, gift, extra, world)
                    losses.add(Discrepancy(id="WA411", key=key), asked & lost & ~having)

    def _compare_gifts(self, stage: Stage, given: Given, at: Mask, world: World, reached: Mapping[Node, Mask]) -> None:
        """WA412: what is given and not asked for, in whatever version."""
        lock = self.graph.lock
        if not tells_gained(lock):
            return
        for project, gifts in given.items():
            asked = 0
            for key, mask in stage.needs.items():
                if key.project == project:
                    asked |= mask
            if lock.kind == "pylock.toml":
                # It does not say for which extras of a release it has a package.
                asked = stage.spread(asked)
            gained = _join(gifts) & at & ~asked
            if gained and stage.package.dependencies is None:
                gained &= ~self._find_claimed(stage, project, world, reached)
            if gained and project not in lock.overrides:
                for gift in gifts:
                    wrong = Discrepancy(id="WA412", key=RequirementKey(project=project), version=gift.version)
                    self.losses[stage.position].add(wrong, gained & gift.where)

    def _find_claimed(self, stage: Stage, project: NormalizedName, world: World, reached: Mapping[Node, Mask]) -> Mask:
        claimed = find_claimed(
            self.graph, self.stages, stage, project, reached=reached, markers=self.markers, world=world
        )
        return stage.to_own(claimed)


def _find_covered(stage: Stage, reached: Mapping[Node, Mask]) -> Mask:
    """The points of a release that are come to: with an extra only where it is asked for."""
    covered = 0
    for extra in stage.points.extras:
        shared = reached.get((stage.position, extra), 0)
        if shared:
            covered |= stage.to_own(shared) & stage.column(extra)
    return covered


def _join(gifts: Sequence[Gift]) -> Mask:
    mask = 0
    for gift in gifts:
        mask |= gift.where
    return mask


def _admits(key: RequirementKey, gift: Gift) -> bool:
    """Whether a requirement is met by what is given; a URL is a place, and what lies there has any version."""
    return key.url is not None or gift.version is None or key.specifier.contains(gift.version, prereleases=True)


def _build_audit(lock: Lock, stage: Stage, losses: Losses) -> LockAudit:
    findings = build_findings(lock, stage, losses)
    unparsed = any(kin.meaning.unparsed for kin in stage.scene.kin)
    status: LockStatus = "wrong" if findings else "unknown" if stage.scene.unread or unparsed else "right"
    points, compared = stage.points, losses.covered & stage.known
    row = (1 << points.width) - 1
    return LockAudit(
        release=stage.release,
        status=status,
        readings=stage.scene.readings,
        findings=findings,
        environments=sum((compared >> number * points.width & row).bit_count() for number in stage.scene.assignment_of),
    )
