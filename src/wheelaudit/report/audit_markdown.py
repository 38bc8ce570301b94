"""OUTPUT (pure): audits as Markdown, for an issue, a pull request or a step summary.

Says what `render_human` says. The pieces that a night's report needs as well are public:
what uv and pip make of a release, and its override.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from wheelaudit.audit.values import Audit, Deviation, Finding, Group, Impact, Matrix, State
from wheelaudit.errors import WheelAuditError
from wheelaudit.metadata import UnreadableWheel
from wheelaudit.report.bounds import MOST_LISTED, cut_lines, cut_text, tell_rest
from wheelaudit.report.human import describe_verdict, find_next_steps
from wheelaudit.report.lines import KEEP
from wheelaudit.report.markdown import escape_markdown, render_code, render_fence, render_prose, render_table
from wheelaudit.report.matrix import WORDS
from wheelaudit.report.text import collapse_pythons, count_of
from wheelaudit.report.toml import render_override

MOST_OVERRIDE = 20_000
"""Characters of a block that is shown; cut it would be wrong, and torch's has under 2,000."""


MOST_COLUMNS = 12
"""Sets of environments beside each other; a wider table is read by nobody."""
_MEANINGS: dict[State, str] = {
    "same": "needed there, and in the lock",
    "lost": "needed there, missing from the lock",
    "gained": "in the lock, not asked for there",
    "needed": "needed there",
    "unknown": "its own wheel was not read",
}
"""Of the states that a table names; an empty cell is neither needed nor read."""


def render_markdown(audits: Sequence[Audit], *, failures: Sequence[tuple[str, WheelAuditError]] = ()) -> str:
    """Return the report, ending with a newline; several releases open with a table of them.

    ``failures`` holds the SPECs that could not be done at all.
    """
    blocks: list[str] = []
    several = len(audits) + len(failures) > 1
    if several:
        blocks += _summary(audits, failures)
    for audit in audits:
        blocks += _release(audit)
    if failures:
        blocks += ["# Not done\n", render_failures(failures)]
    return "\n".join(blocks)


def render_failures(failures: Sequence[tuple[str, WheelAuditError]]) -> str:
    """Return a list of what could not be done at all, and what to do about it."""
    lines = [f"- {code(spec)}: {prose(str(error))}\n" for spec, error in failures[:MOST_LISTED]]
    if len(failures) > MOST_LISTED:
        lines.append(f"- {tell_rest(len(failures) - MOST_LISTED, 'failure')}\n")
    return "".join(lines)


def prose(text: str) -> str:
    """Return a foreign sentence as Markdown, cut; what it has between backticks is code."""
    # Four spaces at the start of a paragraph would make code of it.
    return render_prose(cut_text(text)).strip(" ")


def plain(text: str) -> str:
    """Return foreign words as Markdown, cut."""
    return escape_markdown(cut_text(text))


def code(text: str) -> str:
    """Return a foreign name as a code span, cut."""
    return render_code(cut_text(text))


# --- one release -------------------------------------------------------------------------------------


def _release(audit: Audit) -> Iterator[str]:
    word, _, reason = describe_verdict(audit)
    yield f"# {code(audit.release.spec)} is {word}: {plain(reason)}\n"
    yield from _unread(audit)
    yield from _groups(audit)
    yield from _matrix(audit.matrix)
    yield "## What uv and pip make of it\n"
    yield from render_reads(audit)
    yield from _findings(audit)
    yield from _left_out(audit)
    if audit.verdict == "inconsistent":
        yield "## Override for pyproject.toml\n"
        yield from render_workaround(audit)
    yield from _coverage(audit)
    yield from _steps(audit)


def _unread(audit: Audit) -> Iterator[str]:
    unread = [reading for reading in audit.readings if isinstance(reading, UnreadableWheel)]
    if not unread:
        return
    yield "## Wheels that could not be read: what they ask for is unknown\n"
    lines = [
        f"- {code(each.wheel.filename)}: {plain(each.error.finding)}, {prose(str(each.error))}\n"
        for each in unread[:MOST_LISTED]
    ]
    if len(unread) > MOST_LISTED:
        lines.append(f"- {tell_rest(len(unread) - MOST_LISTED, 'wheel')}\n")
    yield "".join(lines)


def _groups(audit: Audit) -> Iterator[str]:
    if len(audit.groups) < 2:
        return
    yield "## Wheels that ask for the same\n"
    rows = [_build_group_row(number, group, audit) for number, group in enumerate(audit.groups[:MOST_LISTED])]
    yield render_table(("Group", "Wheels", "Requirements", "Best wheel on"), rows, right=(1, 2))
    if len(audit.groups) > MOST_LISTED:
        yield f"{tell_rest(len(audit.groups) - MOST_LISTED, 'group')}\n"


