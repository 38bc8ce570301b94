"""OUTPUT (disk): the workspace that a pyproject.toml belongs to: its root and its members.

Source: uv's "Using workspaces", and uv 0.13.8 where that is silent. The nearest
pyproject.toml is the project; the next one above it decides whether it is a member.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.documents import (
    Table,
    build_setting_error,
    find_list,
    find_table,
    find_text,
    find_uv_table,
    read_document,
)

PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One project of a workspace."""

    path: Path
    """Its pyproject.toml."""
    name: NormalizedName | None
    """None where it has no name: a root without ``[project]``."""
    document: Table = field(repr=False)
    """What the file holds."""

    @property
    def project(self) -> Table:
        """``[project]``."""
        return find_table(self.document, "project", self.path)

    @property
    def uv(self) -> Table:
        """``[tool.uv]``."""
        return find_uv_table(self.document, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Projects that share one uv.lock. A project outside of any workspace is one of its own."""

    root: Member
    """The one whose ``[tool.uv]`` counts for all, beside whose pyproject.toml uv.lock lies."""
    others: tuple[Member, ...] = ()
    """The other members, by path."""
    asked: Path
    """The pyproject.toml that was asked for: the root's, or a member's."""

    @property
    def members(self) -> tuple[Member, ...]:
        """All of them, the root first."""
        return (self.root, *self.others)

    @property
    def folder(self) -> Path:
        """The root's."""
        return self.root.path.parent

    @property
    def lockfile(self) -> Path:
        """Where uv puts uv.lock, whether it is there or not."""
        return self.folder / "uv.lock"


def find_project_file(folder: Path) -> Path | None:
    """Return the pyproject.toml of ``folder``, else of the nearest folder above (uv); None where none has one."""
    for candidate in _and_above(folder):
        path = candidate / PYPROJECT
        if path.is_file():
            return path
    return None


def read_workspace(pyproject: Path) -> Workspace:
    """Read the workspace that ``pyproject`` is the root or a member of. Raises `ProjectFileError`.

    A file that is not named pyproject.toml stands for itself alone.
    """
    own = read_member(pyproject)
    if pyproject.name != PYPROJECT:
        return Workspace(root=own, asked=pyproject)
    root = own if "workspace" in own.uv else _find_root(own)
    if root is None:
        return Workspace(root=own, asked=pyproject)
    own_folder = make_absolute(pyproject.parent)
    others: list[Member] = []
    for folder in _find_folders(root):
        member = own if folder == own_folder else read_member(folder / PYPROJECT)
        if member.uv.get("managed") is not False:
            others.append(member)
    return Workspace(root=root, others=tuple(others), asked=pyproject)


def read_member(path: Path) -> Member:
    """Read one pyproject.toml. Raises `ProjectFileError`."""
    document = read_document(path)
    name = find_text(find_table(document, "project", path), "name", path, within="project")
    find_uv_table(document, path)
    return Member(path=path, name=None if name is None else canonicalize_name(name), document=document)


def _find_root(own: Member) -> Member | None:
    """Return the root that has ``own`` for a member; None where it stands alone.

    uv looks no further than the first pyproject.toml above, whatever that one is.
    """
    above = make_absolute(own.path.parent).parent
    path = find_project_file(above) if above != make_absolute(own.path.parent) else None
    if path is None:
        return None
    try:
        root = read_member(path)
    except ProjectFileError as error:
        raise ProjectFileError(
            f"{own.path} may be a member of a workspace, but {error.message}", remedy=error.remedy
        ) from error
    if "workspace" not in root.uv or make_absolute(own.path.parent) not in _find_folders(root):
        return None
    return root


def _find_folders(root: Member) -> tuple[Path, ...]:
    """Return the folders of the members beside the root: ``members`` less ``exclude``."""
    table = find_table(root.uv, "workspace", root.path)
    base = make_absolute(root.path.parent)
    excluded = set(_find_matches(base, table, "exclude", root.path))
    found = {folder for folder in _find_matches(base, table, "members", root.path) if folder not in excluded | {base}}
    # uv refuses a folder without pyproject.toml; for what is asked here it is as good as not there.
    return tuple(sorted(folder for folder in found if (folder / PYPROJECT).is_file()))


def _find_matches(base: Path, table: Table, key: str, path: Path) -> Iterator[Path]:
    for pattern in find_list(table, key, path):
        if not isinstance(pattern, str) or "\0" in pattern:
            raise build_setting_error(path, f"workspace.{key}", "has an element that is no pattern")
        # As uv's glob: hidden folders match too.
        for match in glob.iglob(pattern, root_dir=base, recursive=True, include_hidden=True):
            folder = make_absolute(base / match)
            if folder.is_dir():
                yield folder


def _and_above(folder: Path) -> Iterator[Path]:
    yield folder
    absolute = make_absolute(folder)
    yield from absolute.parents


def make_absolute(path: Path) -> Path:
    """Return ``path`` absolute, ``..`` removed; Path.resolve would follow symbolic links, as uv does not."""
    return Path(os.path.abspath(path))
