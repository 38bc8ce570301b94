"""scripts/attack: fuzz targets of the user's files: locks, settings, rules, and the editor of TOML.

An edit is refused, or its result parses to exactly the meant value, and every other statement
is there as it was, character by character.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts._attack_fuzz_engine import Check, Target, always, check_error, encode, read_text
from scripts._attack_fuzz_ground import MARKERS, TOKENS
from tests.project.blocks import BLOCK, COMMENT, ENTRY
from tests.project.drawn import NAMES, TABLES, VALUES
from tests.project.test_editing import INLINE, comments_of, others_of
from tests.project.test_entries import INLINE as INLINE_ENTRIES
from tests.project.test_lockfile import FULL
from tests.project.test_lockfile import LOCK as UV_LOCK
from tests.project.test_pylock import LOCK as PYLOCK
from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.lock import Lock
from wheelaudit.markers import comparisons
from wheelaudit.project.editing import apply_entry, remove_entry, remove_entry_at, replace_entry_at
from wheelaudit.project.entries import KEY, Entry, equal_toml, find_entries, parse_layout
from wheelaudit.project.indexes import parse_variable
from wheelaudit.project.lockfile import find_locked, find_overridden, parse_lock
from wheelaudit.project.pylock import parse_lock_marker, parse_pylock
from wheelaudit.project.requirements import find_requirements
from wheelaudit.project.rules import read_rules
from wheelaudit.project.settings import (
    ProjectSettings,
    SettingsFiles,
    find_default_index,
    find_implicit_indexes,
    find_keyring_provider,
    read_project_settings,
)
from wheelaudit.project.sources import find_conflicts, find_sources
from wheelaudit.project.statements import UnplacedError, parse_statements

TOP = Path(__file__).parents[1]
AWKWARD = TOP / "tests" / "project" / "awkward"
TORCH = canonicalize_name("torch")
VERSION = Version("2.6.0+cu126")

T = TypeVar("T")

# Locks


def _check_uv_lock(data: bytes) -> None:
    text = read_text(data)
    lock = _refused(lambda: parse_lock(text))
    locked = _refused(lambda: find_locked(text))
    overridden = _refused(lambda: find_overridden(text))
    if lock is None:
        return
    assert locked is not None
    assert overridden == lock.overridden
    own = [(each.project, each.version, each.registry) for each in lock.packages if each.origin == "index"]
    assert own == [(each.project, each.version, each.registry) for each in locked]
    _check_lock(lock, tomllib.loads(text), "package")


def _check_pylock(data: bytes) -> None:
    text = read_text(data)
    lock = _refused(lambda: parse_pylock(text, file="pylock.toml"))
    if lock is not None:
        _check_lock(lock, tomllib.loads(text), "packages")


def _refused(parse: Callable[[], T]) -> T | None:
    try:
        return parse()
    except ProjectFileError as error:
        check_error(error)
        return None


def _check_lock(lock: Lock, document: dict[str, object], key: str) -> None:
    entries = document.get(key, document.get("distribution", []))
    assert isinstance(entries, list)
    assert len(lock.packages) == len(entries)
    for package in lock.packages:
        for wheel in package.wheels:
            assert wheel.sha256 is None or len(wheel.sha256) == 64
            assert "@" not in (wheel.url or "").partition("://")[2].partition("/")[0]
        assert "@" not in (package.registry or "").partition("://")[2].partition("/")[0]


def _check_lock_marker(data: bytes) -> None:
    try:
        expression = parse_lock_marker(read_text(data))
    except ValueError:
        return
    assert list(comparisons(expression))


# Statements, and the editor


def _check_statements(data: bytes) -> None:
    text = read_text(data)
    try:
        statements = parse_statements(text)
    except UnplacedError:
        return
    assert "".join(text[each.start : each.end] for each in statements) == text


def _check_edit(data: bytes) -> None:
    text = read_text(data)
    after = _refused(lambda: apply_entry(text, BLOCK, comment=COMMENT))
    if after is not None:
        _check_changed(text, after)
        assert comments_of(after) == comments_of(text)
        (entry,) = _find_torch(after)
        assert _plain(entry) == {**ENTRY, "name": "", "version": ""}
        assert apply_entry(after, BLOCK, comment=COMMENT) == after
    removed = _refused(lambda: remove_entry(text, "torch", VERSION))
    if removed is not None:
        _check_changed(text, removed)
        assert not _find_torch(removed)
    entries = _refused(lambda: find_entries(text)) or ()
    for entry in entries[:3]:
        _check_edit_at(text, entry.position)


def _plain(entry: Entry) -> dict[str, object]:
    """Return an entry's values; one that others wrote, and that says the same, keeps its spelling."""
    return {**entry.table, "name": "", "version": ""}


