"""OUTPUT (pure): audits as results, from which SARIF and workflow annotations are made."""

from __future__ import annotations

from collections.abc import Sequence

from wheelaudit.audit.values import Audit, Finding
from wheelaudit.errors import WheelAuditError
from wheelaudit.report.bounds import cut_text
from wheelaudit.report.human import describe_verdict
from wheelaudit.report.results import Level, Result

MOST_NAMED = 40
"""Requirements or wheels that a result names; an annotation is read in a corner of a page."""
MOST_NAME = 200
"""Characters of one of them."""


def build_audit_results(
    audits: Sequence[Audit], *, failures: Sequence[tuple[str, WheelAuditError]] = ()
) -> tuple[Result, ...]:
    """Return every finding, and everything that is not known or could not be done, in the order of the releases."""
    results: list[Result] = []
    for audit in audits:
        results += (_build_result(audit, finding) for finding in audit.findings)
        if audit.verdict == "undecided":
            word, _, reason = describe_verdict(audit)
            results.append(Result(rule=None, level="warning", message=f"{audit.release.spec} is {word}: {reason}."))
    results += (build_failure(spec, error) for spec, error in failures)
    return tuple(results)


def build_failure(spec: str, error: WheelAuditError) -> Result:
    """Return what could not be done at all as a result."""
    return Result(rule=None, level="error", message=cut_text(f"{spec} could not be done: {error}"))


def _build_result(audit: Audit, finding: Finding) -> Result:
    # What the wheels disagree in makes a lock wrong; a fault of the index need not.
    level: Level = "warning" if finding.id.startswith("WA2") else "error"
    details = (name_some(finding.requirements), name_some(finding.wheels), cut_text(finding.help))
    return Result(
        rule=finding.id,
        level=level,
        message=cut_text(f"{audit.release.spec}: {finding.message}"),
        details=tuple(detail for detail in details if detail),
    )


def name_some(names: Sequence[str]) -> str:
    """Return names in one line, and how many more there are; "" for none."""
    rest = len(names) - MOST_NAMED
    return ", ".join(cut_text(name, MOST_NAME) for name in names[:MOST_NAMED]) + (
        f" and {rest} more" if rest > 0 else ""
    )
