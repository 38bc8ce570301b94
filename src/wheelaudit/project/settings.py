"""OUTPUT (disk): what the project and the user's machine say of indexes and of Python.

Read here: ``requires-python`` and ``[[tool.uv.index]]`` of a pyproject.toml (or of
the uv.toml beside it, which shadows ``[tool.uv]``), and where the default index is:
uv's settings first, then pip's, else the public index that the standard tools know.
Environment and paths are arguments. Sources: uv's "Configuration files" and "Package
indexes", pip's "Configuration". Only what is needed is understood; the rest is uv's.
"""

from __future__ import annotations

import configparser
import importlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.index.locations import DEFAULT_NAME, IndexLocation, build_location

_NAMED_INDEX = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """What one project's files settle."""

    path: Path | None = None
    """Its pyproject.toml; None where there is no project."""
    requires_python: SpecifierSet | None = None
    """``project.requires-python``; None where it is not given."""
    indexes: Mapping[str, IndexLocation] = field(default_factory=lambda: MappingProxyType({}))
    """The named ``[[tool.uv.index]]``, in their order."""
    default_index: IndexLocation | None = None
    """The one with ``default = true``, else ``index-url``; None: the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFiles:
    """Where a machine keeps the user's settings; the first file that names an index counts."""

    uv: tuple[Path, ...] = ()
    """uv.toml files."""
    pip: tuple[Path, ...] = ()
    """pip.conf or pip.ini files."""


def read_project_settings(pyproject: Path) -> ProjectSettings:
    """Read a pyproject.toml and the uv.toml beside it. Raises `ProjectFileError`, which names file and line."""
    table = _read_toml(pyproject)
    project = _table(table, "project", pyproject)
    uv_toml = pyproject.with_name("uv.toml")
    if uv_toml.is_file():
        # uv: a uv.toml takes the place of all of [tool.uv], its indexes too.
        indexes, default = _parse_indexes(_read_toml(uv_toml), uv_toml)
    else:
        tool = _table(table, "tool", pyproject)
        indexes, default = _parse_indexes(_table(tool, "uv", pyproject), pyproject)
    return ProjectSettings(
        path=pyproject,
        requires_python=_parse_requires_python(project.get("requires-python"), pyproject),
        indexes=MappingProxyType(indexes),
        default_index=default,
    )


def find_default_index(
    *, environ: Mapping[str, str], project: ProjectSettings | None, files: SettingsFiles, cwd: Path
) -> IndexLocation:
    """Return the index that ``pypi`` means to this user, named so whatever its address.

    In order: UV_DEFAULT_INDEX, UV_INDEX_URL, the project's, the user's uv.toml,
    PIP_INDEX_URL, pip's files, the public index. Raises `UsageError` or `ProjectFileError`
    where a setting is there but wrong: falling through would ask another index than meant.
    """
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if environ.get(variable, "").strip():
            return _index_of_variable(variable, environ[variable], cwd)
    if project is not None and project.default_index is not None:
        return _as_default(project.default_index)
    for path in files.uv:
        if path.is_file():
            _, default = _parse_indexes(_read_toml(path), path)
            if default is not None:
                return _as_default(default)
    if environ.get("PIP_INDEX_URL", "").strip():
        return _index_of_variable("PIP_INDEX_URL", environ["PIP_INDEX_URL"], cwd)
    for path in files.pip:
        address = _read_pip_index(path)
        if address is not None:
            return _located(address, folder=cwd, name=DEFAULT_NAME, source=f"index-url in {path}")
    return _public_index()


def build_settings_files(
    *, environ: Mapping[str, str], platform: str, home: Path, prefix: Path | None = None
) -> SettingsFiles:
    """Say where uv and pip look on ``platform`` (a value of ``sys.platform``), the most important first.

    ``prefix`` is the virtual environment's folder, where pip keeps its site settings;
    by default VIRTUAL_ENV's.
    """
    site = environ.get("VIRTUAL_ENV")
    prefix = prefix or (Path(site) if site else None)
    return SettingsFiles(
        uv=_uv_files(environ, platform, home),
        pip=_pip_files(environ, platform, home, prefix),
    )


