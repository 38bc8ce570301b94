"""OUTPUT (pure): what a pylock.toml locks.

Obeys PEP 751 (``lock-version = "1.0"``; of any 1.x what 1.0 knows). `packaging.pylock`
reads the same files, but refuses a whole lock where it cannot parse one wheel's file name
(PEP 825 adds a part to some) and warns on stderr of a newer minor version: here a name is
only a name, and whoever judges the wheel says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from packaging.version import InvalidVersion, Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.lock import Choice, Dependency, Lock, LockedPackage, LockedWheel, Origin
from wheelaudit.markers import All, AnyOf, Comparison, Expression, comparisons, parse_expression
from wheelaudit.project.locktable import LockTable, find_header_lines, parse_identity, parse_lock_table, parse_name

REMEDY = "Export it anew with `uv export --format pylock.toml`, or with the tool that wrote it."

_DIRECT = ("vcs", "directory", "archive")
"""Sources that are no files of an index. PEP 751: one of them, or wheels and an sdist."""

_SET_COMPARISON = re.compile(r"""("[^"]*"|'[^']*')(?:\s+(not\s+in|in)\s+(extras|dependency_groups)\b)?""")
"""Any text of a marker, with what compares it to a set where that follows: texts are consumed whole, so nothing
within one is taken for a comparison."""


def parse_pylock(text: str, *, file: str) -> Lock:
    """Return all that a pylock.toml says of what it locks; ``file`` names the text in errors.

    It knows neither whose the folders in it are (their origin is ``path``) nor what was
    asked for (`roots` is None). A wheel's path is relative to the lock. Raises
    `ProjectFileError` where the text is no lock of version 1, or where anything that is
    read of it is not understood.
    """
    table = parse_lock_table(text, file=file, remedy=REMEDY)
    _check_version(table)
    if "packages" not in table.values:
        raise table.refuse("packages", "it is missing")
    return Lock(
        kind="pylock.toml",
        requires_python=table.find_requires_python(),
        environments=table.find_markers("environments"),
        conflicts=(),
        overrides=frozenset(),
        excludes=frozenset(),
        overridden=frozenset(),
        roots=None,
        packages=tuple(_parse_packages(table, text)),
    )


@lru_cache(maxsize=4096)
def parse_lock_marker(text: str) -> Expression:
    """Parse a marker of a package, which may compare texts with the sets ``extras`` and ``dependency_groups``.

    ``"x" in extras`` becomes a comparison of ``extra`` with a `Choice.text`. Raises
    ValueError where it is no marker of PEP 751: ``extra`` itself means nothing there.
    """
    chosen: dict[str, str] = {}

    def replace_set(match: re.Match[str]) -> str:
        literal, op, variable = match.groups()
        if op is None:
            return match[0]
        name = parse_name(literal[1:-1])
        choice = Choice(project="", extra=name) if variable == "extras" else Choice(project="", group=name)
        # `packaging` normalises what it compares with ``extra``: two hyphens become one.
        normalized = choice.text.replace("--", "-")
        chosen[normalized] = choice.text
        return f'extra {"==" if op == "in" else "!="} "{normalized}"'

    expression = parse_expression(_SET_COMPARISON.sub(replace_set, text))
    if any(each.variable == "extra" and each.value not in chosen for each in comparisons(expression)):
        raise ValueError("extra is no variable of a lock")
    return _with_choices(expression, chosen)


def _with_choices(expression: Expression, chosen: dict[str, str]) -> Expression:
    """Return ``expression`` with the values of ``extra`` spelled as `Choice.text` has them."""
    match expression:
        case Comparison(variable="extra", op=op, value=value):
            return Comparison("extra", op, chosen[value])
        case Comparison():
            return expression
        case All(parts):
            return All(tuple(_with_choices(part, chosen) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_with_choices(part, chosen) for part in parts))


def _check_version(table: LockTable) -> None:
    text = table.values.get("lock-version")
    try:
        # PEP 751: a tool SHOULD warn of a newer minor version; nothing that is read here can have changed.
        if isinstance(text, str) and Version(text).major == 1 and Version(text).epoch == 0:
            return
    except (InvalidVersion, ValueError):
        pass
    raise ProjectFileError(
        f"{table.file} is not a lock of lock-version 1.x (PEP 751), the only one that is understood.",
        remedy=f"{REMEDY.removesuffix('.')}, or look for a newer wheelaudit.",
    )


def _parse_packages(table: LockTable, text: str) -> Iterator[LockedPackage]:
    packages = table.find_tables("packages")
    lines = find_header_lines(text, "packages", len(packages))
    for number, (package, line) in enumerate(zip(packages, lines, strict=True), start=1):
        yield replace(_parse_package(package, number), line=line)


def _parse_package(package: LockTable, number: int) -> LockedPackage:
    name, version, package = parse_identity(package, number)
    origin = _find_origin(package)
    marker = package.find_marker("marker", parse_lock_marker)
    index = package.find_address("index")
    wheels, sdist = _find_files(package)
    return LockedPackage(
        project=name,
        version=version,
        origin=origin,
        registry=index if origin == "index" else None,
        wheels=wheels,
        has_sdist=sdist,
        where=() if marker is None else (marker,),
        dependencies=_find_dependencies(package),
    )


def _find_origin(package: LockTable) -> Origin:
    direct = [kind for kind in _DIRECT if package.find_table(kind) is not None]
    files = bool(package.find_list("wheels")) or package.find_table("sdist") is not None
    if len(direct) + files != 1:
        raise package.refuse("source", f"it is not one of {', '.join(_DIRECT)}, or of wheels and an sdist")
    match direct:
        case ["vcs"]:
            return "git"
        case ["directory"]:
            return "path"
        case ["archive"]:
            archive = package.find_table("archive")
            return "path" if archive is not None and "url" not in archive.values else "url"
        case _:
            return "index"


def _find_files(package: LockTable) -> tuple[tuple[LockedWheel, ...], bool]:
    """Return the wheels, and whether there is an sdist; an archive is one or the other."""
    archive = package.find_table("archive")
    if archive is None:
        wheels = tuple(_parse_file(wheel) for wheel in package.find_tables("wheels"))
        return wheels, package.find_table("sdist") is not None
    file = _parse_file(archive)
    return ((file,), False) if file.filename.endswith(".whl") else ((), True)


def _parse_file(file: LockTable) -> LockedWheel:
    """Parse one of ``wheels``, or an archive. PEP 751: ``name`` before what the path or the URL ends with."""
    filename, address = file.find_file("name")
    if address is None:
        raise file.refuse("url", "it is missing")
    hashes = file.find_table("hashes")
    return LockedWheel(filename=filename, url=address, sha256=None if hashes is None else hashes.find_sha256("sha256"))


def _find_dependencies(package: LockTable) -> tuple[Dependency, ...] | None:
    """Return what a package brings; None where the lock does not say: the key is optional, and uv writes none."""
    if "dependencies" not in package.values:
        return None
    return tuple(_parse_dependency(entry) for entry in package.find_tables("dependencies"))


def _parse_dependency(entry: LockTable) -> Dependency:
    """Parse what singles out another package: some of its keys (PEP 751), of which name, version and index are read."""
    return Dependency(
        project=entry.read_name("name"),
        version=entry.find_version("version"),
        registry=entry.find_address("index"),
    )
