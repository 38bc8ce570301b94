"""WING B (disk): the metadata store: what indexes answered, kept between runs in SQLite.

    CACHE FOLDER/metadata-1/store.sqlite3     1 is the schema's version; other versions live beside it
        bodies    each content once, by its SHA-256
        answers   what a request was answered with: key -> body, validators

Keys are hashes (`build_key`), so the file names no address that was asked for, and no
credentials. Nothing here goes over the network, and nothing decides whether an answer
is still good: `IndexClient` does.

It is a cache, so nothing in it is believed and nothing about it is an error. A body is
read only if it has its hash, an answer only if it has its seal; a file that is damaged
or of another schema is set aside and a new one begun; a disk that is full or
write-protected ends the writing for this run. What is left of each is a fetch that
would not have been needed, and one debug message.

All methods block, for less than a millisecond where the body is a METADATA (33 KB) and
nobody else writes; they may be called from several threads.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeVar

from wheelaudit.index.database import (
    BUSY_TIMEOUT,
    SCHEMA,
    UnusableError,
    connect,
    find_code,
    hold_transaction,
    is_damage,
)
from wheelaudit.index.folders import (
    ASIDE,
    PREFIX,
    build_removal_error,
    is_ours,
    make_private,
    measure_folder,
    remove_folder,
    set_aside,
)
from wheelaudit.index.packing import MAX_BODY_BYTES, Body

FILE = "store.sqlite3"
MAX_FIELDS_BYTES = 16 * 1024
"""Of what is kept beside a body: an address and some header fields, each bounded by the client."""
OPENING_PAUSE = 0.02
"""Seconds between attempts to open: two processes that begin one store both switch it to WAL, and for that SQLite
does not wait by itself."""
LOGIN_ROUNDS = 20_000
"""Of PBKDF2, 5 to 10 ms: what is on disk must not make a password cheap to guess."""

_FIND = """
    SELECT body, fields, seal, size, packed, used, data FROM answers JOIN bodies ON sha256 = body WHERE key = ?
"""
_PUT_BODY = """
    INSERT INTO bodies (sha256, size, packed, used, data) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (sha256) DO UPDATE
        SET size = excluded.size, packed = excluded.packed, used = excluded.used, data = excluded.data
"""
_PUT_ANSWER = "INSERT OR REPLACE INTO answers (key, body, fields, seal) VALUES (?, ?, ?, ?)"
_DROP_BODY = "DELETE FROM bodies WHERE sha256 = ? AND NOT EXISTS (SELECT 1 FROM answers WHERE body = sha256)"

_log = logging.getLogger(__name__)

Kind = Literal["page", "metadata", "metadata-url", "wheel-metadata", "wheel", "wheel-url"]
"""A project page; ``.metadata`` by its advertised hash, by its address, or by the wheel's address and hash; METADATA
inside a wheel, by the wheel's address and hash, or by its address alone."""

T = TypeVar("T")


def build_key(kind: Kind, *parts: str) -> bytes:
    """Return what an answer is found by: a hash, as an address may be a secret (a signed link)."""
    return hashlib.sha256(json.dumps([kind, *parts]).encode()).digest()


@lru_cache(maxsize=64)
def build_owner(username: str, password: str) -> str:
    """Return a name for who is asking, to be part of a key: one user's page is nobody else's."""
    salt = b"wheelaudit\0" + username.encode()
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, LOGIN_ROUNDS).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What a request was answered with."""

    body: Body
    status: int = 200
    """Of HTTP: an index that has not got a project says so by another."""
    url: str | None = None
    """Where it was found in the end (after redirects), without credentials and query; None where nobody needs it."""
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    size: int | None = None
    """Bytes of the wheel that the METADATA was read out of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """What a store holds."""

    path: Path
    answers: int = 0
    bodies: int = 0
    content: int = 0
    """Bytes of all bodies, unpacked."""
    disk: int = 0
    """Bytes on disk, with those of stores that were set aside or belong to another version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What was removed."""

    answers: int = 0
    disk: int = 0
    """Bytes."""


