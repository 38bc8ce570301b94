"""OUTPUT (disk): the history: what releases said on a date, kept in one SQLite file.

    streams     a project on an index, with one local label
    snapshots   one build on one night: verdict, and by reference what follows
    contents    each release, requirement set, list of findings, event: once, by its SHA-256, as packed JSON
    parts       which requirement sets a release has
    events      what was told with a snapshot

A night in which nothing changed costs a row. What is read is found by an index, so that
it takes the same time after a year as after a month.

A night is one transaction (`History.begin_night`): a run that is killed leaves all of it
or nothing. Two runs may overlap: readers wait for nobody (WAL), and one writer waits for
the other. That needs a local disk: on a network file system (NFS, SMB) the log's shared
memory does not work between machines. There, keep the file local and carry the export
(`lines`).

No secret is kept (see `releases`). What is read back is checked, and raises `HistoryError`
where it is not what was written. All methods block; one thread at a time may use a history.
"""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from packaging.version import Version

from wheelaudit.history.fields import MalformedError
from wheelaudit.history.records import Record, sort_events, sort_open
from wheelaudit.history.rows import (
    SELECT,
    Row,
    check_event,
    parse_night,
    parse_row,
    parse_stream,
    put_event,
    put_snapshot,
    read_events,
    read_open,
    read_snapshot,
)
from wheelaudit.history.schema import build_damage_error, connect, explain, hold_transaction
from wheelaudit.history.values import CalendarNight, Event, OpenEvent, Snapshot, Stream

MAX_SQUARES = 100_000
"""Nights in a calendar: five years of 48 streams. No page shows more, and a file may hold any number."""
FREE_SHARE = 4
"""A quarter of the file is free before `prune` writes it anew: a night takes up again what a night freed."""

