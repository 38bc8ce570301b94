"""OUTPUT (pure): where a workspace takes its requirements from, and which of them exclude each other.

Source: uv's ``tool.uv.sources`` and ``tool.uv.conflicts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from wheelaudit.markers import Expression, parse_expression
from wheelaudit.project.documents import Table, build_setting_error, find_list, find_table, find_text
from wheelaudit.project.requirements import Context
from wheelaudit.project.workspace import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One entry of ``tool.uv.sources``."""

    index: str | None
    """The name of an index; None where it is a repository, a URL, a path or a workspace member."""
    marker: Expression | None = None
    """None: everywhere."""
    extra: NormalizedName | None = None
    """Only for requirements of this extra; None: for all."""
    group: NormalizedName | None = None
    """Only for requirements of this group; None: for all."""

    def is_for(self, context: Context) -> bool:
        """Whether it can apply to a requirement of ``context``, its marker aside."""
        if self.extra is not None:
            return context.kind == "extra" and context.name == self.extra
        if self.group is not None:
            return context.kind == "group" and context.name == self.group
        return True


Sources = Mapping[NormalizedName, tuple[Source, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictItem:
    """One side of a conflict: an extra or a group of a project, or (without either) the project itself."""

    package: NormalizedName | None
    extra: NormalizedName | None = None
    group: NormalizedName | None = None

    def covers(self, context: Context) -> bool:
        """Whether a requirement of ``context`` is on this side."""
        if context.member != self.package:
            return False
        if self.extra is not None:
            return context.kind == "extra" and context.name == self.extra
        if self.group is not None:
            return context.kind == "group" and context.name == self.group
        return True


Conflict = tuple[ConflictItem, ...]
"""Of these at most one is ever installed, so uv resolves them apart."""


def find_sources(member: Member) -> Sources:
    """Return ``[tool.uv.sources]`` of one project. Raises `ProjectFileError`."""
    table = find_table(member.uv, "sources", member.path)
    return {
        canonicalize_name(name): tuple(_parse_sources(value, member.path, f"sources.{name}"))
        for name, value in table.items()
    }


def find_conflicts(member: Member) -> tuple[Conflict, ...]:
    """Return ``conflicts`` of one project; a side that names no package is the project's own."""
    return tuple(
        tuple(_parse_conflict_item(item, member) for item in _as_list(entry, member.path, "conflicts"))
        for entry in find_list(member.uv, "conflicts", member.path)
    )


def _parse_sources(value: object, path: Path, key: str) -> Iterator[Source]:
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, dict):
            raise build_setting_error(path, key, "is not a table")
        marker = find_text(entry, "marker", path, within=key)
        yield Source(
            index=find_text(entry, "index", path, within=key),
            marker=None if marker is None else _parse_marker(marker, path, key),
            extra=_find_name(entry, "extra", path, key),
            group=_find_name(entry, "group", path, key),
        )


def _parse_marker(text: str, path: Path, key: str) -> Expression:
    try:
        return parse_expression(text)
    except ValueError as error:
        raise build_setting_error(path, f"{key}.marker", f'is not a marker (PEP 508): "{text}"') from error


def _parse_conflict_item(entry: object, member: Member) -> ConflictItem:
    if not isinstance(entry, dict):
        raise build_setting_error(member.path, "conflicts", "has an element that is no table")
    return ConflictItem(
        package=_find_name(entry, "package", member.path, "conflicts") or member.name,
        extra=_find_name(entry, "extra", member.path, "conflicts"),
        group=_find_name(entry, "group", member.path, "conflicts"),
    )


def _find_name(entry: Table, key: str, path: Path, within: str) -> NormalizedName | None:
    text = find_text(entry, key, path, within=within)
    return None if text is None else canonicalize_name(text)


def _as_list(value: object, path: Path, key: str) -> list[object]:
    if not isinstance(value, list):
        raise build_setting_error(path, key, "has an element that is no array")
    return value
