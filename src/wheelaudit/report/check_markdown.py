"""OUTPUT (pure): what became of a project's overrides as Markdown, for an issue, a pull request or a step summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wheelaudit.report.bounds import cut_text
from wheelaudit.report.check import UNKNOWN, CheckLine, describe_check, describe_status, find_check_steps
from wheelaudit.report.markdown import escape_markdown, render_code, render_prose, render_table


def render_check_markdown(lines: Sequence[CheckLine], *, file: str, written: Sequence[str]) -> str:
    """Return the report, ending with a newline; it says what `report.check.render_check` says."""
    blocks = [f"# {render_code(file)}: {escape_markdown(describe_check(lines))}\n"]
    if lines:
        blocks.append(render_table(("Override", "Status", "Findings", "Where"), map(_build_row, lines)))
    for each in lines:
        if each.findings or each.error is not None or each.status == "unknown" or each.ignored:
            blocks += _entry(each)
    steps = [
        f"{number}. {render_prose(step)}\n" for number, step in enumerate(find_check_steps(lines, written), start=1)
    ]
    if steps:
        blocks += ["## What to do next\n", "".join(steps)]
    return "\n".join(blocks)


def _build_row(each: CheckLine) -> tuple[str, str, str, str]:
    return (
        render_code(each.label),
        escape_markdown(_describe_status(each)),
        escape_markdown(", ".join(dict.fromkeys(finding.id for finding in each.findings))),
        f"{render_code(each.file)}, line {each.line}{'' if each.ours else ', not written by wheelaudit'}",
    )


def _describe_status(each: CheckLine) -> str:
    word = describe_status(each).lower()
    if each.mended:
        return f"{word}, {each.remedy} now"
    if each.status == "current" and each.pairs is not None:
        return f"{word}: right in {each.pairs} of {each.pairs} environment/extra pairs"
    return word


def _entry(each: CheckLine) -> Iterator[str]:
    yield f"## {render_code(each.label)}: {escape_markdown(_describe_status(each))}\n"
    if each.status == "unknown":
        yield f"{UNKNOWN}\n"
    if each.error is not None:
        # Never at the start of a line: blanks there would make it code.
        yield f"Not checked: {render_prose(cut_text(each.error))}\n"
    for finding in each.findings:
        yield f"**{escape_markdown(finding.id)}** {render_prose(cut_text(finding.message))}\n"
        if finding.help and not each.mended:
            yield f"Help: {render_prose(cut_text(finding.help))}\n"
    for ignored in each.ignored:
        yield f"Ignored: {escape_markdown(cut_text(ignored))}\n"
