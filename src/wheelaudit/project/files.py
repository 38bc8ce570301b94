"""OUTPUT (disk): a file of the user's, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from wheelaudit.errors import ProjectFileError


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of ``path``: a reader, and a crash, meet the old file or the new one.

    Symbolic links are followed and permissions kept; what is no regular file (a pipe,
    ``/dev/null``) is written to as it stands. Raises `ProjectFileError`.
    """
    try:
        # Never replace the link itself: another folder holds the file that was meant.
        target = Path(os.path.realpath(path))
        mode = _mode_of(target)
        if mode is not None and not stat.S_ISREG(mode):
            with open(target, "wb") as file:
                file.write(data)
            return
        _replace(target, data, None if mode is None else stat.S_IMODE(mode))
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise ProjectFileError(
            f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.",
            remedy="Name a file in a folder that exists and that you may write to.",
        ) from error


def _mode_of(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    # In the same folder: os.replace is atomic only within one file system.
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; a new file gets what open() would have given it.
        temporary.chmod(0o666 & ~_umask() if mode is None else mode)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _umask() -> int:
    # The only way to ask is to set; no other thread of ours makes files meanwhile.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
