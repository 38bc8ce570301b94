"""OUTPUT (pure): WA501, the wheels of a build disagree; WA502, they agree again."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.utils import NormalizedName

from wheelaudit.audit.values import Audit, Finding
from wheelaudit.history.nights import Nights, Trouble, build_evidence, count_of, strip_version
from wheelaudit.history.values import Event, EventWheel, OpenEvent
from wheelaudit.metadata import parse_requirement_line

_PROJECT_END = re.compile(r"[^a-z0-9-]")
"""After the project of a requirement as findings spell it. Parsing would trip on an address with an extra after it."""

_MISSING = ("WA101", "WA103")
_LEAKING = ("WA102", "WA103")


def find_disagreement(nights: Nights) -> Trouble | None:
    """Return WA501 if tonight's wheels disagree; new only where the build before is known to be consistent."""
    if nights.after.audit.verdict != "inconsistent":
        return None
    before = None if nights.before is None else nights.before.audit.verdict
    snapshot = nights.after.snapshot
    if before == "inconsistent" and nights.before is not None:
        snapshot = nights.before.snapshot
    return Trouble(event=_build_disagreement(nights), since=snapshot, is_new=before == "consistent")


def find_agreement(nights: Nights, *, pending: OpenEvent | None) -> Event | None:
    """Return WA502 if tonight's wheels agree and the last verdict (``pending``: WA501) was that they do not."""
    if nights.before is None or nights.after.audit.verdict != "consistent":
        return None
    if pending is None and nights.before.audit.verdict != "inconsistent":
        return None
    audit = nights.before.audit
    projects = find_projects(audit, pending=pending)
    told = None if pending is None else pending.event
    return nights.build_event(
        id="WA502",
        level="note",
        subject="",
        message=f"The wheels of {audit.release.project} agree {nights.since('was inconsistent')}.",
        platforms=find_platforms(audit) or (() if told is None else told.platforms),
        gained=_find_again(nights.after.audit, projects),
        wheels=_find_healed(nights.after.audit, audit),
    )


def find_projects(audit: Audit, *, pending: OpenEvent | None = None) -> frozenset[NormalizedName]:
    """Return the projects on which the wheels' requirements disagree, by findings and by what is told already."""
    texts = {text for finding in _find_differences(audit) for text in finding.requirements}
    if pending is not None:
        texts.update((*pending.event.lost, *pending.event.gained))
    return frozenset(NormalizedName(_PROJECT_END.split(text, maxsplit=1)[0]) for text in texts)


def find_platforms(audit: Audit) -> tuple[str, ...]:
    """Return where a lock is wrong; if that is not known, where the differing requirements are needed."""
    if audit.impact:
        return tuple(impact.environments for impact in audit.impact)
    columns = enumerate(audit.matrix.columns)
    return tuple(name for at, name in columns if any(states[at] != "absent" for _, states in audit.matrix.rows))


def find_lost(audit: Audit) -> tuple[str, ...]:
    """Return what a lock loses; where that is not known, or is nothing at all, what wheels lack that others need."""
    if audit.impact:
        return tuple(sorted({text for impact in audit.impact for text in impact.lost}))
    return tuple(sorted(_find_requirements(audit, _MISSING)))


def find_gained(audit: Audit) -> tuple[str, ...]:
    """Return what a lock has too much; where that is not known, what wheels ask for that others do not need."""
    if audit.impact:
        return tuple(sorted({text for impact in audit.impact for text in impact.gained}))
    return tuple(sorted(_find_requirements(audit, _LEAKING)))


def _build_disagreement(nights: Nights) -> Event:
    audit = nights.after.audit
    return nights.build_event(
        id="WA501",
        level="regression",
        subject="",
        message=f"The wheels of {audit.release.project} disagree {nights.since('was consistent')}{_describe(audit)}.",
        platforms=find_platforms(audit),
        lost=find_lost(audit),
        gained=find_gained(audit),
        wheels=_find_evidence(audit),
    )


def _describe(audit: Audit) -> str:
    """Say what it does to a lock; where a lock shows nothing of it, how many requirements it is about."""
    lost, gained = find_lost(audit), find_gained(audit)
    where = "; ".join(find_platforms(audit))
    verbs = [
        f"{verb} {count_of(len(texts), 'requirement')}" for verb, texts in (("loses", lost), ("gains", gained)) if texts
    ]
    if audit.impact:
        return f": a lock {' and '.join(verbs)} in {where}"
    return f" about {count_of(len({*lost, *gained}), 'requirement')} of {where}" if verbs else ""


def _find_differences(audit: Audit) -> tuple[Finding, ...]:
    return tuple(finding for finding in audit.findings if finding.id.startswith("WA1"))


def _find_requirements(audit: Audit, ids: Iterable[str]) -> set[str]:
    return {text for finding in audit.findings if finding.id in ids for text in finding.requirements}


def _find_faulty(audit: Audit) -> frozenset[str]:
    """Return the file names of the wheels that lack something; where none does, of all that a finding names."""
    findings = _find_differences(audit)
    lacking = [finding for finding in findings if finding.id in _MISSING] or findings
    return frozenset(name for finding in lacking for name in finding.wheels)


def _find_evidence(audit: Audit) -> tuple[EventWheel, ...]:
    """The wheels that lack something, and the first of every group: one that has it among them."""
    faulty = _find_faulty(audit)
    first = {group.wheels[0] for group in audit.groups}
    return build_evidence(
        reading for reading in audit.readings if reading.wheel in first or reading.wheel.filename in faulty
    )


def _find_again(audit: Audit, projects: Iterable[NormalizedName]) -> tuple[str, ...]:
    """What all wheels now ask for of the projects on which they disagreed."""
    lines = (parse_requirement_line(text) for group in audit.groups for text in group.requires_dist)
    return tuple(sorted({str(line.key) for line in lines if line.key.project in set(projects)}))


def _find_healed(audit: Audit, before: Audit) -> tuple[EventWheel, ...]:
    """Tonight's wheels for the platforms whose wheels lacked something; the first of all where there are none."""
    faulty = {strip_version(name) for name in _find_faulty(before)}
    healed = [reading for reading in audit.readings if strip_version(reading.wheel.filename) in faulty]
    return build_evidence(healed or audit.readings[:1])
