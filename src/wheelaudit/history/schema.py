"""OUTPUT (disk): the file of a history: opened and recognised, its tables made and migrated, its errors explained.

The file says what it is: SQLite's ``application_id`` is ours, and ``user_version`` the
number of steps its tables have come. Nothing is written to a file that is something else.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from wheelaudit.errors import HistoryError as HistoryError

APPLICATION_ID = 0x77686175
"""``whau``, in the header of the file (SQLite's ``PRAGMA application_id``)."""
BUSY_TIMEOUT = 60.0
"""Seconds that one writer waits for the other. A night is recorded in one or two; who needs a minute is stuck."""
PAGE_BYTES = 16384
"""Of SQLite's pages. A release of 20 wheels packs to 1,400 bytes: of the usual 4,096 every third would lie empty."""
OPENING_PAUSE = 0.02
"""Seconds between attempts to open: two processes that begin one file both switch it to WAL, and for that SQLite
does not wait by itself."""
MAX_CONTENT_BYTES = 64 * 1024 * 1024
"""Of one release, or one requirement set, unpacked: four of the largest METADATA that is ever read (16 MiB)."""

_STEP_1 = """
    CREATE TABLE streams (
        id INTEGER PRIMARY KEY, project TEXT NOT NULL, index_name TEXT NOT NULL, label TEXT NOT NULL,
        UNIQUE (project, index_name, label));
    CREATE TABLE contents (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, size INTEGER NOT NULL,
        data BLOB NOT NULL);
    CREATE TABLE parts (
        whole INTEGER NOT NULL REFERENCES contents ON DELETE CASCADE, position INTEGER NOT NULL,
        part INTEGER NOT NULL REFERENCES contents, PRIMARY KEY (whole, position)) WITHOUT ROWID;
    CREATE INDEX parts_of ON parts (part);
    CREATE TABLE snapshots (
        id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES streams, night INTEGER NOT NULL,
        version TEXT NOT NULL, verdict TEXT NOT NULL, read_back INTEGER NOT NULL,
        body INTEGER NOT NULL REFERENCES contents, findings INTEGER REFERENCES contents,
        open INTEGER REFERENCES contents, seal BLOB NOT NULL, UNIQUE (stream, night, version));
    CREATE INDEX snapshots_by_night ON snapshots (night);
    CREATE INDEX snapshots_by_version ON snapshots (stream, version, night);
    CREATE INDEX snapshots_decided ON snapshots (stream, night) WHERE verdict <> 'undecided';
    CREATE INDEX snapshots_of_body ON snapshots (body);
    CREATE INDEX snapshots_of_findings ON snapshots (findings) WHERE findings IS NOT NULL;
    CREATE INDEX snapshots_of_open ON snapshots (open) WHERE open IS NOT NULL;
    CREATE TABLE events (
        id INTEGER PRIMARY KEY, snapshot INTEGER NOT NULL REFERENCES snapshots ON DELETE CASCADE,
        finding TEXT NOT NULL, subject TEXT NOT NULL, content INTEGER NOT NULL REFERENCES contents,
        seal BLOB NOT NULL, UNIQUE (snapshot, finding, subject));
    CREATE INDEX events_of_content ON events (content);
"""
STEPS: tuple[str, ...] = (_STEP_1,)
"""What brings a file from version 0 (empty) to 1, from 1 to 2, and so on. One that was released is never edited."""

_REMEDY_DAMAGED = (
    "Move it away, and import the last export into a new one (`wheelaudit history import FILE`), or begin anew."
)


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a history, its tables brought to this version. ``create``: make the file where there is none.

    Raises `HistoryError`.
    """
    _find_file(path, create=create)
    deadline = time.monotonic() + BUSY_TIMEOUT
    with explain(path):
        while True:
            try:
                return _open(path, create=create)
            except sqlite3.OperationalError as error:
                if _find_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(OPENING_PAUSE)


def _find_file(path: Path, *, create: bool) -> None:
    """See that the file is there; make it where it may be made."""
    try:
        if path.exists():
            return
        if create:
            _make_private(path)
            return
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise HistoryError(
            f"{path} cannot be made: {getattr(error, 'strerror', None) or error}.",
            remedy="Name a file in a folder that you may write to.",
        ) from error
    raise HistoryError(
        f"There is no history at {path}.",
        remedy="Name one with --history, or record a first night: `wheelaudit nightly`.",
    )


def _make_private(path: Path) -> None:
    """Make the file for the user alone; SQLite gives its log the same mode."""
    # On Windows the mode says little: the access list of the profile is what keeps others out there.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # another process was faster
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _open(path: Path, *, create: bool) -> sqlite3.Connection:
    protected = not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK))
    if protected:
        _check_log(path)
    # As a URI only where it must be one: SQLite knows none of a Windows share.
    target = f"{path.absolute().as_uri()}?immutable=1" if protected else str(path)
    connection = sqlite3.connect(
        target, uri=protected, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_CONTENT_BYTES)
        connection.execute("PRAGMA trusted_schema = OFF")  # a file that was tampered with runs nothing
        version = _recognise(connection, path, create=create and not protected)
        connection.execute("PRAGMA foreign_keys = ON")
        if not protected:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # heeded where the file is still empty
            # WAL: readers and a writer do not wait for each other. FULL: a night that was recorded stays so when the
            # power fails; it is one wait for the disk a night.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        if version < len(STEPS):
            _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_log(path: Path) -> None:
    """See that a file that is read without its log has none: the last nights could be in there."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise HistoryError(
            f"{path} is write-protected, and its last nights are still in {log.name}.",
            remedy="Open it once where it may be written to: `wheelaudit history list`.",
        )


