"""Every kind of lock that the real uv writes is read, and says what its TOML says; its exports say the same."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.pylock import Pylock
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from tests.index.archives import Member, build_archive
from tests.index.server import FileServer, serve_files
from tests.project.locking import build_environ, write_files
from tests.uv.index import build_metadata
from tests.uv.lock import TIME_LIMIT, find_uv
from wheelaudit.lock import Dependency, Lock, LockedPackage
from wheelaudit.markers import Expression, comparisons
from wheelaudit.project.locks import find_roots, read_lock
from wheelaudit.project.workspace import read_workspace

WHEELS: dict[str, tuple[str, ...]] = {
    "a-1-py3-none-any.whl": ("b; sys_platform == 'win32'", "c; extra == 'all'", "e"),
    "b-1-py3-none-any.whl": ("e",),
    "b-2-cp312-cp312-win_amd64.whl": ("e",),
    "b-2-cp312-cp312-manylinux_2_17_x86_64.whl": ("e",),
    "c-1-py3-none-any.whl": ("e; extra == 'x'",),
    "d-1+local-py3-none-any.whl": (),
    "e-1-py3-none-any.whl": (),
    "e-2-py3-none-any.whl": (),
    "gone-1-py3-none-any.whl": (),
}
"""What the index has, and what each asks for."""

EXTRAS = {"a": ("all",), "c": ("x",)}
PROJECT = '[project]\nname = "{0}"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = {1}\n'
BUILT = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
"""What makes a project one that is installed; uv locks it without building it."""


@dataclass(frozen=True, kw_only=True)
class World:
    """An index, and folders to lock in."""

    server: FileServer
    home: Path

    def fill(self, text: str) -> str:
        return text.replace("URL", self.server.url)

    def write(self, folder: Path, files: Mapping[str, str]) -> None:
        write_files(folder, {name: self.fill(text) for name, text in files.items()})

    def run(self, folder: Path, *command: str) -> None:
        passed = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        done = subprocess.run(
            [find_uv(), *command, "--python", sys.executable, "--no-progress"],
            cwd=folder,
            env=build_environ(self.home, UV_DEFAULT_INDEX=f"{self.server.url}/simple", **passed),
            capture_output=True,
            encoding="utf-8",
            timeout=TIME_LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def lock(self, folder: Path) -> tuple[Lock, Mapping[str, Any]]:
        """Lock, and return what we read and what TOML says, which are the same."""
        self.run(folder, "lock")
        return read_both(folder / "uv.lock")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        pages: dict[str, list[str]] = {}
        for filename, requires in WHEELS.items():
            wheel, metadata = make_wheel(filename, requires)
            digest, core = hashlib.sha256(wheel).hexdigest(), hashlib.sha256(metadata).hexdigest()
            path = f"/files/{filename.replace('+', '%2B')}"
            server.files |= {path: wheel, f"{path}.metadata": metadata}
            anchor = f'<a href="{path}#sha256={digest}" data-core-metadata="sha256={core}">{filename}</a>'
            pages.setdefault(filename.partition("-")[0], []).append(anchor)
        sdist = make_sdist("only", requires=["e"])
        server.files["/files/only-1.tar.gz"] = sdist
        digest = hashlib.sha256(sdist).hexdigest()
        pages["only"] = [f'<a href="/files/only-1.tar.gz#sha256={digest}">only-1.tar.gz</a>']
        server.files["/files/far-1-py3-none-any.whl"], _ = make_wheel("far-1-py3-none-any.whl", ["e"])
        server.files["/files/packed-1.tar.gz"] = make_sdist("packed", requires=["e"])
        server.files |= {f"/simple/{name}/": "<br>".join(anchors).encode() for name, anchors in pages.items()}
        yield World(server=server, home=tmp_path_factory.mktemp("home"))


def make_wheel(filename: str, requires: Iterable[str]) -> tuple[bytes, bytes]:
    project, version, *_ = parse_wheel_filename(filename)
    metadata = build_metadata(project, str(version), extras=EXTRAS.get(project, ()), requires=requires)
    # uv reads a wheel on disk as it would install it: with WHEEL and RECORD.
    files = {"METADATA": metadata, "WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n", "RECORD": b""}
    folder = f"{project}-{version}.dist-info"
    return build_archive([Member(name=f"{folder}/{name}", data=data) for name, data in files.items()]), metadata


def make_sdist(project: str, *, requires: Iterable[str]) -> bytes:
    """Return an sdist whose metadata uv believes without building it (PEP 643)."""
    metadata = build_metadata(project, "1", requires=requires).replace(
        b"Metadata-Version: 2.1", b"Metadata-Version: 2.2"
    )
    files = {"PKG-INFO": metadata, "pyproject.toml": f'[project]\nname = "{project}"\nversion = "1"\n'.encode()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{project}-1/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def read_both(path: Path) -> tuple[Lock, Mapping[str, Any]]:
    """Read a uv.lock, and hold every value against what TOML says."""
    text = path.read_text(encoding="utf-8")
    lock, document = read_lock(path), tomllib.loads(text)
    assert_lines(lock, text)
    assert lock.kind == "uv.lock"
    assert lock.requires_python == SpecifierSet(document["requires-python"])
    assert_same_markers(lock.environments, document.get("supported-markers", ()))
    for package, entry in zip(lock.packages, document["package"], strict=True):
        assert (package.project, None if package.version is None else str(package.version)) == (
            entry["name"],
            entry.get("version"),
        )
        assert package.registry == entry["source"].get("registry")
        assert package.has_sdist is ("sdist" in entry)
        assert [(wheel.url, wheel.sha256) for wheel in package.wheels] == [
            (each.get("url") or each.get("path"), each["hash"].removeprefix("sha256:") if "hash" in each else None)
            for each in entry.get("wheels", ())
        ]
        assert all(parse_wheel_filename(wheel.filename)[0] == package.project for wheel in package.wheels)
        assert_same_markers(package.where, entry.get("resolution-markers", ()))
        assert_same_dependencies(package.dependencies, entry.get("dependencies", ()))
        for found, key in ((package.optional, "optional-dependencies"), (package.groups, "dev-dependencies")):
            assert list(found) == list(entry.get(key, {}))
            for name, dependencies in found.items():
                assert_same_dependencies(dependencies, entry[key][name])
    return lock, document


def assert_lines(lock: Lock, text: str) -> None:
    """Hold the line of each package against the two that stand there: the header and the name, in uv's order."""
    lines = text.split("\n")
    for package in lock.packages:
        assert package.line is not None
        assert lines[package.line - 1].strip("[]") in ("package", "packages", "distribution")
        assert lines[package.line] == f'name = "{package.project}"'
    assert len({package.line for package in lock.packages}) == len(lock.packages)


