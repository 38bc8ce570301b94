"""OUTPUT (pure): what became of a project's overrides as results, from which SARIF and annotations are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wheelaudit.audit.values import Finding
from wheelaudit.report.audit_results import name_some
from wheelaudit.report.bounds import cut_text
from wheelaudit.report.check import CheckLine, describe_mending
from wheelaudit.report.results import Level, Result


def build_check_results(lines: Sequence[CheckLine]) -> tuple[Result, ...]:
    """Return every finding, and what is not known, could not be done or is put off, in the order of the entries.

    Each is in the line in which its entry was read: what a workflow annotates is the commit
    that it has checked out, whatever ``--write`` has moved since.
    """
    results: list[Result] = []
    for each in lines:
        results += (_build_result(each, finding) for finding in each.findings)
        results += _build_notifications(each)
    return tuple(results)


def _build_result(each: CheckLine, finding: Finding) -> Result:
    # An override that nobody needs does no harm yet; any other makes a lock wrong.
    level: Level = "warning" if each.status == "unneeded" else "error"
    # Those that are lacking and those that are too many: which is which, the message says, but not of all of them.
    named = f"In question: {name_some(finding.requirements)}" if finding.requirements else ""
    details = (named, "" if each.mended else cut_text(finding.help), describe_mending(each))
    return Result(
        rule=finding.id,
        level="note" if each.mended else level,
        message=cut_text(f"{each.label}: {finding.message}"),
        details=tuple(detail for detail in details if detail),
        file=each.file,
        line=each.line,
    )


def _build_notifications(each: CheckLine) -> Iterator[Result]:
    if each.error is not None:
        yield _build_notification(each, "error", f"could not be checked: {each.error}")
    if each.status == "unknown":
        yield _build_notification(each, "warning", "is unknown: some wheel could not be read. Try again later.")
    for ignored in each.ignored:
        yield _build_notification(each, "note", f"has a finding that is ignored: {ignored}")


def _build_notification(each: CheckLine, level: Level, what: str) -> Result:
    return Result(rule=None, level=level, message=cut_text(f"{each.label} {what}"), file=each.file, line=each.line)
