"""OUTPUT (disk: uv.lock): on which indexes a workspace has one project, and in which versions.

What a name alone (``wheelaudit torch``) means in a project: the versions that are
locked, else those that the workspace's own requirements would come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.errors import UsageError
from wheelaudit.index.locations import IndexLocation
from wheelaudit.markers import Expression, parse_expression
from wheelaudit.metadata import RequirementLine
from wheelaudit.project.demands import Demand, find_demands
from wheelaudit.project.documents import build_setting_error, find_list
from wheelaudit.project.indexes import locate
from wheelaudit.project.lockfile import LockedRelease, find_locked, find_overridden
from wheelaudit.project.locks import read_lock_text
from wheelaudit.project.requirements import ProjectRequirement, find_lines, find_requirements
from wheelaudit.project.settings import ProjectSettings, find_source_index
from wheelaudit.project.sources import Conflict, Source, find_conflicts, find_sources
from wheelaudit.project.workspace import Member, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One index, and what of a project is wanted there: exact versions, or the newest that each specifier admits."""

    location: IndexLocation | None
    """None: the indexes that are asked for everything, of which the first that has the project counts."""
    versions: tuple[Version, ...] = ()
    """As uv.lock locks them, oldest first; empty: nothing is locked from there, see `specifiers`."""
    specifiers: tuple[SpecifierSet, ...] = ()
    """Distinct; of more than one each stands for some environments, extras or groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRules:
    """What the root settles for all members' requirements."""

    conflicts: tuple[Conflict, ...]
    """Of all members."""
    environments: tuple[Expression, ...]
    """``environments``: uv resolves for no others; empty: for all."""
    required_environments: tuple[Expression, ...]
    """``required-environments``: those that must have a wheel."""
    constraints: tuple[RequirementLine, ...]
    overrides: tuple[RequirementLine, ...]


def find_targets(
    settings: ProjectSettings, project: NormalizedName, *, environ: Mapping[str, str], cwd: Path
) -> tuple[Target, ...]:
    """Return where and in which versions the workspace has ``project``; empty where it has nothing to do with it.

    Raises `ProjectFileError`, and `UsageError` where the workspace takes it from no index at all.
    """
    workspace = settings.workspace
    if workspace is None:
        return ()
    named = find_named_locations(settings, project, environ=environ, cwd=cwd)
    locked = _group_by_url(workspace, project)
    demands = _find_demands(settings, workspace, project)
    targets = [
        Target(
            location=location,
            versions=locked.pop(location.url, ()),
            specifiers=_find_specifiers(demand for demand in demands if demand.index in names),
        )
        for location, names in named.items()
    ]
    known = {location.url: location for location in settings.indexes.values()}
    for url, versions in locked.items():
        location = known.get(url) or locate(url, folder=workspace.folder, name=None, source=str(workspace.lockfile))
        targets.append(Target(location=location, versions=versions))
    if not targets and demands:
        targets.append(Target(location=None, specifiers=_find_specifiers(demands)))
    return tuple(targets)


def find_named_locations(
    settings: ProjectSettings, project: NormalizedName, *, environ: Mapping[str, str], cwd: Path
) -> dict[IndexLocation, tuple[str, ...]]:
    """Return the indexes that the workspace's sources name for ``project``, each with its names there.

    Sources are for their own project's requirements; where nobody requires it, all of them count.
    """
    found: dict[IndexLocation, tuple[str, ...]] = {}
    if settings.workspace is None:
        return found
    asking = {requirement.context.member for requirement in find_asking(settings.workspace, project)}
    for member, sources in _find_member_sources(settings.workspace, project):
        for source in sources:
            if source.index is not None and (not asking or member.name in asking):
                location = find_source_index(settings, member, source.index, environ=environ, cwd=cwd)
                found[location] = (*found.get(location, ()), source.index)
    return found


