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
import re
import secrets
import shutil
import sqlite3
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeVar

from wheelaudit.errors import WheelAuditError
from wheelaudit.index.pages import MAX_PAGE_BYTES

SCHEMA = 1
"""Raised whenever the tables, the keys or the meaning of a column change."""
FILE = "store.sqlite3"
MAX_BODY_BYTES = MAX_PAGE_BYTES
"""Of one body, unpacked: the client reads no larger ones."""
MAX_FIELDS_BYTES = 16 * 1024
"""Of what is kept beside a body: an address and some header fields, each bounded by the client."""
BUSY_TIMEOUT = 2.0
"""Seconds to wait for another process that writes. It needs a millisecond; one that needs longer is stuck."""
OPENING_PAUSE = 0.02
"""Seconds between attempts to open: two processes that begin one store both switch it to WAL, and for that SQLite
does not wait by itself."""
LOGIN_ROUNDS = 20_000
"""Of PBKDF2, 5 to 10 ms: what is on disk must not make a password cheap to guess."""

_FOLDER = "metadata-"
_ASIDE = ".aside-"
_OURS = re.compile(r"metadata-\d+(\.aside-[0-9a-f]{8})?", re.ASCII)
_LEVEL = 1
"""Of zlib: METADATA and pages come to a third or less at a quarter of what the default level costs."""
_PIECE = 64 * 1024
_TABLES = """
    CREATE TABLE bodies (
        sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, packed INTEGER NOT NULL, used INTEGER NOT NULL,
        data BLOB NOT NULL);
    CREATE TABLE answers (key BLOB PRIMARY KEY, body BLOB NOT NULL, fields BLOB NOT NULL, seal BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX answers_of_body ON answers (body);
"""
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

Kind = Literal["page", "metadata", "metadata-url", "wheel", "wheel-url"]
"""A project page; ``.metadata`` by its advertised hash, or by its address; METADATA inside a wheel, by the wheel's
address and hash, or by its address alone."""

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
class Body:
    """A body as it lies in the store; `build_body` makes one."""

    sha256: bytes
    """Of the content."""
    size: int
    """Bytes of the content."""
    packed: bool
    data: bytes
    """The content, by zlib where ``packed``."""

    def read(self) -> bytes:
        """Return the content."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """Yield the content in pieces of at most 64 KiB: a page need not be held whole.

        Raises `zlib.error` where ``data`` is not packed as it says, and ValueError where it comes to more than
        ``size``; not for a body that `MetadataStore.find` gave.
        """
        if not self.packed:
            yield from (self.data[at : at + _PIECE] for at in range(0, len(self.data), _PIECE))
            return
        unpacker = zlib.decompressobj()
        rest, size = self.data, 0
        while not unpacker.eof:
            piece = unpacker.decompress(rest, _PIECE)
            if not piece and not unpacker.unconsumed_tail and not unpacker.eof:
                raise ValueError("the body is cut short")
            rest, size = unpacker.unconsumed_tail, size + len(piece)
            if size > self.size:
                raise ValueError("the body is larger than it says")
            yield piece

    def is_whole(self) -> bool:
        """Whether the content has its hash."""
        digest, size = hashlib.sha256(), 0
        try:
            for piece in self.pieces():
                digest.update(piece)
                size += len(piece)
        except (zlib.error, ValueError):
            return False
        return digest.digest() == self.sha256 and size == self.size


class BodyPacker:
    """Packs a body while it arrives: `feed` each piece, then `close` for the `Body`. Holds only what is packed."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._packer = zlib.compressobj(_LEVEL)
        self._packed = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self._digest.update(data)
        self._packed += self._packer.compress(data)
        self._size += len(data)

    def close(self) -> Body:
        """Return the body, packed if that pays."""
        self._packed += self._packer.flush()
        packed, digest = bytes(self._packed), self._digest.digest()
        if len(packed) < self._size:
            return Body(sha256=digest, size=self._size, packed=True, data=packed)
        return Body(sha256=digest, size=self._size, packed=False, data=zlib.decompress(packed))


def build_body(data: bytes) -> Body:
    """Pack a whole body."""
    packer = BodyPacker()
    packer.feed(data)
    return packer.close()


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