def _build_group_row(number: int, group: Group, audit: Audit) -> tuple[str, str, str, str]:
    label = chr(ord("A") + number) if number < 26 else str(number)
    read = ", read by uv" if audit.reads_uv is not None and audit.reads_uv in group.wheels else ""
    where = plain(group.environments) or "nothing"
    return f"{label}{read}", str(len(group.wheels)), str(len(group.requires_dist)), where


def _matrix(matrix: Matrix) -> Iterator[str]:
    """Where each requirement is needed and read, as a table of states; they are explained below it."""
    if not matrix.rows:
        return
    yield "## Where they disagree\n"
    if len(matrix.columns) > MOST_COLUMNS:
        count = count_of(len(matrix.columns), "set")
        yield f"The wheels tell {count} of environments apart, too many for a table: see `--format json`.\n"
        return
    rows = [
        (code(requirement), *(WORDS[state] if state in _MEANINGS else "" for state in states))
        for requirement, states in matrix.rows[:MOST_LISTED]
    ]
    yield render_table(("Requirement", *map(plain, matrix.columns)), rows)
    if len(matrix.rows) > MOST_LISTED:
        yield f"{tell_rest(len(matrix.rows) - MOST_LISTED, 'requirement')}\n"
    there = {state for _, states in matrix.rows for state in states}
    told = "; ".join(f"{WORDS[state]}: {meaning}" for state, meaning in _MEANINGS.items() if state in there)
    yield f"{told or 'Nothing of it is needed or read anywhere'}.\n"


def _findings(audit: Audit) -> Iterator[str]:
    if not audit.findings:
        return
    yield "## Findings\n"
    shown = audit.findings[:MOST_LISTED]
    yield "".join(f"- **{plain(finding.id)}** {prose(finding.message)}{_help(finding)}\n" for finding in shown)
    if len(audit.findings) > MOST_LISTED:
        yield f"{tell_rest(len(audit.findings) - MOST_LISTED, 'finding')}\n"


def _help(finding: Finding) -> str:
    return f" {prose(finding.help)}" if finding.help else ""


def _left_out(audit: Audit) -> Iterator[str]:
    """What is no part of the verdict, but of the release: yanked wheels, and files that are none."""
    yanked = [wheel.yanked for wheel in audit.release.wheels if wheel.yanked is not None]
    for reason in list(dict.fromkeys(yanked))[:MOST_LISTED]:
        count = count_of(yanked.count(reason), "wheel")
        yield f"Yanked, so read only where pinned with `==`: {count}, {plain(reason) or 'no reason given'}\n"
    skipped = audit.release.skipped
    if skipped:
        yield f"Left out: {count_of(len(skipped), 'file')}.\n"
        lines = [f"- {code(each.filename)}: {plain(each.reason)}\n" for each in skipped[:MOST_LISTED]]
        if len(skipped) > MOST_LISTED:
            lines.append(f"- {tell_rest(len(skipped) - MOST_LISTED, 'file')}\n")
        yield "".join(lines)


def _coverage(audit: Audit) -> Iterator[str]:
    if audit.coverage:
        rows = [(plain(each.platform), plain(collapse_pythons(each.pythons))) for each in audit.coverage[:MOST_LISTED]]
        yield "## Platforms and Pythons that have a wheel\n"
        yield render_table(("Platform", "Pythons"), rows)


def _steps(audit: Audit) -> Iterator[str]:
    # The steps are escaped for a terminal already; escaping once more changes nothing in them.
    steps = [prose(step.replace(KEEP, " ")) for step in find_next_steps(audit)]
    if steps:
        yield "## What to do next\n"
        yield "".join(f"{number}. {step}\n" for number, step in enumerate(steps, start=1))


# --- what uv and pip make of it ----------------------------------------------------------------------


def render_reads(audit: Audit, *, told: Mapping[frozenset[str], str] | None = None) -> Iterator[str]:
    """Yield blocks that say which wheel uv reads, what a lock made from it loses and gains, and what pip does.

    ``told``: sets of requirements that were listed already, and where; they are not listed again.
    """
    bound = (
        ""
        if audit.requires_python is None
        else f"In a project with requires-python {code(str(audit.requires_python))} "
    )
    if audit.reads_uv is None:
        yield f"{bound}no wheel is left for uv to read.\n"
        return
    wheels = len(audit.release.wheels)
    taken = f"and takes it for all {wheels}" if wheels > 1 else "the only one"
    name = code(audit.reads_uv.filename)
    if not audit.impact:
        yield f"{bound}uv reads {name}, {taken}. {_no_impact(audit)}\n"
        return
    yield f"{bound}uv reads {name}, {taken}. A lock made from it is wrong here:\n"
    listed = dict(told or {})
    for impact in audit.impact[:MOST_LISTED]:
        yield from _impact(impact, listed)
    if len(audit.impact) > MOST_LISTED:
        yield f"{tell_rest(len(audit.impact) - MOST_LISTED, 'set')}\n"
    yield from _pip(audit)