def find_rules(workspace: Workspace) -> WorkspaceRules:
    """Return what holds for all members: the root's pyproject.toml says it, only conflicts are every member's."""
    root = workspace.root
    return WorkspaceRules(
        conflicts=tuple(conflict for member in workspace.members for conflict in find_conflicts(member)),
        environments=_parse_markers(root, "environments"),
        required_environments=_parse_markers(root, "required-environments"),
        constraints=find_lines(root.uv, "constraint-dependencies", root.path),
        overrides=find_lines(root.uv, "override-dependencies", root.path),
    )


def find_asking(workspace: Workspace, project: NormalizedName) -> tuple[ProjectRequirement, ...]:
    """Return the requirements of all members on ``project``."""
    return tuple(
        requirement
        for member in workspace.members
        for requirement in find_requirements(member)
        if requirement.line.key.project == project
    )


def read_locked(workspace: Workspace) -> tuple[LockedRelease, ...]:
    """Return what the workspace's uv.lock locks from indexes; nothing where there is no lock."""
    text = read_lock_text(workspace.lockfile)
    return () if text is None else find_locked(text, file=str(workspace.lockfile))


def read_overridden(workspace: Workspace) -> frozenset[tuple[NormalizedName, Version | None]]:
    """Return the overrides that the workspace's uv.lock was made with; nothing where there is no lock."""
    text = read_lock_text(workspace.lockfile)
    return frozenset() if text is None else find_overridden(text, file=str(workspace.lockfile))


def _find_member_sources(workspace: Workspace, project: NormalizedName) -> list[tuple[Member, tuple[Source, ...]]]:
    """Pair each member with its sources of ``project``: its own, else the root's."""
    shared = find_sources(workspace.root).get(project, ())
    return [(member, find_sources(member).get(project) or shared) for member in workspace.members]


def _find_demands(settings: ProjectSettings, workspace: Workspace, project: NormalizedName) -> tuple[Demand, ...]:
    asking = find_asking(workspace, project)
    rules = find_rules(workspace)
    sources = {member.name: sources for member, sources in _find_member_sources(workspace, project)}
    demands = find_demands(
        asking,
        sources,
        conflicts=rules.conflicts,
        environments=rules.environments,
        requires_python=settings.requires_python,
        constraints=_only(rules.constraints, project),
        overrides=_only(rules.overrides, project),
    )
    elsewhere = any(source.index is None for each in sources.values() for source in each)
    if asking and not demands and (elsewhere or any(each.line.key.url for each in asking)):
        raise UsageError(
            f"{workspace.asked}: {project} comes from no index here, but from a repository, a URL or a path.",
            remedy=f"Name the release and its index: wheelaudit {project}==VERSION --index INDEX.",
        )
    return demands


def _find_specifiers(demands: Iterable[Demand]) -> tuple[SpecifierSet, ...]:
    """Return what is asked of one index: anything where no requirement comes to it (the source may be for later)."""
    return tuple(dict.fromkeys(demand.specifier for demand in demands)) or (SpecifierSet(),)


def _group_by_url(workspace: Workspace, project: NormalizedName) -> dict[str, tuple[Version, ...]]:
    """Return the locked versions of ``project`` by the index's address."""
    found: dict[str, set[Version]] = {}
    for release in read_locked(workspace):
        if release.project == project:
            # uv: a path in the lock is relative to it.
            location = locate(release.registry, folder=workspace.folder, name=None, source=str(workspace.lockfile))
            found.setdefault(location.url, set()).add(release.version)
    return {url: tuple(sorted(versions)) for url, versions in found.items()}


def _parse_markers(root: Member, key: str) -> tuple[Expression, ...]:
    value = root.uv.get(key, [])
    texts: Sequence[object] = [value] if isinstance(value, str) else find_list(root.uv, key, root.path)
    markers: list[Expression] = []
    for text in texts:
        try:
            markers.append(parse_expression(str(text)))
        except ValueError as error:
            raise build_setting_error(
                root.path, key, f'has an element that is not a marker (PEP 508): "{text}"'
            ) from error
    return tuple(markers)


def _only(lines: Iterable[RequirementLine], project: NormalizedName) -> tuple[RequirementLine, ...]:
    return tuple(line for line in lines if line.key.project == project)