class _UnusableError(Exception):
    """The file is a database, but not one of ours; the text says why."""


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
        return self._root / f"{_FOLDER}{SCHEMA}"

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
        fields = _build_fields(answer)
        if len(fields) > MAX_FIELDS_BYTES or answer.body.size > MAX_BODY_BYTES:
            return

        def write(connection: sqlite3.Connection) -> None:
            body = answer.body
            with _transaction(connection):
                old = connection.execute("SELECT body FROM answers WHERE key = ?", (key,)).fetchone()
                connection.execute(_PUT_BODY, (body.sha256, body.size, int(body.packed), self._today, body.data))
                connection.execute(_PUT_ANSWER, (key, body.sha256, fields, _seal(key, body.sha256, fields)))
                if old is not None and old[0] != body.sha256:
                    connection.execute(_DROP_BODY, old)

        self._run(self._writing, write)

    def read_info(self) -> StoreInfo:
        """Return what the store holds; nothing where there is none yet."""
        info = StoreInfo(path=self.path, disk=sum(_size_of(folder) for folder in self._find_folders()))
        if not self.path.exists():
            return info

        def count(connection: sqlite3.Connection) -> StoreInfo:
            (answers,) = connection.execute("SELECT count(*) FROM answers").fetchone()
            bodies, content = connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM bodies").fetchone()
            return StoreInfo(path=self.path, answers=answers, bodies=bodies, content=content, disk=info.disk)

        return self._run(self._reading, count) or info

    def prune(self, *, before: int) -> Freed:
        """Remove what was last used before the day ``before``, and every store but this version's own."""
        disk = sum(_size_of(folder) for folder in self._find_folders())
        for folder in self._find_folders():
            if folder != self._folder:
                _remove(folder)
        answers = 0
        if self.path.exists():
            answers = self._run(self._writing, lambda connection: _prune(connection, before)) or 0
            self.close()
        return Freed(answers=answers, disk=max(0, disk - sum(_size_of(folder) for folder in self._find_folders())))

    def clear(self) -> Freed:
        """Remove the stores of all versions. Raises `WheelAuditError` where one cannot be removed."""
        info = self.read_info()
        self.close()
        for folder in self._find_folders():
            try:
                # Out of the way in one step first: a process that comes now finds all of it or nothing.
                aside = _set_aside(folder) if _ASIDE not in folder.name else folder
            except OSError as error:
                raise _removal_error(folder, error) from error
            _remove(aside)
        return Freed(answers=info.answers, disk=info.disk)

    def _find_folders(self) -> tuple[Path, ...]:
        """Find the folders of ours: of this version, of others, and set aside. Nothing else there is ours."""
        try:
            return tuple(sorted(path for path in self._root.iterdir() if _is_ours(path)))
        except OSError:
            return ()

    def _note_use(self, connection: sqlite3.Connection, used: set[bytes]) -> None:
        with _transaction(connection):
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
            except (sqlite3.Error, UnicodeError, OSError, _UnusableError) as error:
                if not _is_damage(error) or not self._renew(generation):
                    self._give_up(lane, error)
                    return None

    def _open(self, *, writing: bool) -> sqlite3.Connection:
        path = self.path
        if not writing and path.exists() and not os.access(path, os.W_OK):
            # A write-protected cache (an image of a container). `immutable`: SQLite could not even lock it.
            return _connect(path, immutable=True)
        _make_private(self._root, self._folder, path)
        deadline = time.monotonic() + BUSY_TIMEOUT
        while True:
            try:
                return _connect(path)
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
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
                _set_aside(self._folder)
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


def _connect(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    """Open the file and see that it is ours; tables are made where it is empty."""
    # As a URI only where it must be one: SQLite knows none of a Windows share.
    target = f"{path.absolute().as_uri()}?immutable=1" if immutable else str(path)
    connection = sqlite3.connect(
        target, uri=immutable, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_BODY_BYTES)
        connection.execute("PRAGMA trusted_schema = OFF")  # a file that was tampered with runs nothing
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if not immutable:
            # OFF: nothing waits for the disk (50 ms of a run). The end of a process does no harm; a power failure
            # may damage the file, which is noticed like any other damage.
            connection.execute("PRAGMA synchronous = OFF")
            # WAL: readers and a writer do not wait for each other.
            connection.execute("PRAGMA journal_mode = WAL")
            if version == 0:
                _make_tables(connection)
                (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA:
            raise _UnusableError(f"its schema has the version {version}, and not {SCHEMA}")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    with _transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:  # else another process was faster
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE: a transaction that reads first and writes then could not wait for another writer.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has rolled back by itself.
        with contextlib.suppress(sqlite3.Error, UnicodeError):
            connection.execute("ROLLBACK")
        raise


def _prune(connection: sqlite3.Connection, before: int) -> int:
    with _transaction(connection):
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
            status, url, content_type, etag, last_modified, wheel_size = json.loads(fields)
            return StoredAnswer(
                body=body,
                status=status,
                url=url,
                content_type=content_type,
                etag=etag,
                last_modified=last_modified,
                size=wheel_size,
            )
        case _:
            return None


def _code(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code; None for an error of Python's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_damage(error: Exception) -> bool:
    """Whether a new file helps: not against a disk that is full, a folder that is not ours, a busy writer."""
    match error:
        case _UnusableError() | UnicodeError():  # SQLite's message quotes what is damaged
            return True
        case sqlite3.Error():
            # SQLITE_ERROR: a table or column is missing.
            return _code(error) in {
                None,
                sqlite3.SQLITE_CORRUPT,
                sqlite3.SQLITE_NOTADB,
                sqlite3.SQLITE_FORMAT,
                sqlite3.SQLITE_ERROR,
                sqlite3.SQLITE_MISMATCH,
                sqlite3.SQLITE_CONSTRAINT,
                sqlite3.SQLITE_TOOBIG,
            }
        case _:
            return False


def _make_private(root: Path, folder: Path, path: Path) -> None:
    """Make folder and file for the user alone. Raises OSError where they are somebody else's."""
    # On Windows the modes say little: the profile's access list is what keeps others out there.
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
        raise PermissionError(f"{folder} belongs to somebody else")
    if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
        folder.chmod(0o700)
    # Only where it is not there: to open and close a database beside SQLite drops the locks this process has on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _is_ours(path: Path) -> bool:
    return _OURS.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink()


def _set_aside(folder: Path) -> Path:
    """Rename a store's folder; return its new place. Raises OSError.

    The whole folder, in one step: a new database beside the old one's log would take it for its own.
    """
    aside = folder.with_name(f"{folder.name}{_ASIDE}{secrets.token_hex(4)}")
    for older in filter(_is_ours, folder.parent.glob(f"{folder.name}{_ASIDE}*")):
        _remove(older, quietly=True)  # one is enough to look into
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        folder.rename(aside)
    return aside


def _remove(folder: Path, *, quietly: bool = False) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        if not quietly:
            raise _removal_error(folder, error) from error


def _removal_error(folder: Path, error: OSError) -> WheelAuditError:
    return WheelAuditError(
        f"{folder} cannot be removed: {error.strerror or error}.", remedy="See whether another program uses it."
    )


def _size_of(folder: Path) -> int:
    size = 0
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                size += path.lstat().st_size
    return size
