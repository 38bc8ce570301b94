"""WING B (disk): the metadata store's database: opened, given its tables, and what an error of it means."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from wheelaudit.index.packing import MAX_BODY_BYTES

SCHEMA = 1
"""Raised whenever the tables, the keys or the meaning of a column change."""
BUSY_TIMEOUT = 2.0
"""Seconds to wait for another process that writes. It needs a millisecond; one that needs longer is stuck."""
_TABLES = """
    CREATE TABLE bodies (
        sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, packed INTEGER NOT NULL, used INTEGER NOT NULL,
        data BLOB NOT NULL);
    CREATE TABLE answers (key BLOB PRIMARY KEY, body BLOB NOT NULL, fields BLOB NOT NULL, seal BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX answers_of_body ON answers (body);
"""


class UnusableError(Exception):
    """The file is a database, but not one of ours; the text says why."""


def connect(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
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
            raise UnusableError(f"its schema has the version {version}, and not {SCHEMA}")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    with hold_transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:  # else another process was faster
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")


@contextlib.contextmanager
def hold_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all that the block does, or nothing of it."""
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


def find_code(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code; None for an error of Python's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def is_damage(error: Exception) -> bool:
    """Whether a new file helps: not against a disk that is full, a folder that is not ours, a busy writer."""
    match error:
        case UnusableError() | UnicodeError():  # SQLite's message quotes what is damaged
            return True
        case sqlite3.Error():
            # SQLITE_ERROR: a table or column is missing.
            return find_code(error) in {
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
