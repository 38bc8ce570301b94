"""OUTPUT (disk): the rows of a history: snapshots with what they refer to, and events; each sealed.

A seal is a hash over a row and the contents it refers to. It shows that a disk went
wrong, not that somebody tampered. Whatever does not fit raises `MalformedError`.
"""

from __future__ import annotations

import datetime
import hashlib
import sqlite3
from dataclasses import dataclass

from packaging.version import Version

from wheelaudit.audit.values import Verdict
from wheelaudit.history.contents import Kept, find_content, keep_content
from wheelaudit.history.fields import Document, Fields, MalformedError, parse_version, write_document
from wheelaudit.history.records import (
    VERDICTS,
    build_event,
    build_findings,
    build_open,
    parse_event,
    parse_findings,
    parse_open,
    parse_project,
)
from wheelaudit.history.releases import build_release_document, parse_release
from wheelaudit.history.values import Event, OpenEvent, Snapshot, Stream

_SHA256_OF = "(SELECT sha256 FROM contents WHERE contents.id = {column})"
SELECT = f"""
    SELECT snapshots.id, project, index_name, label, night, version, verdict, read_back, seal, body, findings, open,
        {_SHA256_OF.format(column="body")}, {_SHA256_OF.format(column="findings")}, {_SHA256_OF.format(column="open")}
    FROM snapshots JOIN streams ON streams.id = stream
"""
"""What `parse_row` takes; a WHERE follows."""
_PUT = """
    INSERT INTO snapshots (stream, night, version, verdict, read_back, body, findings, open, seal)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (stream, night, version) DO UPDATE SET verdict = excluded.verdict, read_back = excluded.read_back,
        body = excluded.body, findings = excluded.findings, open = excluded.open, seal = excluded.seal
    RETURNING id
"""
_FIND_EVENTS = """
    SELECT finding, subject, seal, sha256, content FROM events LEFT JOIN contents ON contents.id = content
    WHERE snapshot = ? ORDER BY finding, subject
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A snapshot's row, its contents not yet read."""

    id: int
    stream: Stream
    night: datetime.date
    version: Version
    verdict: Verdict
    read_back: bool
    body: int
    findings: int | None
    open: int | None


def parse_row(row: tuple[object, ...]) -> Row:
    """Return a row of `SELECT`, its seal verified."""
    match row:
        case (
            int(number),
            str(project),
            str(index),
            str(label),
            int(night),
            str(version),
            str(verdict),
            (0 | 1) as read_back,
            bytes(seal),
            int(body),
            (int() | None) as findings,
            (int() | None) as open_,
            bytes(body_sha256),
            (bytes() | None) as findings_sha256,
            (bytes() | None) as open_sha256,
        ):
            hashes = (body_sha256, findings_sha256, open_sha256)
            if build_seal(project, index, label, night, version, verdict, read_back, *hashes) != seal:
                raise MalformedError(f"the row of snapshot {number} is not as it was written")
            if verdict not in VERDICTS:
                raise MalformedError(f"snapshot {number} has no verdict that is known")
            return Row(
                id=number,
                stream=parse_stream(project, index, label),
                night=parse_night(night),
                version=_parse_version(version),
                verdict=VERDICTS[verdict],
                read_back=bool(read_back),
                body=body,
                findings=findings,
                open=open_,
            )
        case _:
            raise MalformedError("the row of a snapshot has columns of another type, or a content is missing")


def parse_stream(*columns: object) -> Stream:
    """Return the stream of its three columns."""
    match columns:
        case (str(project), str(index), str(label)):
            try:
                return Stream(project=parse_project(project), index=index, label=label)
            except ValueError as error:
                raise MalformedError("the name of a project is not normalised") from error
        case _:
            raise MalformedError("the row of a stream has columns of another type")


def parse_night(column: object) -> datetime.date:
    """Return the date of a night's number (the day's ordinal)."""
    if type(column) is not int or not 1 <= column <= datetime.date.max.toordinal():
        raise MalformedError("a night is not the number of a day")
    return datetime.date.fromordinal(column)


def _parse_version(column: str) -> Version:
    try:
        return parse_version(column)
    except ValueError as error:
        raise MalformedError("a version is not one as PEP 440 normalises it") from error


def build_seal(*fields: str | int | bytes | None) -> bytes:
    """Return what shows that a row is as it was written."""
    plain = [field.hex() if isinstance(field, bytes) else field for field in fields]
    return hashlib.sha256(write_document(plain)).digest()[:16]


def read_snapshot(connection: sqlite3.Connection, row: Row) -> Snapshot:
    """Return the whole snapshot of a row."""
    body = find_content(connection, row.body)
    fields = Fields(_join_parts(body.document, body.parts))
    release, readings = parse_release(fields, project=row.stream.project, version=row.version)
    fields.close()
    findings = () if row.findings is None else parse_findings(_read_list(connection, row.findings, "findings"))
    return Snapshot(
        stream=row.stream,
        night=row.night,
        release=release,
        readings=readings,
        verdict=row.verdict,
        findings=findings,
        read_back=row.read_back,
    )


