"""OUTPUT (disk): what the project and the user's machine say of indexes and of Python.

A project's settings are read once, into one value. Where the default index is: uv's
settings first, then pip's, else the public index that the standard tools know.
Environment and paths are arguments. Sources: uv's "Configuration files" and "Package
indexes", pip's "Configuration". Only what is needed is understood; the rest is uv's.
"""

from __future__ import annotations

import configparser
import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.index.locations import DEFAULT_NAME, IndexLocation, build_location
from wheelaudit.project.configuration import Configuration, find_configuration, is_set
from wheelaudit.project.documents import build_setting_error, read_document
from wheelaudit.project.indexes import (
    ProjectIndex,
    SettledIndexes,
    locate,
    parse_indexes,
    parse_variable,
)
from wheelaudit.project.workspace import Member, Workspace, read_workspace

_NOTHING: Mapping[str, str] = MappingProxyType({})

KeyringProvider = Literal["disabled", "subprocess"]
"""Whether passwords are asked of the program ``keyring``, as uv's ``keyring-provider`` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """What one project's files settle, the workspace that it is a member of included."""

    path: Path | None = None
    """The pyproject.toml that was asked for; None where there is no project."""
    requires_python: SpecifierSet | None = None
    """What ``project.requires-python`` of all members admit; None where none has one."""
    indexes: Mapping[str, IndexLocation] = field(default_factory=lambda: MappingProxyType({}))
    """All named indexes, of UV_INDEX, the project, the workspace and its uv.toml; of one name the first counts."""
    default_index: IndexLocation | None = None
    """The one with ``default = true``; None: see `index_url`, else the user's."""
    index_url: IndexLocation | None = None
    """``index-url``: the older setting, which UV_INDEX_URL overrules."""
    settled: SettledIndexes = field(default_factory=SettledIndexes)
    """All that the file which uv reads says of indexes."""
    workspace: Workspace | None = None
    """None where there is no project."""
    configuration: Configuration | None = None
    """Which file that is, and which ones it shadows; None where there is no project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFiles:
    """Where a machine keeps the user's settings; the first file that names an index counts."""

    uv: tuple[Path, ...] = ()
    """uv.toml files."""
    pip: tuple[Path, ...] = ()
    """pip.conf or pip.ini files."""


def read_project_settings(
    pyproject: Path, *, environ: Mapping[str, str] = _NOTHING, cwd: Path | None = None
) -> ProjectSettings:
    """Read a pyproject.toml, its workspace, and the file that uv reads the settings of both from.

    Raises `ProjectFileError`, which names file and line, and `UsageError` for an address that is none.
    """
    folder = Path() if cwd is None else cwd
    workspace = read_workspace(pyproject)
    configuration = find_configuration(workspace, environ=environ, cwd=folder)
    settled = SettledIndexes()
    if configuration.path is not None:
        settled = parse_indexes(configuration.settings, configuration.path, environ=environ)
    indexes: dict[str, IndexLocation] = {}
    for index in _find_named(workspace, settled, environ, folder):
        if index.name is not None:
            indexes.setdefault(index.name, index.location)
    return ProjectSettings(
        path=pyproject,
        requires_python=_find_joint_python(workspace.members),
        indexes=MappingProxyType(indexes),
        default_index=settled.default,
        index_url=settled.index_url,
        settled=settled,
        workspace=workspace,
        configuration=configuration,
    )


def find_source_index(
    settings: ProjectSettings, member: Member, name: str, *, environ: Mapping[str, str], cwd: Path
) -> IndexLocation:
    """Return the index that a source of ``member`` names.

    uv looks in UV_INDEX and UV_DEFAULT_INDEX, in the member's pyproject.toml and in the
    root's, never in a uv.toml. Raises `ProjectFileError` where none of them has it.
    """
    assert settings.workspace is not None
    root = settings.workspace.root
    for index in (*_find_variables(environ, cwd), *_find_own(member, environ), *_find_own(root, environ)):
        if index.name == name:
            return index.location
    raise ProjectFileError(
        f'{member.path}: a source names the index "{name}", which is not declared there.',
        remedy=f'Declare it in {root.path}: [[tool.uv.index]] with name = "{name}" and its url.',
    )


def find_default_index(
    *, environ: Mapping[str, str], project: ProjectSettings | None, files: SettingsFiles, cwd: Path
) -> IndexLocation:
    """Return the index that ``pypi`` means to this user, named so whatever its address.

    In order: UV_DEFAULT_INDEX, the tables with ``default = true`` (the project's, then
    the user's), UV_INDEX_URL, ``index-url`` (the project's, then the user's), PIP_INDEX_URL,
    pip's files, the public index. Raises `UsageError` or `ProjectFileError` where a setting
    is there but wrong: falling through would ask another index than meant.
    """
    return _as_default(next(_find_defaults(environ, project, files, cwd)))


def find_keyring_provider(
    *, environ: Mapping[str, str], project: ProjectSettings, files: SettingsFiles
) -> KeyringProvider:
    """Return what uv would do: UV_KEYRING_PROVIDER, the project's setting, the user's, else ``disabled``.

    pip's setting of that name has other values and other meanings, and uv does not read it.
    Raises `UsageError` and `ProjectFileError` for a value that is none.
    """
    chosen = environ.get("UV_KEYRING_PROVIDER")
    if chosen:
        provider = _parse_provider(chosen)
        if provider is None:
            raise UsageError(
                f'UV_KEYRING_PROVIDER is "{chosen}".', remedy=f"Set it to {' or '.join(get_args(KeyringProvider))}."
            )
        return provider
    return next(_find_providers(environ, project, files), "disabled")


