"""OUTPUT (pure): audits as the report that a person reads, on a terminal or pasted into a ticket.

Everything is laid out here, to a width, as lines of (text, style) pieces, and only then
coloured: colour adds no word and takes none away. The report's own words are ASCII, so
that the poorest terminal shows it. No line is longer than the width except the override,
which is pasted into a file, and URLs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wheelaudit.audit.uv import keeps_for_good
from wheelaudit.audit.values import Audit, Deviation, Finding, Group, Impact, Proof, State
from wheelaudit.errors import WheelAuditError
from wheelaudit.metadata import UnreadableWheel
from wheelaudit.release import SkippedFile
from wheelaudit.report.lines import (
    BLANK,
    KEEP,
    Line,
    Style,
    cell_width,
    layout_columns,
    pad,
    paragraph,
    render_lines,
    title,
    wrap_words,
)
from wheelaudit.report.matrix import STYLES, WORDS, layout_matrix
from wheelaudit.report.text import collapse_pythons, count_of, escape_text
from wheelaudit.report.toml import render_override

MIN_WIDTH = 60
"""Terminal cells. Narrower, the report's own short lines do not fit, and the terminal wraps them."""
REPEATED = 4
"""Requirements; a list of so many that was told for other environments is referred to, not repeated."""
MOST_FINDINGS = 3
"""Findings of one id; there can be one for every metadata, and the report is to be read at a glance. JSON has all."""
MOST_UNREAD = 10
"""Wheels that are listed with their errors: a server that is down fails for all of them alike."""


def render_human(
    audits: Sequence[Audit], *, width: int, color: bool, failures: Sequence[tuple[str, WheelAuditError]] = ()
) -> str:
    """Return the report, ending with a newline, laid out to ``width`` terminal cells.

    Several releases open with a summary. ``failures`` holds the SPECs that could not be
    done at all. Without ``color`` the text is plain; with it, it is the same text between
    SGR sequences.
    """
    width = max(width, MIN_WIDTH)
    parts: list[list[Line]] = []
    if len(audits) + len(failures) > 1:
        parts.append(_summary(audits, failures, width))
    parts += [_report(audit, width) for audit in audits]
    parts += [_failure(spec, error, width) for spec, error in failures]
    rule: list[Line] = [BLANK, ((("=" * width), "dim"),), BLANK]
    lines: list[Line] = []
    for part in parts:
        lines += [*(rule if lines else []), *part]
    return render_lines(lines, color=color)


# --- one release -------------------------------------------------------------------------------------


def _report(audit: Audit, width: int) -> list[Line]:
    sections = [
        _verdict(audit, width),
        _unread(audit, width),
        _groups(audit, width),
        layout_matrix(audit.matrix, width),
        _reads(audit, width),
        _coverage(audit, width),
        _findings(audit, width),
        _yanked(audit, width),
        _skipped(audit.release.skipped, width),
        _override(audit, width),
        _proof(audit.proof, width),
        _next_steps(audit, width),
    ]
    lines: list[Line] = []
    for section in sections:
        if section:
            lines += [*([BLANK] if lines else []), *section]
    return lines


def _verdict(audit: Audit, width: int) -> list[Line]:
    word, style, reason = describe_verdict(audit)
    spec = escape_text(audit.release.spec)
    lines = paragraph(f"{spec} is {word}: {reason}", width, hang=2, style="bold")
    if len(lines) > 1:
        return lines
    return [((spec, "bold"), (" is ", "bold"), (word, style), (f": {reason}", "bold"))]


def describe_verdict(audit: Audit) -> tuple[str, Style, str]:
    """Return the verdict's word, its style, and what it rests on in a few words."""
    wheels = len(audit.release.wheels)
    unread = len(_unread_wheels(audit))
    match audit.verdict:
        case "inconsistent":
            missing = f", {unread} unread" if unread else ""
            variants = f"{len(audit.groups)} different metadata"
            return "INCONSISTENT", "bold red", f"{count_of(wheels, 'wheel')}, {variants}{missing}"
        case "undecided" if unread == wheels:
            return "UNDECIDED", "bold yellow", f"no wheel of {wheels} could be read"
        case "undecided" if unread:
            verb = "agrees" if wheels - unread == 1 else "agree"
            rest = f"the other {wheels - unread} {verb}" if wheels - unread > 1 else "one could"
            return "UNDECIDED", "bold yellow", f"{unread} of {wheels} wheels could not be read, {rest}"
        case "undecided":
            return "UNDECIDED", "bold yellow", f"{count_of(wheels, 'wheel')}, some requirements cannot be understood"
        case "consistent":
            agreement = "its one wheel stands for itself" if wheels == 1 else f"all {wheels} wheels ask for the same"
            return "consistent", "bold green", agreement


