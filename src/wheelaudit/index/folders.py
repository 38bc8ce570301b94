"""WING B (disk): the folders of the metadata store in the user's cache: made private, set aside, removed.

Nothing else in the cache folder is ours, and none of it is touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from pathlib import Path

from wheelaudit.errors import WheelAuditError

PREFIX = "metadata-"
ASIDE = ".aside-"
_OURS = re.compile(r"metadata-\d+(\.aside-[0-9a-f]{8})?", re.ASCII)


def make_private(root: Path, folder: Path, path: Path) -> None:
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


def is_ours(path: Path) -> bool:
    """Whether it is the folder of a store: of this version, of another, or set aside."""
    return _OURS.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink()


def set_aside(folder: Path) -> Path:
    """Rename a store's folder; return its new place. Raises OSError.

    The whole folder, in one step: a new database beside the old one's log would take it for its own.
    """
    aside = folder.with_name(f"{folder.name}{ASIDE}{secrets.token_hex(4)}")
    for older in filter(is_ours, folder.parent.glob(f"{folder.name}{ASIDE}*")):
        remove_folder(older, quietly=True)  # one is enough to look into
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        folder.rename(aside)
    return aside


def remove_folder(folder: Path, *, quietly: bool = False) -> None:
    """Remove a store's folder. Raises `WheelAuditError`, unless ``quietly``, where that cannot be done."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        if not quietly:
            raise build_removal_error(folder, error) from error


def build_removal_error(folder: Path, error: OSError) -> WheelAuditError:
    """Say that a folder is still there."""
    return WheelAuditError(
        f"{folder} cannot be removed: {error.strerror or error}.", remedy="See whether another program uses it."
    )


def measure_folder(folder: Path) -> int:
    """Return the bytes of its files; of what is not there, none."""
    size = 0
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                size += path.lstat().st_size
    return size
