"""OUTPUT (pure): a night as Markdown: an issue ready to paste upstream, one issue per event, and a step summary.

What broke comes first, with evidence that needs no re-running: the lost lines, the wheels
with the hashes of their metadata, and the two commands that show it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from wheelaudit.history.values import Event, EventWheel, Night, StreamNight
from wheelaudit.report.audit_markdown import code, plain, prose, render_failures, render_reads, render_workaround
from wheelaudit.report.bounds import MOST_CHARACTERS, MOST_LISTED, cut_lines, fit_blocks, tell_rest
from wheelaudit.report.markdown import render_fence, render_table
from wheelaudit.report.nightly import (
    FIXED,
    Pair,
    Told,
    build_key,
    build_sections,
    count_wheels,
    describe_beginning,
    describe_event,
    describe_night,
    describe_quiet,
    describe_since,
    describe_title,
    find_beginning,
    find_evidence,
    find_open,
    find_pair,
    find_wanted,
)
from wheelaudit.report.results import HOME, RULES
from wheelaudit.report.text import count_of, escape_text

MOST_EVENTS = 50
"""Of one section that are told in full; a night on which more break is an outage, not a list of regressions."""
MOST_ISSUE = 60_000
"""Characters of an issue's body; GitHub refuses more than 65,536."""
MOST_TITLE = 250
"""Characters; GitHub refuses more than 256."""
MOST_SUMMARY = 500_000
"""Characters of a step summary; GitHub drops one of more than 1 MiB, and a character may take four bytes."""

_LEFT_OUT = "*(Left out here for its length: see `--format json`.)*\n"
_SCHEMES = ("https://", "http://", "file://")
"""What curl is pointed at; no URL of an index's can be an option of it then."""


def render_night_markdown(night: Night) -> str:
    """Return the report, ending with a newline: what broke, what was fixed, what to look at, and all streams."""
    sections = build_sections(night)
    blocks = [*_title(night, sections.regressions)]
    for told in sections.regressions[:MOST_EVENTS]:
        blocks += _regression(*told)
    blocks += _more(sections.regressions, "regression")
    blocks += _short("Fixed", sections.fixed)
    blocks += _short("To look at", sections.findings)
    if sections.quiet:
        blocks.append(f"{describe_quiet(night)}\n")
    blocks += _streams(night)
    blocks += _open(night)
    if night.failures:
        blocks += ["## Not read\n", render_failures(night.failures)]
    blocks += _notes(sections.notes)
    blocks.append(f"Told by [wheelaudit]({HOME}).\n")
    return "\n".join(blocks)


def render_event_issue(each: StreamNight, event: Event, *, ended: bool = False) -> tuple[str, str]:
    """Return title and body of the issue that stands for ``event``, told on this or an earlier night.

    The title is the same every night, and the body begins with a hidden
    ``<!-- wheelaudit:KEY -->`` (`build_key`), by which the issue is found again.
    ``ended``: it is over, and the issue will be closed.
    """
    blocks = [f"<!-- wheelaudit:{build_key(event)} -->\n", f"{prose(event.message)}\n", _state(each, event, ended)]
    if ended:
        blocks += [_facts(each, event), *_changes(event)]
    else:
        blocks += _evidence(each, event)
    blocks.append(f"Kept up to date by [wheelaudit]({HOME}){_meaning(event)}.\n")
    # Cut once more: a character that is not printable takes up to ten when it is shown.
    title = escape_text(describe_title(event))[:MOST_TITLE]
    return title, fit_blocks(blocks, most=MOST_ISSUE, left_out=_LEFT_OUT)


def render_step_summary(night: Night) -> str:
    """Return the night in short, for ``$GITHUB_STEP_SUMMARY``: one line an event, and all streams."""
    sections = build_sections(night)
    blocks = [f"# {describe_night(night)[0]}\n"]
    if sections.quiet:
        blocks.append(f"{describe_quiet(night)}\n")
    for title, told in (
        ("What broke", sections.regressions),
        ("To look at", sections.findings),
        ("Fixed", sections.fixed),
    ):
        if told:
            blocks += [f"## {title}\n", _list(told)]
    blocks += _streams(night)
    blocks += _open(night)
    if night.failures:
        blocks += ["## Not read\n", render_failures(night.failures)]
    return fit_blocks(blocks, most=MOST_SUMMARY, left_out=_LEFT_OUT)


# --- the night ---------------------------------------------------------------------------------------


def _title(night: Night, regressions: Sequence[Told]) -> Iterator[str]:
    if len(regressions) == 1:
        ((each, event),) = regressions
        yield f"# {plain(each.audit.release.spec)} on {plain(event.stream.index)}: {describe_event(event)}\n"
        yield f"{describe_night(night)[0]}.\n"
    else:
        yield f"# {describe_night(night)[0]}\n"


