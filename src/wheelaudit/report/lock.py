"""OUTPUT (pure): what a lock gives its platforms, for a person, and as results for SARIF and annotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from wheelaudit.audit.values import LockFinding
from wheelaudit.lock import LockKind
from wheelaudit.report.lines import BLANK, KEEP, Line, Style, layout_columns, paragraph, render_lines, title
from wheelaudit.report.results import Level, Result
from wheelaudit.report.text import count_of, escape_text

MIN_WIDTH = 60
"""Terminal cells, as in the report of an audit."""

LineStatus = Literal["right", "wrong", "unknown", "skipped", "failed"]
"""As `LockStatus`; besides: nothing to compare, or it could not be done at all."""

OverrideState = Literal["written", "would write", "in place", "none needed", "to remove"]
"""Of the override that mends a release: it is in the project's file now; ``--write`` would put it there; it was there
before, and the lock is older; the wheels agree by now, so that locking again is enough; they agree, and one that was
right once stands in the way."""

STATUSES: tuple[LineStatus, ...] = ("right", "wrong", "unknown", "skipped", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockLine:
    """One locked release, and what is to be told of it."""

    project: str
    version: str | None
    """None where the lock has none."""
    index: str | None
    """As the user or the lock names it, without credentials; None where it comes from no index."""
    status: LineStatus
    reason: str | None = None
    """Why it was skipped, failed or is unknown: ``sdist only``, ``from a path``, or a sentence; None for the others."""
    findings: tuple[LockFinding, ...] = ()
    wheels: int = 0
    """That the lock names."""
    read: int = 0
    """Of them, whose metadata is known."""
    override: OverrideState | None = None
    """None: there is none, or the question does not arise."""
    no_override: str | None = None
    """Why a release that is wrong has none: one sentence."""
    cache_clean: bool = False
    """Whether uv keeps what it once read of the release, whatever the index says now."""
    ignored: tuple[str, ...] = ()
    """Findings that the project has put off: ``WA411 until 2027-01-31: ...``."""
    line: int | None = None
    """Of the lock, where the package begins; None: not known."""

    @property
    def label(self) -> str:
        """``torch 2.6.0+cu126``, not escaped."""
        return self.project if self.version is None else f"{self.project} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockReport:
    """What is to be told of a lock."""

    lock: str
    """Its name, as somebody in the working folder would write it."""
    kind: LockKind
    lines: tuple[LockLine, ...]
    """In the lock's order."""
    notes: tuple[str, ...] = ()
    """What holds for the lock as a whole, a sentence each."""
    written: tuple[str, ...] = ()
    """The files that ``--write`` has changed."""

    def find_lines(self, status: LineStatus) -> tuple[LockLine, ...]:
        """Return the lines of a status, in the lock's order."""
        return tuple(line for line in self.lines if line.status == status)


_FINDING_WORDS: dict[str, tuple[str, Style]] = {
    "WA411": ("LOST", "bold red"),
    "WA412": ("GAINED", "bold yellow"),
    "WA413": ("PINNED", "bold magenta"),
}
_FINDING_MEANINGS = {
    "WA411": "needed there, missing from the lock",
    "WA412": "in the lock, not asked for there",
    "WA413": "locked in a version that the wheel does not admit",
}


def render_lock(report: LockReport, *, width: int, color: bool, verbose: bool = False) -> str:
    """Return the report, ending with a newline: the verdict, what is wrong, a summary, what to do next.

    ``verbose`` also names what was skipped.
    """
    width = max(width, MIN_WIDTH)
    lines = _verdict(report, width)
    for each in report.find_lines("wrong"):
        lines += [BLANK, *_wrong(each, width)]
    for section in (_untold(report, width), _summary(report, width, verbose=verbose), _notes(report, width)):
        lines += [BLANK, *section] if section else []
    steps = list(find_lock_steps(report))
    if steps:
        lines += [BLANK, title("What to do next")]
    for number, step in enumerate(steps, start=1):
        label = f"{number}. " if len(steps) > 1 else ""
        lines += paragraph(label + step, width, indent=2, hang=len(label))
    return render_lines(lines, color=color)


