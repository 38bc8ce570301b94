"""OUTPUT (pure): a night as a person reads it on a terminal: one line of verdict, then what to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wheelaudit.errors import WheelAuditError
from wheelaudit.history.values import Event, Night, OpenEvent, StreamNight
from wheelaudit.report.bounds import MOST_LISTED, cut_lines, cut_text, tell_rest
from wheelaudit.report.human import MIN_WIDTH
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
from wheelaudit.report.nightly import (
    Told,
    build_sections,
    describe_beginning,
    describe_event,
    describe_night,
    describe_quiet,
    describe_since,
    find_open,
)
from wheelaudit.report.text import count_of, escape_text

MOST_EVENTS = 20
"""Of one section; more than that is an outage, and the reader has seen enough. JSON has all."""

_VERDICTS: dict[str, Style] = {"consistent": "green", "inconsistent": "bold red", "undecided": "bold yellow"}
_STYLES: dict[str, Style] = {"regression": "bold red", "finding": "bold yellow", "note": ""}


def render_night(night: Night, *, width: int, color: bool) -> str:
    """Return the report, ending with a newline, laid out to ``width`` terminal cells; see `render_human`."""
    width = max(width, MIN_WIDTH)
    text, style = describe_night(night)
    lines = paragraph(text, width, hang=2, style=style)
    for section in _find_sections(night, width):
        if section:
            lines += [BLANK, *section]
    return render_lines(lines, color=color)


def _find_sections(night: Night, width: int) -> Iterator[list[Line]]:
    sections = build_sections(night)
    if sections.quiet:
        yield paragraph(describe_quiet(night), width)
    yield _streams(night.streams, width)
    yield _events("What broke", sections.regressions, width)
    yield _events("To look at", sections.findings, width)
    yield _events("Fixed", sections.fixed, width)
    yield _open(find_open(night), width)
    yield _failures(night.failures, width)
    yield _notes(sections.notes, width)


def _streams(streams: Sequence[StreamNight], width: int) -> list[Line]:
    if not streams:
        return []
    lines = [title(count_of(len(streams), "stream"))]
    rows = [_spell_stream(each) for each in streams[:MOST_LISTED]]
    verdicts = max(len(verdict) for _, verdict, _ in rows)
    names = min(max(cell_width(name) for name, _, _ in rows), width - verdicts - 4)
    for name, verdict, since in rows:
        first, *rest = wrap_words(name, names, hang=2)
        beside = f"{pad('', verdicts - len(verdict))}  {since}" if since else ""
        if rest or names + verdicts + 4 + cell_width(beside) > width:
            beside = ""
        lines.append(((f"  {pad(first, names)}  ", ""), (verdict, _VERDICTS[verdict]), (beside, "")))
        lines += [((f"    {each}", ""),) for each in rest]
        if since and not beside:
            lines += paragraph(since, width, indent=6, hang=2)
    return [*lines, *_more(len(streams), MOST_LISTED, "stream")]


def _spell_stream(each: StreamNight) -> tuple[str, str, str]:
    name = _show(f"{each.snapshot.stream.project} {each.snapshot.version} on {each.snapshot.stream.index}")
    since = describe_since(each)
    return name, each.audit.verdict, f"since {_show(since)}" if since else ""


def _events(heading: str, told: Sequence[Told], width: int) -> list[Line]:
    if not told:
        return []
    lines = [title(heading)]
    for _, event in told[:MOST_EVENTS]:
        lines += _event(event, width)
    return [*lines, *_more(len(told), MOST_EVENTS, "event")]


def _event(event: Event, width: int) -> list[Line]:
    lines = paragraph(_name(event), width, indent=2, hang=2, style=_STYLES[event.level])
    lines += paragraph(_show(event.message), width, indent=4)
    for place in cut_lines(event.platforms, noun="place"):
        lines += paragraph(escape_text(place), width, indent=4, hang=2, style="bold")
    return [*lines, *_changes(event, width)]


def _changes(event: Event, width: int) -> list[Line]:
    lines: list[Line] = []
    for word, style, texts in (("LOST", "bold red", event.lost), ("GAINED", "bold yellow", event.gained)):
        if texts:
            lines.append((("    ", ""), (f"{word} {len(texts)}:", style)))
            shown = [escape_text(text) for text in cut_lines(texts, noun="requirement")]
            lines += [((f"      {row}", ""),) for row in layout_columns(shown, width - 6)]
    return lines


def _open(found: Sequence[OpenEvent], width: int) -> list[Line]:
    if not found:
        return []
    lines = [title("Still open")]
    for each in found[:MOST_EVENTS]:
        text = f"{_name(each.event)}: since {_show(describe_beginning(each))}"
        lines += paragraph(text, width, indent=2, hang=2)
        lines += _changes(each.event, width)
    return [*lines, *_more(len(found), MOST_EVENTS, "event")]


def _failures(failures: Sequence[tuple[str, WheelAuditError]], width: int) -> list[Line]:
    if not failures:
        return []
    lines = [title("Not read: nothing is known of these")]
    for spec, error in failures[:MOST_LISTED]:
        lines += paragraph(_show(spec), width, indent=2, hang=2, style="bold red")
        lines += paragraph(_show(str(error)), width, indent=4)
    return [*lines, *_more(len(failures), MOST_LISTED, "failure")]


def _notes(told: Sequence[Told], width: int) -> list[Line]:
    if not told:
        return []
    lines = [title("Changes from night to night")]
    for _, event in told[:MOST_EVENTS]:
        lines += paragraph(f"{escape_text(event.id)}{KEEP * 2}{_show(event.message)}", width, indent=2, hang=7)
    return [*lines, *_more(len(told), MOST_EVENTS, "note")]


def _more(count: int, most: int, noun: str) -> list[Line]:
    return [((f"  {tell_rest(count - most, noun)}", ""),)] if count > most else []


def _name(event: Event) -> str:
    subject = f", {event.subject}" if event.subject else ""
    return _show(f"{event.stream}: {describe_event(event)}{subject}")


def _show(text: str) -> str:
    return escape_text(cut_text(text))