def _find_providers(
    environ: Mapping[str, str], project: ProjectSettings, files: SettingsFiles
) -> Iterator[KeyringProvider]:
    own = project.configuration
    settings = [] if own is None or own.path is None else [(own.path, own.settings)]
    for path, table in (*settings, *((path, read_document(path)) for path in files.uv if path.is_file())):
        value = table.get("keyring-provider")
        provider = _parse_provider(value)
        if provider is not None:
            yield provider
        elif value is not None:
            raise build_setting_error(path, "keyring-provider", f"is neither {' nor '.join(get_args(KeyringProvider))}")


def _parse_provider(value: object) -> KeyringProvider | None:
    match value:
        case "disabled" | "subprocess":
            return value
        case _:
            return None


def find_implicit_indexes(
    *, environ: Mapping[str, str], project: ProjectSettings, files: SettingsFiles, cwd: Path
) -> tuple[ProjectIndex, ...]:
    """Return the indexes that uv asks for every project, before the default one, in its order.

    uv takes a project from the first of them that has it, whatever versions the others have.
    """
    settled = [project.settled, *_read_files(files, environ)]
    tables = (index for each in settled for index in each.tables if not index.explicit and not index.default)
    extra = (index for each in settled for index in each.extra_index_urls)
    older = parse_variable("UV_EXTRA_INDEX_URL", environ=environ, cwd=cwd)
    found = (*parse_variable("UV_INDEX", environ=environ, cwd=cwd), *tables, *older, *extra)
    return tuple({index.location.url: index for index in reversed(found)}.values())[::-1]


def _find_defaults(
    environ: Mapping[str, str], project: ProjectSettings | None, files: SettingsFiles, cwd: Path
) -> Iterator[IndexLocation]:
    """Yield all that could be the default index, the one that counts first."""
    yield from (index.location for index in parse_variable("UV_DEFAULT_INDEX", environ=environ, cwd=cwd))
    own = ProjectSettings() if project is None else project
    if own.default_index is not None:
        yield own.default_index
    yield from (each.default for each in _read_files(files, environ) if each.default is not None)
    # uv 0.13.8: a table with default = true comes before this variable, be it the user's.
    yield from (index.location for index in parse_variable("UV_INDEX_URL", environ=environ, cwd=cwd))
    if own.index_url is not None:
        yield own.index_url
    yield from (each.index_url for each in _read_files(files, environ) if each.index_url is not None)
    yield from (index.location for index in parse_variable("PIP_INDEX_URL", environ=environ, cwd=cwd))
    for path in files.pip:
        address = _read_pip_index(path)
        if address is not None:
            yield locate(address, folder=cwd, name=DEFAULT_NAME, source=f"index-url in {path}")
    yield _public_index()


def _read_files(files: SettingsFiles, environ: Mapping[str, str]) -> Iterator[SettledIndexes]:
    for path in files.uv:
        if path.is_file():
            yield parse_indexes(read_document(path), path, environ=environ)


def _find_named(
    workspace: Workspace, settled: SettledIndexes, environ: Mapping[str, str], cwd: Path
) -> Iterator[ProjectIndex]:
    """Yield the indexes that have names: those that count most first."""
    yield from _find_variables(environ, cwd)
    # Stable: the member that was asked for, then the root, then the others.
    for member in sorted(workspace.members, key=lambda member: member.path != workspace.asked):
        yield from _find_own(member, environ)
    yield from settled.tables


def _find_variables(environ: Mapping[str, str], cwd: Path) -> Iterator[ProjectIndex]:
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX"):
        yield from parse_variable(variable, environ=environ, cwd=cwd)


def _find_own(member: Member, environ: Mapping[str, str]) -> tuple[ProjectIndex, ...]:
    return parse_indexes(member.uv, member.path, environ=environ).tables


def _find_joint_python(members: Iterable[Member]) -> SpecifierSet | None:
    """Join what the members admit: uv locks for what all of them do."""
    bounds = [_parse_requires_python(member.project.get("requires-python"), member.path) for member in members]
    texts = dict.fromkeys(str(part) for bound in bounds if bound is not None for part in bound)
    return SpecifierSet(",".join(texts)) if texts else None


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
    # A file that is chosen takes the place of all others, the project's own too.
    if environ.get("UV_CONFIG_FILE"):
        return (Path(environ["UV_CONFIG_FILE"]),)
    if is_set(environ, "UV_NO_CONFIG"):
        return ()
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


def _parse_requires_python(value: object, path: Path) -> SpecifierSet | None:
    match value:
        case None:
            return None
        case str():
            try:
                return SpecifierSet(value)
            except InvalidSpecifier as error:
                raise build_setting_error(
                    path, "project.requires-python", f'is not a version specifier: "{value}"'
                ) from error
        case _:
            raise build_setting_error(path, "project.requires-python", "is not a string")


def _as_default(location: IndexLocation) -> IndexLocation:
    return replace(location, name=DEFAULT_NAME)


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