def read_open(connection: sqlite3.Connection, row: Row) -> tuple[OpenEvent, ...]:
    """Return what was open when the row was recorded."""
    return () if row.open is None else parse_open(_read_list(connection, row.open, "open"), row.stream)


def _read_list(connection: sqlite3.Connection, number: int, name: str) -> Fields:
    return Fields({name: find_content(connection, number).document})


def read_events(connection: sqlite3.Connection, row: Row) -> tuple[Event, ...]:
    """Return the events that were told with a row, by id and subject."""
    events: list[Event] = []
    for *columns, content in connection.execute(_FIND_EVENTS, (row.id,)).fetchall():
        check_event(row, tuple(columns))
        events.append(parse_event(Fields(find_content(connection, content).document), row.stream))
    return tuple(events)


def check_event(row: Row, columns: tuple[object, ...]) -> str:
    """Return the id of an event that was told with a row, its seal verified: id, subject, seal, hash of its content."""
    match columns:
        case (str(finding), str(subject), bytes(seal), bytes(sha256)):
            if _seal_event(row.stream, row.night, finding, subject, sha256) == seal:
                return finding
    raise MalformedError(
        f"the row of an event of snapshot {row.id} is not as it was written, or its content is missing"
    )


def put_snapshot(connection: sqlite3.Connection, snapshot: Snapshot, open_: tuple[OpenEvent, ...]) -> int:
    """Write a snapshot, in the place of an older one of its stream, night and version; return the row's id."""
    stream, night, version = snapshot.stream, snapshot.night.toordinal(), str(snapshot.version)
    body = _keep_release(connection, snapshot)
    findings = keep_content(connection, build_findings(snapshot.findings)) if snapshot.findings else None
    opened = keep_content(connection, build_open(open_)) if open_ else None
    read_back = int(snapshot.read_back)
    seal = build_seal(
        *(stream.project, stream.index, stream.label, night, version, snapshot.verdict, read_back, body.sha256),
        *(None if kept is None else kept.sha256 for kept in (findings, opened)),
    )
    contents = (body.id, *(None if kept is None else kept.id for kept in (findings, opened)))
    number = _put_stream(connection, stream)
    values = (number, night, version, snapshot.verdict, read_back, *contents, seal)
    (row,) = connection.execute(_PUT, values).fetchall()
    return int(row[0])


def put_event(connection: sqlite3.Connection, snapshot: int, event: Event) -> None:
    """Write an event that is told with a snapshot."""
    kept = keep_content(connection, build_event(event))
    seal = _seal_event(event.stream, event.night, event.id, event.subject, kept.sha256)
    connection.execute(
        "INSERT INTO events (snapshot, finding, subject, content, seal) VALUES (?, ?, ?, ?, ?)",
        (snapshot, event.id, event.subject, kept.id, seal),
    )


def _seal_event(stream: Stream, night: datetime.date, finding: str, subject: str, sha256: bytes) -> bytes:
    return build_seal(stream.project, stream.index, stream.label, night.toordinal(), finding, subject, sha256)


def _put_stream(connection: sqlite3.Connection, stream: Stream) -> int:
    key = (stream.project, stream.index, stream.label)
    connection.execute("INSERT OR IGNORE INTO streams (project, index_name, label) VALUES (?, ?, ?)", key)
    find = "SELECT id FROM streams WHERE project = ? AND index_name = ? AND label = ?"
    return int(connection.execute(find, key).fetchone()[0])


def _keep_release(connection: sqlite3.Connection, snapshot: Snapshot) -> Kept:
    """Keep release and readings: the requirement sets apart, as they stay the same from build to build.

    Name and version are not in a set: the version is another every night.
    """
    document = build_release_document(snapshot.release, snapshot.readings)
    names: list[Document] = []
    sets: list[Kept] = []
    metadata = document["metadata"]
    assert isinstance(metadata, list)
    for core in metadata:
        names.append({"name": core.pop("name"), "version": core.pop("version")})
        sets.append(keep_content(connection, core))
    return keep_content(connection, {**document, "metadata": names}, sets)


def _join_parts(document: object, parts: tuple[object, ...]) -> dict[str, object]:
    """Put name and version back beside each requirement set."""
    names = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(names, list) or len(names) != len(parts):
        raise MalformedError("a release and its requirement sets do not belong together")
    joined: list[object] = []
    for name, part in zip(names, parts, strict=True):
        if not isinstance(name, dict) or not isinstance(part, dict):
            raise MalformedError("a requirement set is not an object")
        joined.append({**part, **name})
    return {**document, "metadata": joined}