def _short(title: str, told: Sequence[Told]) -> Iterator[str]:
    """A section of what needs no evidence of its own; "" where there is nothing."""
    if not told:
        return
    yield f"## {title}\n"
    for each, event in told[:MOST_EVENTS]:
        yield f"### {_name(event)}\n"
        yield f"{prose(event.message)}{_link(event)}\n"
        yield _facts(each, event)
        yield from _changes(event)
        yield from _proof(each, event)
    yield from _more(told, "event")


def _more(told: Sequence[Told], noun: str) -> Iterator[str]:
    if len(told) > MOST_EVENTS:
        yield f"{tell_rest(len(told) - MOST_EVENTS, noun)}\n"


def _notes(told: Sequence[Told]) -> Iterator[str]:
    """What changes every night, folded; one block, so that it is never opened and not closed."""
    if told:
        count = count_of(len(told), "note")
        yield f"<details>\n<summary>{count}: what changes from night to night</summary>\n\n{_list(told)}\n</details>\n"


def _list(told: Sequence[Told]) -> str:
    lines = [
        f"- {_name(event)}: {prose(event.message)}{_inline(event)}{_link(event)}\n" for _, event in told[:MOST_LISTED]
    ]
    if len(told) > MOST_LISTED:
        lines.append(f"- {tell_rest(len(told) - MOST_LISTED, 'event')}\n")
    return "".join(lines)


def _inline(event: Event) -> str:
    """What was lost and gained, in a few words, unless the sentence has it."""
    if all(text in event.message for text in (*event.lost, *event.gained)):
        return ""
    parts = [
        f"{word} {', '.join(map(code, texts[:5]))}{f' and {len(texts) - 5} more' if len(texts) > 5 else ''}"
        for word, texts in (("lost", event.lost), ("gained", event.gained))
        if texts
    ]
    return f" ({'; '.join(parts)})" if parts else ""


def _streams(night: Night) -> Iterator[str]:
    if not night.streams:
        return
    rows = [_build_row(each) for each in night.streams[:MOST_LISTED]]
    yield "## All streams\n"
    yield render_table(("Project", "Index", "Build", "Verdict", "Since"), rows)
    if len(night.streams) > MOST_LISTED:
        yield f"{tell_rest(len(night.streams) - MOST_LISTED, 'stream')}\n"


def _build_row(each: StreamNight) -> tuple[str, ...]:
    stream, verdict = each.snapshot.stream, each.audit.verdict
    word = verdict if verdict == "consistent" else f"**{verdict}**"
    return (
        plain(stream.project),
        plain(stream.index),
        code(str(each.snapshot.version)),
        word,
        plain(describe_since(each)),
    )


def _open(night: Night) -> Iterator[str]:
    found = find_open(night)
    if not found:
        return
    yield "## Still open\n"
    for each in found[:MOST_EVENTS]:
        since = plain(describe_beginning(each))
        yield f"- {_name(each.event)}: still open since {since}: {prose(each.event.message)}\n"
        if each.event.lost:
            # Indented, so that it belongs to its entry of the list.
            lines = render_fence(cut_lines(each.event.lost, noun="requirement")).splitlines()
            yield "".join(f"  {line}\n" for line in lines)
    if len(found) > MOST_EVENTS:
        yield f"{tell_rest(len(found) - MOST_EVENTS, 'event')}\n"


# --- one event ---------------------------------------------------------------------------------------


def _regression(each: StreamNight, event: Event) -> Iterator[str]:
    yield f"## {_name(event)}\n"
    yield f"{prose(event.message)}{_link(event)}\n"
    yield from _evidence(each, event)


def _evidence(each: StreamNight, event: Event) -> Iterator[str]:
    yield _facts(each, event)
    yield from _changes(event)
    yield from _proof(each, event)
    if event.id == "WA501":
        yield "### What users of uv and pip see\n"
        yield from render_reads(each.audit, told={frozenset(event.lost): "above"})
        yield "### Until it is fixed: an override for uv\n"
        yield from render_workaround(each.audit)
        if each.audit.override is not None:
            yield (
                "It goes into the pyproject.toml at the root of the workspace, and holds for this build alone: "
                "uv compares the version with its local part.\n"
            )
    elif event.id == "WA504":
        yield (
            "An install there finds no wheel of this build: pip takes an older one if the index still has it and "
            "fails otherwise; uv locks this build all the same, and then cannot sync it there.\n"
        )