def assert_same_markers(found: Iterable[Expression], texts: Iterable[str]) -> None:
    assert [Marker(str(expression)) for expression in found] == [Marker(text) for text in texts]


def assert_same_dependencies(found: Sequence[Dependency] | None, entries: Iterable[Mapping[str, Any]]) -> None:
    assert found is not None
    written = list(entries)
    # Behind them stand those that uv left out: of an extra that is lost.
    assert all(dependency.extras for dependency in found[len(written) :])
    for dependency, entry in zip(found[: len(written)], written, strict=True):
        assert dependency.project == entry["name"]
        assert (dependency.version and str(dependency.version)) == entry.get("version")
        assert dependency.registry == entry.get("source", {}).get("registry")
        assert list(dependency.extras) == entry.get("extra", [])
        assert (dependency.marker and Marker(str(dependency.marker))) == (
            Marker(entry["marker"]) if "marker" in entry else None
        )


def find_origins(lock: Lock) -> dict[str, str]:
    return {package.project: package.origin for package in lock.packages}


def test_every_kind_of_source_is_told(world: World, tmp_path: Path) -> None:
    sources = {
        "far": '{ url = "URL/files/far-1-py3-none-any.whl" }',
        "packed": '{ url = "URL/files/packed-1.tar.gz" }',
        "folder": '{ path = "folder" }',
        "edited": '{ path = "edited", editable = true }',
        "virtual": '{ path = "virtual", package = false }',
        "near": '{ path = "near-1-py3-none-any.whl" }',
        "member": "{ workspace = true }",
        "flat": '{ index = "flat" }',
    }
    lines = [f"{name} = {source}" for name, source in sources.items()]
    root = PROJECT.format("asker", [*sources, "a", "only", "d"]) + (
        '[tool.uv.workspace]\nmembers = ["member"]\n'
        '[[tool.uv.index]]\nname = "flat"\nurl = "wheels"\nformat = "flat"\nexplicit = true\n'
    )
    files = {"pyproject.toml": "\n".join([root, "[tool.uv.sources]", *lines])}
    files |= {f"{name}/pyproject.toml": PROJECT.format(name, ["e"]) + BUILT for name in ("folder", "edited", "member")}
    files["virtual/pyproject.toml"] = PROJECT.format("virtual", ["e"])
    world.write(tmp_path, files)
    for name in ("near-1-py3-none-any.whl", "wheels/flat-1-py3-none-any.whl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(make_wheel(Path(name).name, ["e"])[0])
    lock, _ = world.lock(tmp_path)
    indexed = dict.fromkeys(["a", "b", "d", "e", "flat", "only"], "index")
    elsewhere = {"far": "url", "packed": "url", **dict.fromkeys(["folder", "edited", "virtual", "near"], "path")}
    assert find_origins(lock) == {"asker": "project", "member": "project", **elsewhere, **indexed}
    found: dict[str, LockedPackage] = {package.project: package for package in lock.packages}
    assert [(wheel.filename, wheel.url) for wheel in found["near"].wheels] == [("near-1-py3-none-any.whl", None)]
    assert (found["flat"].registry, found["flat"].wheels[0].url) == ("wheels", "flat-1-py3-none-any.whl")
    assert (found["only"].wheels, found["only"].has_sdist) == ((), True)
    assert [wheel.filename for wheel in found["d"].wheels] == ["d-1+local-py3-none-any.whl"]


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here to make a repository with")
def test_repository_is_no_index(world: World, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    world.write(repository, {"pyproject.toml": PROJECT.format("kept", ["e"])})
    environ = {**os.environ, "HOME": str(world.home), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ("-c", "user.name=a", "-c", "user.email=a@mail.example")
    for arguments in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "One")):
        subprocess.run(["git", *arguments], cwd=repository, env=environ, check=True, timeout=TIME_LIMIT)
    folder = tmp_path / "project"
    source = f'[tool.uv.sources]\nkept = {{ git = "{repository.as_uri()}" }}\n'
    world.write(folder, {"pyproject.toml": PROJECT.format("asker", ["kept"]) + source})
    lock, _ = world.lock(folder)
    assert find_origins(lock) == {"asker": "project", "kept": "git", "e": "index"}
    world.run(folder, "export", "-q", "--format", "pylock.toml", "-o", "pylock.toml")
    assert find_origins(read_lock(folder / "pylock.toml")) == {"kept": "git", "e": "index"}


RULES = """\
[project.optional-dependencies]
k = ["d"]
[dependency-groups]
dev = ["c[x]"]
[tool.uv]
exclude-dependencies = ["gone", { package = { name = "a" }, dependencies = ["c"] }]
override-dependencies = [
    "e==1; sys_platform != 'win32'",
    { package = { name = "b", version = "1" }, dependencies = ["d"] },
]
constraint-dependencies = ["c<2"]
environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
[[tool.uv.dependency-metadata]]
name = "d"
version = "1+local"
requires-dist = ["gone", "e"]
[[tool.uv.dependency-metadata]]
name = "nowhere"
"""
FORKS = ["a[all]; sys_platform != 'darwin'", "b==1; python_version < '3.12'", "b==2; python_version >= '3.12'"]


def test_rules_and_forks_are_told(world: World, tmp_path: Path) -> None:
    world.write(tmp_path, {"pyproject.toml": PROJECT.format("asker", FORKS) + RULES})
    lock, document = world.lock(tmp_path)
    assert set(lock.overrides) == {"e", "d"}
    assert set(lock.excludes) == {"gone", "c"}
    assert {(name, version and str(version)) for name, version in lock.overridden} == {
        (entry["name"], entry.get("version")) for entry in document["manifest"]["dependency-metadata"]
    }
    assert (len(lock.overridden), len(lock.environments), lock.roots) == (2, 2, ())
    assert [bool(package.where) for package in lock.packages if package.project == "b"] == [True, True]
    # Of a[all] nothing is left to ask for, as c is excluded there: uv writes no extra then.
    (asker,) = (package for package in lock.packages if package.origin == "project")
    assert [(each.project, each.extras) for each in asker.dependencies or () if each.extras] == [("a", ("all",))]


def test_choices_that_conflict_are_the_ones_that_markers_name(world: World, tmp_path: Path) -> None:
    rules = """\
[project.optional-dependencies]
big_x = ["e==1", "c"]
[dependency-groups]
dev_y = ["e==2"]
[tool.uv]
conflicts = [
    [{ extra = "big_x" }, { group = "dev_y" }],
    [{ package = "one" }, { package = "two", extra = "z" }],
]
[tool.uv.workspace]
members = ["one", "two"]
"""
    files = {
        "pyproject.toml": PROJECT.format("asker", ["a"]) + rules,
        "one/pyproject.toml": PROJECT.format("one", ["b==1"]),
        "two/pyproject.toml": PROJECT.format("two", []) + '[project.optional-dependencies]\nz = ["b==2"]\n',
    }
    world.write(tmp_path, files)
    lock, _ = world.lock(tmp_path)
    assert find_origins(lock) == {**dict.fromkeys(["asker", "one", "two"], "project"), **dict.fromkeys("abce", "index")}
    texts = [{choice.text for choice in conflict} for conflict in lock.conflicts]
    assert texts == [{"extra-5-asker-big-x", "group-5-asker-dev-y"}, {"project-3-one", "extra-3-two-z"}]
    arrows = [each for package in lock.packages for each in package.dependencies or ()]
    markers = [arrow.marker for arrow in arrows] + [marker for package in lock.packages for marker in package.where]
    named = {each.value for marker in markers for each in comparisons(marker) if each.variable == "extra"}
    assert named
    assert named <= set().union(*texts)


def test_script_has_roots_and_no_project(world: World, tmp_path: Path) -> None:
    script = """\
# /// script
# requires-python = ">=3.11"
# dependencies = ["a[all]", "b==1; sys_platform == 'linux'", "own"]
# [tool.uv.sources]
# own = { path = "." , editable = true }
# ///
"""
    world.write(tmp_path, {"script.py": script, "pyproject.toml": PROJECT.format("own", ["e"]) + BUILT})
    world.run(tmp_path, "lock", "--script", "script.py")
    lock, document = read_both(tmp_path / "script.py.lock")
    assert lock.roots is not None
    assert [(root.project, list(root.extras)) for root in lock.roots] == [
        (entry["name"], entry.get("extras", [])) for entry in document["manifest"]["requirements"]
    ]
    assert [str(root.marker) for root in lock.roots if root.marker] == ['sys_platform == "linux"']
    assert find_origins(lock)["own"] == "path"


def test_groups_of_a_root_without_a_project_are_roots(world: World, tmp_path: Path) -> None:
    world.write(
        tmp_path, {"pyproject.toml": "[dependency-groups]\ndev = [\"b==1; sys_platform == 'linux'\", 'c[x]']\n"}
    )
    lock, _ = world.lock(tmp_path)
    assert lock.roots is not None
    assert [(root.project, root.extras) for root in lock.roots] == [("b", ()), ("c", ("x",))]
    assert set(find_origins(lock).values()) == {"index"}


@pytest.mark.parametrize(
    ("name", "older"),
    [("[package.dev-dependencies]", "[package.dependency-groups]"), ("[[package]]\n", "[[distribution]]\n")],
)
def test_older_names_are_read_as_uv_reads_them(world: World, tmp_path: Path, name: str, older: str) -> None:
    groups = "[dependency-groups]\ndev = ['c[x]']\n"
    world.write(tmp_path, {"pyproject.toml": PROJECT.format("asker", ["a"]) + groups})
    lock, _ = world.lock(tmp_path)
    path = tmp_path / "uv.lock"
    text = path.read_text(encoding="utf-8").replace(name, older)
    if "distribution" in older:
        text = text.replace("[package.", "[distribution.")
    assert older in text
    path.write_text(text, encoding="utf-8", newline="")
    world.run(tmp_path, "lock", "--check")
    assert read_lock(path) == lock
    assert any(package.groups for package in lock.packages)


@pytest.mark.parametrize("options", [(), ("--all-extras", "--all-groups"), ("--no-emit-project", "--no-dev")])
def test_export_says_what_the_lock_says(world: World, tmp_path: Path, options: tuple[str, ...]) -> None:
    sources = '[tool.uv.sources]\nnear = { path = "near-1-py3-none-any.whl" }\nfolder = { path = "folder" }\n'
    files = {
        "pyproject.toml": PROJECT.format("asker", [*FORKS, "near", "folder", "only"]) + sources + RULES + BUILT,
        "folder/pyproject.toml": PROJECT.format("folder", ["e"]) + BUILT,
    }
    world.write(tmp_path, files)
    (tmp_path / "near-1-py3-none-any.whl").write_bytes(make_wheel("near-1-py3-none-any.whl", ["e"])[0])
    lock, _ = world.lock(tmp_path)
    world.run(tmp_path, "export", "-q", "--format", "pylock.toml", "-o", "pylock.toml", *options)
    exported = read_lock(tmp_path / "pylock.toml")
    assert_as_packaging_reads(exported, tmp_path / "pylock.toml")
    assert (exported.kind, exported.roots, exported.requires_python) == ("pylock.toml", None, lock.requires_python)
    assert exported.environments == lock.environments
    own = {(package.project, package.version): package for package in lock.packages}
    indexed = [package for package in exported.packages if package.origin == "index"]
    assert {package.project for package in indexed} >= {"a", "b", "e", "only"}
    for package in indexed:
        same = own[package.project, package.version]
        assert (package.registry, package.wheels, package.has_sdist) == (same.registry, same.wheels, same.has_sdist)
        assert package.dependencies is None
    origins = find_origins(exported)
    assert (origins["near"], origins["folder"]) == ("path", "path")
    if "--all-extras" in options:
        assert {root.project for root in find_roots(read_workspace(tmp_path / "pyproject.toml"))} <= set(origins)


def test_export_without_indexes_is_read(world: World, tmp_path: Path) -> None:
    world.write(tmp_path, {"asked.in": "a[all]\nb==1; sys_platform == 'linux'\nonly\n"})
    world.run(
        tmp_path, "pip", "compile", "-q", "asked.in", "--universal", "--format", "pylock.toml", "-o", "pylock.x.toml"
    )
    lock = read_lock(tmp_path / "pylock.x.toml")
    assert_as_packaging_reads(lock, tmp_path / "pylock.x.toml")
    assert {(package.origin, package.registry) for package in lock.packages} == {("index", None)}
    assert set(find_origins(lock)) == {"a", "b", "c", "e", "only"}


def assert_as_packaging_reads(lock: Lock, path: Path) -> None:
    """Hold a pylock.toml against what another reader makes of it."""
    text = path.read_text(encoding="utf-8")
    theirs = Pylock.from_dict(tomllib.loads(text))
    assert_lines(lock, text)
    assert lock.requires_python == theirs.requires_python
    assert_same_markers(lock.environments, map(str, theirs.environments or ()))
    for package, other in zip(lock.packages, theirs.packages, strict=True):
        assert (package.project, package.version, package.registry) == (other.name, other.version, other.index)
        assert_same_markers(package.where, [] if other.marker is None else [str(other.marker)])
        if other.wheels:
            files = [(wheel.filename, wheel.url, wheel.hashes["sha256"]) for wheel in other.wheels]
            assert [(wheel.filename, wheel.url, wheel.sha256) for wheel in package.wheels] == files
