"""OUTPUT (pure): what a uv.lock locks.

Source: uv's lock files of ``version = 1``, whatever their ``revision``: uv promises that
a later revision of a version can be read by what reads an earlier one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelaudit.errors import ProjectFileError

LOCK_VERSION = 1
"""Of the format; uv refuses to read another, and so do we."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedRelease:
    """One exact version that a lock takes from an index."""

    project: NormalizedName
    version: Version
    registry: str
    """The index as uv.lock spells it: a URL without credentials, or a path, absolute or relative to the lock."""


def find_locked(text: str, *, file: str = "uv.lock") -> tuple[LockedRelease, ...]:
    """Return what is locked from indexes, in the lock's order; ``file`` names the text in errors.

    What comes from elsewhere (repositories, URLs, paths, the workspace itself) is left out.
    Raises `ProjectFileError` where the text is no lock of a version that is known.
    """
    document = _parse_lock(text, file)
    packages = document.get("package", [])
    if not isinstance(packages, list):
        raise _broken(file)
    return tuple(
        _parse_package(package, package["source"]["registry"], file) for package in packages if _has_registry(package)
    )


def find_overridden(text: str, *, file: str = "uv.lock") -> frozenset[tuple[NormalizedName, Version | None]]:
    """Return name and version of every override that the lock was made with; None for all versions.

    Source: uv writes all entries that it reads into ``[[manifest.dependency-metadata]]``,
    also those of projects that are not locked. An entry that is not there is newer than the
    lock, or without effect. Raises as `find_locked` does.
    """
    match _parse_lock(text, file).get("manifest", {}):
        case {"dependency-metadata": list(entries)}:
            return frozenset(_parse_overridden(entry, file) for entry in entries)
        case _:
            return frozenset()


def _parse_overridden(entry: object, file: str) -> tuple[NormalizedName, Version | None]:
    try:
        match entry:
            case {"name": str(name), "version": str(version)}:
                return canonicalize_name(name), Version(version)
            case {"name": str(name)}:
                return canonicalize_name(name), None
    except InvalidVersion as error:
        raise _broken(file) from error
    raise _broken(file)


def _parse_lock(text: str, file: str) -> dict[str, Any]:
    document = _parse(text, file)
    version = document.get("version")
    if version != LOCK_VERSION or isinstance(version, bool):
        raise ProjectFileError(
            f"{file} is not a lock of version {LOCK_VERSION}, the only one that is understood.",
            remedy="Make it anew with `uv lock`, or look for a newer wheelaudit.",
        )
    return document


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        where = f": {error}" if isinstance(error, ValueError) else ""
        raise ProjectFileError(f"{file} is not valid TOML{where}.", remedy="Make it anew with `uv lock`.") from error


def _has_registry(package: object) -> bool:
    match package:
        case {"source": {"registry": _}}:
            return True
        case _:
            return False


def _parse_package(package: Mapping[str, Any], registry: object, file: str) -> LockedRelease:
    match package:
        case {"name": str(name), "version": str(version)} if isinstance(registry, str):
            try:
                return LockedRelease(project=canonicalize_name(name), version=Version(version), registry=registry)
            except InvalidVersion as error:
                raise _broken(file) from error
        case _:
            raise _broken(file)


def _broken(file: str) -> ProjectFileError:
    return ProjectFileError(
        f"{file} has a package whose name, version or source cannot be understood.",
        remedy="Make it anew with `uv lock`.",
    )
