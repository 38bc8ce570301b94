"""OUTPUT (pure): what a night recorded of a stream, as documents, and back: findings, events told, what is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from packaging.utils import NormalizedName, canonicalize_name

from wheelaudit.audit.values import Finding, Verdict
from wheelaudit.history.fields import Document, Fields
from wheelaudit.history.releases import build_release_document, clean_url, parse_release
from wheelaudit.history.values import Event, EventWheel, Level, OpenEvent, Snapshot, Stream

VERDICTS: Mapping[str, Verdict] = {verdict: verdict for verdict in get_args(Verdict)}
_LEVELS: Mapping[str, Level] = {level: level for level in get_args(Level)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that a history holds of one build on one night."""

    snapshot: Snapshot
    events: tuple[Event, ...] = ()
    """Told that night, by id and subject."""
    open: tuple[OpenEvent, ...] = ()
    """All that were open when the night was recorded, its own ones too; by id and subject."""


def build_record_document(record: Record) -> dict[str, Document]:
    """Return a record as one document."""
    snapshot = record.snapshot
    return {
        "night": snapshot.night.isoformat(),
        "project": snapshot.stream.project,
        "index": snapshot.stream.index,
        "label": snapshot.stream.label,
        "version": str(snapshot.version),
        "verdict": snapshot.verdict,
        "read_back": snapshot.read_back,
        **build_release_document(snapshot.release, snapshot.readings),
        "findings": build_findings(snapshot.findings),
        "events": [build_event(event) for event in record.events],
        "open": build_open(record.open),
    }


def parse_record(fields: Fields) -> Record:
    """Return the record of a document. Raises `MalformedError`."""
    stream = Stream(
        project=fields.parsed("project", parse_project, "a normalised project name"),
        index=fields.text("index"),
        label=fields.text("label"),
    )
    night, version = fields.date("night"), fields.version("version")
    verdict, read_back = fields.choice("verdict", VERDICTS), fields.flag("read_back", default=False)
    release, readings = parse_release(fields, project=stream.project, version=version)
    snapshot = Snapshot(
        stream=stream,
        night=night,
        release=release,
        readings=readings,
        verdict=verdict,
        findings=parse_findings(fields),
        read_back=read_back,
    )
    events = tuple(parse_event(each, stream) for each in fields.objects("events"))
    if any(event.night != night for event in events):
        fields.refuse("has an event of another night")
    if len({(event.id, event.subject) for event in events}) < len(events):
        fields.refuse("tells an event twice")
    record = Record(snapshot=snapshot, events=events, open=parse_open(fields, stream))
    fields.close()
    return record


def parse_project(text: str) -> NormalizedName:
    """Return the name of a project. Raises ValueError where it is not normalised (PEP 503)."""
    if not text or canonicalize_name(text) != text:
        raise ValueError(text)
    return canonicalize_name(text)


def build_findings(findings: Iterable[Finding]) -> list[Document]:
    """Return findings as a list of documents."""
    return [
        {
            "id": finding.id,
            "message": finding.message,
            "wheels": list(finding.wheels),
            "requirements": list(finding.requirements),
            "help": finding.help,
        }
        for finding in findings
    ]


def parse_findings(fields: Fields) -> tuple[Finding, ...]:
    """Return what ``findings`` holds."""
    return tuple(_parse_finding(each) for each in fields.objects("findings"))


def _parse_finding(fields: Fields) -> Finding:
    finding = Finding(
        id=fields.text("id"),
        message=fields.text("message"),
        wheels=fields.texts("wheels"),
        requirements=fields.texts("requirements"),
        help=fields.text("help"),
    )
    fields.close()
    return finding


def build_event(event: Event) -> dict[str, Document]:
    """Return an event as a document; its stream is not in it."""
    return {
        "id": event.id,
        "night": event.night.isoformat(),
        "level": event.level,
        "subject": event.subject,
        "before": None if event.before is None else str(event.before),
        "after": str(event.after),
        "message": event.message,
        "platforms": list(event.platforms),
        "lost": list(event.lost),
        "gained": list(event.gained),
        "wheels": [_build_event_wheel(wheel) for wheel in event.wheels],
    }


def _build_event_wheel(wheel: EventWheel) -> dict[str, Document]:
    return {"filename": wheel.filename, "url": clean_url(wheel.url), "metadata_sha256": wheel.metadata_sha256}


def parse_event(fields: Fields, stream: Stream) -> Event:
    """Return the event of a document. Raises `MalformedError`."""
    event = Event(
        id=fields.text("id"),
        stream=stream,
        night=fields.date("night"),
        level=fields.choice("level", _LEVELS),
        subject=fields.text("subject"),
        before=fields.version_or_none("before"),
        after=fields.version("after"),
        message=fields.text("message"),
        platforms=fields.texts("platforms"),
        lost=fields.texts("lost"),
        gained=fields.texts("gained"),
        wheels=tuple(_parse_event_wheel(each) for each in fields.objects("wheels")),
    )
    fields.close()
    return event


def _parse_event_wheel(fields: Fields) -> EventWheel:
    wheel = EventWheel(
        filename=fields.text("filename"),
        url=fields.text("url"),
        metadata_sha256=fields.sha256_or_none("metadata_sha256"),
    )
    fields.close()
    return wheel


def build_open(events: Iterable[OpenEvent]) -> list[Document]:
    """Return open events as a list of documents."""
    return [
        {
            "event": build_event(each.event),
            "since": each.since.isoformat(),
            "since_version": str(each.since_version),
            "known_good": None if each.known_good is None else str(each.known_good),
        }
        for each in events
    ]


def parse_open(fields: Fields, stream: Stream) -> tuple[OpenEvent, ...]:
    """Return what ``open`` holds."""
    return tuple(_parse_open_event(each, stream) for each in fields.objects("open"))


def _parse_open_event(fields: Fields, stream: Stream) -> OpenEvent:
    event = OpenEvent(
        event=parse_event(fields.entry("event"), stream),
        since=fields.date("since"),
        since_version=fields.version("since_version"),
        known_good=fields.version_or_none("known_good"),
    )
    fields.close()
    return event


def sort_events(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return events by id and subject."""
    return tuple(sorted(events, key=lambda event: (event.id, event.subject)))


def sort_open(events: Iterable[OpenEvent]) -> tuple[OpenEvent, ...]:
    """Return open events by id and subject."""
    return tuple(sorted(events, key=lambda each: (each.event.id, each.event.subject)))
