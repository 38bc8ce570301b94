"""WING A (pure): an override that is already there, held against what the release's wheels ask for now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.version import Version

from wheelaudit.audit.groups import build_scene
from wheelaudit.audit.proof import prove
from wheelaudit.audit.uv import lower_bound
from wheelaudit.audit.values import Audit, Deviation, Finding, Override, Proof
from wheelaudit.metadata import WheelMetadata, parse_requires_python

Status = Literal["current", "stale", "unneeded", "unknown"]
"""Right in every environment; wrong in some; the release needs none; some wheel is unread and decides."""

MAX_LISTED = 3
"""Requirements, and sets of environments, named in a message; the finding has all requirements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What became of an override."""

    status: Status
    finding: Finding | None
    """WA401 where it is stale, WA402 where it is not needed; None otherwise."""
    proof: Proof | None
    """Its evaluation in every served environment; None where a wheel is unread."""


def hold_override(audit: Audit, entry: Override) -> Upkeep:
    """Hold ``entry``, as the user's file has it, against the release: whether it is right, and needed."""
    if audit.verdict == "undecided" or any(not isinstance(reading, WheelMetadata) for reading in audit.readings):
        return Upkeep(status="unknown", finding=None, proof=None)
    proof = _prove(audit, entry)
    wrong = [deviation for deviation in proof.deviations if not _is_inevitable(deviation, audit)]
    faults = [*_describe_deviations(wrong), *_compare_keys(audit, entry)]
    if audit.verdict == "consistent":
        return Upkeep(status="unneeded", finding=_build_unneeded(audit, faults), proof=proof)
    if not faults:
        return Upkeep(status="current", finding=None, proof=proof)
    finding = Finding(
        id="WA401",
        message=f"The override of {audit.release.spec} is not what its wheels ask for: {'; '.join(faults)}.",
        requirements=tuple(sorted({each for deviation in wrong for each in (*deviation.missing, *deviation.unwanted)})),
        help="Replace the entry."
        if audit.override is not None
        else "Remove the entry, and pin another version: no override is right for this release.",
    )
    return Upkeep(status="stale", finding=finding, proof=proof)


def _build_unneeded(audit: Audit, faults: list[str]) -> Finding:
    count = len(audit.release.wheels)
    cause = f"all {count} wheels ask for the same" if count > 1 else "the release has one wheel"
    return Finding(
        id="WA402",
        message=f"The override of {audit.release.spec} is not needed: {cause}"
        f"{', and not for what it says' if faults else ''}.",
        help="Remove the entry.",
    )


def _prove(audit: Audit, entry: Override) -> Proof:
    scene = build_scene(audit.readings)
    cores = {reading.wheel: reading.core for reading in audit.readings if isinstance(reading, WheelMetadata)}
    extras = [extra for extra in scene.points.extras if extra is not None]
    return prove(entry, served=scene.distinct, cores=cores, extras=extras)


def _is_inevitable(deviation: Deviation, audit: Audit) -> bool:
    """Whether the best override there is deviates in the same way: no marker tells the wheels apart (WA106)."""
    return audit.proof is not None and deviation in audit.proof.deviations


def _describe_deviations(deviations: list[Deviation]) -> list[str]:
    """Say per set of environments what is wrong there, the extras taken together."""
    places = dict.fromkeys(deviation.environments for deviation in deviations)
    texts: list[str] = []
    for place in places:
        here = [deviation for deviation in deviations if deviation.environments == place]
        lists = {
            "lacks": sorted({each for deviation in here for each in deviation.missing}),
            "has no need of": sorted({each for deviation in here for each in deviation.unwanted}),
        }
        told = [f"{verb} {_list(requirements)}" for verb, requirements in lists.items() if requirements]
        texts.append(f"in {place} it {', and '.join(told)}")
    more = len(texts) - MAX_LISTED
    return [*texts[:MAX_LISTED], *([f"and so on in {more} more place{'s' if more > 1 else ''}"] if more > 0 else [])]


def _compare_keys(audit: Audit, entry: Override) -> list[str]:
    """Compare requires-python and provides-extras: the first shuts environments out, the second lets extras warn."""
    if audit.override is None:
        return []
    faults: list[str] = []
    ours = _floor(audit.override.requires_python)
    theirs = _floor(entry.requires_python)
    if theirs is not None and (ours is None or theirs > ours):
        faults.append(f"its requires-python is {entry.requires_python}, the wheels' {audit.override.requires_python}")
    missing = [extra for extra in audit.override.provides_extras if extra not in entry.provides_extras]
    if missing:
        faults.append(f"it does not provide the extra{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
    return faults


def _floor(requires_python: str | None) -> Version | None:
    return lower_bound(parse_requires_python(requires_python))


def _list(requirements: Sequence[str]) -> str:
    more = f" and {len(requirements) - MAX_LISTED} more" if len(requirements) > MAX_LISTED else ""
    return f"{', '.join(requirements[:MAX_LISTED])}{more}"
