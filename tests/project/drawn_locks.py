"""Locks as hypothesis draws them, and the TOML that says the same: of uv.lock and of pylock.toml."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelaudit.lock import Choice, Dependency, Lock, LockedPackage, LockedWheel, Origin
from wheelaudit.markers import Expression, parse_expression

NAMES = [canonicalize_name(name) for name in ("a", "torch", "ml-dtypes", "x2", "demo")]
MARKERS = [
    "sys_platform == 'win32'",
    "(python_full_version < '3.12' and sys_platform == 'linux') or platform_machine == 'ARM64'",
    "'rpt' in platform_release",
    "extra == 'extra-4-demo-x' and extra != 'group-4-demo-dev'",
]
ADDRESSES = ["https://index.example/whl/cu126", "../wheels", "C:\\wheels", "file:///wheels"]
FILES = [
    "a-1-py3-none-any.whl",
    "a-2.6.0+cu126-cp310-cp310-linux_aarch64.whl",
    "a-1-cp313-cp313-linux_x86_64-label.whl",
]
ORIGINS: dict[str, Mapping[str, str]] = {
    "project": {"editable": "."},
    "path": {"directory": "below"},
    "url": {"url": "https://files.example/a.whl"},
    "git": {"git": "https://git.example/a#0123"},
}

names = st.sampled_from(NAMES)
name_sets = st.frozensets(names, max_size=2)
versions = st.sampled_from(["1", "2.6.0+cu126", "1.0rc1", "2026.1"]).map(Version)
markers = st.sampled_from(MARKERS).map(parse_expression)
marker_tuples = st.lists(markers, max_size=2).map(tuple)
junk = st.recursive(
    st.booleans()
    | st.integers(-2, 2)
    | st.text(max_size=8)
    | st.sampled_from([".", *MARKERS, *ADDRESSES, *FILES, *NAMES]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "url", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
"""Any value that TOML knows, in the place of the right one."""
bounds = st.none() | st.sampled_from([">=3.10", ">=3.10, <3.14", "==3.12.*"]).map(SpecifierSet)
hashes = st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex)


@st.composite
def wheels(draw: st.DrawFn) -> LockedWheel:
    filename = draw(st.sampled_from(FILES))
    url = f"https://files.example/p/{filename.replace('+', '%2B')}"
    return LockedWheel(
        filename=filename, url=draw(st.sampled_from([None, url, f"sub/{filename}", filename])), sha256=draw(hashes)
    )


dependencies = st.builds(
    Dependency,
    project=names,
    version=st.none() | versions,
    registry=st.none() | st.sampled_from(ADDRESSES),
    extras=st.lists(names, max_size=2).map(tuple),
    marker=st.none() | markers,
)
dependency_tuples = st.lists(dependencies, max_size=2).map(tuple)
dependency_maps = st.dictionaries(names, dependency_tuples, max_size=2)
roots = st.lists(
    st.builds(Dependency, project=names, extras=st.lists(names, max_size=2).map(tuple), marker=st.none() | markers),
    max_size=2,
).map(tuple)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    extra, group = draw(st.sampled_from([(None, None), (NAMES[0], None), (None, NAMES[0])]))
    return Choice(project=draw(names), extra=extra, group=group)


@st.composite
def packages(draw: st.DrawFn) -> LockedPackage:
    """A package as uv.lock can say it."""
    origin = draw(st.sampled_from(get_args(Origin)))
    return LockedPackage(
        project=draw(names),
        version=draw(versions if origin == "index" else st.none() | versions),
        origin=origin,
        registry=draw(st.sampled_from(ADDRESSES)) if origin == "index" else None,
        wheels=tuple(draw(st.lists(wheels(), max_size=2))),
        has_sdist=draw(st.booleans()),
        where=draw(marker_tuples),
        dependencies=draw(dependency_tuples),
        optional=draw(dependency_maps),
        groups=draw(dependency_maps),
    )


@st.composite
def uv_locks(draw: st.DrawFn) -> Lock:
    """A lock as uv.lock can say it."""
    locked = draw(st.lists(packages(), max_size=3).map(tuple))
    # Of a lock with roots nothing is the user's project: a script asks, or a root without [project].
    projects = any(package.origin == "project" for package in locked)
    overrides = draw(name_sets)
    # What the user overrides is asked for as the override has it: with its extras, not with the requirement's.
    asked = [replace(each, extras=()) if each.project in overrides else each for each in draw(roots)]
    return Lock(
        kind="uv.lock",
        requires_python=draw(bounds),
        environments=draw(marker_tuples),
        conflicts=tuple(draw(st.lists(st.lists(choices(), max_size=2).map(tuple), max_size=2))),
        overrides=overrides,
        excludes=draw(name_sets),
        overridden=draw(st.frozensets(st.tuples(names, st.none() | versions), max_size=2)),
        roots=() if projects else tuple(asked),
        packages=locked,
    )


@st.composite
def pylocks(draw: st.DrawFn) -> Lock:
    """A lock as pylock.toml can say it: each package from an index, with at least one file."""
    locked = tuple(
        LockedPackage(
            project=draw(names),
            version=draw(st.none() | versions),
            origin="index",
            registry=draw(st.none() | st.sampled_from(ADDRESSES)),
            wheels=tuple(draw(st.lists(wheels().filter(lambda wheel: wheel.url is not None), min_size=1, max_size=2))),
            has_sdist=draw(st.booleans()),
            where=draw(st.lists(st.sampled_from(MARKERS[:3]).map(parse_expression), max_size=1).map(tuple)),
            dependencies=draw(st.none() | st.lists(bare_dependencies, max_size=2).map(tuple)),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    return Lock(
        kind="pylock.toml",
        requires_python=draw(bounds),
        environments=tuple(draw(st.lists(st.sampled_from(MARKERS[:3]).map(parse_expression), max_size=2))),
        conflicts=(),
        overrides=frozenset(),
        excludes=frozenset(),
        overridden=frozenset(),
        roots=None,
        packages=locked,
    )


bare_dependencies = st.builds(
    Dependency, project=names, version=st.none() | versions, registry=st.none() | st.sampled_from(ADDRESSES)
)


def build_uv_document(lock: Lock) -> dict[str, Any]:
    """Return what uv.lock holds, as TOML has it."""
    conflicts = [
        [_only(package=each.project, extra=each.extra, group=each.group) for each in conflict]
        for conflict in lock.conflicts
    ]
    return _only(
        version=1,
        revision=3,
        requires_python=lock.requires_python,
        supported_markers=_texts(lock.environments),
        conflicts=conflicts,
        manifest=_only(
            overrides=[{"name": name} for name in lock.overrides],
            excludes=list(lock.excludes),
            dependency_metadata=[_only(name=name, version=version) for name, version in lock.overridden],
            requirements=[
                _only(name=each.project, extras=list(each.extras), marker=each.marker) for each in lock.roots or ()
            ],
        ),
        package=[_build_uv_package(package) for package in lock.packages],
    )


def build_pylock_document(lock: Lock) -> dict[str, Any]:
    """Return what pylock.toml holds, as TOML has it."""
    return _only(
        lock_version="1.0",
        created_by="a test",
        requires_python=lock.requires_python,
        environments=_texts(lock.environments),
        packages=[_build_pylock_package(package) for package in lock.packages],
    )


def find_places(document: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every value of a document."""
    if place:
        yield place
    inner: Iterable[tuple[str | int, object]] = ()
    if isinstance(document, dict):
        inner = document.items()
    elif isinstance(document, list):
        inner = enumerate(document)
    for key, value in inner:
        yield from find_places(value, (*place, key))