def _recognise(connection: sqlite3.Connection, path: Path, *, create: bool) -> int:
    """Return the version of the tables; raises `HistoryError` where the file is none of ours, or newer."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, tables) == (0, 0, 0):
        if create:
            return 0
        raise HistoryError(f"{path} holds no history: it is empty.", remedy="Name another file with --history.")
    if application != APPLICATION_ID:
        raise HistoryError(
            f"{path} is a database, but no history of wheelaudit.", remedy="Name another file with --history."
        )
    if version > len(STEPS):
        raise HistoryError(
            f"{path} was written by a newer wheelaudit (its schema is {version}, and {len(STEPS)} is known).",
            remedy="Update wheelaudit.",
        )
    return int(version)


def _migrate(connection: sqlite3.Connection) -> None:
    """Take all steps that are missing, or none of them."""
    with hold_transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for step in STEPS[version:]:  # none where another process was faster
            for statement in filter(str.strip, step.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")


@contextlib.contextmanager
def hold_transaction(connection: sqlite3.Connection, *, writes: bool = True) -> Iterator[None]:
    """Do all that the block does, or nothing of it; without ``writes``, see one state of the file throughout."""
    # IMMEDIATE: a transaction that reads first and writes then could not wait for another writer.
    connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has rolled back by itself.
        with contextlib.suppress(sqlite3.Error, UnicodeError):
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def explain(path: Path) -> Iterator[None]:
    """Turn what SQLite says into `HistoryError`; what is a bug of ours stays as it is."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise _build_error(path, error) from error
    except UnicodeDecodeError as error:  # SQLite's message quotes what is damaged
        raise build_damage_error(path, "it holds a text that is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise HistoryError(
            "A name with characters that are not Unicode cannot be kept in a history.", remedy="Rename the index."
        ) from error


def build_damage_error(path: Path, reason: str) -> HistoryError:
    """Say that the file does not hold what was written to it; ``reason`` is half a sentence."""
    return HistoryError(f"{path} is damaged: {reason}.", remedy=_REMEDY_DAMAGED)


def _build_error(path: Path, error: sqlite3.Error) -> HistoryError:
    match _find_code(error):
        case sqlite3.SQLITE_NOTADB:
            return HistoryError(f"{path} is no SQLite database.", remedy="Name another file with --history.")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return HistoryError(
                f"{path} has been written to by another process for {BUSY_TIMEOUT:.0f} seconds.",
                remedy="See whether a run is stuck, end it, and run this again.",
            )
        case sqlite3.SQLITE_FULL:
            return HistoryError(
                f"There is no room for {path}: nothing of this run was recorded.",
                remedy="Make room on the disk, and run this again.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_AUTH:
            return HistoryError(
                f"{path} cannot be opened for writing: {error}.", remedy="Check the permissions of file and folder."
            )
        case sqlite3.SQLITE_IOERR:
            return HistoryError(f"{path} cannot be read or written: {error}.", remedy="Check the disk it is on.")
        case _:
            return build_damage_error(path, str(error))


def _find_code(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code; None for an error of Python's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
