"""OUTPUT (disk): a lock file of either kind, and what a project beside it asks for.

Which kind a file is, its name says: uv's are ``uv.lock`` and, of a script,
``SCRIPT.py.lock``; PEP 751 reserves ``pylock.toml`` and ``pylock.NAME.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from packaging.utils import NormalizedName, canonicalize_name

from wheelaudit.errors import ProjectFileError
from wheelaudit.lock import Choice, Dependency, Lock, LockKind
from wheelaudit.markers import Comparison, join_all
from wheelaudit.project.documents import find_list
from wheelaudit.project.lockfile import parse_lock
from wheelaudit.project.locktable import parse_lock_table
from wheelaudit.project.pylock import parse_pylock
from wheelaudit.project.requirements import Context, ProjectRequirement, find_lines, find_requirements
from wheelaudit.project.workspace import Member, Workspace

MAX_LOCK_BYTES = 64 * 1024 * 1024
"""A thousand packages of 30 wheels come to 10 MB and take two seconds; what is larger than six of these is no lock."""

_PYLOCK_NAME = re.compile(r"pylock(\.[^.]+)?\.toml")
_REMEDY = "Make it with `uv lock`, or name a lock that you may read."


def read_lock(path: Path) -> Lock:
    """Read a lock file. Raises `ProjectFileError` where it is missing, or is no lock that is understood.

    A file whose name says nothing is told by its content: PEP 751 demands ``lock-version``.
    """
    text = read_lock_text(path)
    if text is None:
        raise ProjectFileError(f"{path} cannot be read: there is no such file.", remedy=_REMEDY)
    kind = find_kind(path.name) or _find_kind_of_text(text, path)
    return parse_lock(text, file=str(path)) if kind == "uv.lock" else parse_pylock(text, file=str(path))


def find_kind(name: str) -> LockKind | None:
    """Return the kind that a file's name says; None where it says none."""
    if _PYLOCK_NAME.fullmatch(name):
        return "pylock.toml"
    return "uv.lock" if name.endswith(".lock") else None


def add_project(lock: Lock, workspace: Workspace) -> Lock:
    """Return a pylock.toml with what it does not say itself and the project beside it does: see `find_roots`.

    What the user overrides or excludes was decided when it was made. Raises `ProjectFileError`.
    """
    return replace(
        lock,
        roots=find_roots(workspace),
        overrides=frozenset(_find_named(workspace.root, "override-dependencies")),
        excludes=frozenset(_find_named(workspace.root, "exclude-dependencies")),
    )


def find_roots(workspace: Workspace) -> tuple[Dependency, ...]:
    """Return what all members ask for, extras and groups included: the roots of a pylock.toml beside them.

    A pylock.toml does not say which extras, groups and members it was exported with: what
    only these ask for has a marker that says so, with a `Choice.text`. In which version a
    root is locked only the lock knows. Raises `ProjectFileError`.
    """
    asked = {member.path: find_requirements(member) for member in workspace.members}
    sure = _find_sure(workspace, asked)
    roots = dict.fromkeys(
        _build_root(requirement, sure=path in sure)
        for path, requirements in asked.items()
        for requirement in requirements
    )
    # The user's override stands in a requirement's place, with extras of its own or none.
    overrides = frozenset(_find_named(workspace.root, "override-dependencies"))
    return tuple(dict.fromkeys(replace(root, extras=()) if root.project in overrides else root for root in roots))


def _find_named(root: Member, key: str) -> Iterator[NormalizedName]:
    """Yield the projects of ``override-dependencies`` or of ``exclude-dependencies``, which only the root says."""
    for entry in find_list(root.uv, key, root.path):
        # uv 0.11.25: only of one package; what that is given besides is what the user says too.
        table = {key: [entry]} if not isinstance(entry, dict) else {key: entry.get("dependencies", [])}
        yield from (line.key.project for line in find_lines(table, key, root.path))


def read_lock_text(path: Path) -> str | None:
    """Read a lock file as text, and nothing of what it says; None where there is no file.

    Raises `ProjectFileError` where it cannot be read, has no end or is no UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LOCK_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
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


def _find_sure(workspace: Workspace, asked: Mapping[Path, Sequence[ProjectRequirement]]) -> set[Path]:
    """Return the members that every export has: the project that was asked for, and the members that it always needs.

    Source: `uv export` takes the project of the folder; a root without ``[project]`` stands for all members.
    """
    paths = {member.name: member.path for member in workspace.members}
    pending = [member.path for member in workspace.members if member.path == workspace.asked]
    if paths.get(None) == workspace.asked:
        pending = list(asked)
    sure: set[Path] = set()
    while pending:
        path = pending.pop()
        if path not in sure:
            sure.add(path)
            always = [each.line for each in asked[path] if each.context.kind == "always" and each.line.marker is None]
            pending += [paths[line.key.project] for line in always if line.key.project in paths]
    return sure


def _build_root(requirement: ProjectRequirement, *, sure: bool) -> Dependency:
    line, choice = requirement.line, _find_choice(requirement.context, sure=sure)
    asked = None if choice is None else Comparison("extra", "==", choice.text)
    return Dependency(
        project=line.key.project,
        extras=tuple(map(canonicalize_name, line.key.extras)),
        marker=join_all(line.marker, asked),
    )


def _find_choice(context: Context, *, sure: bool) -> Choice | None:
    """Return what has to be asked for; None for what is always."""
    match context.kind:
        case "extra":
            return Choice(project="", extra=context.name)
        case "group":
            return Choice(project="", group=context.name)
        case "always":
            return None if sure else Choice(project=context.member or "")
        case other:
            assert_never(other)


def _find_kind_of_text(text: str, path: Path) -> LockKind:
    remedy = "Name a uv.lock or a pylock.toml."
    table = parse_lock_table(text, file=str(path), remedy=remedy)
    return "pylock.toml" if "lock-version" in table.values else "uv.lock"
