"""OUTPUT (pure): a night in words and in order: what all reports of it say alike, whatever they are written in.

Nothing here is escaped: that is the renderers' business, each in its own way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.version import Version

from wheelaudit.audit.values import Audit
from wheelaudit.history.values import Event, EventWheel, Night, OpenEvent, StreamNight
from wheelaudit.metadata import WheelMetadata
from wheelaudit.release import WheelFile
from wheelaudit.report.audit_markdown import find_told
from wheelaudit.report.audit_results import build_failure, name_some
from wheelaudit.report.bounds import cut_text
from wheelaudit.report.lines import Style
from wheelaudit.report.results import RULES, Level, Result
from wheelaudit.report.text import count_of

FIXED = "WA502"
LEVELS: dict[str, Level] = {"regression": "error", "finding": "warning", "note": "note"}
KEY_DIGITS = 32
"""Hexadecimal: 128 bits of a SHA-256, and no two events ever share them."""
MOST_TITLE = 200
"""Characters of a title; GitHub takes 256."""

Told = tuple[StreamNight, Event]


# --- what there is to tell ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """The events of a night as reports order them, each section by id, stream and subject."""

    regressions: tuple[Told, ...]
    fixed: tuple[Told, ...]
    findings: tuple[Told, ...]
    notes: tuple[Told, ...]
    """Without what was fixed."""

    @property
    def quiet(self) -> bool:
        """Whether nobody has to look at anything: notes are what changes every night."""
        return not (self.regressions or self.fixed or self.findings)


def build_sections(night: Night) -> Sections:
    """Return all events that are told tonight, in their sections."""
    told = [(each, event) for each in night.streams for event in each.events]
    told.sort(key=lambda pair: (pair[1].id, pair[1].stream, pair[1].subject))
    fixed = tuple(pair for pair in told if pair[1].id == FIXED)
    rest = [pair for pair in told if pair[1].id != FIXED]
    return Sections(
        regressions=tuple(pair for pair in rest if pair[1].level == "regression"),
        fixed=fixed,
        findings=tuple(pair for pair in rest if pair[1].level == "finding"),
        notes=tuple(pair for pair in rest if pair[1].level == "note"),
    )


def find_open(night: Night) -> tuple[OpenEvent, ...]:
    """Return what is still so from other nights: the oldest first, then by stream, id and subject."""
    found = [each for stream in night.streams for each in stream.open]
    return tuple(sorted(found, key=lambda each: (each.since, each.event.stream, each.event.id, each.event.subject)))


def build_key(event: Event) -> str:
    """Return what an event is known by from night to night: digits made of stream, id and subject.

    Not of the builds, which are others every night: one issue stays one issue.
    """
    stream = event.stream
    # JSON, because it keeps apart what a plain join would run together.
    told = json.dumps([stream.project, stream.index, stream.label, event.id, event.subject])
    return hashlib.sha256(told.encode("ascii")).hexdigest()[:KEY_DIGITS]


# --- in words ----------------------------------------------------------------------------------------


def describe_night(night: Night) -> tuple[str, Style]:
    """Return the night in one line without a full stop, and its style."""
    sections = build_sections(night)
    counts = [
        count_of(len(sections.regressions), "regression") if sections.regressions else "",
        count_of(len(sections.findings), "finding") if sections.findings else "",
        f"{len(sections.fixed)} fixed" if sections.fixed else "",
        f"{len(night.failures)} not read" if night.failures else "",
    ]
    told = ", ".join(count for count in counts if count) or "nothing new"
    where = f"{count_of(len(night.streams), 'stream')} read"
    unclear = sections.findings or night.failures or any(each.audit.verdict == "undecided" for each in night.streams)
    style = "bold red" if sections.regressions else "bold yellow" if unclear else "bold green"
    return f"Night of {night.night.isoformat()}: {told}; {where}", style


def describe_quiet(night: Night) -> str:
    """Return the paragraph of a night on which nobody has to look at anything; it claims nothing that was not read."""
    if not night.streams:
        return "No stream was read, so nothing is known of this night."
    return " ".join(_find_sentences(night))


def _find_sentences(night: Night) -> Iterator[str]:
    new = sum(each.before is None for each in night.streams)
    compared = sum(each.before is not None and each.audit.verdict != "undecided" for each in night.streams)
    if compared:
        yield f"{count_of(compared, 'stream')} held against the build before: nothing changed that needs a look."
    if new:
        seen = "is" if new == 1 else "are"
        wrong = sum(each.before is None and each.audit.verdict == "inconsistent" for each in night.streams)
        already = f", {wrong} of them inconsistent already" if wrong else ""
        yield f"{count_of(new, 'stream')} {seen} seen for the first time{already}: what later nights are held against."
    undecided = sum(each.audit.verdict == "undecided" for each in night.streams)
    if undecided:
        seen = "is" if undecided == 1 else "are"
        yield f"{count_of(undecided, 'stream')} {seen} undecided: a wheel could not be read, and may hide anything."
    opened = len(find_open(night))
    if opened:
        verb = "is" if opened == 1 else "are"
        yield f"{count_of(opened, 'thing')} from other nights {verb} still open, listed below."


def describe_event(event: Event) -> str:
    """Return what an event is: ``newly inconsistent (WA501)``."""
    rule = RULES.get(event.id)
    return f"{rule.title} ({event.id})" if rule else event.id


def describe_title(event: Event) -> str:
    """Return the title of an issue, cut; the same on every night, so it names neither a build nor a date."""
    subject = f": {cut_text(event.subject, 80)}" if event.subject else ""
    return cut_text(f"{cut_text(str(event.stream), 100)}: {describe_event(event)}{subject}", MOST_TITLE)


def describe_beginning(each: OpenEvent) -> str:
    """Return since when something is so: ``2025-01-12 (2.7.0.dev20250112; not in 2.7.0.dev20250111)``."""
    if each.known_good is None:
        return f"{each.since.isoformat()} or earlier (first seen in {each.since_version})"
    return f"{each.since.isoformat()} ({each.since_version}; not in {each.known_good})"


def describe_since(each: StreamNight) -> str:
    """Return since when a stream's builds are inconsistent; "" where the newest is not, or nothing was told of it."""
    for event in each.events:
        if event.id == "WA501":
            return f"tonight; not in {event.before}" if event.before else "tonight"
    for opened in each.open:
        if opened.event.id == "WA501":
            return describe_beginning(opened)
    return ""