def _unread(audit: Audit, width: int) -> list[Line]:
    unread = _unread_wheels(audit)
    if not unread:
        return []
    lines = [title("Wheels that could not be read: what they ask for is unknown")]
    several = len({wheel.index for wheel in audit.release.wheels}) > 1
    for reading in unread[:MOST_UNREAD]:
        where = f" on {escape_text(reading.wheel.index)}" if several else ""
        lines += paragraph(escape_text(reading.wheel.filename) + where, width, indent=2, hang=2)
        lines += paragraph(
            f"{reading.error.finding}: {escape_text(reading.error.message)}", width, indent=6, style="red"
        )
        if reading.error.remedy:
            lines += paragraph(escape_text(reading.error.remedy), width, indent=6)
    return [*lines, *_more(len(unread) - MOST_UNREAD, "wheel", width)]


def _more(count: int, noun: str, width: int) -> list[Line]:
    """Say what was left out for brevity, and where it is."""
    if count <= 0:
        return []
    plural = "" if count == 1 else "s"
    return paragraph(f"and {count} more {noun}{plural}: see --format json", width, indent=2)


def _unread_wheels(audit: Audit) -> list[UnreadableWheel]:
    return [reading for reading in audit.readings if isinstance(reading, UnreadableWheel)]


def _groups(audit: Audit, width: int) -> list[Line]:
    """Which wheels mean the same; nothing to tell where all do."""
    if len(audit.groups) < 2:
        return []
    lines = [title("Wheels that ask for the same")]
    for number, group in enumerate(audit.groups):
        read = audit.reads_uv is not None and audit.reads_uv in group.wheels
        lines += _group(chr(ord("A") + number) if number < 26 else str(number), group, width, read=read)
    return lines


def _group(label: str, group: Group, width: int, *, read: bool) -> list[Line]:
    counts = f"{count_of(len(group.wheels), 'wheel')}, {count_of(len(group.requires_dist), 'requirement')}"
    head: Line = ((f"  {label}  ", "bold"), (counts, ""), ("  <- uv reads one of these" if read else "", "bold"))
    where = _environment_lines(group.environments) if group.environments else ["never the best wheel anywhere"]
    return [head, *(line for each in where for line in paragraph(each, width, indent=5, hang=2))]


# --- what uv reads, and what that costs --------------------------------------------------------------


def _reads(audit: Audit, width: int) -> list[Line]:
    lines = [title("What uv makes of it")]
    bound = "" if audit.requires_python is None else f"In a project with requires-python {audit.requires_python} "
    if audit.reads_uv is None:
        return [*lines, *paragraph(f"{bound}no wheel is left for uv to read.", width, indent=2)]
    name = escape_text(audit.reads_uv.filename)
    wheels = len(audit.release.wheels)
    taken = f"one wheel and takes it for all {wheels}" if wheels > 1 else "its one wheel"
    lines += paragraph(f"{bound}uv reads {taken}:", width, indent=2)
    lines += paragraph(name, width, indent=6, style="bold")
    if not audit.impact:
        return [*lines, *paragraph(_no_impact(audit), width, indent=2)]
    lines += paragraph("A lock made from it is wrong here:", width, indent=2)
    # Sets of environments often lose or gain the same: told in full once.
    told: dict[tuple[State, tuple[str, ...]], str] = {}
    for impact in audit.impact:
        lines += [BLANK, *_impact(impact, told, width)]
    return lines


def _no_impact(audit: Audit) -> str:
    unread = {reading.wheel for reading in _unread_wheels(audit)}
    if audit.reads_uv in unread:
        return "It could not be read, so what a lock made from it loses or gains is not known."
    if audit.verdict == "consistent":
        return "Any of the wheels would do: a lock made from it is right wherever a wheel is."
    if audit.verdict == "undecided" or unread:
        return "What a lock made from it loses or gains is not known: see the wheels above."
    return "A lock made from it loses nothing and gains nothing; one made from another wheel would."


