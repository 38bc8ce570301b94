"""OUTPUT (pure): indexes as uv's settings and variables name them, with the credentials that go with them.

Source: uv's "Package indexes" and "Environment variables".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wheelaudit.errors import UsageError
from wheelaudit.index.locations import IndexLocation, build_location
from wheelaudit.project.documents import Table, build_setting_error, find_list, find_text

_NAMED_INDEX = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)", re.DOTALL)
_NOT_IN_VARIABLES = re.compile(r"[^A-Z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectIndex:
    """One index that a setting names."""

    location: IndexLocation
    name: str | None = None
    """None: it has none, and no source can name it."""
    explicit: bool = False
    """Whether only projects whose source names it are looked for there."""
    default: bool = False
    """Whether it takes the place of the public index, and is asked last."""
    format: str = "simple"
    """``simple``, or ``flat``: a page that lists files of all projects."""
    authenticate: str = "auto"
    """``auto``, ``always`` or ``never``."""
    ignore_error_codes: frozenset[int] = frozenset()
    """Statuses with which it says "not here", so that the next index is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledIndexes:
    """The indexes of one settings file."""

    tables: tuple[ProjectIndex, ...] = ()
    """``[[index]]``, in their order."""
    index_url: IndexLocation | None = None
    """``index-url``, the older setting: weaker than any table with ``default = true``, and than UV_INDEX_URL."""
    extra_index_urls: tuple[ProjectIndex, ...] = ()
    """``extra-index-url``, asked after the tables."""

    @property
    def default(self) -> IndexLocation | None:
        """The table with ``default = true``."""
        return next((index.location for index in self.tables if index.default), None)

    @property
    def implicit(self) -> tuple[ProjectIndex, ...]:
        """What is asked for every project, before the default index, in order."""
        own = (index for index in self.tables if not index.explicit and not index.default)
        return (*own, *self.extra_index_urls)


def parse_indexes(settings: Table, path: Path, *, environ: Mapping[str, str]) -> SettledIndexes:
    """Read uv's settings of a file; a relative path in them is relative to the file, as uv has it.

    Raises `ProjectFileError` for a setting of the wrong kind, `UsageError` for a wrong address.
    """
    tables = find_list(settings, "index", path)
    extra = settings.get("extra-index-url", [])
    address = settings.get("index-url")
    if address is not None and not isinstance(address, str):
        raise build_setting_error(path, "index-url", "is not a string")
    if not isinstance(extra, list) or not all(isinstance(each, str) for each in extra):
        raise build_setting_error(path, "extra-index-url", "is not an array of strings")
    return SettledIndexes(
        tables=tuple(_parse_table(table, path, environ) for table in tables),
        index_url=None
        if address is None
        else locate(address, folder=path.parent, name=None, source=f"index-url in {path}"),
        extra_index_urls=tuple(
            ProjectIndex(location=locate(each, folder=path.parent, name=None, source=f"extra-index-url in {path}"))
            for each in extra
        ),
    )


def parse_variable(variable: str, *, environ: Mapping[str, str], cwd: Path) -> tuple[ProjectIndex, ...]:
    """Return the indexes of UV_INDEX, UV_DEFAULT_INDEX (``NAME=URL`` or a URL, with spaces between) and their like."""
    indexes: list[ProjectIndex] = []
    for text in environ.get(variable, "").split():
        named = _NAMED_INDEX.fullmatch(text) if variable in {"UV_INDEX", "UV_DEFAULT_INDEX"} else None
        name, address = (named[1], named[2]) if named else (None, text)
        location = locate(address, folder=cwd, name=name, source=variable)
        indexes.append(ProjectIndex(location=add_credentials(location, name, environ), name=name))
    return tuple(indexes)


def add_credentials(location: IndexLocation, name: str | None, environ: Mapping[str, str]) -> IndexLocation:
    """Return ``location`` with UV_INDEX_<NAME>_USERNAME and _PASSWORD, which come before the URL's own."""
    if name is None:
        return location
    stem = f"UV_INDEX_{_NOT_IN_VARIABLES.sub('_', name.upper())}"
    return replace(
        location,
        username=environ.get(f"{stem}_USERNAME") or location.username,
        password=environ.get(f"{stem}_PASSWORD") or location.password,
        variables=stem,
    )


def locate(address: str, *, folder: Path, name: str | None, source: str) -> IndexLocation:
    """Build a location, and say in an error where the address was set."""
    try:
        return build_location(address, folder=folder, name=name)
    except UsageError as error:
        raise UsageError(f"{source} is wrong: {error.message}", remedy=error.remedy) from error


def _parse_table(table: object, path: Path, environ: Mapping[str, str]) -> ProjectIndex:
    if not isinstance(table, dict) or not isinstance(address := table.get("url"), str):
        raise build_setting_error(path, "index", "has an entry without a url")
    name = find_text(table, "name", path, within="index")
    codes = find_list(table, "ignore-error-codes", path)
    location = locate(address, folder=path.parent, name=name, source=f"an index in {path}")
    authenticate = find_text(table, "authenticate", path, within="index") or "auto"
    return ProjectIndex(
        location=replace(add_credentials(location, name, environ), always=authenticate == "always"),
        name=name,
        explicit=table.get("explicit") is True,
        default=table.get("default") is True,
        format=find_text(table, "format", path, within="index") or "simple",
        authenticate=authenticate,
        ignore_error_codes=frozenset(code for code in codes if isinstance(code, int)),
    )