def find_beginning(each: StreamNight, event: Event) -> tuple[Version | None, Version]:
    """Return the last build without an event and the first with it, as far back as is known."""
    for opened in each.open:
        if build_key(opened.event) == build_key(event):
            return opened.known_good, opened.since_version
    return event.before, event.after


# --- evidence ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two wheels whose metadata show by themselves what is told, in the order in which to compare them."""

    first: WheelFile
    second: WheelFile
    names: tuple[str, str]
    """What they are in a command, one word each."""


def find_pair(each: StreamNight, event: Event) -> Pair | None:
    """Return the two wheels that show ``event``; None where no two of tonight's and the last night's do."""
    match event.id:
        case "WA501":
            return _find_disagreeing(each.audit)
        case "WA503":
            return _find_successors(each, event)
    return None


def _find_disagreeing(audit: Audit) -> Pair | None:
    """Return a wheel that asks for the fewest of the requirements in question, and one that asks for the most.

    The first is the wheel that uv reads, where that one is among the poorest; None where
    the wheels that were read agree.
    """
    if len(audit.groups) < 2:
        return None
    group_of = audit.group_of
    counts = {wheel: count for wheel, count in count_wheels(audit).items() if wheel in group_of}
    most, fewest = max(counts.values()), min(counts.values())
    if most == fewest:
        # What differs is a marker, an extra or Requires-Python: any two that mean something else show it.
        return Pair(first=audit.groups[0].wheels[0], second=audit.groups[1].wheels[0], names=("one", "other"))
    poorest = [wheel for wheel, count in counts.items() if count == fewest]
    lacks = audit.reads_uv if audit.reads_uv in poorest and audit.reads_uv is not None else poorest[0]
    has = next(wheel for wheel, count in counts.items() if count == most)
    return Pair(first=lacks, second=has, names=("lacks", "has"))


