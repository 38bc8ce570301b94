"""OUTPUT (pure): what a lock gives its platforms as Markdown, for an issue, a pull request or a step summary."""

from __future__ import annotations

from collections.abc import Iterator

from wheelaudit.audit.values import LockFinding
from wheelaudit.report.lines import KEEP
from wheelaudit.report.lock import (
    STATUSES,
    LockLine,
    LockReport,
    describe_finding,
    describe_lock,
    describe_override,
    describe_reading,
    find_lock_steps,
    group_reasons,
)
from wheelaudit.report.markdown import escape_markdown, render_code, render_fence, render_prose, render_table


def render_lock_markdown(report: LockReport) -> str:
    """Return the report, ending with a newline; it says what `render_lock` says."""
    blocks = [f"# {render_code(report.lock)}: {escape_markdown(describe_lock(report)[0])}\n"]
    wrong = report.find_lines("wrong")
    if wrong:
        rows = [_build_row(each, finding) for each in wrong for finding in each.findings]
        blocks.append(render_table(("Release", "Finding", "Requirements", "Where"), rows, right=(2,)))
    for each in wrong:
        blocks += _wrong(each)
    blocks += _untold(report)
    blocks += _summary(report)
    blocks += [f"Note: {render_prose(note)}\n" for note in report.notes]
    steps = [
        f"{number}. {render_prose(step.replace(KEEP, ' '))}\n"
        for number, step in enumerate(find_lock_steps(report), start=1)
    ]
    if steps:
        blocks += ["## What to do next\n", "".join(steps)]
    return "\n".join(blocks)


def _build_row(each: LockLine, finding: LockFinding) -> tuple[str, str, str, str]:
    return (
        render_code(each.label),
        escape_markdown(finding.id),
        str(len(finding.requirements)),
        escape_markdown(finding.environments),
    )


def _wrong(each: LockLine) -> Iterator[str]:
    index = "" if each.index is None else f" on {render_code(each.index)}"
    yield f"## {render_code(each.label)}{index}\n"
    for finding in each.findings:
        yield f"**{escape_markdown(finding.id)}** {render_prose(describe_finding(finding))}\n"
        yield render_fence(finding.requirements)
        if finding.wheels:
            yield f"Asked otherwise by {', '.join(map(render_code, finding.wheels))}.\n"
    for help_text in dict.fromkeys(finding.help for finding in each.findings if finding.help):
        yield f"Help: {render_prose(help_text)}\n"
    told = describe_override(each)
    if told:
        yield f"Override: {render_prose(told)}\n"
    for ignored in each.ignored:
        yield f"Ignored: {escape_markdown(ignored)}\n"


def _untold(report: LockReport) -> Iterator[str]:
    lines: list[str] = []
    for status, word in (("failed", "Not done"), ("unknown", "Unknown")):
        for each in report.lines:
            if each.status == status:
                reason = escape_markdown(each.reason or "no reason is known.")
                lines.append(f"- {word}: {render_code(each.label)}{describe_reading(each)}: {reason}\n")
    if lines:
        yield "## Not known\n"
        yield "".join(lines)


def _summary(report: LockReport) -> Iterator[str]:
    rows = [(status, str(len(report.find_lines(status)))) for status in STATUSES if report.find_lines(status)]
    yield "## Summary\n"
    yield render_table(("Releases", str(len(report.lines))), rows, right=(1,))
    skipped = group_reasons(report.find_lines("skipped"))
    if skipped:
        yield "Skipped:\n"
        yield "".join(f"- {len(labels)} {escape_markdown(reason)}\n" for reason, labels in skipped)