def _uv_files(environ: Mapping[str, str], platform: str, home: Path) -> tuple[Path, ...]:
    if environ.get("UV_NO_CONFIG", "").lower() in {"1", "true", "yes", "on"}:
        return ()
    if environ.get("UV_CONFIG_FILE"):
        return (Path(environ["UV_CONFIG_FILE"]),)
    if platform == "win32":
        folders = [
            Path(environ.get("APPDATA") or home / "AppData" / "Roaming"),
            Path(environ.get("PROGRAMDATA") or r"C:\ProgramData"),
        ]
    else:  # macOS too: uv follows the XDG folders there, unlike pip.
        folders = [_config_home(environ, home), *_config_dirs(environ), Path("/etc")]
    return tuple(folder / "uv" / "uv.toml" for folder in folders)


def _pip_files(environ: Mapping[str, str], platform: str, home: Path, prefix: Path | None) -> tuple[Path, ...]:
    """List pip's files: PIP_CONFIG_FILE, site, user, global (pip reads them the other way round, the last counts)."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen in {os.devnull, "/dev/null", "nul", "NUL"}:
        return ()  # pip: the null device turns all files off.
    name = "pip.ini" if platform == "win32" else "pip.conf"
    if platform == "win32":
        user = [Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "pip" / name, home / "pip" / name]
        machine = [Path(environ.get("PROGRAMDATA") or r"C:\ProgramData") / "pip" / name]
    elif platform == "darwin":
        support = Path("Library") / "Application Support" / "pip" / name
        user = [home / support, _config_home(environ, home) / "pip" / name, home / ".pip" / name]
        machine = [Path("/") / support]
    else:
        user = [_config_home(environ, home) / "pip" / name, home / ".pip" / name]
        machine = [Path("/etc") / name, *(folder / "pip" / name for folder in _config_dirs(environ))]
    own = [] if not chosen else [Path(chosen)]
    site = [] if prefix is None else [prefix / name]
    # pip: a file named by the variable takes the place of the user's.
    between = [] if chosen and Path(chosen).is_file() else user
    return (*own, *site, *between, *machine)


def _config_home(environ: Mapping[str, str], home: Path) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config")


def _config_dirs(environ: Mapping[str, str]) -> list[Path]:
    return [Path(folder) for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if folder]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        # A byte order mark is no TOML, but Windows editors write one and uv reads over it.
        return tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise ProjectFileError(
            f"{path} cannot be read: {error.strerror or error}.",
            remedy="Name a file that exists and that you may read.",
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ProjectFileError(f"{path} is not UTF-8 (line {line}).", remedy="Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        # The parser's words end with "(at line 3, column 7)".
        raise ProjectFileError(f"{path} is not valid TOML: {error}.", remedy="Correct it there.") from error
    except RecursionError as error:
        raise ProjectFileError(f"{path} is nested too deeply to be read.", remedy="Flatten its arrays.") from error


def _table(parent: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(path, key, "is not a table")
    return value


def _parse_requires_python(value: object, path: Path) -> SpecifierSet | None:
    match value:
        case None:
            return None
        case str():
            try:
                return SpecifierSet(value)
            except InvalidSpecifier as error:
                raise _wrong(path, "project.requires-python", f'is not a version specifier: "{value}"') from error
        case _:
            raise _wrong(path, "project.requires-python", "is not a string")


def _parse_indexes(settings: Mapping[str, Any], path: Path) -> tuple[dict[str, IndexLocation], IndexLocation | None]:
    """Read uv's ``index`` tables and ``index-url``: the named indexes, and the default one."""
    tables = settings.get("index", [])
    if not isinstance(tables, list):
        raise _wrong(path, "index", "is not an array of tables")
    indexes: dict[str, IndexLocation] = {}
    default: IndexLocation | None = None
    for table in tables:
        location, name, is_default = _parse_index(table, path)
        if name is not None:
            indexes.setdefault(name, location)
        if is_default and default is None:
            default = location
    if default is None and "index-url" in settings:
        address = settings["index-url"]
        if not isinstance(address, str):
            raise _wrong(path, "index-url", "is not a string")
        default = _located(address, folder=path.parent, name=None, source=f"index-url in {path}")
    return indexes, default