_ALWAYS = datetime.date.max.toordinal() + 1
_STREAM = "(SELECT id FROM streams WHERE project = ? AND index_name = ? AND label = ?)"
_LAST = f"""
    {SELECT} WHERE stream = {_STREAM} AND night =
        (SELECT max(night) FROM snapshots WHERE stream = {_STREAM} AND night < ?)
"""
# The condition is spelled as the index of it is: or SQLite would not see that it serves.
_LAST_DECIDED = f"""
    {SELECT} WHERE verdict <> 'undecided' AND stream = {_STREAM} AND night =
        (SELECT max(night) FROM snapshots WHERE verdict <> 'undecided' AND stream = {_STREAM} AND night < ?)
"""
_FIRST_SEEN = f"WHERE stream = {_STREAM} AND version = ? ORDER BY night LIMIT 1"
_FIND_TOLD = """
    SELECT snapshot, finding, subject, events.seal, sha256
    FROM snapshots CROSS JOIN events ON snapshot = snapshots.id LEFT JOIN contents ON contents.id = content
    WHERE night BETWEEN ? AND ? ORDER BY snapshot, finding, subject
"""
_OF_NIGHT = f"WHERE stream = {_STREAM} AND night = ?"
_DROP_UNUSED = (
    "DELETE FROM contents WHERE id IN (SELECT id FROM contents EXCEPT SELECT body FROM snapshots EXCEPT "
    "SELECT findings FROM snapshots EXCEPT SELECT open FROM snapshots EXCEPT SELECT content FROM events EXCEPT "
    "SELECT part FROM parts)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryInfo:
    """What a history holds."""

    nights: int
    streams: int
    releases: int
    """Different ones: an unchanged night adds none."""
    disk: int
    """Bytes of the file and its log."""


class History:
    """A history that is open: ``with History.open(path, create=True) as history``."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: Path, *, create: bool) -> History:
        """Open the file, its tables brought to this version; with ``create`` make it where there is none, private.

        Raises `HistoryError`, and leaves the file as it is, where it is none of ours or a newer wheelaudit's.
        """
        return cls(connect(path, create=create), path)

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Its log goes where nobody else has it open."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def find_last(self, stream: Stream, *, before: datetime.date | None = None) -> Snapshot | None:
        """Return the newest snapshot: of the last night (before that date), and of that the newest version."""
        with self._check():
            row = self._find_last_row(_LAST, stream, before)
            return None if row is None else read_snapshot(self._connection, row)

    def find_last_decided(self, stream: Stream, *, before: datetime.date | None = None) -> Snapshot | None:
        """Return the newest snapshot whose verdict is not "undecided"."""
        with self._check():
            row = self._find_last_row(_LAST_DECIDED, stream, before)
            return None if row is None else read_snapshot(self._connection, row)

    def find_open(self, stream: Stream, *, before: datetime.date | None = None) -> tuple[OpenEvent, ...]:
        """Find what was left open by the snapshot that `find_last` gives; by id and subject."""
        with self._check():
            row = self._find_last_row(_LAST, stream, before)
            return () if row is None else read_open(self._connection, row)

    def find_first_seen(self, stream: Stream, version: Version) -> datetime.date | None:
        """Return the first night that has this build; None where none has."""
        with self._check():
            rows = self._find_rows(_FIRST_SEEN, (*_key(stream), str(version)))
            return rows[0].night if rows else None

    def find_events(self, stream: Stream, night: datetime.date) -> tuple[Event, ...]:
        """Find what was told of a stream on a night, by id and subject."""
        with self._check():
            rows = self._find_rows(_OF_NIGHT, (*_key(stream), night.toordinal()))
            return sort_events(event for row in rows for event in read_events(self._connection, row))

    def find_streams(self) -> tuple[Stream, ...]:
        """Find all streams that have a snapshot, sorted."""
        with self._check():
            find = """SELECT project, index_name, label FROM streams
                WHERE EXISTS (SELECT 1 FROM snapshots WHERE stream = streams.id)"""
            rows = self._connection.execute(find).fetchall()
            return tuple(sorted(parse_stream(*row) for row in rows))

    def find_nights(self) -> tuple[datetime.date, ...]:
        """Find all nights, oldest first."""
        with self._check():
            rows = self._connection.execute("SELECT DISTINCT night FROM snapshots ORDER BY night").fetchall()
            return tuple(parse_night(night) for (night,) in rows)

    def find_calendar(self, *, since: datetime.date, until: datetime.date) -> dict[Stream, tuple[CalendarNight, ...]]:
        """Find the verdicts of all nights from one date to another, oldest first; of `MAX_SQUARES` the newest.

        Streams are sorted, and so are the versions of one night.
        """
        with self._check():
            dates = (since.toordinal(), until.toordinal())
            where = "WHERE night BETWEEN ? AND ? ORDER BY night DESC LIMIT ?"
            rows = _sort(self._find_rows(where, (*dates, MAX_SQUARES)))
            told: dict[int, list[str]] = {row.id: [] for row in rows}
            by_id = {row.id: row for row in rows}
            for snapshot, *columns in self._connection.execute(_FIND_TOLD, dates):
                if snapshot in told:  # or beyond the limit
                    told[snapshot].append(check_event(by_id[snapshot], tuple(columns)))
            calendar: dict[Stream, list[CalendarNight]] = {stream: [] for stream in sorted({r.stream for r in rows})}
            for row in rows:
                calendar[row.stream].append(_build_square(row, told[row.id]))
            return {stream: tuple(nights) for stream, nights in calendar.items()}

    def find_snapshots(self, night: datetime.date, *, stream: Stream | None = None) -> tuple[Snapshot, ...]:
        """Find the snapshots of a night (of one stream), by stream and version."""
        return tuple(record.snapshot for record in self.find_records(night, stream=stream))

    def find_records(self, night: datetime.date, *, stream: Stream | None = None) -> tuple[Record, ...]:
        """Find the snapshots of a night (of one stream) with what was told and what was open, by stream and version."""
        with self._check():
            if stream is None:
                rows = self._find_rows("WHERE night = ?", (night.toordinal(),))
            else:
                rows = self._find_rows(_OF_NIGHT, (*_key(stream), night.toordinal()))
            return tuple(self._read_record(row) for row in _sort(rows))

    def find_record(self, stream: Stream, night: datetime.date, version: Version) -> Record | None:
        """Return what is recorded of one build on one night; None where nothing is."""
        with self._check():
            key = (*_key(stream), night.toordinal(), str(version))
            rows = self._find_rows(f"{_OF_NIGHT} AND version = ?", key)
            return self._read_record(rows[0]) if rows else None

    @contextlib.contextmanager
    def hold_still(self) -> Iterator[None]:
        """See one state of the history throughout the block, whoever writes meanwhile."""
        with explain(self.path), hold_transaction(self._connection, writes=False):
            yield

    @contextlib.contextmanager
    def begin_night(self) -> Iterator[NightWriter]:
        """Hold the one transaction of a night: what is recorded in it is there whole, or not at all.

        Another run that records waits until it ends, for a minute: read the index before.
        """
        with explain(self.path), hold_transaction(self._connection):
            yield NightWriter(self, self._connection)

    def prune(self, keep_days: int, today: datetime.date) -> int:
        """Remove the nights before the last ``keep_days``; return how many snapshots went.

        Of each stream there stays what the next night is held against: its last snapshot, the last one that was
        decided, and the first one of the last build.
        """
        oldest = today.toordinal() - keep_days + 1
        with self._check(), hold_transaction(self._connection):
            removed = sum(self._prune_stream(stream, oldest) for stream in self.find_streams())
            if removed:
                # Twice: sets are free only when the releases that have them are gone.
                self._connection.execute(_DROP_UNUSED)
                self._connection.execute(_DROP_UNUSED)
        self._give_back()
        return removed

    def read_info(self) -> HistoryInfo:
        """Return how much it holds."""
        with self._check():
            counts = [
                self._connection.execute(f"SELECT count(DISTINCT {column}) FROM snapshots").fetchone()[0]
                for column in ("night", "stream", "body")
            ]
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        disk = sum(file.stat().st_size for file in files if file.exists())
        return HistoryInfo(nights=counts[0], streams=counts[1], releases=counts[2], disk=disk)

    @contextlib.contextmanager
    def _check(self) -> Iterator[None]:
        """Say of which file something is wrong."""
        with explain(self.path):
            try:
                yield
            except MalformedError as error:
                raise build_damage_error(self.path, str(error)) from error

    def _find_rows(self, where: str, values: Sequence[object]) -> list[Row]:
        return [parse_row(row) for row in self._connection.execute(f"{SELECT} {where}", values).fetchall()]

    def _find_last_row(self, find: str, stream: Stream, before: datetime.date | None) -> Row | None:
        night = _ALWAYS if before is None else before.toordinal()
        rows = self._connection.execute(find, (*_key(stream), *_key(stream), night)).fetchall()
        return max((parse_row(row) for row in rows), key=lambda row: row.version, default=None)

    def _read_record(self, row: Row) -> Record:
        return Record(
            snapshot=read_snapshot(self._connection, row),
            events=read_events(self._connection, row),
            open=read_open(self._connection, row),
        )

    def _prune_stream(self, stream: Stream, oldest: int) -> int:
        last = self._find_last_row(_LAST, stream, None)
        decided = self._find_last_row(_LAST_DECIDED, stream, None)
        if last is None:
            return 0
        first = self.find_first_seen(stream, last.version) or last.night
        kept = (last.night, last.night if decided is None else decided.night, first)
        drop = f"DELETE FROM snapshots WHERE stream = {_STREAM} AND night < ? AND night NOT IN (?, ?, ?)"
        return self._connection.execute(drop, (*_key(stream), oldest, *(night.toordinal() for night in kept))).rowcount

    def _give_back(self) -> None:
        """Write the file anew where much of it is free, unless another process has it open: then the next time."""
        with self._check(), contextlib.suppress(sqlite3.OperationalError):
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
            if free * FREE_SHARE > pages:
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class NightWriter:
    """What records a night, within `History.begin_night`."""

    def __init__(self, history: History, connection: sqlite3.Connection) -> None:
        self._history = history
        self._connection = connection
        self._open: dict[Stream, tuple[OpenEvent, ...]] = {}
        """What each stream's last build left open, of those recorded here: nights that are read back come late."""

    def record(
        self, snapshot: Snapshot, *, events: Iterable[Event] = (), still_open: Iterable[OpenEvent] = ()
    ) -> tuple[Event, ...]:
        """Record a snapshot in the place of one of the same stream, night and version; return what is told first.

        Of ``events``, what was told that night or was open before it (by id and subject) is not told again; what an
        earlier run of the night told stays told. ``still_open`` is everything that is open once the night is over.
        """
        stream, night = snapshot.stream, snapshot.night
        events, still_open = tuple(events), tuple(still_open)
        if any(e.stream != stream for e in (*events, *(each.event for each in still_open))):
            raise ValueError(f"an event is not of {stream}")
        if any(event.night != night for event in events):
            raise ValueError(f"an event is not of {night}")
        before = self._open.get(stream)
        if before is None:
            before = self._history.find_open(stream, before=night)
        known = (*self._history.find_events(stream, night), *(each.event for each in before))
        told = {(event.id, event.subject) for event in known}
        new = {(event.id, event.subject): event for event in events if (event.id, event.subject) not in told}
        record = Record(snapshot=snapshot, events=sort_events(new.values()), open=sort_open(still_open))
        self.restore(record)
        self._open[stream] = record.open
        return record.events

    def restore(self, record: Record) -> None:
        """Record a night as it was recorded elsewhere: what it told is told, whatever else is known."""
        with explain(self._history.path):
            number = put_snapshot(self._connection, record.snapshot, record.open)
            for event in record.events:
                put_event(self._connection, number, event)


def _key(stream: Stream) -> tuple[str, str, str]:
    return stream.project, stream.index, stream.label


def _sort(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.night, row.stream, row.version))


def _build_square(row: Row, told: Sequence[str]) -> CalendarNight:
    return CalendarNight(night=row.night, version=row.version, verdict=row.verdict, told=tuple(told))