def _find_successors(each: StreamNight, event: Event) -> Pair | None:
    """The first wheel of the event that both builds have for the same tags."""
    if each.before is None:
        return None
    named = {wheel.filename for wheel in event.wheels}
    earlier = {(wheel.build, wheel.tags): wheel for wheel in each.before.release.wheels if wheel.filename in named}
    for wheel in each.snapshot.release.wheels:
        before = earlier.get((wheel.build, wheel.tags))
        if wheel.filename in named and before is not None and before != wheel:
            return Pair(first=before, second=wheel, names=("before", "after"))
    return None


def count_wheels(audit: Audit) -> dict[WheelFile, int]:
    """Return per wheel that was read how many of the requirements in question it names, markers aside."""
    wanted = find_wanted(audit)
    return {
        reading.wheel: len(wanted & {line.bare for line in reading.core.requires_dist})
        for reading in audit.readings
        if isinstance(reading, WheelMetadata)
    }


def find_wanted(audit: Audit) -> frozenset[str]:
    """Return the requirements in question, without marker and extra: what a lock loses or gains.

    Where uv happens to read a wheel that is right, what the wheels disagree in.
    """
    texts = find_told(audit) or [text for finding in audit.findings for text in finding.requirements]
    return frozenset(text.partition(";")[0] for text in texts)


def find_evidence(event: Event, pair: Pair | None, audit: Audit) -> tuple[EventWheel, ...]:
    """Return the wheels of an event, and those of ``pair``, each file name once, by file name."""
    found = {wheel.filename: wheel for wheel in event.wheels}
    hashes = {each.wheel: each.sha256 for each in audit.readings if isinstance(each, WheelMetadata)}
    for wheel in (pair.first, pair.second) if pair is not None else ():
        sha256 = hashes.get(wheel)
        found.setdefault(wheel.filename, EventWheel(filename=wheel.filename, url=wheel.url, metadata_sha256=sha256))
    return tuple(found[name] for name in sorted(found))


# --- as results --------------------------------------------------------------------------------------


def build_night_results(night: Night) -> tuple[Result, ...]:
    """Return every event of the night, what is still open, what is undecided and what could not be read.

    What is still open is a result again each night: whoever shows SARIF takes for
    mended what a later log does not name.
    """
    sections = build_sections(night)
    told = (*sections.regressions, *sections.findings, *sections.fixed, *sections.notes)
    results = [_build_result(event) for _, event in told]
    results += [_build_open(each) for each in find_open(night)]
    for each in night.streams:
        if each.audit.verdict == "undecided":
            spec = f"{each.audit.release.spec} on {each.snapshot.stream.index}"
            message = cut_text(f"{spec} is undecided: some wheel could not be read.")
            results.append(Result(rule=None, level="warning", message=message))
    results += [build_failure(spec, error) for spec, error in night.failures]
    return tuple(results)


def _build_result(event: Event) -> Result:
    return Result(
        rule=event.id,
        level=LEVELS[event.level],
        message=cut_text(f"{event.stream}: {event.message}"),
        details=_build_details(event),
    )


def _build_open(each: OpenEvent) -> Result:
    event = each.event
    return Result(
        rule=event.id,
        level="note",
        message=cut_text(f"{event.stream}: still open since {describe_beginning(each)}: {event.message}"),
        details=_build_details(event),
    )


def _build_details(event: Event) -> tuple[str, ...]:
    parts: tuple[tuple[str, Sequence[str]], ...] = (
        ("Where", event.platforms),
        ("Lost", event.lost),
        ("Gained", event.gained),
    )
    return tuple(f"{word}: {name_some(names)}" for word, names in parts if names)
