"""Locks built by hand: packages and arrows in a line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from tests.releases import build_release
from wheelaudit.audit.locks import judge_lock
from wheelaudit.audit.values import LockAudit
from wheelaudit.lock import Dependency, Lock, LockedPackage, LockKind, Origin
from wheelaudit.markers import build_expression, parse_expression
from wheelaudit.metadata import Reading

REGISTRY = "https://index.example/simple"
Arrows = Iterable[str]


def arrow(text: str, *, registry: str | None = None) -> Dependency:
    """Return a dependency by a requirement: ``b[x]==1.0; sys_platform == "win32"``; ``==`` names the locked version."""
    requirement = Requirement(text)
    versions = [Version(each.version) for each in requirement.specifier]
    return Dependency(
        project=canonicalize_name(requirement.name),
        version=versions[0] if versions else None,
        registry=registry,
        extras=tuple(sorted(map(canonicalize_name, requirement.extras))),
        marker=None if requirement.marker is None else build_expression(requirement.marker),
    )


def package(
    spec: str,
    *arrows: str,
    origin: Origin = "index",
    optional: Mapping[str, Arrows] | None = None,
    groups: Mapping[str, Arrows] | None = None,
    where: Iterable[str] = (),
    unsaid: bool = False,
    registry: str | None = REGISTRY,
) -> LockedPackage:
    """Return a package by ``name==version``; ``unsaid``: the lock does not say what it brings."""
    name, _, version = spec.partition("==")
    return LockedPackage(
        project=canonicalize_name(name),
        version=Version(version) if version else None,
        origin=origin,
        registry=registry if origin == "index" else None,
        where=tuple(map(parse_expression, where)),
        dependencies=None if unsaid else tuple(map(arrow, arrows)),
        optional=_tie(optional),
        groups=_tie(groups),
    )


def _tie(tables: Mapping[str, Arrows] | None) -> dict[NormalizedName, tuple[Dependency, ...]]:
    return {canonicalize_name(name): tuple(map(arrow, arrows)) for name, arrows in (tables or {}).items()}


def member(*arrows: str, **fields: Any) -> LockedPackage:
    """Return the project itself, ``asker``."""
    return package("asker==1", *arrows, origin="project", **fields)


def lock(
    *packages: LockedPackage,
    kind: LockKind = "uv.lock",
    requires_python: str | None = ">=3.9",
    environments: Iterable[str] = (),
    roots: Iterable[str] | None = None,
    overrides: Iterable[str] = (),
    excludes: Iterable[str] = (),
    **fields: Any,
) -> Lock:
    """Return a lock file's value."""
    return Lock(
        **{"conflicts": (), "overridden": frozenset(), **fields},
        kind=kind,
        requires_python=None if requires_python is None else SpecifierSet(requires_python),
        environments=tuple(map(parse_expression, environments)),
        overrides=frozenset(map(canonicalize_name, overrides)),
        excludes=frozenset(map(canonicalize_name, excludes)),
        roots=None if roots is None else tuple(map(arrow, roots)),
        packages=packages,
    )


def judge_all(locked: Lock, *releases: Iterable[Reading]) -> dict[str, LockAudit]:
    """Judge a lock by the readings of some of its releases; by ``name==version``."""
    readings = {}
    for own in map(tuple, releases):
        release = build_release(own)
        (position,) = (
            number
            for number, each in enumerate(locked.packages)
            if (each.project, each.version) == (release.project, release.version)
        )
        readings[position] = (release, own)
    return {audit.release.spec: audit for audit in judge_lock(locked, readings).values()}


def judge(locked: Lock, *readings: Reading) -> LockAudit:
    """Judge the one release of a lock that was read."""
    (audit,) = judge_all(locked, readings).values()
    return audit


def told(audit: LockAudit) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return id, environments and requirements of every finding."""
    return [(each.id, each.environments, each.requirements) for each in audit.findings]