def _impact(impact: Impact, told: dict[tuple[State, tuple[str, ...]], str], width: int) -> list[Line]:
    lines: list[Line] = []
    for each in _environment_lines(impact.environments):
        lines += paragraph(each, width, indent=4, hang=2, style="bold")
    sides: tuple[tuple[State, str, tuple[str, ...]], ...] = (
        ("lost", "needed there, missing from the lock", impact.lost),
        ("gained", "in the lock, not asked for there", impact.gained),
    )
    for state, meaning, requirements in sides:
        if not requirements:
            continue
        word = f"{WORDS[state]} {len(requirements)}"
        lines.append((("    ", ""), (word, STYLES[state]), (f": {meaning}", "")))
        before = told.setdefault((state, requirements), impact.environments)
        if before == impact.environments or len(requirements) < REPEATED:
            rows = layout_columns([escape_text(requirement) for requirement in requirements], width - 6)
            lines += [((f"      {row}", ""),) for row in rows]
        else:
            lines += paragraph(f"the same as for {escape_text(before)}", width, indent=6)
    return lines


def _environment_lines(environments: str) -> list[str]:
    """One set of environments a line: ``linux x86_64, CPython 3.10-3.13``."""
    return [escape_text(each) for each in environments.split("; ")]


def _coverage(audit: Audit, width: int) -> list[Line]:
    if not audit.coverage:
        return []
    platforms = [escape_text(each.platform) for each in audit.coverage]
    size = min(max(map(cell_width, platforms)), width // 2)
    lines = [title("Platforms and Pythons that have a wheel")]
    for platform, each in zip(platforms, audit.coverage, strict=True):
        label, *rest = wrap_words(platform, size)
        pythons = wrap_words(escape_text(collapse_pythons(each.pythons)), width - size - 4)
        rows = max(len(rest) + 1, len(pythons))
        for row in range(rows):
            left = (label, *rest)[row] if row <= len(rest) else ""
            right = pythons[row] if row < len(pythons) else ""
            lines.append(((f"  {pad(left, size)}  {right}".rstrip(), ""),))
    return lines


def _findings(audit: Audit, width: int) -> list[Line]:
    # Wheels that could not be read were told at the top, with what to do.
    told = {(reading.error.finding, reading.error.message) for reading in _unread_wheels(audit) if reading.error.remedy}
    by_id: dict[str, list[Finding]] = {}
    for finding in audit.findings:
        if (finding.id, finding.message) not in told:
            by_id.setdefault(finding.id, []).append(finding)
    lines: list[Line] = []
    for findings in by_id.values():
        for finding in findings[:MOST_FINDINGS]:
            first, *rest = paragraph(escape_text(finding.message), width, indent=9)
            # The id stands in the indent of its sentence.
            lines += [((f"  {escape_text(finding.id):7}", "bold cyan"), (first[0][0][9:], "")), *rest]
        if len(findings) > MOST_FINDINGS:
            more = f"and {len(findings) - MOST_FINDINGS} more {escape_text(findings[0].id)}: see --format json"
            lines += paragraph(more, width, indent=9)
        for help_text in dict.fromkeys(finding.help for finding in findings if finding.help):
            lines += paragraph(f"help: {escape_text(help_text)}", width, indent=9, hang=6, style="dim")
    return [title("Findings"), *lines] if lines else []


def _yanked(audit: Audit, width: int) -> list[Line]:
    reasons = [wheel.yanked for wheel in audit.release.wheels if wheel.yanked is not None]
    if not reasons:
        return []
    lines = [title("Yanked: read only where pinned with ==")]
    for reason in dict.fromkeys(reasons):
        count = count_of(reasons.count(reason), "wheel")
        lines += paragraph(f"{count}: {escape_text(reason) or 'no reason given'}", width, indent=2, hang=4)
    return lines


def _skipped(skipped: Sequence[SkippedFile], width: int) -> list[Line]:
    if not skipped:
        return []
    lines = [title("Files left out")]
    for each in skipped:
        lines += paragraph(f"{escape_text(each.filename)}: {escape_text(each.reason)}", width, indent=2, hang=4)
    return lines


# --- the override ------------------------------------------------------------------------------------


def _override(audit: Audit, width: int) -> list[Line]:
    if audit.override is None:
        if audit.verdict != "inconsistent":
            return []
        return paragraph(escape_text(audit.no_override or "There is no override."), width, style="bold red")
    block = render_override(audit.override).splitlines()
    return [title("Override for pyproject.toml"), BLANK, *(((line, ""),) for line in block)]


def _proof(proof: Proof | None, width: int) -> list[Line]:
    if proof is None:
        return []
    pairs = proof.environments
    if not proof.deviations:
        text = f"proven: {pairs} of {pairs} environment/extra pairs get exactly what their wheel asks for"
        return paragraph(text, width, style="bold green")
    count = count_of(len(proof.deviations), "deviation")
    text = f"NOT faithful everywhere: {count} among {pairs} environment/extra pairs"
    lines = paragraph(text, width, style="bold red")
    for deviation in proof.deviations:
        lines += _deviation(deviation, width)
    return lines


def _deviation(deviation: Deviation, width: int) -> list[Line]:
    extra = f" with extra {escape_text(deviation.extra)}" if deviation.extra else ""
    *places, last = _environment_lines(deviation.environments)
    lines: list[Line] = []
    for place in (*places, last + extra):
        lines += paragraph(place, width, indent=2, hang=2)
    for word, requirements in (("missing", deviation.missing), ("unwanted", deviation.unwanted)):
        if requirements:
            lines += paragraph(f"{word}: {', '.join(map(_unbroken, requirements))}", width, indent=4, hang=2)
    return lines


def _unbroken(requirement: str) -> str:
    return escape_text(requirement).replace(" ", KEEP)


def _next_steps(audit: Audit, width: int) -> list[Line]:
    steps = list(find_next_steps(audit))
    lines = [title("What to do next")] if steps else []
    for number, step in enumerate(steps, start=1):
        label = f"{number}. " if len(steps) > 1 else ""
        lines += paragraph(label + step, width, indent=2, hang=len(label))
    return lines


def find_next_steps(audit: Audit) -> Iterator[str]:
    """Yield what the reader does now, one sentence or two each, with `KEEP` inside commands."""
    release = f"{escape_text(audit.release.project)} {escape_text(str(audit.release.version))}"
    clean = f"`uv{KEEP}cache{KEEP}clean{KEEP}{escape_text(audit.release.project)}`"
    if audit.override is not None:
        yield (
            f"Let{KEEP}--write put the block into your project, or paste it into the pyproject.toml at the root of the "
            f"workspace, in place of any entry that it has for {release}: uv takes the first of two."
        )
        yield f"Run `uv{KEEP}lock`."
        yield (
            "Look for the entry under [[manifest.dependency-metadata]] in uv.lock: without it the override is not in "
            "effect (a uv.toml beside pyproject.toml shadows it)."
        )
    elif audit.verdict == "undecided" and _unread_wheels(audit):
        yield "Run this again when every wheel can be read; until then do not trust a lock of this release."
    elif audit.verdict == "undecided":
        yield "Ask the project to correct the requirements that cannot be understood: a lock of them may be wrong."
    elif audit.verdict == "inconsistent":
        if _unread_wheels(audit):
            yield "Run this again when every wheel can be read: an override is built from all of them or not at all."
        yield "Do not trust a lock of this release on the platforms named above; pin a release that is consistent."
    if audit.verdict != "consistent" and keeps_for_good(audit.release):
        yield f"After a fix upstream run {clean}: uv never reads metadata of this index twice."


# --- several releases --------------------------------------------------------------------------------


def _summary(audits: Sequence[Audit], failures: Sequence[tuple[str, WheelAuditError]], width: int) -> list[Line]:
    rows = [(escape_text(audit.release.spec), *describe_verdict(audit)) for audit in audits]
    rows += [(escape_text(spec), "NOT DONE", "bold red", "see the end of this report") for spec, _ in failures]
    # Fixed by what may stand in them: names get what the words of the verdict leave.
    verdicts = max(len(word) for _, word, _, _ in rows)
    names = min(max(cell_width(spec) for spec, *_ in rows), width // 2)
    details = width - names - verdicts - 6
    lines: list[Line] = [title(count_of(len(rows), "release"))]
    for spec, word, style, reason in rows:
        left, right = wrap_words(spec, names), wrap_words(reason, details)
        for row in range(max(len(left), len(right))):
            name = left[row] if row < len(left) else ""
            verdict = word if row == 0 else ""
            detail = right[row] if row < len(right) else ""
            lines.append(((f"  {pad(name, names)}  ", ""), (pad(verdict, verdicts), style), (f"  {detail}", "")))
    return lines


def _failure(spec: str, error: WheelAuditError, width: int) -> list[Line]:
    lines = paragraph(f"{escape_text(spec)} could not be done", width, hang=2, style="bold red")
    lines += paragraph(escape_text(error.message), width, indent=2)
    if error.remedy:
        lines += paragraph(escape_text(error.remedy), width, indent=2)
    return lines
