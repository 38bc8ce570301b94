"""OUTPUT (pure): what a uv.lock locks.

Source: uv's lock files of ``version = 1``, whatever their ``revision``: uv promises that
a later revision of a version can be read by what reads an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.lock import Choice, Dependency, Lock, LockedPackage, LockedWheel, Origin
from wheelaudit.project.lockmetadata import Patience, add_lost_extras
from wheelaudit.project.locktable import LockTable, find_header_lines, parse_identity, parse_lock_table

LOCK_VERSION = 1
"""Of the format; uv refuses to read another, and so do we."""

REMEDY = "Make it anew with `uv lock`."

_LOCAL = ("virtual", "editable", "directory")
"""Sources that are a folder. uv takes a member of the workspace for one of them, as its project asks for it."""

_ORIGINS: Mapping[str, Origin] = {
    "registry": "index",
    "git": "git",
    "url": "url",
    "path": "path",
    **dict.fromkeys(_LOCAL, "path"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedRelease:
    """One exact version that a lock takes from an index."""

    project: NormalizedName
    version: Version
    registry: str
    """The index as uv.lock spells it: a URL without credentials, or a path, absolute or relative to the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workspace:
    """What of the lock is the user's own."""

    members: frozenset[NormalizedName]
    """``manifest.members``; empty: uv names none where there is but one."""
    has_root: bool
    """Whether a folder beside the lock is that one: not where a script or a root without ``[project]`` asks."""
    overrides: frozenset[NormalizedName]
    """``manifest.overrides``: whatever is asked of these projects, the user says instead."""
    patience: Patience

    def has(self, name: NormalizedName, source: LockTable) -> bool:
        """Whether a package on disk belongs to it."""
        if self.members:
            return name in self.members
        return self.has_root and any(source.values.get(kind) == "." for kind in _LOCAL)


def parse_lock(text: str, *, file: str = "uv.lock") -> Lock:
    """Return all that a uv.lock says; ``file`` names the text in errors.

    Paths stay as the lock spells them. Where an arrow of what is on disk lacks an extra that
    its ``[package.metadata]`` asks for, one more arrow has it. Raises `ProjectFileError`
    where the text is no lock of a version that is known, or where anything in it is not
    understood; keys that are not known are passed over.
    """
    table = _parse_document(text, file)
    manifest = table.find_table("manifest") or LockTable(values={}, file=file, remedy=REMEDY)
    overrides = frozenset(_find_overrides(manifest))
    roots = tuple(_find_roots(manifest, overrides))
    workspace = _Workspace(
        members=frozenset(manifest.as_name("members", name) for name in manifest.find_texts("members")),
        has_root=not roots,
        overrides=overrides,
        patience=Patience(),
    )
    return Lock(
        kind="uv.lock",
        requires_python=table.find_requires_python(),
        environments=table.find_markers("supported-markers"),
        conflicts=_find_conflicts(table),
        overrides=overrides,
        excludes=frozenset(_find_excludes(manifest)),
        overridden=frozenset(_find_overridden(manifest)),
        roots=roots,
        packages=tuple(_parse_packages(table, text, workspace)),
    )


def find_locked(text: str, *, file: str = "uv.lock") -> tuple[LockedRelease, ...]:
    """Return what is locked from indexes, in the lock's order; ``file`` names the text in errors.

    What comes from elsewhere (repositories, URLs, paths, the workspace itself) is left out.
    Raises `ProjectFileError` where the text is no lock of a version that is known.
    """
    packages = enumerate(_find_packages(_parse_document(text, file)), start=1)
    return tuple(_parse_release(package, number) for number, package in packages if _has_registry(package))


def find_overridden(text: str, *, file: str = "uv.lock") -> frozenset[tuple[NormalizedName, Version | None]]:
    """Return name and version of every override that the lock was made with; None for all versions.

    Source: uv writes all entries that it reads into ``[[manifest.dependency-metadata]]``,
    also those of projects that are not locked. An entry that is not there is newer than the
    lock, or without effect. Raises as `find_locked` does.
    """
    manifest = _parse_document(text, file).find_table("manifest")
    return frozenset() if manifest is None else frozenset(_find_overridden(manifest))


def _parse_document(text: str, file: str) -> LockTable:
    table = parse_lock_table(text, file=file, remedy=REMEDY)
    version = table.values.get("version")
    if version != LOCK_VERSION or isinstance(version, bool):
        raise ProjectFileError(
            f"{file} is not a lock of version {LOCK_VERSION}, the only one that is understood.",
            remedy="Make it anew with `uv lock`, or look for a newer wheelaudit.",
        )
    return table


def _find_packages(table: LockTable) -> tuple[LockTable, ...]:
    return table.find_tables(_find_packages_key(table))


def _find_packages_key(table: LockTable) -> str:
    # uv: the first locks of this version say "distribution", and are read to this day.
    return "package" if "package" in table.values else "distribution"


def _has_registry(package: LockTable) -> bool:
    source = package.values.get("source")
    return isinstance(source, dict) and "registry" in source


def _parse_release(package: LockTable, number: int) -> LockedRelease:
    name, version, package = parse_identity(package, number)
    registry = _find_registry(package)
    if version is None or registry is None:
        raise package.refuse("version" if version is None else "source", "it is missing")
    return LockedRelease(project=name, version=version, registry=registry)


def _parse_packages(table: LockTable, text: str, workspace: _Workspace) -> Iterator[LockedPackage]:
    packages = _find_packages(table)
    lines = find_header_lines(text, _find_packages_key(table), len(packages))
    for number, (package, line) in enumerate(zip(packages, lines, strict=True), start=1):
        yield replace(_parse_package(package, number, workspace), line=line)