def _parse_index(table: object, path: Path) -> tuple[IndexLocation, str | None, bool]:
    if not isinstance(table, dict) or not isinstance(address := table.get("url"), str):
        raise _wrong(path, "index", "has an entry without a url")
    name = table.get("name")
    if name is not None and not isinstance(name, str):
        raise _wrong(path, "index.name", "is not a string")
    # uv: a relative path is relative to the file that holds it.
    location = _located(address, folder=path.parent, name=name, source=f"an index in {path}")
    return location, name, table.get("default") is True


def _index_of_variable(variable: str, value: str, cwd: Path) -> IndexLocation:
    # uv: an index in a variable may be given as NAME=URL.
    named = _NAMED_INDEX.fullmatch(value.strip())
    address = named[2] if named and variable == "UV_DEFAULT_INDEX" else value.strip()
    return _located(address, folder=cwd, name=DEFAULT_NAME, source=variable)


def _located(address: str, *, folder: Path, name: str | None, source: str) -> IndexLocation:
    """Build a location, and say in an error where the address was set."""
    try:
        return build_location(address, folder=folder, name=name)
    except UsageError as error:
        raise UsageError(f"{source} is wrong: {error.message}", remedy=error.remedy) from error


def _as_default(location: IndexLocation) -> IndexLocation:
    return IndexLocation(name=DEFAULT_NAME, url=location.url, username=location.username, password=location.password)


def _read_pip_index(path: Path) -> str | None:
    """Return ``index-url`` of a pip file, ``[install]`` before ``[global]``; None where it has none or is not there."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_bytes().decode("utf-8-sig", "surrogateescape"))
    except (FileNotFoundError, NotADirectoryError, PermissionError, IsADirectoryError):
        return None  # As pip does: it reads the files that it can.
    except (configparser.Error, OSError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path} (line {line})" if line else f"{path}"
        raise ProjectFileError(f"{where} is not a configuration file of pip.", remedy="Correct it there.") from error
    return _first(_option(parser, section) for section in ("install", "global"))


def _option(parser: configparser.RawConfigParser, section: str) -> str | None:
    if not parser.has_section(section):
        return None
    # pip takes both spellings of an option's name.
    return _first(parser.get(section, name, fallback=None) for name in ("index-url", "index_url"))


def _first(values: Iterable[str | None]) -> str | None:
    return next((value.strip() for value in values if value and value.strip()), None)


def _public_index() -> IndexLocation:
    """Return the public index as the standard tools know it; its address is theirs to say, not ours to repeat."""
    try:
        # Takes as long to import as the rest of this room, and is rarely needed.
        base = str(importlib.import_module("distlib.index").DEFAULT_INDEX)
    except ImportError as error:
        raise UsageError(
            f'no setting says where "{DEFAULT_NAME}" is.', remedy="Set UV_DEFAULT_INDEX, or give --index URL."
        ) from error
    # distlib names the old interface; the simple repository (PEP 503) lies beside it.
    return build_location(f"{base.rstrip('/').removesuffix('/pypi')}/simple", folder=Path(), name=DEFAULT_NAME)


def _wrong(path: Path, key: str, what: str) -> ProjectFileError:
    return ProjectFileError(f"{path}: {key} {what}.", remedy="Correct it there.")
