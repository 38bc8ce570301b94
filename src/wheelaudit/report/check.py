"""OUTPUT (pure): what became of a project's overrides, for a person and as JSON."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wheelaudit.audit.values import Finding
from wheelaudit.report.lines import BLANK, KEEP, Line, paragraph, render_lines
from wheelaudit.report.text import count_of, escape_text

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One entry of a project's file, and what is to be told of it."""

    file: str
    line: int
    name: str | None
    version: str | None
    """None: all versions, or one that is not understood."""
    label: str
    """``torch 2.6.0+cu126``."""
    ours: bool
    status: str
    """`checking.Status`."""
    findings: tuple[Finding, ...]
    pairs: int | None
    """(environment, extra) pairs in which it was evaluated; None where it was not."""
    error: str | None
    """Why the release could not be audited."""
    ignored: tuple[str, ...] = ()
    """Findings that the project has put off, with the reason: ``WA402 until 2027-01-31: ...``."""
    remedy: str | None = None
    """`checking.Mending`: what ``--write`` does with it; None: nothing."""
    mended: bool = False
    """Whether that has been done."""


_WORDS = {
    "current": ("current", "green"),
    "stale": ("STALE", "bold red"),
    "unneeded": ("NOT NEEDED", "bold yellow"),
    "ineffective": ("NO EFFECT", "bold red"),
    "shadowed": ("SHADOWED", "bold red"),
    "unknown": ("unknown", "bold yellow"),
    "failed": ("not checked", "bold yellow"),
}

UNKNOWN = "Some wheel could not be read, so what the release needs is unknown: try again later."


def render_check(lines: Sequence[CheckLine], *, file: str, written: Sequence[str], width: int, color: bool) -> str:
    """Return the report: a line per entry, findings and remedies below, what was written at the end."""
    printed: list[Line] = []
    if not lines:
        printed += paragraph(f"{escape_text(file)} has {describe_check(lines)}.", width)
    else:
        printed += paragraph(f"{escape_text(file)}: {describe_check(lines)}", width, style="bold")
    for each in lines:
        printed += [BLANK, *_entry(each, width)]
    steps = list(find_check_steps(lines, written))
    if steps:
        printed.append(BLANK)
    for step in steps:
        printed += paragraph(step, width)
    return render_lines(printed, color=color)


def describe_check(lines: Sequence[CheckLine]) -> str:
    """Return how it stands with the overrides of a file, in one line without the file's name."""
    if not lines:
        return "no overrides (dependency-metadata), nothing to check"
    count = count_of(len(lines), "override")
    wrong = sum(1 for each in lines if _is_wrong(each))
    mended = sum(1 for each in lines if each.mended)
    if not wrong and not mended:
        return f"{count}, {'in order' if len(lines) == 1 else 'all in order'}"
    told = [f"{mended} mended"] if mended else []
    return ", ".join([count, *told, *([f"{count_of(wrong, 'needs', 'need')} attention"] if wrong else [])])


def _is_wrong(each: CheckLine) -> bool:
    """Whether something is left to be done, or to be known."""
    return not each.mended and bool(each.findings or each.error or each.status == "unknown")


def describe_status(each: CheckLine) -> str:
    """Return the word for what an entry is, in capitals where it is wrong."""
    return _WORDS.get(each.status, (each.status, ""))[0]


def describe_mending(each: CheckLine) -> str:
    """Return what was done with an entry, or what would do it; "" where that is for a person to decide."""
    if each.remedy is None or not each.findings:
        return ""
    if each.mended:
        return f"The entry is {each.remedy} now."
    return f"`wheelaudit check --write{'' if each.ours else ' --all-entries'}` mends it."


def find_check_steps(lines: Sequence[CheckLine], written: Sequence[str]) -> Iterator[str]:
    """Yield what was written, and what the reader does now, a sentence or two each, escaped."""
    if written:
        yield f"Written: {', '.join(map(escape_text, written))}. Now run `uv lock`."
    left = [each for each in lines if each.remedy is not None and each.findings and not each.mended]
    if any(each.ours for each in left):
        yield "`wheelaudit check --write` mends what wheelaudit wrote."
    if any(not each.ours for each in left):
        yield "`wheelaudit check --write --all-entries` mends what others wrote too."


def _entry(each: CheckLine, width: int) -> Iterator[Line]:
    style = _WORDS.get(each.status, ("", ""))[1]
    whose = "" if each.ours else ", not written by wheelaudit"
    yield ((f"  {describe_status(each)}", style), (f"  {escape_text(each.label)}", ""))
    yield from paragraph(f"in {escape_text(each.file)}, line {each.line}{whose}", width, indent=4)
    if each.status == "current" and each.pairs is not None:
        yield from paragraph(f"right in {each.pairs} of {each.pairs} environment/extra pairs", width, indent=4)
    if each.status == "unknown":
        yield from paragraph(UNKNOWN, width, indent=4)
    if each.error is not None:
        yield from paragraph(escape_text(each.error), width, indent=4)
    for finding in each.findings:
        yield from paragraph(f"{finding.id}{KEEP * 2}{escape_text(finding.message)}", width, indent=4, hang=7)
        if finding.help and not each.mended:
            yield from paragraph(f"help: {escape_text(finding.help)}", width, indent=11, hang=6)
    if each.mended:
        yield from paragraph(f"{each.remedy} now", width, indent=11, style="green")
    for ignored in each.ignored:
        yield from paragraph(f"ignored: {escape_text(ignored)}", width, indent=4, hang=9)


def render_check_json(lines: Sequence[CheckLine], *, file: str, written: Sequence[str]) -> str:
    """Return the same as JSON, in the shape that ``check-schema.json`` beside this file publishes."""
    document = {
        "schema": SCHEMA_VERSION,
        "file": file,
        "entries": [_build_entry(each) for each in lines],
        "written": list(written),
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def read_check_schema() -> str:
    """Return the published JSON Schema (draft 2020-12) of what `render_check_json` writes."""
    return importlib.resources.files("wheelaudit.report").joinpath("check-schema.json").read_text(encoding="utf-8")


def _build_entry(each: CheckLine) -> dict[str, object]:
    return {
        "name": each.name,
        "version": each.version,
        "file": each.file,
        "line": each.line,
        "ours": each.ours,
        "status": each.status,
        "findings": [
            {
                "id": finding.id,
                "message": finding.message,
                "wheels": list(finding.wheels),
                "requirements": list(finding.requirements),
                "help": finding.help,
            }
            for finding in each.findings
        ],
        "environments": each.pairs,
        "ignored": list(each.ignored),
        "error": each.error,
        "remedy": each.remedy,
        "mended": each.mended,
    }