def _parse_package(package: LockTable, number: int, workspace: _Workspace) -> LockedPackage:
    name, version, package = parse_identity(package, number)
    origin = _find_origin(package, name, workspace)
    if version is None and origin == "index":
        raise package.refuse("version", "it is missing")
    locked = LockedPackage(
        project=name,
        version=version,
        origin=origin,
        registry=_find_registry(package),
        wheels=tuple(_parse_wheel(wheel) for wheel in package.find_tables("wheels")),
        has_sdist=package.find_table("sdist") is not None,
        where=package.find_markers("resolution-markers"),
        dependencies=_find_dependencies(package, "dependencies"),
        optional=_find_dependency_tables(package, "optional-dependencies"),
        # uv: an older name of the same.
        groups=_find_dependency_tables(
            package, "dev-dependencies" if "dev-dependencies" in package.values else "dependency-groups"
        ),
    )
    return add_lost_extras(locked, package, overrides=workspace.overrides, patience=workspace.patience)


def _find_origin(package: LockTable, name: NormalizedName, workspace: _Workspace) -> Origin:
    source = package.find_table("source")
    if source is None:
        raise package.refuse("source", "it is missing")
    kinds = [kind for kind in _ORIGINS if source.find_text(kind) is not None]
    if len(kinds) != 1:
        raise package.refuse("source", f"it is not one of {', '.join(_ORIGINS)}")
    return "project" if kinds[0] in _LOCAL and workspace.has(name, source) else _ORIGINS[kinds[0]]


def _find_registry(entry: LockTable) -> str | None:
    """Return the index of a package or of a dependency; None where the lock names none."""
    source = entry.find_table("source")
    return None if source is None else source.find_address("registry")


def _parse_wheel(wheel: LockTable) -> LockedWheel:
    # uv: "path" in an index that is a folder; "filename" alone where the package's source is the wheel.
    filename, address = wheel.find_file("filename")
    return LockedWheel(filename=filename, url=address, sha256=wheel.find_hash("hash"))


def _find_dependencies(package: LockTable, key: str) -> tuple[Dependency, ...]:
    return tuple(_parse_dependency(entry) for entry in package.find_tables(key))


def _find_dependency_tables(package: LockTable, key: str) -> Mapping[NormalizedName, tuple[Dependency, ...]]:
    table = package.find_table(key)
    if table is None:
        return {}
    found: dict[NormalizedName, tuple[Dependency, ...]] = {}
    for key_within in table.values:
        name = package.as_name(key, key_within)
        if name in found:
            raise package.refuse(f"{key}.{name}", "it is there twice")
        found[name] = _find_dependencies(table, key_within)
    return found


def _parse_dependency(entry: LockTable) -> Dependency:
    return Dependency(
        project=entry.read_name("name"),
        version=entry.find_version("version"),
        registry=_find_registry(entry),
        extras=_find_extras(entry, "extra"),
        marker=entry.find_marker("marker"),
    )


def _find_extras(entry: LockTable, key: str) -> tuple[NormalizedName, ...]:
    return tuple(entry.as_name(key, name) for name in entry.find_texts(key))


def _find_conflicts(table: LockTable) -> tuple[tuple[Choice, ...], ...]:
    return tuple(
        tuple(_parse_choice(table.as_table("conflicts", item)) for item in _as_list(table, "conflicts", items))
        for items in table.find_list("conflicts")
    )


def _as_list(table: LockTable, key: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise table.refuse(key, "it has an element that is not an array")
    return value


def _parse_choice(item: LockTable) -> Choice:
    return Choice(project=item.read_name("package"), extra=item.find_name("extra"), group=item.find_name("group"))


def _find_roots(manifest: LockTable, overrides: frozenset[NormalizedName]) -> Iterator[Dependency]:
    """Yield what is asked for by a script, or by the groups of a root without ``[project]``."""
    groups = manifest.find_table("dependency-groups")
    for entry in manifest.find_tables("requirements"):
        yield _parse_root(entry, overrides)
    if groups is None:
        return
    for group in groups.values:
        manifest.as_name("dependency-groups", group)
        for entry in groups.find_tables(group):
            yield _parse_root(entry, overrides)


def _parse_root(entry: LockTable, overrides: frozenset[NormalizedName]) -> Dependency:
    """Parse a requirement as uv writes it: with a specifier, which says nothing of which version is locked."""
    project, extras, marker = entry.read_name("name"), _find_extras(entry, "extras"), entry.find_marker("marker")
    # The user's override stands in its place, with extras of its own or none.
    return Dependency(project=project, extras=() if project in overrides else extras, marker=marker)


def _find_overrides(manifest: LockTable) -> Iterator[NormalizedName]:
    for entry in manifest.find_tables("overrides"):
        if "package" not in entry.values:
            yield entry.read_name("name")
        # uv 0.11.25: only of one package; what that is given besides is what the user says too.
        for dependency in entry.find_tables("dependencies"):
            yield dependency.read_name("name")


def _find_excludes(manifest: LockTable) -> Iterator[NormalizedName]:
    for entry in manifest.find_list("excludes"):
        if isinstance(entry, str):
            yield manifest.as_name("excludes", entry)
        else:
            # As overrides: only for one package.
            scoped = manifest.as_table("excludes", entry)
            yield from (scoped.as_name("dependencies", name) for name in scoped.find_texts("dependencies"))


def _find_overridden(manifest: LockTable) -> Iterator[tuple[NormalizedName, Version | None]]:
    for entry in manifest.find_tables("dependency-metadata"):
        yield entry.read_name("name"), entry.find_version("version")
