"""OUTPUT (disk): a file of the user's, read as text that can be written back, and written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.documents import read_bounded

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text file as it is on disk, and its text. Line ends stay as they are in both."""

    path: Path
    data: bytes
    text: str
    """Without the byte order mark: it is no TOML, but Windows editors write one and uv reads over it."""

    def encode(self, text: str) -> bytes:
        """Return another text as the bytes of this file: with a byte order mark where it has one."""
        return (_BOM if self.data.startswith(_BOM) else b"") + text.encode()


def read_document(path: Path) -> Document:
    """Read a UTF-8 file. Raises `ProjectFileError`."""
    try:
        data = read_bounded(path)
        return Document(path=path, data=data, text=data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ProjectFileError(f"{path} is not UTF-8 (line {line}).", remedy="Save it as UTF-8.") from error
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise ProjectFileError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.",
            remedy="Name a file that exists and that you may read.",
        ) from error


def write_document(document: Document, text: str) -> None:
    """Put ``text`` in the place of the file that ``document`` was read from, unless it changed since.

    The file is as it was, or it is the new one: when the disk is full, when the process is
    killed. Raises `ProjectFileError`, also where the file is write-protected (a replacement
    would need no permission of the file's own), or where it does not read back as written.
    """
    data = document.encode(text)
    if data == document.data:
        return
    with _write_errors(document.path):
        target = Path(os.path.realpath(document.path))
        status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, "it is not a regular file")
        # The mode too: it binds no administrator, but it is what the owner said.
        if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
            raise PermissionError(None, "it is write-protected")
        _replace(target, data, status, lambda: _check_unchanged(document, target))
        if target.read_bytes() != data:
            raise ProjectFileError(
                f"{document.path} does not hold what was written to it.",
                remedy="See whether another program writes to it, and run this again.",
            )


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of ``path``: a reader, and a crash, meet the old file or the new one.

    Symbolic links are followed and permissions kept; what is no regular file (a pipe,
    ``/dev/null``) is written to as it stands. Raises `ProjectFileError`.
    """
    with _write_errors(path):
        # Never replace the link itself: another folder holds the file that was meant.
        target = Path(os.path.realpath(path))
        status = _status_of(target)
        if status is not None and not stat.S_ISREG(status.st_mode):
            with open(target, "wb") as file:
                file.write(data)
            return
        _replace(target, data, status)


@contextlib.contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise ProjectFileError(
            f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.",
            remedy="Name a file in a folder that exists and that you may write to.",
        ) from error


def _status_of(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _check_unchanged(document: Document, target: Path) -> None:
    try:
        unchanged = target.read_bytes() == document.data
    except FileNotFoundError:
        unchanged = False
    if not unchanged:
        raise ProjectFileError(
            f"{document.path} changed while it was being edited; it was left as it is now.",
            remedy="Run this again.",
        )


def _replace(
    target: Path, data: bytes, status: os.stat_result | None, check: Callable[[], None] = lambda: None
) -> None:
    """Write a file beside ``target`` and rename it, once ``check`` has passed at the last moment."""
    # In the same folder: os.replace is atomic only within one file system.
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if status is None:
            # mkstemp makes private files; a new file gets what open() would have given it.
            temporary.chmod(0o666 & ~_umask())
        else:
            _take_over(temporary, status)
        check()
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _take_over(path: Path, status: os.stat_result) -> None:
    """Give a file the owner and the permissions of the one it replaces."""
    if sys.platform != "win32" and (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        # Only an administrator may give files away; anyone else keeps the file that he replaced.
        with contextlib.suppress(PermissionError):
            os.chown(path, status.st_uid, status.st_gid)
    path.chmod(stat.S_IMODE(status.st_mode))


def _umask() -> int:
    # The only way to ask is to set; no other thread of ours makes files meanwhile.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
