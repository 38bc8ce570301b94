"""OUTPUT (disk): a lock file of either kind, and what a project beside it asks for.

Which kind a file is, its name says: uv's are ``uv.lock`` and, of a script,
``SCRIPT.py.lock``; PEP 751 reserves ``pylock.toml`` and ``pylock.NAME.toml``.
"""

from __future__ import annotations

import re
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelaudit.errors import ProjectFileError
from wheelaudit.lock import Dependency, Lock, LockKind
from wheelaudit.project.lockfile import parse_lock
from wheelaudit.project.locktable import parse_lock_table
from wheelaudit.project.pylock import parse_pylock
from wheelaudit.project.requirements import ProjectRequirement, find_requirements
from wheelaudit.project.workspace import Workspace

MAX_LOCK_BYTES = 64 * 1024 * 1024
"""A thousand packages of 30 wheels come to 10 MB and take two seconds; what is larger than six of these is no lock."""

_PYLOCK_NAME = re.compile(r"pylock(\.[^.]+)?\.toml")
_REMEDY = "Make it with `uv lock`, or name a lock that you may read."


def read_lock(path: Path) -> Lock:
    """Read a lock file. Raises `ProjectFileError` where it is missing, or is no lock that is understood.

    A file whose name says nothing is told by its content: PEP 751 demands ``lock-version``.
    """
    text = _read_text(path)
    kind = find_kind(path.name) or _find_kind_of_text(text, path)
    return parse_lock(text, file=str(path)) if kind == "uv.lock" else parse_pylock(text, file=str(path))


def find_kind(name: str) -> LockKind | None:
    """Return the kind that a file's name says; None where it says none."""
    if _PYLOCK_NAME.fullmatch(name):
        return "pylock.toml"
    return "uv.lock" if name.endswith(".lock") else None


def find_roots(workspace: Workspace) -> tuple[Dependency, ...]:
    """Return what all members ask for, extras and groups included: the roots of a pylock.toml beside them.

    Without condition: a pylock.toml does not say which extras and groups it was exported
    with, and roots only decide what is not called gained. In which version a root is
    locked only the lock knows. Raises `ProjectFileError`.
    """
    return tuple(
        dict.fromkeys(
            _build_root(requirement) for member in workspace.members for requirement in find_requirements(member)
        )
    )


def _build_root(requirement: ProjectRequirement) -> Dependency:
    line = requirement.line
    return Dependency(
        project=line.key.project, extras=tuple(map(canonicalize_name, line.key.extras)), marker=line.marker
    )


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LOCK_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        cause = getattr(error, "strerror", None) or error
        raise ProjectFileError(f"{path} cannot be read: {cause}.", remedy=_REMEDY) from error
    if len(data) > MAX_LOCK_BYTES:
        raise ProjectFileError(f"{path} has more than {MAX_LOCK_BYTES} bytes.", remedy="Name a lock file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProjectFileError(f"{path} is not UTF-8 (line {line}).", remedy="Make it anew with `uv lock`.") from error


def _find_kind_of_text(text: str, path: Path) -> LockKind:
    remedy = "Name a uv.lock or a pylock.toml."
    table = parse_lock_table(text, file=str(path), remedy=remedy)
    return "pylock.toml" if "lock-version" in table.values else "uv.lock"
