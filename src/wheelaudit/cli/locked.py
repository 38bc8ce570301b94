"""ROOF: from the releases of a lock, as the landing has compared them, to the lines of its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wheelaudit.errors import WheelAuditError

if TYPE_CHECKING:
    import datetime

    from wheelaudit.audit.values import Audit
    from wheelaudit.locking import CheckedRelease, LockCheck
    from wheelaudit.patching import Patch
    from wheelaudit.project.rules import Rules
    from wheelaudit.report.lock import LockLine, LockReport, OverrideState


def build_line(release: CheckedRelease, rules: Rules, today: datetime.date) -> LockLine:
    """Return what is to be told of a release; findings that the project has put off are told apart."""
    from wheelaudit.metadata import UnreadableWheel
    from wheelaudit.report.lock import LockLine

    line = LockLine(
        project=release.project,
        version=None if release.version is None else str(release.version),
        index=release.index,
        status="skipped",
        wheels=release.wheels,
        line=release.line,
    )
    if release.error is not None:
        return replace(line, status="failed", reason=str(release.error))
    if release.lock_audit is None:
        return replace(line, reason=release.skipped)
    audit = release.lock_audit
    unread = [reading.error for reading in audit.readings if isinstance(reading, UnreadableWheel)]
    line = replace(line, status=audit.status, findings=audit.findings, read=len(audit.readings) - len(unread))
    if audit.status == "unknown":
        line = replace(line, reason=unread[0].message if unread else "some requirements cannot be understood")
    return _put_off(line, release, rules, today, unread=bool(unread))


def _put_off(line: LockLine, release: CheckedRelease, rules: Rules, today: datetime.date, *, unread: bool) -> LockLine:
    """Take out the findings that the project ignores for now, and say which."""
    ignored: dict[str, str] = {}
    for finding in line.findings:
        for rule in rules.ignore:
            if rule.covers(finding.id, release.project, release.version, today=today):
                ignored[finding.id] = f"{finding.id} until {rule.until.isoformat()}: {rule.reason}"
    if not ignored:
        return line
    kept = tuple(finding for finding in line.findings if finding.id not in ignored)
    line = replace(line, findings=kept, ignored=tuple(ignored.values()))
    if kept:
        return line
    if unread:
        return replace(line, status="unknown", reason=f"some wheel is unread; {'; '.join(line.ignored)}")
    return replace(line, status="skipped", reason=f"ignored: {'; '.join(line.ignored)}")


def find_audits(check: LockCheck, lines: Sequence[LockLine]) -> list[Audit]:
    """Return the audits of the releases that are wrong, one a release: a lock may hold it from two indexes."""
    pairs = zip(check.releases, lines, strict=True)
    return [release.audit for release, line in pairs if line.status == "wrong" and release.audit is not None]


def add_override(release: CheckedRelease, line: LockLine, plan: Patch | WheelAuditError) -> LockLine:
    """Say what mends a release that is wrong, and whether uv would read its metadata again at all."""
    from wheelaudit.audit.uv import keeps_for_good

    if line.status != "wrong":
        return line
    audit = release.audit
    if audit is None:
        return replace(line, no_override="the release could not be audited as a whole.")
    line = replace(line, cache_clean=keeps_for_good(audit.release))
    if audit.verdict == "consistent":
        return replace(line, override="to remove" if _has_entry(plan, audit) else "none needed")
    if audit.override is None:
        return replace(line, no_override=audit.no_override or "there is none while a wheel is unread.")
    if isinstance(plan, WheelAuditError):
        return replace(line, no_override=f"there is one, but it cannot be written: {plan}")
    state: OverrideState = "would write" if audit.release.spec in plan.entries else "in place"
    # An override takes the place of the metadata, and with it of whatever uv keeps.
    return replace(line, override=state, cache_clean=False)


def _has_entry(plan: Patch | WheelAuditError, audit: Audit) -> bool:
    """Whether the project has an override of the release, which uv reads instead of its wheels."""
    if isinstance(plan, WheelAuditError):
        return False
    return any(entry.is_for(audit.release.project, audit.release.version) for entry in plan.find_entries())


def tell_written(report: LockReport) -> LockReport:
    """Return the report after the file was written."""
    return replace(
        report,
        lines=tuple(
            replace(line, override="written") if line.override == "would write" else line for line in report.lines
        ),
    )