def replace_at(document: Any, place: tuple[str | int, ...], value: object) -> Any:
    """Return a copy of ``document`` with another value at one place."""
    if not place:
        return value
    copy = document.copy()
    copy[place[0]] = replace_at(document[place[0]], place[1:], value)
    return copy


def render_toml(document: Mapping[str, Any]) -> str:
    """Return a document as TOML, each of its keys on a line."""
    return "".join(f"{_text(key)} = {_render(value)}\n" for key, value in document.items())


def _render(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_render, value))}]"
        case dict():
            return f"{{{', '.join(f'{_text(key)} = {_render(each)}' for key, each in value.items())}}}"
        case _:
            return str(value)


def _text(text: str) -> str:
    # TOML's basic strings are JSON's, but for the one control character that JSON lets stand.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _only(**values: object) -> dict[str, Any]:
    """Return what is there, by TOML's spelling of the keys and values."""
    return {
        key.replace("_", "-"): value if isinstance(value, str | int | list | dict) else str(value)
        for key, value in values.items()
        if value is not None
    }


def _texts(expressions: Iterable[Expression]) -> list[str]:
    return [str(expression) for expression in expressions]


def _build_uv_package(package: LockedPackage) -> dict[str, Any]:
    source = {"registry": package.registry} if package.origin == "index" else ORIGINS[package.origin]
    return _only(
        name=package.project,
        version=package.version,
        source=dict(source),
        resolution_markers=_texts(package.where),
        wheels=[_build_uv_wheel(wheel) for wheel in package.wheels],
        sdist={"url": "https://files.example/a.tar.gz"} if package.has_sdist else None,
        dependencies=[_build_dependency(each) for each in package.dependencies or ()],
        optional_dependencies=_build_map(package.optional),
        dev_dependencies=_build_map(package.groups),
    )


def _build_uv_wheel(wheel: LockedWheel) -> dict[str, Any]:
    key = "url" if wheel.url and "://" in wheel.url else "path"
    return _only(
        **({"filename": wheel.filename} if wheel.url is None else {key: wheel.url}),
        hash=None if wheel.sha256 is None else f"sha256:{wheel.sha256}",
    )


def _build_map(found: Mapping[Any, tuple[Dependency, ...]]) -> dict[str, Any]:
    return {name: [_build_dependency(each) for each in dependencies] for name, dependencies in found.items()}


def _build_dependency(dependency: Dependency) -> dict[str, Any]:
    return _only(
        name=dependency.project,
        version=dependency.version,
        source=None if dependency.registry is None else {"registry": dependency.registry},
        extra=list(dependency.extras),
        marker=dependency.marker,
    )


def _build_pylock_package(package: LockedPackage) -> dict[str, Any]:
    return _only(
        name=package.project,
        version=package.version,
        index=package.registry,
        marker=package.where[0] if package.where else None,
        wheels=[
            _only(
                **{"url" if wheel.url and "://" in wheel.url else "path": wheel.url},
                # PEP 751 wants a hash; which one, it leaves open.
                hashes={"md5": "00"} if wheel.sha256 is None else {"sha256": wheel.sha256},
            )
            for wheel in package.wheels
        ],
        sdist={"url": "https://files.example/a-1.tar.gz", "hashes": {"md5": "00"}} if package.has_sdist else None,
        dependencies=None
        if package.dependencies is None
        else [_only(name=each.project, version=each.version, index=each.registry) for each in package.dependencies],
    )