def describe_lock(report: LockReport) -> tuple[str, Style]:
    """Return the verdict without the lock's name, in one line, and its style."""
    counts = {status: len(report.find_lines(status)) for status in STATUSES}
    compared = len(report.lines) - counts["skipped"]
    told = [f"{count} {word}" for word, count in counts.items() if word in ("failed", "unknown") and count]
    rest = f", {' and '.join(told)}" if told else ""
    if counts["wrong"]:
        verb = "is" if counts["wrong"] == 1 else "are"
        return f"{counts['wrong']} of {count_of(compared, 'release')} {verb} not given what the wheels ask for{rest}", (
            "bold red"
        )
    if not compared:
        return f"nothing to compare in {count_of(len(report.lines), 'release')}", "bold"
    if told:
        return f"{counts['right']} of {count_of(compared, 'release')} right{rest}", "bold yellow"
    if compared == 1:
        return "its 1 release is given what its wheels ask for", "bold green"
    return f"all {compared} releases are given what their wheels ask for", "bold green"


def _verdict(report: LockReport, width: int) -> list[Line]:
    text, style = describe_lock(report)
    return paragraph(f"{escape_text(report.lock)}: {text}", width, style=style)


def _wrong(each: LockLine, width: int) -> list[Line]:
    where = "" if each.index is None else f" on {each.index}"
    lines = paragraph(escape_text(f"{each.label}{where}"), width, hang=2, style="bold")
    for finding in each.findings:
        lines += _finding(finding, width)
    for help_text in dict.fromkeys(finding.help for finding in each.findings if finding.help):
        lines += paragraph(f"help: {escape_text(help_text)}", width, indent=2, hang=6, style="dim")
    told = describe_override(each)
    if told:
        lines += paragraph(f"override: {escape_text(told)}", width, indent=2, hang=10)
    for ignored in each.ignored:
        lines += paragraph(f"ignored: {escape_text(ignored)}", width, indent=2, hang=9)
    return lines


def _finding(finding: LockFinding, width: int) -> list[Line]:
    word, style = _FINDING_WORDS.get(finding.id, ("WRONG", "bold red"))
    meaning = _FINDING_MEANINGS.get(finding.id) or escape_text(finding.message)
    lines: list[Line] = []
    for place in finding.environments.split("; "):
        lines += paragraph(escape_text(place), width, indent=2, hang=2, style="bold")
    head = f"{escape_text(finding.id)}{KEEP * 2}{word}{KEEP}{len(finding.requirements)}: {meaning}"
    lines += paragraph(head, width, indent=2, hang=7, style=style)
    rows = layout_columns([escape_text(requirement) for requirement in finding.requirements], width - 9)
    return [*lines, *(((f"         {row}", ""),) for row in rows)]


def describe_finding(finding: LockFinding) -> str:
    """Return what is wrong and where, one sentence, not escaped."""
    told = finding.environments in finding.message
    return finding.message if told else f"{finding.environments}: {finding.message}"


def describe_override(each: LockLine) -> str:
    """Return what there is to say of the override of a release, not escaped; "" where there is nothing."""
    match each.override:
        case "written":
            return "written into the project."
        case "would write":
            return "there is one that is right; --write puts it into the project."
        case "in place":
            return "in the project already, but the lock is older or was made without it."
        case "none needed":
            return "none is needed, all wheels ask for the same by now: lock again."
        case "to remove":
            return "the project has one that the release does not need any more."
        case None:
            return each.no_override or ""


def _untold(report: LockReport, width: int) -> list[Line]:
    """What is not known: it may hide anything, so each is named with its reason."""
    lines: list[Line] = []
    for status, word, style in (("failed", "not done", "bold red"), ("unknown", "unknown", "bold yellow")):
        for each in report.lines:
            if each.status == status:
                text = f"{word}: {each.label}{describe_reading(each)}: {each.reason or 'no reason is known.'}"
                lines += paragraph(escape_text(text), width, hang=2, style=style)
    return lines


def describe_reading(each: LockLine) -> str:
    """Return ``, 3 of 14 wheels unread``; "" where all were read, or none is named."""
    unread = each.wheels - each.read
    return f", {unread} of {count_of(each.wheels, 'wheel')} unread" if each.status == "unknown" and unread else ""


