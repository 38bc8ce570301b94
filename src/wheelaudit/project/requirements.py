"""OUTPUT (pure): what the projects of a workspace ask for, and in which context.

Obeys PEP 621 (``project.dependencies``, ``optional-dependencies``), PEP 735
(``dependency-groups``, ``include-group``) and uv's ``dev-dependencies``, which is the
older name of the group ``dev``; of ``[tool.uv]`` also the constraints and overrides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from packaging.utils import NormalizedName, canonicalize_name

from wheelaudit.metadata import RequirementLine, parse_requirement_line
from wheelaudit.project.documents import Table, build_setting_error, find_list, find_table
from wheelaudit.project.workspace import Member

MAX_REQUIREMENTS = 10_000
"""Of one project, groups included in groups counted each time: those may double at every step."""

DEV_GROUP = canonicalize_name("dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Under what condition a project asks for something."""

    member: NormalizedName | None
    """Which project; None where it has no name."""
    kind: Literal["always", "extra", "group"]
    name: NormalizedName | None = None
    """Of the extra or the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRequirement:
    """One requirement of one project."""

    line: RequirementLine
    context: Context


def find_requirements(member: Member) -> tuple[ProjectRequirement, ...]:
    """Return all that a project asks for, in the file's order. Raises `ProjectFileError`."""
    found: list[ProjectRequirement] = []
    for requirement in _walk(member):
        found.append(requirement)
        if len(found) > MAX_REQUIREMENTS:
            raise build_setting_error(member.path, "dependency-groups", f"come to more than {MAX_REQUIREMENTS} lines")
    return tuple(found)


def find_lines(table: Table, key: str, path: Path) -> tuple[RequirementLine, ...]:
    """Return the requirements of an array such as ``constraint-dependencies``."""
    return tuple(_parse_line(value, path, key) for value in find_list(table, key, path))


def _walk(member: Member) -> Iterator[ProjectRequirement]:
    path, project = member.path, member.project
    always = Context(member=member.name, kind="always")
    for line in find_lines(project, "dependencies", path):
        yield ProjectRequirement(line=line, context=always)
    extras = find_table(project, "optional-dependencies", path)
    for name in extras:
        context = Context(member=member.name, kind="extra", name=canonicalize_name(name))
        for line in find_lines(extras, name, path):
            yield ProjectRequirement(line=line, context=context)
    groups = _find_groups(member)
    for group in groups:
        context = Context(member=member.name, kind="group", name=group)
        # uv: an included line belongs to the group that includes it, for sources too.
        for line in _walk_group(groups, group, (), path):
            yield ProjectRequirement(line=line, context=context)
    for line in find_lines(member.uv, "dev-dependencies", path):
        yield ProjectRequirement(line=line, context=Context(member=member.name, kind="group", name=DEV_GROUP))


def _find_groups(member: Member) -> Mapping[NormalizedName, list[Any]]:
    table = find_table(member.document, "dependency-groups", member.path)
    groups: dict[NormalizedName, list[Any]] = {}
    for name in table:
        if groups.setdefault(canonicalize_name(name), entries := find_list(table, name, member.path)) is not entries:
            raise build_setting_error(member.path, f"dependency-groups.{name}", "is there twice")
    return groups


def _walk_group(
    groups: Mapping[NormalizedName, list[Any]], group: NormalizedName, within: tuple[NormalizedName, ...], path: Path
) -> Iterator[RequirementLine]:
    key = f"dependency-groups.{group}"
    if group in within:
        raise build_setting_error(path, key, "includes itself")
    for entry in groups[group]:
        match entry:
            case {"include-group": str(name)}:
                included = canonicalize_name(name)
                if included not in groups:
                    raise build_setting_error(path, key, f'includes a group "{name}" that is not there')
                yield from _walk_group(groups, included, (*within, group), path)
            case _:
                yield _parse_line(entry, path, key)


def _parse_line(value: object, path: Path, key: str) -> RequirementLine:
    if not isinstance(value, str):
        raise build_setting_error(path, key, "has an element that is no requirement")
    try:
        return parse_requirement_line(value)
    except ValueError as error:
        # Not repeated: a requirement may hold a URL, and that a password.
        raise build_setting_error(path, key, "has an element that is not a requirement (PEP 508)") from error