def _facts(each: StreamNight, event: Event) -> str:
    before, after = find_beginning(each, event)
    known = code(str(before)) if before is not None else "none is known: it may be older"
    rows = [("Last build without it", known), ("First build with it", code(str(after)))]
    if event.id in (FIXED, "WA503"):
        rows = [("Build before", known), ("This build", code(str(after)))]
    if each.snapshot.version != after:
        rows.append(("Newest build", code(str(each.snapshot.version))))
    if event.platforms:
        rows.append(("Where", "; ".join(map(plain, cut_lines(event.platforms, noun="place")))))
    return render_table(("Stream", plain(str(event.stream))), rows)


def _state(each: StreamNight, event: Event, ended: bool) -> str:
    build, night = code(str(each.snapshot.version)), each.snapshot.night.isoformat()
    if ended:
        return f"**Over**: {build}, read on {night}, does not have it any more.\n"
    if event in each.events:
        return f"First told of {build}, read on {night}.\n"
    return f"Still so in {build}, read on {night}.\n"


def _changes(event: Event) -> Iterator[str]:
    for word, texts in (("Lost", event.lost), ("Gained", event.gained)):
        if texts:
            yield f"{word}, {count_of(len(texts), 'requirement')}:\n"
            yield render_fence(cut_lines(texts, noun="requirement"))


def _proof(each: StreamNight, event: Event) -> Iterator[str]:
    """The wheels of an event with the hashes of their metadata, and the commands that show it."""
    pair = find_pair(each, event)
    asked: dict[str, str] = {}
    if pair is not None and event.id == "WA501":
        total = len(find_wanted(each.audit))
        asked = {wheel.filename: f"{count} of {total}" for wheel, count in count_wheels(each.audit).items()}
    yield from _wheels(find_evidence(event, pair, each.audit), asked)
    if pair is not None:
        yield from _commands(pair)


def _wheels(wheels: Sequence[EventWheel], asked: Mapping[str, str]) -> Iterator[str]:
    if not wheels:
        return
    head = ("Wheel", *(("Asks for",) if asked else ()), "SHA-256 of its metadata", "URL")
    rows = [
        (
            code(each.filename),
            *((asked.get(each.filename, ""),) if asked else ()),
            code(each.metadata_sha256 or "") or "not read",
            code(each.url),
        )
        for each in wheels[:MOST_LISTED]
    ]
    yield render_table(head, rows)
    if len(wheels) > MOST_LISTED:
        yield f"{tell_rest(len(wheels) - MOST_LISTED, 'wheel')}\n"


def _commands(pair: Pair) -> Iterator[str]:
    lines = build_commands(pair)
    if not lines:
        return
    whole = (
        "" if _is_advertised(pair) else ", which fetch both wheels whole, as the index has no `.metadata` beside them"
    )
    yield f"Two commands show it{whole}:\n"
    yield render_fence(lines, info="bash")


def build_commands(pair: Pair) -> tuple[str, ...]:
    """Return the lines for bash that fetch the metadata of two wheels and show where they differ.

    Empty where a URL is not one to hand to curl. ``-g``: brackets in a URL are no pattern.
    ``--fail-early``: what could not be fetched is never compared.
    """
    urls = (pair.first.url, pair.second.url)
    if any(not url.startswith(_SCHEMES) or len(url) > MOST_CHARACTERS for url in urls):
        return ()
    if _is_advertised(pair):
        # PEP 658: the wheel's URL and `.metadata`.
        files = [f"{name}.metadata" for name in pair.names]
        return (*_build_fetch(files, [f"{url}.metadata" for url in urls]), f"diff {' '.join(files)}")
    files = [f"{name}.whl" for name in pair.names]
    inside = " ".join(f"<(unzip -p {file} '*.dist-info/METADATA')" for file in files)
    return (*_build_fetch(files, urls), f"diff {inside}")


def _build_fetch(files: Sequence[str], urls: Sequence[str]) -> tuple[str, str, str]:
    first, second = (f"  -o {file} {shlex.quote(url)}" for file, url in zip(files, urls, strict=True))
    return "curl -gfsSL --fail-early \\", f"{first} \\", f"{second} &&"


def _is_advertised(pair: Pair) -> bool:
    return pair.first.has_metadata and pair.second.has_metadata


def _name(event: Event) -> str:
    subject = f", {plain(event.subject)}" if event.subject else ""
    return f"{plain(str(event.stream))}: {plain(describe_event(event))}{subject}"


def _meaning(event: Event) -> str:
    rule = RULES.get(event.id)
    return f"; cause and remedy: [{rule.id}]({rule.url})" if rule else ""


def _link(event: Event) -> str:
    rule = RULES.get(event.id)
    return f" ([{rule.id}]({rule.url}))" if rule else ""
