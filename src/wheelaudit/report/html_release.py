"""OUTPUT (pure): one release as the HTML pages show it: what templates print, laid out and bounded.

How much of each thing a page shows is fixed here, and what it leaves out it counts:
``--format json`` has everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from markupsafe import Markup, escape

from wheelaudit.audit.values import Audit, Deviation, Finding, Impact, Proof, State, Verdict
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata
from wheelaudit.report.html_page import Listing, build_link, clip
from wheelaudit.report.human import describe_verdict, find_next_steps
from wheelaudit.report.matrix import split_shared
from wheelaudit.report.results import RULES
from wheelaudit.report.text import collapse_pythons, count_of, escape_text
from wheelaudit.report.toml import render_override

MOST_WHEELS = 200
"""Of a release, with two lines each. numpy has 70; an index may list thousands."""
MOST_LINES = 100
"""Requirements in one list; tensorflow's longest METADATA has 60."""
MOST_ENTRIES = 50
"""Findings, deviations, sets of environments: each is a paragraph."""
MOST_NAMES = 12
"""Wheels and requirements that are named below a finding."""
MOST_COLUMNS = 40
"""Of a matrix: sets of environments. opencv-python 4.4.0.46 has 12."""
MOST_CELLS = 4000
"""Of a matrix; rows beyond are counted."""
MOST_OVERRIDE = 100_000
"""Characters of an override, which is shown whole or not at all: half a block would be pasted."""