@dataclass(slots=True, kw_only=True)
class _Lane:
    """One connection, and who uses it now. Reading and writing have one each: a reader never waits for a writer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    connection: sqlite3.Connection | None = None
    off: bool = False
    """Whether an error ended its use for this run."""

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


class MetadataStore:
    """The store in the cache folder ``folder``. Opened when it is first used; a context manager that closes it.

    ``today`` is a day's ordinal, for `prune`: when something was last used is noted by the
    day. Several processes, and several stores of one process, may use one folder.
    """

    def __init__(self, folder: Path, *, today: int = 0) -> None:
        self._root = folder
        self._today = today
        self._reading = _Lane()
        self._writing = _Lane()
        self._used: set[bytes] = set()
        self._generation = 0
        self._told = False

    @property
    def path(self) -> Path:
        """The database file, there or not."""
        return self._folder / FILE

    @property
    def _folder(self) -> Path:
        return self._root / f"{PREFIX}{SCHEMA}"

    def __enter__(self) -> MetadataStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Note what was used today, and close the file. It is opened again where it is used again."""
        used, self._used = self._used, set()
        if used:
            self._run(self._writing, lambda connection: self._note_use(connection, used))
        for lane in (self._reading, self._writing):
            with lane.lock:
                lane.close()

    def find(self, key: bytes) -> StoredAnswer | None:
        """Return the answer that is kept under ``key``, its body verified; None where there is none."""
        row = self._run(self._reading, lambda connection: connection.execute(_FIND, (key,)).fetchone())
        if row is None:
            return None
        found = _parse_row(key, row)
        if found is None:
            self._tell("a row of it is damaged")
        elif row[5] != self._today:
            self._used.add(found.body.sha256)
        return found

    def keep(self, key: bytes, answer: StoredAnswer) -> None:
        """Keep ``answer`` under ``key``, in the place of what was there; or not, where the disk does not let us."""
        self.keep_all([(key, answer)])

    def keep_all(self, answers: Sequence[tuple[bytes, StoredAnswer]]) -> None:
        """Keep several, by their keys, in one transaction."""
        rows = [(key, answer.body, _build_fields(answer)) for key, answer in answers]
        rows = [row for row in rows if len(row[2]) <= MAX_FIELDS_BYTES and row[1].size <= MAX_BODY_BYTES]

        def write(connection: sqlite3.Connection) -> None:
            with hold_transaction(connection):
                for key, body, fields in rows:
                    self._put(connection, key, body, fields)

        if rows:
            self._run(self._writing, write)

    def _put(self, connection: sqlite3.Connection, key: bytes, body: Body, fields: bytes) -> None:
        old = connection.execute("SELECT body FROM answers WHERE key = ?", (key,)).fetchone()
        connection.execute(_PUT_BODY, (body.sha256, body.size, int(body.packed), self._today, body.data))
        connection.execute(_PUT_ANSWER, (key, body.sha256, fields, _seal(key, body.sha256, fields)))
        if old is not None and old[0] != body.sha256:
            connection.execute(_DROP_BODY, old)

    def read_info(self) -> StoreInfo:
        """Return what the store holds; nothing where there is none yet."""
        info = StoreInfo(path=self.path, disk=self._measure())
        if not self.path.exists():
            return info

        def count(connection: sqlite3.Connection) -> StoreInfo:
            (answers,) = connection.execute("SELECT count(*) FROM answers").fetchone()
            bodies, content = connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM bodies").fetchone()
            return StoreInfo(path=self.path, answers=answers, bodies=bodies, content=content, disk=info.disk)

        return self._run(self._reading, count) or info

    def prune(self, *, before: int) -> Freed:
        """Remove what was last used before the day ``before``, and every store but this version's own."""
        disk = self._measure()
        for folder in self._find_folders():
            if folder != self._folder:
                remove_folder(folder)
        answers = 0
        if self.path.exists():
            answers = self._run(self._writing, lambda connection: _prune(connection, before)) or 0
            self.close()
        return Freed(answers=answers, disk=max(0, disk - self._measure()))

    def clear(self) -> Freed:
        """Remove the stores of all versions. Raises `WheelAuditError` where one cannot be removed."""
        info = self.read_info()
        self.close()
        for folder in self._find_folders():
            try:
                # Out of the way in one step first: a process that comes now finds all of it or nothing.
                aside = set_aside(folder) if ASIDE not in folder.name else folder
            except OSError as error:
                raise build_removal_error(folder, error) from error
            remove_folder(aside)
        return Freed(answers=info.answers, disk=info.disk)

    def _measure(self) -> int:
        """Return the bytes on disk of all folders of ours."""
        return sum(measure_folder(folder) for folder in self._find_folders())

    def _find_folders(self) -> tuple[Path, ...]:
        """Find the folders of ours: of this version, of others, and set aside. Nothing else there is ours."""
        try:
            return tuple(sorted(path for path in self._root.iterdir() if is_ours(path)))
        except OSError:
            return ()

    def _note_use(self, connection: sqlite3.Connection, used: set[bytes]) -> None:
        with hold_transaction(connection):
            rows = [(self._today, body) for body in sorted(used)]
            connection.executemany("UPDATE bodies SET used = ? WHERE sha256 = ?", rows)

    def _run(self, lane: _Lane, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do ``work``; None where the store lets us down. After damage it is done again, on a new file, once a run."""
        while True:
            generation = self._generation
            try:
                with lane.lock:
                    if lane.off:
                        return None
                    if lane.connection is None:
                        lane.connection = self._open(writing=lane is self._writing)
                    return work(lane.connection)
            except (sqlite3.Error, UnicodeError, OSError, UnusableError) as error:
                if not is_damage(error) or not self._renew(generation):
                    self._give_up(lane, error)
                    return None

    def _open(self, *, writing: bool) -> sqlite3.Connection:
        path = self.path
        if not writing and path.exists() and not os.access(path, os.W_OK):
            # A write-protected cache (an image of a container). `immutable`: SQLite could not even lock it.
            return connect(path, immutable=True)
        make_private(self._root, self._folder, path)
        deadline = time.monotonic() + BUSY_TIMEOUT
        while True:
            try:
                return connect(path)
            except sqlite3.OperationalError as error:
                if find_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(OPENING_PAUSE)

    def _renew(self, generation: int) -> bool:
        """Set the file aside, so that a new one is begun; False where this run has done so before, or cannot."""
        with self._reading.lock, self._writing.lock:
            if self._generation != generation:
                return True  # another thread met the same damage
            if generation > 0:
                return False
            self._reading.close()
            self._writing.close()
            try:
                set_aside(self._folder)
            except OSError:
                return False
            self._generation += 1
            self._tell("it is damaged, or of another version: it is set aside")
            return True

    def _give_up(self, lane: _Lane, error: Exception) -> None:
        with lane.lock:
            lane.off = True
            lane.close()
        self._tell(str(error))

    def _tell(self, reason: str) -> None:
        """Say once a run that the store was of no use, and to nobody who does not ask."""
        if not self._told:
            self._told = True
            _log.debug("the metadata store %s: %s", self.path, reason)


def _prune(connection: sqlite3.Connection, before: int) -> int:
    with hold_transaction(connection):
        old = "SELECT sha256 FROM bodies WHERE used < ?"
        answers = connection.execute(f"DELETE FROM answers WHERE body IN ({old})", (before,)).rowcount
        connection.execute("DELETE FROM answers WHERE body NOT IN (SELECT sha256 FROM bodies)")
        connection.execute("DELETE FROM bodies WHERE sha256 NOT IN (SELECT body FROM answers)")
    with contextlib.suppress(sqlite3.OperationalError):  # another process reads: the room is used again later
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return answers


def _build_fields(answer: StoredAnswer) -> bytes:
    fields = (answer.status, answer.url, answer.content_type, answer.etag, answer.last_modified, answer.size)
    return json.dumps(fields).encode()


def _seal(key: bytes, body: bytes, fields: bytes) -> bytes:
    """Return what shows that a row is as it was written: that a disk went wrong, not that somebody tampered."""
    return hashlib.sha256(key + body + fields).digest()[:16]


def _parse_row(key: bytes, row: tuple[object, ...]) -> StoredAnswer | None:
    """Return the answer of a row of `_FIND`; None where it is not as it was written."""
    match row:
        case (bytes(sha256), bytes(fields), bytes(seal), int(size), int(packed), _, bytes(data)):
            if _seal(key, sha256, fields) != seal or not 0 <= size <= MAX_BODY_BYTES:
                return None
            body = Body(sha256=sha256, size=size, packed=bool(packed), data=data)
            if not body.is_whole():
                return None
            return _parse_fields(body, fields)
        case _:
            return None


def _parse_fields(body: Body, fields: bytes) -> StoredAnswer | None:
    """Return the answer with what `_build_fields` wrote; None where it is something else: a seal is no secret."""
    try:
        parsed = json.loads(fields)
    except (ValueError, RecursionError):
        return None
    match parsed:
        case [
            int(status),
            str() | None as url,
            str() | None as content_type,
            str() | None as etag,
            str() | None as last_modified,
            int() | None as size,
        ]:
            return StoredAnswer(
                body=body,
                status=status,
                url=url,
                content_type=content_type,
                etag=etag,
                last_modified=last_modified,
                size=size,
            )
        case _:
            return None
