"""OUTPUT (disk): documents as a history keeps them: each once, packed, and known by the hash of what it says.

A content may have parts (the requirement sets of a release), and then its hash is over
theirs too: what is read back is what was written, down to the last line, or it is an error.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from wheelaudit.errors import HistoryError
from wheelaudit.history.fields import Document, MalformedError, parse_document, write_document
from wheelaudit.history.schema import MAX_CONTENT_BYTES

_LEVEL = 9
"""Of zlib: it is packed once and lies for a year; 20 wheels take a millisecond."""

_FIND = "SELECT sha256, size, data FROM contents WHERE id = ?"
_FIND_PARTS = """
    SELECT position, sha256, size, data FROM parts LEFT JOIN contents ON id = part WHERE whole = ? ORDER BY position
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A content in the database."""

    id: int
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A content, read and verified."""

    sha256: bytes
    document: object
    parts: tuple[object, ...]


def keep_content(connection: sqlite3.Connection, document: Document, parts: Sequence[Kept] = ()) -> Kept:
    """Keep a document, unless it is there already. Raises `HistoryError` where it is too large."""
    data = write_document(document)
    if len(data) > MAX_CONTENT_BYTES:
        raise HistoryError(
            f"A release whose record has {len(data):,} bytes cannot be kept; {MAX_CONTENT_BYTES:,} are the most.",
            remedy="Look at what its wheels ask for, and leave that project out.",
        )
    sha256 = _reckon(data, [part.sha256 for part in parts])
    row = connection.execute("SELECT id FROM contents WHERE sha256 = ?", (sha256,)).fetchone()
    if row is not None:
        return Kept(id=int(row[0]), sha256=sha256)
    packed = zlib.compress(data, _LEVEL)
    cursor = connection.execute(
        "INSERT INTO contents (sha256, size, data) VALUES (?, ?, ?)", (sha256, len(data), packed)
    )
    assert cursor.lastrowid is not None
    rows = [(cursor.lastrowid, position, part.id) for position, part in enumerate(parts)]
    connection.executemany("INSERT INTO parts (whole, position, part) VALUES (?, ?, ?)", rows)
    return Kept(id=cursor.lastrowid, sha256=sha256)


def find_content(connection: sqlite3.Connection, number: int) -> Content:
    """Return a content with its parts. Raises `MalformedError` where it is not as it was written."""
    row = connection.execute(_FIND, (number,)).fetchone()
    if row is None:
        raise MalformedError(f"content {number} is missing")
    sha256, data = _unpack(number, row)
    hashes: list[bytes] = []
    parts: list[object] = []
    for _, *part in connection.execute(_FIND_PARTS, (number,)).fetchall():
        part_sha256, part_data = _unpack(number, tuple(part))
        if _reckon(part_data, ()) != part_sha256:
            raise MalformedError(f"a part of content {number} has another hash")
        hashes.append(part_sha256)
        parts.append(parse_document(part_data))
    if _reckon(data, hashes) != sha256:
        raise MalformedError(f"content {number} has another hash")
    return Content(sha256=sha256, document=parse_document(data), parts=tuple(parts))


def _reckon(data: bytes, parts: Sequence[bytes]) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest() + b"".join(parts)).digest()


def _unpack(number: int, row: Sequence[object]) -> tuple[bytes, bytes]:
    """Return hash and bytes; no more are unpacked than the row says, nor than a content may have."""
    match row:
        case (bytes(sha256), int(size), bytes(data)) if 0 <= size <= MAX_CONTENT_BYTES:
            unpacker = zlib.decompressobj()
            try:
                content = unpacker.decompress(data, size + 1)
            except zlib.error as error:
                raise MalformedError(f"content {number} cannot be unpacked") from error
            if len(content) != size:
                raise MalformedError(f"content {number} has another size")
            return sha256, content
        case _:
            raise MalformedError(f"content {number} has columns of another type")
