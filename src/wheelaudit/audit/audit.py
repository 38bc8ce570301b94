"""WING A (pure): one release, read as far as it could be -> everything that wheelaudit says of it.

The same for a live index, a cassette, wheels on disk or a snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, assert_never

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelaudit.audit.acceptance import find_refused
from wheelaudit.audit.findings import find_findings, find_index_clash
from wheelaudit.audit.groups import Scene, build_bounded_scene, judge_bounded
from wheelaudit.audit.impact import build_coverage, build_impact, build_matrix
from wheelaudit.audit.override import Conflict, build_override
from wheelaudit.audit.proof import prove
from wheelaudit.audit.uv import find_wheel_read
from wheelaudit.audit.values import Audit, Group, Override, Proof, Union, Verdict
from wheelaudit.environments import describe_environments
from wheelaudit.errors import ReleaseTooLargeError
from wheelaudit.metadata import Reading, WheelMetadata
from wheelaudit.release import Release, wheel_order


def audit_release(
    release: Release,
    readings: Sequence[Reading],
    *,
    requires_python: SpecifierSet | None = None,
    union: Union = "scoped",
) -> Audit:
    """Judge ``release`` by its ``readings``, one per wheel.

    ``requires_python`` is the project's bound: it decides which wheel uv reads and which
    environments a lock covers, not the verdict. The override, if there is one, has been
    evaluated in every served environment; ``proof`` says so.
    """
    place = {wheel: number for number, wheel in enumerate(release.wheels)}
    readings = sorted(readings, key=lambda reading: place[reading.wheel])
    scene, verdict = judge_bounded(build_bounded_scene(readings))
    read = find_wheel_read(release.wheels, requires_python=requires_python, indexes=release.indexes)
    override, proof, reason = _override(scene, verdict, union)
    return Audit(
        release=release,
        verdict=verdict,
        readings=scene.readings,
        groups=_build_groups(scene),
        requires_python=requires_python,
        reads_uv=read,
        coverage=build_coverage(scene),
        impact=build_impact(scene, read, requires_python=requires_python),
        matrix=build_matrix(scene, read),
        findings=find_findings(scene, verdict, conflict=reason, proof=proof),
        override=override,
        proof=proof,
        no_override=reason,
    )


def reconcile_indexes(audits: Sequence[Audit], *, union: Union = "scoped") -> tuple[Audit, ...]:
    """Return audits of one version, each of another index, with what they come to together.

    uv reads each index by itself, so verdict and impact stay each audit's own; but an entry
    stands for both: where the indexes differ for one environment, that is WA301 and none has
    an override, and otherwise one that is right for all wheels.
    """
    if len(audits) < 2:
        return tuple(audits)
    first = audits[0].release
    release = Release(
        project=first.project,
        version=first.version,
        wheels=tuple(sorted((wheel for each in audits for wheel in each.release.wheels), key=wheel_order)),
        indexes=tuple(dict.fromkeys(index for each in audits for index in each.release.indexes)),
    )
    joint = audit_release(release, [reading for each in audits for reading in each.readings], union=union)
    told = [finding for finding in joint.findings if finding.id == "WA301"]
    return tuple(
        replace(
            each,
            findings=(*each.findings, *told),
            **({} if each.override is None else _take_override(joint)),
        )
        for each in audits
    )


def _take_override(joint: Audit) -> dict[str, Any]:
    return {"override": joint.override, "proof": joint.proof, "no_override": joint.no_override}


def _override(scene: Scene, verdict: Verdict, union: Union) -> tuple[Override | None, Proof | None, str | None]:
    """The override with its proof, or why an inconsistent release has none."""
    if verdict != "inconsistent":
        return None, None, None
    if scene.unread:
        count = len(scene.unread)
        which = "1 wheel was" if count == 1 else f"{count} wheels were"
        return None, None, f"There is no override: {which} not read, and what an unread wheel asks for is unknown."
    if any(kin.meaning.unparsed for kin in scene.kin):
        return None, None, "There is no override: a requirement is not PEP 508, and uv would refuse an entry with it."
    clash = find_index_clash(scene)
    if clash is not None:
        # uv keys an entry by name and version alone: it would be wrong wherever one of the two is asked by itself.
        reason = f"There is no override: one for both {clash[0]} and {clash[1]} is right for neither (WA301)."
        return None, None, reason
    try:
        return _build_proven(scene, union)
    except ReleaseTooLargeError as error:
        return None, None, f"There is no override. {error.message}"


def _build_proven(scene: Scene, union: Union) -> tuple[Override | None, Proof | None, str | None]:
    """The override with its proof, or the conflict that forbids one; raises `ReleaseTooLargeError`."""
    built = build_override(scene, union=union)
    match built:
        case Conflict():
            reason = (
                f"There is no override: {built.first} and {built.second} would both be needed in one environment, "
                "and no version is both."
            )
            return None, None, reason
        case Override():
            refused = find_refused(built)
            if refused is not None:
                return None, None, f"There is no override: uv would drop all settings of a file with {refused!r} in it."
            cores = {r.wheel: r.core for r in scene.readings if isinstance(r, WheelMetadata)}
            extras: list[NormalizedName] = [extra for extra in scene.points.extras if extra is not None]
            return built, prove(built, served=scene.distinct, cores=cores, extras=extras), None
    assert_never(built)


def _build_groups(scene: Scene) -> tuple[Group, ...]:
    universe = [served.environment for served in scene.distinct]
    groups: list[Group] = []
    for number, kin in enumerate(scene.kin):
        core = kin.readings[0].core
        own = [
            served.environment
            for served in scene.distinct
            if any(scene.kin_of.get(wheel) == number for wheel in served.best)
        ]
        groups.append(
            Group(
                wheels=tuple(reading.wheel for reading in kin.readings),
                requires_dist=tuple(dict.fromkeys(line.text for line in core.requires_dist)),
                requires_python=core.requires_python,
                provides_extra=core.provides_extra,
                environments=describe_environments(own, universe),
            )
        )
    return tuple(groups)
