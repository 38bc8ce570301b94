"""OUTPUT: a history as JSON Lines, so that git can hold it: one line a build and night, everything in it.

Sorted by night, stream and version, and spelled in one way only: the same history gives
the same bytes, and a new night adds lines at the end. What is imported is hostile until
parsed: a line is bounded in size, and wrong in any of it means that nothing is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from wheelaudit.errors import HistoryError
from wheelaudit.history.fields import Fields, MalformedError, parse_document, write_document
from wheelaudit.history.records import Record, build_record_document, parse_record
from wheelaudit.history.schema import MAX_CONTENT_BYTES
from wheelaudit.history.store import History, NightWriter

SCHEMA = 1
"""Of a line: raised when one that reads the last could lose something."""
MAX_LINE_BYTES = 2 * MAX_CONTENT_BYTES
"""A release with its requirement sets, twice what a history holds of either."""

_REMEDY = "Correct the line, or export the history again; nothing was imported."


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to."""

    recorded: int
    """Lines that the history had not got."""
    skipped: int
    """Lines that it had, the same."""


def render_record(record: Record) -> bytes:
    """Return a record as a line, ending with a newline."""
    return write_document({"schema": SCHEMA, **build_record_document(record)}) + b"\n"


def parse_line(line: bytes) -> Record:
    """Return the record of a line. Raises `MalformedError`."""
    if len(line) > MAX_LINE_BYTES:
        raise MalformedError(f"it has more than {MAX_LINE_BYTES:,} bytes")
    fields = Fields(parse_document(line))
    schema = fields.number_or_none("schema")
    if schema != SCHEMA:
        fields.refuse(f"is of schema {schema}, and {SCHEMA} is known")
    return parse_record(fields)


def export_lines(history: History) -> Iterator[bytes]:
    """Yield the lines of a whole history, oldest night first: of one state of it, whoever writes meanwhile."""
    with history.hold_still():
        for night in history.find_nights():
            yield from map(render_record, history.find_records(night))


def import_lines(history: History, lines: Iterable[bytes], *, name: str) -> Imported:
    """Record what the lines hold, all of it or nothing; ``name`` is what a message calls the file.

    A build of a night that is there already must be the same. Raises `HistoryError` with
    the number of the line that is not, or that is no line of a history.
    """
    recorded = skipped = 0
    with history.begin_night() as night:
        for number, line in enumerate(lines, start=1):
            if not line.strip() and len(line) <= MAX_LINE_BYTES:
                continue
            place = f"Line {number} of {name}"
            try:
                record = parse_line(line)
            except MalformedError as error:
                raise HistoryError(f"{place} cannot be imported: {error}.", remedy=_REMEDY) from error
            if _import_record(history, night, record, place):
                recorded += 1
            else:
                skipped += 1
    return Imported(recorded=recorded, skipped=skipped)


def _import_record(history: History, night: NightWriter, record: Record, place: str) -> bool:
    """Record it and return True; False where it is there already."""
    snapshot = record.snapshot
    there = history.find_record(snapshot.stream, snapshot.night, snapshot.version)
    if there is None:
        night.restore(record)
        return True
    if render_record(there) != render_record(record):
        raise HistoryError(
            f"{place} says otherwise of {snapshot.release.spec} on {snapshot.stream.index} than this history does of "
            f"the night {snapshot.night}.",
            remedy="Import it into a history of its own; nothing was imported.",
        )
    return False


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is too long no more than shows that it is."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        yield line
