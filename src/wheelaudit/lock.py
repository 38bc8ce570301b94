"""GROUND (pure): what a lock file locks, as frozen values: its packages, what each of them brings, and for whom.

One shape for uv.lock (``version = 1``) and for pylock.toml (PEP 751); what only one of
them says is None or empty for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.markers import Expression

LockKind = Literal["uv.lock", "pylock.toml"]

Origin = Literal["index", "project", "path", "url", "git"]
"""Where a package comes from: an index (``registry``); the workspace itself (virtual, editable or a member); a wheel,
archive or folder on disk; a URL; a repository."""

Group = tuple[str, NormalizedName]
"""``("extra", name)`` or ``("group", name)``: something of the project that a user may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """One wheel of a package, as the lock names it."""

    filename: str
    url: str | None
    """Absolute, or relative to the index's folder where that is one on disk; None where the lock has only a name."""
    sha256: str | None
    """Lower-case hex; None where the lock has none, or another hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One arrow of the lock: what a package brings."""

    project: NormalizedName
    version: Version | None = None
    """None: the only one that is locked."""
    registry: str | None = None
    """Of the package that is meant, where the lock names it; None: it does not."""
    extras: tuple[NormalizedName, ...] = ()
    marker: Expression | None = None
    """Where; None: everywhere. Beside environment variables it may compare ``extra`` with a `Choice.text`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An extra or a group of a member that users switch on, or (with neither) the member itself.

    In markers it is ``extra == "TEXT"``: uv's own spelling. ``"x" in extras`` and ``"x" in
    dependency_groups`` of PEP 751 are read into the same shape, with an empty project.
    """

    project: str
    extra: NormalizedName | None = None
    group: NormalizedName | None = None

    @property
    def text(self) -> str:
        """As a marker compares ``extra`` with it (uv: ``extra-11-four-extras-cu126``)."""
        if self.extra is not None:
            return f"extra-{len(self.project)}-{self.project}-{self.extra}"
        if self.group is not None:
            return f"group-{len(self.project)}-{self.project}-{self.group}"
        return f"project-{len(self.project)}-{self.project}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """One ``[[package]]`` of uv.lock, one ``[[packages]]`` of pylock.toml."""

    project: NormalizedName
    version: Version | None
    """None where the lock has none: a dynamic one, on disk or in a repository."""
    origin: Origin
    registry: str | None = None
    """The index as the lock spells it, without credentials: a URL, or a path (relative ones to the lock).
    None for other origins, and where pylock.toml does not say."""
    wheels: tuple[LockedWheel, ...] = ()
    """In the lock's order."""
    has_sdist: bool = False
    where: tuple[Expression, ...] = ()
    """``resolution-markers`` (uv.lock) or ``marker`` (pylock.toml): one of them holds where this package is the one
    that is taken; empty: everywhere."""
    dependencies: tuple[Dependency, ...] | None = None
    """What it brings without an extra; None where the lock does not say (pylock.toml as uv writes it)."""
    optional: Mapping[NormalizedName, tuple[Dependency, ...]] = field(default_factory=dict)
    """Extra to what it brings besides; uv.lock has only extras that something locked asks for."""
    groups: Mapping[NormalizedName, tuple[Dependency, ...]] = field(default_factory=dict)
    """``dev-dependencies`` of a member."""
    line: int | None = None
    """Of the lock file, counted from 1: that of its ``[[package]]`` or ``[[packages]]``; None: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock file."""

    kind: LockKind
    requires_python: SpecifierSet | None
    """None: no bound."""
    environments: tuple[Expression, ...]
    """``supported-markers`` (uv.lock) or ``environments`` (pylock.toml): nothing is locked where none holds;
    empty: no such limit."""
    conflicts: tuple[tuple[Choice, ...], ...]
    """Sets of which no two are ever switched on together."""
    overrides: frozenset[NormalizedName]
    """``override-dependencies``: whatever asks for these projects is given what the user says instead."""
    excludes: frozenset[NormalizedName]
    """``exclude-dependencies``: nobody is given these."""
    overridden: frozenset[tuple[NormalizedName, Version | None]]
    """``dependency-metadata`` that the lock was made with; None: all versions."""
    roots: tuple[Dependency, ...] | None
    """What is asked for besides what members bring: by a script's lock; by the project beside a pylock.toml. None where
    nobody knows: a pylock.toml alone."""
    packages: tuple[LockedPackage, ...]
    """In the lock's order."""