STATE_WORDS: dict[State, tuple[str, str]] = {
    "lost": ("\u2212", "needed there, missing from the metadata that uv reads"),
    "gained": ("+", "in the metadata that uv reads, not asked for there"),
    "same": ("=", "needed there, and read"),
    "needed": ("\u2022", "needed there; which metadata uv reads is not known"),
    "unknown": ("?", "the wheel for it could not be read"),
    "absent": ("\u00b7", "neither needed nor read"),
}
"""Sign and meaning of each state, in the legend's order. The word is the state itself: never a colour alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelView:
    """One wheel as evidence."""

    filename: str
    url: str
    link: str | None
    """The URL where it may be linked."""
    index: str
    group: str
    """Letter of its group; "" where it was not read."""
    sha256: str | None
    note: str
    """How it was read, or why not; yanked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactView:
    """What a lock loses and gains in a set of environments."""

    environments: tuple[str, ...]
    lost: Listing[str]
    gained: Listing[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixView:
    """The requirements in which wheels differ, as a table."""

    columns: tuple[tuple[str, ...], ...]
    """Sets of environments, a line each."""
    more_columns: int
    shared: str
    """Platform or Pythons that all columns have in common; "" where there is none."""
    rows: Listing[tuple[str, tuple[tuple[State, str], ...]]]
    """Requirement, and for each column state and sign."""
    legend: tuple[tuple[State, str, str], ...]
    """State, sign and meaning of those that occur."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """Wheels that ask for the same."""

    label: str
    wheels: int
    is_read: bool
    """Whether uv reads one of them."""
    environments: tuple[str, ...]
    requires_python: str
    extras: str
    requires_dist: Listing[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding, with the address that explains its id."""

    id: str
    url: str | None
    message: str
    help: str
    wheels: Listing[str]
    requirements: Listing[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """Whether the override is right everywhere."""

    faithful: bool
    sentence: str
    deviations: Listing[Deviation]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """Everything that a page says of a release."""

    anchor: str
    """Its id on the page, and the start of every id below it: never foreign text."""
    spec: str
    verdict: Verdict
    reason: str
    unread: Listing[UnreadableWheel]
    reads: str | None
    reads_before: str
    """The words before the wheel that uv reads."""
    reads_after: str
    impact: Listing[ImpactView]
    matrix: MatrixView | None
    groups: Listing[GroupView]
    coverage: Listing[tuple[str, str]]
    findings: Listing[FindingView]
    skipped: Listing[tuple[str, str]]
    override: Markup | None
    no_override: str | None
    proof: ProofView | None
    steps: tuple[str, ...]
    wheels: Listing[WheelView]


def build_release(audit: Audit, *, anchor: str) -> ReleaseView:
    """Return what a page shows of an audit."""
    unread = [reading for reading in audit.readings if isinstance(reading, UnreadableWheel)]
    before, after = _describe_reading(audit, unread=bool(unread))
    override, no_override = _build_override(audit)
    return ReleaseView(
        anchor=anchor,
        spec=audit.release.spec,
        verdict=audit.verdict,
        reason=describe_verdict(audit)[2],
        unread=clip(unread, MOST_ENTRIES),
        reads=None if audit.reads_uv is None else audit.reads_uv.filename,
        reads_before=before,
        reads_after=after,
        impact=clip(map(_build_impact, audit.impact), MOST_ENTRIES),
        matrix=_build_matrix(audit),
        groups=clip(_build_groups(audit), MOST_ENTRIES),
        coverage=clip(((each.platform, collapse_pythons(each.pythons)) for each in audit.coverage), MOST_ENTRIES),
        findings=clip(map(build_finding, audit.findings), MOST_ENTRIES),
        skipped=clip(((each.filename, each.reason) for each in audit.release.skipped), MOST_ENTRIES),
        override=override,
        no_override=no_override,
        proof=_build_proof(audit.proof),
        steps=tuple(find_next_steps(audit)),
        wheels=clip(_build_wheels(audit), MOST_WHEELS),
    )


def build_finding(finding: Finding) -> FindingView:
    """Return a finding with the names that a page has room for."""
    rule = RULES.get(finding.id)
    return FindingView(
        id=finding.id,
        url=rule.url if rule else None,
        message=finding.message,
        help=finding.help,
        wheels=clip(finding.wheels, MOST_NAMES),
        requirements=clip(finding.requirements, MOST_NAMES),
    )


def split_environments(environments: str) -> tuple[str, ...]:
    """Return one set of environments a line: ``linux x86_64, CPython 3.10-3.13``."""
    lines = environments.split("; ")
    kept = clip(lines, MOST_ENTRIES)
    return (*kept.items, f"and {kept.more} more") if kept.more else kept.items


def _describe_reading(audit: Audit, *, unread: bool) -> tuple[str, str]:
    """Return the words before the wheel that uv reads, and what follows from it."""
    bound = "" if audit.requires_python is None else f"In a project with requires-python {audit.requires_python} "
    if audit.reads_uv is None:
        return f"{bound}no wheel is left for uv to read.", ""
    wheels = len(audit.release.wheels)
    taken = f"one wheel and takes it for all {wheels}" if wheels > 1 else "its one wheel"
    return f"{bound}uv reads {taken}:", _describe_impact(audit, unread=unread)


def _describe_impact(audit: Audit, *, unread: bool) -> str:
    if audit.impact:
        return "A lock made from it is wrong here:"
    if any(reading.wheel == audit.reads_uv for reading in audit.readings if isinstance(reading, UnreadableWheel)):
        return "It could not be read, so what a lock made from it loses or gains is not known."
    if audit.verdict == "consistent":
        return "Any of the wheels would do: a lock made from it is right wherever a wheel is."
    if audit.verdict == "undecided" or unread:
        return "What a lock made from it loses or gains is not known: some wheels could not be read."
    return "A lock made from it loses nothing and gains nothing; one made from another wheel would."


def _build_impact(impact: Impact) -> ImpactView:
    return ImpactView(
        environments=split_environments(impact.environments),
        lost=clip(impact.lost, MOST_LINES),
        gained=clip(impact.gained, MOST_LINES),
    )


def _build_matrix(audit: Audit) -> MatrixView | None:
    matrix = audit.matrix
    if not matrix.rows:
        return None
    columns, shared = split_shared(matrix.columns)
    kept = clip(columns, MOST_COLUMNS)
    width = len(kept.items)
    found = ((name, tuple((each, STATE_WORDS[each][0]) for each in states[:width])) for name, states in matrix.rows)
    rows = clip(found, max(1, MOST_CELLS // max(1, width)))
    occurring = {state for _, cells in rows.items for state, _ in cells}
    return MatrixView(
        columns=tuple(map(split_environments, kept.items)),
        more_columns=kept.more,
        shared=shared,
        rows=rows,
        legend=tuple((state, *words) for state, words in STATE_WORDS.items() if state in occurring),
    )


def _label_of(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def _build_groups(audit: Audit) -> Iterable[GroupView]:
    for number, group in enumerate(audit.groups):
        yield GroupView(
            label=_label_of(number),
            wheels=len(group.wheels),
            is_read=audit.reads_uv in group.wheels,
            environments=split_environments(group.environments or "never the best wheel anywhere"),
            requires_python=group.requires_python or "",
            extras=", ".join(clip(group.provides_extra, MOST_LINES).items),
            requires_dist=clip(group.requires_dist, MOST_LINES),
        )


def _build_override(audit: Audit) -> tuple[Markup | None, str | None]:
    """Return the block, and where an inconsistent release has none, why."""
    if audit.override is None:
        reason = audit.no_override or "There is no override."
        return None, reason if audit.verdict == "inconsistent" else None
    text = render_override(audit.override)
    if len(text) > MOST_OVERRIDE:
        return None, f"The override has {len(text)} characters, too many for a page: `--format toml` prints it."
    return escape(text), None


def _build_proof(proof: Proof | None) -> ProofView | None:
    if proof is None:
        return None
    pairs = proof.environments
    if proof.deviations:
        count = count_of(len(proof.deviations), "deviation")
        sentence = f"Not faithful everywhere: {count} among {pairs} environment/extra pairs."
    else:
        sentence = f"Proven: {pairs} of {pairs} environment/extra pairs get exactly what their wheel asks for."
    return ProofView(faithful=not proof.deviations, sentence=sentence, deviations=clip(proof.deviations, MOST_ENTRIES))


def _build_wheels(audit: Audit) -> Iterable[WheelView]:
    group_of = audit.group_of
    several = len({wheel.index for wheel in audit.release.wheels}) > 1
    for reading in audit.readings:
        wheel, number = reading.wheel, group_of.get(reading.wheel)
        yield WheelView(
            filename=wheel.filename,
            url=wheel.url,
            link=build_link(wheel.url),
            index=wheel.index if several else "",
            group="" if number is None else _label_of(number),
            sha256=reading.sha256 if isinstance(reading, WheelMetadata) else None,
            note=_note_of(reading),
        )


def _note_of(reading: Reading) -> str:
    yanked = reading.wheel.yanked
    reason = "" if yanked is None else f"; yanked: {escape_text(yanked) or 'no reason given'}"
    match reading:
        case WheelMetadata():
            return _SOURCES[reading.source] + reason
        case UnreadableWheel():
            return f"unread: {reading.error.message}{reason}"
        case other:
            assert_never(other)


_SOURCES = {
    "pep658": "from its .metadata file",
    "range": "from inside the wheel",
    "file": "from the file on disk",
    "cache": "kept from an earlier run",
}