def _no_impact(audit: Audit) -> str:
    unread = {reading.wheel for reading in audit.readings if isinstance(reading, UnreadableWheel)}
    if audit.reads_uv in unread:
        return "It could not be read, so what a lock made from it loses or gains is not known."
    if audit.verdict == "consistent":
        return "Any of the wheels would do: a lock made from it is right wherever a wheel is."
    if audit.verdict == "undecided" or unread:
        return "What a lock made from it loses or gains is not known, as some wheel is not understood."
    return "A lock made from it loses nothing and gains nothing; one made from another wheel would."


def _impact(impact: Impact, listed: dict[frozenset[str], str]) -> Iterator[str]:
    where = plain(impact.environments)
    for word, meaning, requirements in (
        ("lost", "needed there, missing from the lock", impact.lost),
        ("gained", "in the lock, not asked for there", impact.gained),
    ):
        if not requirements:
            continue
        place = listed.get(frozenset(requirements))
        if place is None:
            yield f"**{where}**: {len(requirements)} {word} ({meaning})\n"
            yield render_fence(cut_lines(requirements, noun="requirement"))
            listed[frozenset(requirements)] = f"as for {where}"
        else:
            yield f"**{where}**: {len(requirements)} {word} ({meaning}), those listed {place}\n"


def _pip(audit: Audit) -> Iterator[str]:
    """What an installer does that reads the wheel of its own platform: it is true to the wheel, right or wrong."""
    counts = count_asked(audit)
    if not counts:
        return
    total = len(find_told(audit))
    yield (
        "pip and `uv pip install` read the wheel of the platform that they run on. "
        f"Of the {count_of(total, 'requirement')} above, an install there brings:\n"
    )
    words = {0: "none", total: f"all {total}" if total > 1 else "it"}
    yield "".join(f"- {plain(places)}: {words.get(count, count)}\n" for places, count in counts[:MOST_LISTED])


def find_told(audit: Audit) -> tuple[str, ...]:
    """Return every requirement that a lock loses or gains somewhere, each once, as `Impact` spells it."""
    return tuple(dict.fromkeys(text for each in audit.impact for text in (*each.lost, *each.gained)))


def count_asked(audit: Audit) -> tuple[tuple[str, int], ...]:
    """Return per set of environments how many requirements of `find_told` their own wheel asks for.

    Sets whose wheel was not read are left out: what they would install is unknown.
    """
    told = frozenset(find_told(audit))
    rows = [states for requirement, states in audit.matrix.rows if requirement in told]
    places: dict[int, list[str]] = {}
    for number, column in enumerate(audit.matrix.columns):
        states = [row[number] for row in rows]
        if states and "unknown" not in states:
            asked = sum(state in ("same", "lost", "needed") for state in states)
            places.setdefault(asked, []).append(column)
    return tuple(("; ".join(columns), asked) for asked, columns in places.items())


# --- the override ------------------------------------------------------------------------------------


def render_workaround(audit: Audit) -> Iterator[str]:
    """Yield the override as a block to paste, with what its proof says; or why there is none."""
    if audit.override is None or audit.proof is None:
        yield f"{prose(audit.no_override or 'There is no override: only an inconsistent release gets one.')}\n"
        return
    block = render_override(audit.override)
    if len(block) > MOST_OVERRIDE:
        command = f"wheelaudit {shlex.quote(audit.release.spec)} --format toml"
        yield f"The override has {len(block)} characters, too many to show here: {code(command)} prints it.\n"
    else:
        yield render_fence(block.splitlines(), info="toml")
    pairs = audit.proof.environments
    if not audit.proof.deviations:
        yield f"Proven: right in {pairs} of {pairs} environment/extra pairs.\n"
        return
    count = count_of(len(audit.proof.deviations), "deviation")
    yield f"**Not right everywhere**: {count} among {pairs} environment/extra pairs.\n"
    yield "".join(f"- {_deviation(each)}\n" for each in audit.proof.deviations[:MOST_LISTED])


def _deviation(deviation: Deviation) -> str:
    extra = f" with extra {plain(deviation.extra)}" if deviation.extra else ""
    told = [
        f"{word} {', '.join(code(text) for text in requirements[:MOST_LISTED])}"
        for word, requirements in (("missing", deviation.missing), ("unwanted", deviation.unwanted))
        if requirements
    ]
    return f"{plain(deviation.environments)}{extra}: {'; '.join(told)}"


# --- several releases --------------------------------------------------------------------------------


def _summary(audits: Sequence[Audit], failures: Sequence[tuple[str, WheelAuditError]]) -> Iterator[str]:
    rows: list[tuple[str, str, str]] = []
    for audit in audits:
        word, _, reason = describe_verdict(audit)
        rows.append((code(audit.release.spec), word, plain(reason)))
    rows += [(code(spec), "NOT DONE", "see the end of this report") for spec, _ in failures]
    yield f"# {count_of(len(rows), 'release')}\n"
    yield render_table(("Release", "Verdict", "Why"), rows)
