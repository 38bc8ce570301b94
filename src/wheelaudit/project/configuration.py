"""OUTPUT (disk): the one file that uv reads a workspace's settings from, and the files that it shadows.

Source: uv's "Configuration files", and uv 0.13.8 where that is silent. These settings
are the ``dependency-metadata`` among others, and the indexes that are asked for
everything; what describes the project itself (``sources`` with the indexes that they
name, ``workspace``, ``conflicts``, ``environments``) uv always reads in pyproject.toml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.documents import (
    PYPROJECT_TABLE,
    UV_TOML_TABLE,
    Table,
    find_uv_table,
    has_uv_table,
    read_document,
)
from wheelaudit.project.workspace import PYPROJECT, Workspace, make_absolute

UV_TOML = "uv.toml"

Cause = Literal["uv.toml", "member", "UV_CONFIG_FILE", "UV_NO_CONFIG"]
"""Why uv passes a file over: a uv.toml beside it, it is a member's and not the root's, or a variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowed:
    """A file whose settings uv does not read, though it could hold them."""

    path: Path
    table: tuple[str, ...]
    """Where they would be in it."""
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Where uv reads ``dependency-metadata`` for a workspace, and where it does not."""

    path: Path | None
    """The file; the root's pyproject.toml where no file has any. None: UV_NO_CONFIG, none is read."""
    table: tuple[str, ...] = PYPROJECT_TABLE
    """Where uv's settings are in it: ``tool.uv``, or in a uv.toml at the top."""
    settings: Table = field(repr=False, default_factory=dict)
    """What it settles: the table there."""
    inherited: bool = False
    """Whether it lies above the workspace; a ``[tool.uv]`` in the root's pyproject.toml would put an end to that."""
    shadowed: tuple[Shadowed, ...] = ()


def find_configuration(workspace: Workspace, *, environ: Mapping[str, str], cwd: Path) -> Configuration:
    """Return the file that uv reads. Raises `ProjectFileError` where it is there but broken."""
    chosen = environ.get("UV_CONFIG_FILE")
    if chosen:
        path = cwd / chosen
        shadowed = tuple(_find_shadowed(workspace, path, "UV_CONFIG_FILE"))
        return Configuration(path=path, table=UV_TOML_TABLE, settings=read_document(path), shadowed=shadowed)
    if is_set(environ, "UV_NO_CONFIG"):
        return Configuration(path=None, shadowed=tuple(_find_shadowed(workspace, None, "UV_NO_CONFIG")))
    found = _find_nearest(workspace)
    path, table, settings = found or (workspace.root.path, PYPROJECT_TABLE, {})
    return Configuration(
        path=path,
        table=table,
        settings=settings,
        inherited=path.parent != workspace.folder,
        shadowed=tuple(_find_shadowed(workspace, path, None)),
    )


def is_set(environ: Mapping[str, str], variable: str) -> bool:
    """Whether a variable that uv takes as yes or no says yes."""
    return environ.get(variable, "").strip().lower() in {"1", "true", "t", "yes", "y", "on"}


def _find_nearest(workspace: Workspace) -> tuple[Path, tuple[str, ...], Table] | None:
    """Look at the root and then above it: in each folder uv.toml, then ``[tool.uv]``, be it empty."""
    root = workspace.root
    own = root.path.parent / UV_TOML
    if own.is_file():
        return own, UV_TOML_TABLE, read_document(own)
    if has_uv_table(root.document):
        return root.path, PYPROJECT_TABLE, root.uv
    for folder in make_absolute(root.path.parent).parents:
        uv_toml, pyproject = folder / UV_TOML, folder / PYPROJECT
        if uv_toml.is_file():
            return uv_toml, UV_TOML_TABLE, read_document(uv_toml)
        if not pyproject.is_file():
            continue
        try:
            document = read_document(pyproject)
        except ProjectFileError:
            continue  # As uv does, which warns: it is another project's file.
        if has_uv_table(document):
            return pyproject, PYPROJECT_TABLE, find_uv_table(document, pyproject)
    return None


def _find_shadowed(workspace: Workspace, chosen: Path | None, cause: Cause | None) -> Iterator[Shadowed]:
    """Yield what lies beside the members' pyproject.toml and is not ``chosen``; ``cause`` overrules the usual ones."""
    for member in workspace.members:
        own: Cause = "uv.toml" if member is workspace.root else "member"
        for path, table in ((member.path.parent / UV_TOML, UV_TOML_TABLE), (member.path, PYPROJECT_TABLE)):
            if path == chosen or not path.is_file():
                continue
            if member is workspace.root and cause is None and not (member.path.parent / UV_TOML).is_file():
                continue  # Not shadowed: uv would read a [tool.uv] there, if there were one.
            yield Shadowed(path=path, table=table, cause=cause or own)