def _summary(report: LockReport, width: int, *, verbose: bool) -> list[Line]:
    size = len(str(len(report.lines)))
    words = {"unknown": "unknown: some wheel could not be read", "failed": "not done"}
    wheels = sum(line.read for line in report.lines)
    lines = [title(f"{count_of(len(report.lines), 'release')} in the lock, {count_of(wheels, 'wheel')} read")]
    for status in STATUSES:
        found = report.find_lines(status)
        if found:
            count = str(len(found))
            lines += paragraph(f"{count} {words.get(status, status)}", width, indent=2 + size - len(count))
        if status == "skipped":
            lines += _skipped(found, width, indent=size + 3, verbose=verbose)
    return lines


def _skipped(found: Sequence[LockLine], width: int, *, indent: int, verbose: bool) -> list[Line]:
    lines: list[Line] = []
    for reason, labels in group_reasons(found):
        names = f": {', '.join(label.replace(' ', KEEP) for label in map(escape_text, labels))}" if verbose else ""
        lines += paragraph(f"{len(labels)} {escape_text(reason)}{names}", width, indent=indent, hang=2)
    return lines


def group_reasons(lines: Sequence[LockLine]) -> list[tuple[str, list[str]]]:
    """Return each reason with the labels of its releases, the commonest first, then by name."""
    labels: dict[str, list[str]] = {}
    for each in lines:
        labels.setdefault(each.reason or "for no reason that is known", []).append(each.label)
    return sorted(labels.items(), key=lambda item: (-len(item[1]), item[0]))


def _notes(report: LockReport, width: int) -> list[Line]:
    lines: list[Line] = []
    for note in report.notes:
        lines += paragraph(f"note: {escape_text(note)}", width, hang=6)
    return lines


def find_lock_steps(report: LockReport) -> Iterator[str]:
    """Yield what the reader does now, one sentence or two each, escaped, with `KEEP` inside commands."""
    wrong = report.find_lines("wrong")
    if report.written:
        yield f"Written: {', '.join(map(escape_text, report.written))}."
    elif any(each.override == "would write" for each in wrong):
        yield f"Run `wheelaudit{KEEP}lock{KEEP}--write`: it puts the overrides into the project."
    if any(each.override == "to remove" for each in wrong):
        yield f"Run `wheelaudit{KEEP}check`: it names the override to remove, and with --write removes its own."
    names = dict.fromkeys(escape_text(each.project) for each in wrong if each.cache_clean and each.override)
    if names:
        clean = f"uv{KEEP}cache{KEEP}clean{KEEP}{KEEP.join(names)}"
        yield f"Run `{clean}`: uv never reads metadata of that index twice."
    if any(each.override for each in wrong):
        export = "" if report.kind == "uv.lock" else f", then export {escape_text(report.lock)} again"
        yield f"Run `uv{KEEP}lock`{export}."
    if any(each.override is None for each in wrong):
        yield "Where there is no override, do not trust this lock; pin a release that is consistent."
    if report.find_lines("unknown") or report.find_lines("failed"):
        yield "Run this again when every wheel can be read; until then do not trust the lock of those releases."


# --- as results --------------------------------------------------------------------------------------


def build_lock_results(report: LockReport) -> tuple[Result, ...]:
    """Return every finding, and everything that could not be done or is not known, in the lock's order."""
    results: list[Result] = []
    for each in report.lines:
        results += (_build_result(report, each, finding) for finding in each.findings)
        if each.status in ("failed", "unknown"):
            results.append(_build_notification(report, each))
    return tuple(results)


def _build_result(report: LockReport, each: LockLine, finding: LockFinding) -> Result:
    return Result(
        rule=finding.id,
        level="error",
        message=f"{each.label}: {describe_finding(finding)}",
        details=(", ".join(finding.requirements), *([finding.help] if finding.help else [])),
        file=report.lock,
        line=each.line,
    )


def _build_notification(report: LockReport, each: LockLine) -> Result:
    level: Level = "error" if each.status == "failed" else "warning"
    what = "could not be checked" if each.status == "failed" else "is unknown"
    message = f"{each.label} {what}{describe_reading(each)}: {each.reason or 'no reason is known.'}"
    return Result(rule=None, level=level, message=message, file=report.lock, line=each.line)