def _find_torch(text: str) -> list[Entry]:
    return [entry for entry in find_entries(text) if entry.is_for(TORCH, VERSION)]


def _check_changed(before: str, after: str) -> None:
    """See that everything but the entry for torch 2.6.0+cu126 is as it was."""
    assert equal_toml(list(others_of(after)), list(others_of(before)))
    assert _find_untouched(after) == _find_untouched(before)


def _find_untouched(text: str) -> list[str]:
    """Return the text of every statement that is no part of the entry, nor the array that may hold it."""
    layout = parse_layout(text)
    spans = [span for place in layout.places if place.entry.is_for(TORCH, VERSION) for span in place.spans]
    return [
        text[each.start : each.end].strip()
        for each in layout.statements
        if each.kind not in {"blank", "comment"}
        and each is not layout.array
        and not any(start <= each.start < end for start, end in spans)
    ]


def _check_edit_at(text: str, position: int) -> None:
    before = [entry.table for entry in find_entries(text)]
    removed = _refused(lambda: remove_entry_at(text, position))
    if removed is not None:
        tables = [entry.table for entry in find_entries(removed)]
        assert equal_toml(list(map(dict, tables)), list(map(dict, before[:position] + before[position + 1 :])))
        assert equal_toml(_drop_entries(removed), _drop_entries(text))
    replaced = _refused(lambda: replace_entry_at(text, position, BLOCK, comment=COMMENT))
    if replaced is not None:
        tables = [entry.table for entry in find_entries(replaced)]
        expected = [*before[:position], ENTRY, *before[position + 1 :]]
        assert equal_toml(list(map(dict, tables)), list(map(dict, expected)))
        assert equal_toml(_drop_entries(replaced), _drop_entries(text))


def _drop_entries(text: str) -> object:
    document = tomllib.loads(text)
    tool = document.pop("tool", {})
    settings = tool.pop("uv", {})
    settings.pop(KEY, None)
    # Tables that only the header had made go with it.
    return document, tool, settings


# Settings


def _prepare_settings(folder: Path) -> Check:
    # Deep enough that a pattern of workspace members which leads upwards finds little.
    home = folder.joinpath(*"abcdefgh")
    home.mkdir(parents=True)
    pyproject, uv_toml, conf = (home / name for name in ("pyproject.toml", "uv.toml", "pip.conf"))
    files = SettingsFiles(uv=(uv_toml,), pip=(conf,))

    def check(data: bytes) -> None:
        cut = data.split(b"\0")
        for path, content in zip((pyproject, uv_toml, conf), (*cut, b"", b"", b""), strict=False):
            if content or path == pyproject:
                path.write_bytes(content)
            else:
                path.unlink(missing_ok=True)
        _read_settings(pyproject, files)

    return check


def _read_settings(pyproject: Path, files: SettingsFiles) -> None:
    settings = ProjectSettings()
    try:
        settings = read_project_settings(pyproject, cwd=pyproject.parent)
        assert settings.workspace is not None
        for member in settings.workspace.members:
            find_requirements(member)
            find_sources(member)
            find_conflicts(member)
    except (ProjectFileError, UsageError) as error:
        check_error(error, secret="s3cr3t")
    for find in (_find_default, _find_implicit, _find_provider):
        try:
            find(settings, files, pyproject.parent)
        except (ProjectFileError, UsageError) as error:
            check_error(error, secret="s3cr3t")


def _find_default(settings: ProjectSettings, files: SettingsFiles, cwd: Path) -> object:
    return find_default_index(environ={}, project=settings, files=files, cwd=cwd)


def _find_implicit(settings: ProjectSettings, files: SettingsFiles, cwd: Path) -> object:
    return find_implicit_indexes(environ={}, project=settings, files=files, cwd=cwd)


def _find_provider(settings: ProjectSettings, files: SettingsFiles, cwd: Path) -> object:
    return find_keyring_provider(environ={}, project=settings, files=files)


def _prepare_rules(folder: Path) -> Check:
    path = folder / "pyproject.toml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        rules = _refused(lambda: read_rules(path))
        assert rules is None or all(each.reason.strip() for each in rules.ignore)

    return check


def _check_variable(data: bytes) -> None:
    text = read_text(data)
    for value in (text, f"a=https://user:s3cr3t@{text}"):
        environ = {"UV_INDEX": value, "UV_INDEX_A_PASSWORD": "s3cr3t"}
        try:
            found = parse_variable("UV_INDEX", environ=environ, cwd=Path("/folder"))
        except UsageError as error:
            check_error(error, secret="" if "s3cr3t" in text else "s3cr3t")
            continue
        assert "s3cr3t" not in repr(found) or "s3cr3t" in text


# Seeds


def _awkward() -> Iterator[bytes]:
    yield from (path.read_bytes() for path in sorted(AWKWARD.glob("*.toml")))
    yield from (text.encode() for text in (INLINE, INLINE_ENTRIES, BLOCK, f"{BLOCK}\n{BLOCK}"))


def _settings() -> Iterator[bytes]:
    yield PYPROJECT.encode()
    yield b"\0".join((PYPROJECT.encode(), b'index-url = "https://index.example/a"\n' + INDEXES.encode(), PIP.encode()))
    yield b"\0".join((b"[project]\nname = 'a'\n", INDEXES.encode(), b"[install]\nindex_url = /folder\n"))
    yield (TOP / "tests" / "project" / "four-extras" / "pyproject.toml").read_bytes()


INDEXES = """\
keyring-provider = "subprocess"
extra-index-url = ["https://user:s3cr3t@index.example/b"]
[[index]]
name = "corp"
url = "https://user:s3cr3t@index.example/simple"
default = true
explicit = false
authenticate = "always"
ignore-error-codes = [403]
"""
PIP = "[global]\nindex-url = https://user:s3cr3t@index.example/c\n; no comment\n[install]\n"
PYPROJECT = f"""\
[project]
name = "Demo.X"
version = "1"
requires-python = ">=3.10,<3.14"
dependencies = ["torch==2.6.0", "a[b] ; extra == 'x'", "c @ https://user:s3cr3t@files.example/c.whl"]
[project.optional-dependencies]
cpu = ["torch"]
[dependency-groups]
dev = ["d", {{ include-group = "test" }}]
test = []
[tool.uv]
conflicts = [[{{ extra = "cpu" }}, {{ package = "demo-x", group = "dev" }}]]
dev-dependencies = ["e>=1"]
environments = ["sys_platform == 'linux'"]
[tool.uv.workspace]
members = ["sub/*"]
exclude = ["sub/x"]
[tool.uv.sources]
torch = [{{ index = "corp", marker = "sys_platform == 'linux'", extra = "cpu" }}, {{ git = "https://git.example/x" }}]
[[tool.uv.index]]
{INDEXES.partition("[[index]]")[2]}"""
RULES = """\
[tool.wheelaudit]
index = ["cu126"]
union = "plain"
fail-level = "never"
[[tool.wheelaudit.ignore]]
id = "WA101"
project = "torch"
version = "2.6.0"
reason = "known"
until = 2027-01-31
"""
SYNTAX = (
    *VALUES[:20],
    *NAMES,
    *(f"[{name}]\n" for name in TABLES),
    "[[tool.uv.dependency-metadata]]\n",
    "\r\n",
    '"""',
    "'''",
)
ENTRIES = (
    'name = "torch"',
    'version = "2.6.0+cu126"',
    "dependency-metadata = [",
    "[tool.uv]\n",
    "{",
    "}",
    ",",
    "#",
    COMMENT,
)
KEYS = ("[[package]]\n", "source = { registry = ", "wheels = [", "hash = 'sha256:", "marker = ", "https://u:p@h/x")
LOCK_MARKERS = ("'cpu' not in extras", "'dev' in dependency_groups and python_version > '3'", *MARKERS)
VARIABLES = ("https://index.example/simple", "a=https://index.example b=../folder", "corp=file:///x", "a==b")
FILES = ("[[tool.uv.index]]\n", "url = ", "name = ", "members = ", "index-url", "\0", "true", "include-group", "@")


TARGETS = (
    Target(
        name="uv-lock",
        short=500,
        prepare=always(_check_uv_lock),
        seeds=encode(UV_LOCK, FULL),
        tokens=(*KEYS, *SYNTAX),
        share=3,
    ),
    Target(
        name="pylock", short=1500, prepare=always(_check_pylock), seeds=encode(PYLOCK), tokens=(*KEYS, *SYNTAX), share=2
    ),
    Target(
        name="lock-marker",
        prepare=always(_check_lock_marker),
        seeds=encode(*LOCK_MARKERS),
        tokens=(*TOKENS, "extras"),
        longest=512,
    ),
    Target(
        name="toml-statements", short=1500, prepare=always(_check_statements), seeds=_awkward, tokens=SYNTAX, share=2
    ),
    Target(
        name="toml-edit",
        short=100,
        prepare=always(_check_edit),
        seeds=_awkward,
        tokens=(*ENTRIES, *SYNTAX),
        longest=2048,
        share=4,
    ),
    Target(name="settings", short=150, prepare=_prepare_settings, seeds=_settings, tokens=(*FILES, *SYNTAX), share=2),
    Target(
        name="rules", short=300, prepare=_prepare_rules, seeds=encode(RULES), tokens=(*FILES, *SYNTAX), longest=1024
    ),
    Target(
        name="index-variable",
        prepare=always(_check_variable),
        seeds=encode(*VARIABLES),
        tokens=("=", " ", "://", "@", "file:"),
        longest=256,
    ),
)
