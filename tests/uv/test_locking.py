"""`wheelaudit lock` from end to end, on locks and exports that the real uv wrote from an index that still answers.

Each lock that is right has a second look without the one thing in it that makes it so:
there it must be wrong, or the first look would prove nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.index.archives import Member, build_archive
from tests.index.server import FileServer, serve_files
from tests.project.locking import build_environ, serve_four_extras, write_files
from tests.project.test_uv_locks import make_sdist
from tests.releases import build_wheel, load_metadata, load_release
from tests.uv.conftest import MakeIndex
from tests.uv.index import ServedWheel, SimpleIndex, build_metadata, build_requirement_stubs
from tests.uv.lock import TIME_LIMIT, Uv, find_uv
from wheelaudit.cli.main import run
from wheelaudit.locking import LockCheck, check_lock
from wheelaudit.metadata import WheelMetadata, parse_metadata
from wheelaudit.session import Manner

LINUX, MACOS, WINDOWS = "manylinux_2_17_x86_64", "macosx_11_0_arm64", "win_amd64"
PLATFORMS = (LINUX, MACOS, WINDOWS)
ON_LINUX = "linux x86_64, CPython 3.10-3.13"
ON_WINDOWS = "windows AMD64, CPython 3.11"
Told = list[tuple[str, str, tuple[str, ...]]]


def add(index: SimpleIndex, wheels: Iterable[ServedWheel]) -> None:
    """Put wheels on pages that give their hashes, without which uv would fetch them for an export."""
    index.add(replace(wheel, sha256=hashlib.sha256(wheel.filename.encode()).hexdigest()) for wheel in wheels)


def add_thing(
    index: SimpleIndex,
    requires: Mapping[str, Iterable[str]],
    *,
    project: str = "thing",
    version: str = "1.0",
    extras: Iterable[str] = (),
    python: str = "cp311",
) -> None:
    """Add a wheel a platform, which asks for ``base`` and what is given for it; uv reads the one for macOS."""
    for platform in PLATFORMS:
        lines = ["base", *requires.get(platform, ())]
        metadata = build_metadata(project, version, extras=extras, requires=lines)
        add(index, [ServedWheel(filename=f"{project}-{version}-{python}-{python}-{platform}.whl", metadata=metadata)])


def add_for_windows_first(index: SimpleIndex, version: str = "1.0") -> None:
    """Add a wheel for Windows, which uv reads for its build number, and one for everywhere else, which asks for more.

    uv leaves wheels of platforms that a project does not support out of its lock, but not this one.
    """
    for tag, lines in (("1-py3-none-win_amd64", ["base"]), ("py3-none-any", ["base", "more"])):
        metadata = build_metadata("thing", version, requires=lines)
        add(index, [ServedWheel(filename=f"thing-{version}-{tag}.whl", metadata=metadata)])


ON_AMD64 = "sys_platform == 'win32' and platform_machine == 'AMD64'"


def add_stubs(index: SimpleIndex, *names: str) -> None:
    """Add versions 1.0 and 2.0 of projects that ask for nothing."""
    add(
        index,
        (
            ServedWheel(
                filename=f"{name.replace('-', '_')}-{version}-py3-none-any.whl", metadata=build_metadata(name, version)
            )
            for name in names
            for version in ("1.0", "2.0")
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder of a user who has nothing but uv."""

    folder: Path
    environ: Mapping[str, str]

    def write(self, **files: str) -> None:
        """Write files, the underscore of whose names stands for the dot before ``toml`` or ``py``."""
        write_files(self.folder, {name.replace("_", "."): text for name, text in files.items()})

    def uv(self, *command: str, folder: Path | None = None) -> None:
        done = subprocess.run(
            [find_uv(), *command, "--python", sys.executable, "--no-progress"],
            cwd=folder or self.folder,
            env=dict(self.environ),
            capture_output=True,
            encoding="utf-8",
            timeout=TIME_LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def export(self, *options: str) -> None:
        self.uv("export", "--frozen", "--quiet", "--format", "pylock.toml", "-o", "pylock.toml", *options)

    def check(self, name: str = "uv.lock") -> LockCheck:
        pyproject = self.folder / "pyproject.toml"
        work = partial(
            check_lock,
            self.folder / name,
            pyproject=pyproject if pyproject.is_file() else None,
            manner=Manner(environ=self.environ, cwd=self.folder),
        )
        check = anyio.run(work)
        assert [release.error for release in check.releases if release.error is not None] == []
        return check

    def find_wrong(self, name: str = "uv.lock") -> dict[str, Told]:
        """Return what is told of every release that is not right."""
        return find_wrong(self.check(name))

    def without(self, *patterns: str, name: str = "uv.lock") -> dict[str, Told]:
        """Return what is told where the lock does not say something that it says."""
        text = (self.folder / name).read_text(encoding="utf-8")
        for pattern in patterns:
            text, count = re.subn(pattern, "", text)
            assert count, (pattern, text)
        write_files(self.folder, {f"other/{name}": text})
        other = replace(self, folder=self.folder / "other")
        return other.find_wrong(name)


def find_wrong(check: LockCheck) -> dict[str, Told]:
    audits = [release.lock_audit for release in check.releases if release.lock_audit is not None]
    assert audits
    return {
        audit.release.spec: [(each.id, each.environments, each.requirements) for each in audit.findings]
        for audit in audits
        if audit.status != "right"
    }


def find_skipped(check: LockCheck) -> dict[str, str]:
    return {str(release.project): release.skipped for release in check.releases if release.skipped is not None}


def find_environments(check: LockCheck) -> dict[str, int]:
    """Return how many environments of each release were compared."""
    return {
        release.lock_audit.release.spec: release.lock_audit.environments
        for release in check.releases
        if release.lock_audit is not None
    }


def key(name: str) -> str:
    """A key of the lock with its array, on one line or on several."""
    return rf"(?m)^{name} = \[(?:.*\]|\n(?:    .*\n)*\])\n"


@pytest.fixture
def index(make_index: MakeIndex) -> SimpleIndex:
    return make_index()


@pytest.fixture
def place(uv: Uv, index: SimpleIndex, tmp_path: Path) -> Place:
    passed = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environ = build_environ(uv.home, UV_DEFAULT_INDEX=index.url, **passed)
    folder = tmp_path / "work"
    folder.mkdir()
    return Place(folder=folder, environ=environ)


def render_project(
    *dependencies: str, name: str = "asker", requires_python: str = ">=3.11", settings: str = "", more: str = ""
) -> str:
    lines = [
        "[project]",
        f'name = "{name}"',
        'version = "1"',
        f'requires-python = "{requires_python}"',
        f"dependencies = {json.dumps(dependencies)}",
        more,
        "[tool.uv]" if settings else "",
        settings,
    ]
    return "\n".join(lines) + "\n"


# --- the releases of the issue -----------------------------------------------------------------------------


def add_cassette(index: SimpleIndex, name: str) -> str:
    """Serve a recorded release and what it asks for; return what pins it."""
    release, readings = load_release(name)
    metadata = load_metadata(name)
    add(index, build_requirement_stubs(readings))
    add(
        index,
        (
            ServedWheel(
                filename=wheel.filename,
                metadata=metadata[wheel.filename],
                yanked=wheel.yanked,
                requires_python=wheel.requires_python,
            )
            for wheel in release.wheels
        ),
    )
    return release.spec


@dataclass(frozen=True, kw_only=True)
class Commands:
    """The command line, in a project's folder."""

    place: Place
    capsys: pytest.CaptureFixture[str]

    def lock(self, *arguments: str) -> tuple[int, dict[str, list[tuple[str, str, int]]]]:
        """Return the exit code, and what is told of each release that is not right: id, environments, how much."""
        self.capsys.readouterr()
        code = run(["lock", *arguments, "--format", "json"])
        out, err = self.capsys.readouterr()
        assert code != 2, err
        releases = json.loads(out)["releases"]
        return code, {
            f"{each['project']}=={each['version']}": [
                (found["id"], found["environments"], len(found["requirements"])) for found in each["findings"]
            ]
            for each in releases
            if each["status"] not in {"right", "skipped"}
        }


@pytest.fixture
def commands(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    for name in [*os.environ]:
        if name.startswith(("UV_", "PIP_", "XDG_", "WHEELAUDIT_")) or name == "NETRC":
            monkeypatch.delenv(name)
    for name, value in place.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WHEELAUDIT_CACHE_DIR", str(place.folder.parent / "cache"))
    monkeypatch.chdir(place.folder)
    return Commands(place=place, capsys=capsys)


SHOWN = {
    "torch-2.6.0+cu126": [("WA411", ON_LINUX, 14)],
    "tensorflow-2.15.1": [
        ("WA411", "linux aarch64, CPython 3.10-3.11", 1),
        ("WA411", "windows AMD64, CPython 3.10-3.11", 1),
        ("WA412", "linux aarch64 and windows AMD64, CPython 3.10-3.11", 22),
    ],
}


@pytest.mark.parametrize("name", SHOWN)
def test_lock_is_told_mended_and_then_right(commands: Commands, index: SimpleIndex, name: str) -> None:
    place = commands.place
    spec = add_cassette(index, name)
    place.write(pyproject_toml=render_project(spec, requires_python=">=3.10"))
    place.uv("lock")
    place.export()
    assert commands.lock() == (1, {spec: SHOWN[name]})
    assert commands.lock("pylock.toml") == (1, {spec: SHOWN[name]})

    assert commands.lock("--check")[0] == 1
    assert commands.lock("--write")[0] == 0
    # What is written has an effect only by uv.
    assert commands.lock()[0] == 1
    place.uv("lock")
    place.export()
    assert commands.lock() == (0, {})
    assert commands.lock("pylock.toml") == (0, {})
    assert commands.lock("--check")[0] == 0


@pytest.mark.parametrize("name", ["torch-2.10.0", "torch-2.15.0", "numpy-2.2.0"])
def test_consistent_release_is_right(commands: Commands, index: SimpleIndex, name: str) -> None:
    place = commands.place
    place.write(pyproject_toml=render_project(spec := add_cassette(index, name)))
    place.uv("lock")
    place.export()
    assert commands.lock() == (0, {})
    assert commands.lock("pylock.toml") == (0, {})
    assert find_environments(place.check())[spec] > 0


def give_hash(match: re.Match[bytes]) -> bytes:
    """Return a link with a hash, of its own for each file: uv takes files of one hash for one file."""
    return b'href="%s#sha256=%s"' % (match[1], hashlib.sha256(match[1]).hexdigest().encode())


@pytest.fixture
def four_extras(uv: Uv, tmp_path: Path, place: Place) -> Iterator[Place]:
    """The four-extras project, in the place of any other; its pages give hashes, so that it can be exported."""
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        serve_four_extras(server, place.folder)
        cores = [parse_metadata(body) for path, body in server.files.items() if path.endswith(".metadata")]
        for path, body in server.files.items():
            if path.endswith("/"):
                server.files[path] = re.sub(rb'href="([^"#]+)"', give_hash, body)
        defaults = SimpleIndex(server=server, path="/simple")
        wheel = build_wheel("torch-1-py3-none-any.whl")
        readings = [WheelMetadata(wheel=wheel, core=core, sha256="", source="pep658") for core in cores]
        add(defaults, build_requirement_stubs(readings))
        yield replace(place, environ={**place.environ, "UV_DEFAULT_INDEX": defaults.url})


def test_of_four_extras_only_the_cu126_fork_is_told(
    commands: Commands, four_extras: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", four_extras.environ["UV_DEFAULT_INDEX"])
    four_extras.uv("lock")
    found = {"torch==2.6.0+cu126": [("WA411", ON_LINUX, 14)]}
    assert commands.lock() == (1, found)
    for extra, expected in (("cu126", (1, found)), ("cu118", (0, {})), ("cpu", (0, {}))):
        four_extras.export("--extra", extra)
        assert commands.lock("pylock.toml") == expected, extra

    assert commands.lock("--write")[0] == 0
    four_extras.uv("lock")
    assert commands.lock() == (0, {})
    four_extras.export("--extra", "cu126")
    assert commands.lock("pylock.toml") == (0, {})


# --- what the user decides is no false alarm -------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A setting of uv's that makes a lock right, although the wheels of thing disagree."""

    settings: str
    requires: Mapping[str, Iterable[str]]
    pattern: str
    """Without which the lock would be wrong."""
    told: Told


EVERYWHERE = "linux x86_64, macos arm64 and windows AMD64, CPython 3.11"
FEATURES = {
    "override": Feature(
        settings='override-dependencies = ["over==1.0"]',
        requires={each: ["over>=2"] for each in PLATFORMS},
        pattern=key("overrides"),
        told=[("WA413", EVERYWHERE, ("over>=2",))],
    ),
    "override of what one platform asks for": Feature(
        settings="override-dependencies = [\"over==1.0; sys_platform == 'linux'\"]",
        requires={WINDOWS: ["over"]},
        pattern=key("overrides"),
        told=[("WA411", ON_WINDOWS, ("over",))],
    ),
    "override of one package": Feature(
        settings='override-dependencies = [{ package = { name = "thing" }, dependencies = ["over==1.0"] }]',
        requires={WINDOWS: ["over>=2"]},
        pattern=key("overrides"),
        told=[
            ("WA412", "linux x86_64 and macos arm64, CPython 3.11", ("over==1.0",)),
            ("WA413", ON_WINDOWS, ("over>=2",)),
        ],
    ),
    "exclude": Feature(
        settings='exclude-dependencies = ["excluded"]',
        requires={each: ["excluded"] for each in PLATFORMS},
        pattern=key("excludes"),
        told=[("WA411", EVERYWHERE, ("excluded",))],
    ),
    "exclude of one package": Feature(
        settings='exclude-dependencies = [{ package = { name = "thing" }, dependencies = ["excluded"] }]',
        requires={each: ["excluded"] for each in PLATFORMS},
        pattern=key("excludes"),
        told=[("WA411", EVERYWHERE, ("excluded",))],
    ),
}


@pytest.mark.parametrize("name", FEATURES)
def test_setting_of_the_project_explains_what_the_lock_gives(place: Place, index: SimpleIndex, name: str) -> None:
    feature = FEATURES[name]
    add_thing(index, feature.requires)
    add_stubs(index, "base", "over", "excluded", "more")
    place.write(pyproject_toml=render_project("thing", settings=feature.settings))
    place.uv("lock")
    assert place.find_wrong() == {}
    assert find_environments(place.check())["thing==1.0"] > 0
    assert place.without(feature.pattern) == {"thing==1.0": feature.told}


def test_constraint_narrows_what_is_asked_for_and_is_no_finding(place: Place, index: SimpleIndex) -> None:
    add_thing(index, {WINDOWS: ["narrow>=1"], LINUX: ["narrow"], MACOS: ["narrow<3"]})
    add_stubs(index, "base", "narrow")
    place.write(pyproject_toml=render_project("thing", settings='constraint-dependencies = ["narrow<2"]'))
    place.uv("lock")
    check = place.check()
    assert find_wrong(check) == {}
    assert [str(each.version) for each in check.releases if each.project == "narrow"] == ["1.0"]


def test_python_bound_of_the_project_is_the_lock_s(place: Place, index: SimpleIndex) -> None:
    add_thing(index, {})
    add_thing(index, {WINDOWS: ["more"]}, python="cp310")
    add_stubs(index, "base", "more")
    place.write(pyproject_toml=render_project("thing"))
    place.uv("lock")
    assert place.find_wrong() == {}
    path = place.folder / "uv.lock"
    # uv leaves the wheels of other Pythons out of the lock; of one that has them all, the bound still speaks.
    place.write(pyproject_toml=render_project("thing", requires_python=">=3.10"))
    place.uv("lock")
    wider = path.read_text(encoding="utf-8")
    assert place.find_wrong() == {"thing==1.0": [("WA411", "windows AMD64, CPython 3.10", ("more",))]}
    path.write_text(wider.replace('requires-python = ">=3.10"', 'requires-python = ">=3.11"'), encoding="utf-8")
    assert place.find_wrong() == {}


def test_environments_of_the_project_are_the_only_ones(place: Place, index: SimpleIndex) -> None:
    add_for_windows_first(index)
    add_stubs(index, "base", "more")
    place.write(pyproject_toml=render_project("thing", settings=f'environments = ["{ON_AMD64}"]'))
    place.uv("lock")
    assert place.find_wrong() == {}
    assert find_environments(place.check())["thing==1.0"] > 0
    assert_lost_outside_of_windows(place.without(key("supported-markers"), key("resolution-markers")))


def assert_lost_outside_of_windows(told: Mapping[str, Told]) -> None:
    ((finding, environments, requirements),) = told["thing==1.0"]
    assert (finding, requirements) == ("WA411", ("more",))
    assert "linux x86_64" in environments
    assert "windows AMD64" not in environments


def test_marker_of_the_project_says_where_a_release_is_used(place: Place, index: SimpleIndex) -> None:
    add_for_windows_first(index)
    add_stubs(index, "base", "more")
    place.write(pyproject_toml=render_project(f"thing; {ON_AMD64}"))
    place.uv("lock")
    assert place.find_wrong() == {}
    assert find_environments(place.check())["thing==1.0"] > 0
    assert_lost_outside_of_windows(place.without(MARKER))


MARKER = r', marker = "[^"]*"'
"""Of an arrow; what uv repeats of the project's own requirements has no part in it."""


def test_forks_are_each_held_against_what_they_are_used_for(place: Place, index: SimpleIndex) -> None:
    add_for_windows_first(index)
    add_thing(index, {each: ["new"] for each in PLATFORMS}, version="2.0")
    add_stubs(index, "base", "more", "new")
    lines = f"thing<2; {ON_AMD64}", "thing>=2; sys_platform != 'win32' or platform_machine != 'AMD64'"
    place.write(pyproject_toml=render_project(*lines))
    place.uv("lock")
    assert place.find_wrong() == {}
    assert find_environments(place.check()).keys() == {"thing==1.0", "thing==2.0"}
    told = place.without(key("resolution-markers"), MARKER)
    assert {*told} == {"thing==1.0"}
    assert_lost_outside_of_windows(told)


def test_choices_in_conflict_have_each_their_own_release(place: Place, index: SimpleIndex) -> None:
    add_thing(index, {each: ["old"] for each in PLATFORMS}, version="1.0")
    add_thing(index, {each: ["new"] for each in PLATFORMS}, version="2.0")
    add_stubs(index, "base", "old", "new")
    more = '[project.optional-dependencies]\none = ["thing==1.0"]\n[dependency-groups]\ntwo = ["thing==2.0"]'
    settings = 'conflicts = [[{ extra = "one" }, { group = "two" }]]'
    place.write(pyproject_toml=render_project(more=more, settings=settings))
    place.uv("lock")
    check = place.check()
    assert find_wrong(check) == {}
    assert all(find_environments(check).values())
    # A wheel that asks for more is found in either.
    for project in ("1.0", "2.0"):
        other = replace(index, path=f"{index.path}/{project}", wheels={})
        for version, name in (("1.0", "old"), ("2.0", "new")):
            lines = {each: [name] for each in PLATFORMS}
            lines |= {WINDOWS: [name, "more"]} if version == project else {}
            add_thing(other, lines, version=version)
        add_stubs(other, "base", "old", "new", "more")
        elsewhere = replace(place, environ={**place.environ, "UV_DEFAULT_INDEX": other.url})
        (place.folder / "uv.lock").unlink()
        elsewhere.uv("lock")
        assert elsewhere.find_wrong() == {f"thing=={project}": [("WA411", ON_WINDOWS, ("more",))]}


def test_extra_that_nobody_asks_for_is_no_matter(place: Place, index: SimpleIndex) -> None:
    lines = {LINUX: ["common; extra == 'x'"], MACOS: ["common; extra == 'x'"]}
    add_thing(index, {**lines, WINDOWS: ["common; extra == 'x'", "more; extra == 'x'"]}, extras=["x"])
    add_stubs(index, "base", "common", "more")
    place.write(pyproject_toml=render_project("thing"))
    place.uv("lock")
    assert place.find_wrong() == {}
    place.write(pyproject_toml=render_project("thing[x]"))
    place.uv("lock")
    assert place.find_wrong() == {"thing==1.0": [("WA411", ON_WINDOWS, ('more; extra == "x"',))]}


# --- where releases come from, and who asks for them ----------------------------------------------------


def test_what_is_no_release_of_an_index_is_passed_over_and_still_asks(place: Place, index: SimpleIndex) -> None:
    add_thing(index, {})
    for project in ("by-path", "by-url"):
        add_thing(index, {WINDOWS: ["more"]}, project=f"of_{project}".replace("-", "_"))
    add_stubs(index, "base", "more")
    files = index.server.files
    packed = make_sdist("only", requires=["base"])
    files[f"{index.path}/only/only-1.tar.gz"] = packed
    digest = hashlib.sha256(packed).hexdigest()
    files[f"{index.path}/only/"] = f'<html><a href="only-1.tar.gz#sha256={digest}">only-1.tar.gz</a></html>'.encode()
    linked, local = (
        build_archive(
            [
                Member(name=f"{name}-1.dist-info/{member}", data=data)
                for member, data in {
                    "METADATA": build_metadata(name, "1", requires=[f"of-{name.replace('_', '-')}"]),
                    "WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
                    "RECORD": b"",
                }.items()
            ]
        )
        for name in ("by_url", "by_path")
    )
    files[f"{index.path}/by_url-1-py3-none-any.whl"] = linked
    (place.folder / "by_path-1-py3-none-any.whl").write_bytes(local)
    settings = (
        f'sources.by-url = {{ url = "{index.url}/by_url-1-py3-none-any.whl" }}\n'
        'sources.by-path = { path = "by_path-1-py3-none-any.whl" }'
    )
    place.write(pyproject_toml=render_project("thing", "only", "by-url", "by-path", settings=settings))
    place.uv("lock")
    check = place.check()
    skipped = find_skipped(check)
    assert {name: skipped[name] for name in ("only", "by-url", "by-path")} == {
        "only": "sdist only",
        "by-url": "from a URL",
        "by-path": "from a path",
    }
    # What they ask for was locked as anything else is.
    more = [("WA411", ON_WINDOWS, ("more",))]
    assert find_wrong(check) == {"of-by-path==1.0": more, "of-by-url==1.0": more}


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here to make a repository with")
def test_what_a_repository_asks_for_is_compared(place: Place, index: SimpleIndex, tmp_path: Path) -> None:
    add_thing(index, {WINDOWS: ["more"]})
    add_stubs(index, "base", "more")
    repository = tmp_path / "cloned"
    write_files(repository, {"pyproject.toml": render_project("thing", name="cloned")})
    environ = {**place.environ, "GIT_CONFIG_NOSYSTEM": "1"}
    for arguments in (
        ("init", "--quiet"),
        ("add", "."),
        ("-c", "user.name=x", "-c", "user.email=x@x.example", "commit", "--quiet", "-m", "x"),
    ):
        subprocess.run(["git", *arguments], cwd=repository, env=environ, check=True, timeout=TIME_LIMIT)
    settings = f'sources.cloned = {{ git = "{repository.as_uri()}" }}'
    place.write(pyproject_toml=render_project("cloned", settings=settings))
    place.uv("lock")
    check = place.check()
    assert find_skipped(check)["cloned"] == "from a repository"
    assert find_wrong(check) == {"thing==1.0": [("WA411", ON_WINDOWS, ("more",))]}


def test_members_of_a_workspace_ask_for_what_they_need(place: Place, index: SimpleIndex) -> None:
    add_thing(index, {WINDOWS: ["more"]})
    add_stubs(index, "base", "more")
    settings = 'workspace.members = ["member"]\nsources.member = { workspace = true }'
    write_files(
        place.folder,
        {
            "pyproject.toml": render_project("member; sys_platform == 'linux'", settings=settings),
            "member/pyproject.toml": render_project("thing; sys_platform != 'win32'", name="member"),
        },
    )
    place.uv("lock")
    check = place.check()
    assert find_wrong(check) == {}
    assert find_environments(check)["thing==1.0"] > 0
    # The root asks for its member on Linux alone; whoever installs the member itself has it everywhere.
    write_files(place.folder, {"member/pyproject.toml": render_project("thing", name="member")})
    place.uv("lock")
    assert place.find_wrong() == {"thing==1.0": [("WA411", ON_WINDOWS, ("more",))]}


SCRIPT = """\
# /// script
# requires-python = ">=3.11"
# dependencies = ["thing{marker}"]
# ///
"""


def test_lock_of_a_script_is_held_against_what_the_script_asks_for(place: Place, index: SimpleIndex) -> None:
    add_thing(index, {WINDOWS: ["more"]})
    add_stubs(index, "base", "more")
    place.write(script_py=SCRIPT.format(marker="; sys_platform != 'win32'"))
    place.uv("lock", "--script", "script.py")
    check = place.check("script.py.lock")
    assert find_wrong(check) == {}
    assert find_environments(check)["thing==1.0"] > 0
    place.write(script_py=SCRIPT.format(marker=""))
    place.uv("lock", "--script", "script.py")
    assert place.find_wrong("script.py.lock") == {"thing==1.0": [("WA411", ON_WINDOWS, ("more",))]}


def test_folder_of_wheels_is_found_from_wherever_the_lock_is_read(place: Place, index: SimpleIndex) -> None:
    folder = place.folder.parent / "my wheels"
    folder.mkdir()
    for platform in PLATFORMS:
        more = ["more"] if platform == WINDOWS else []
        stem = f"thing-1.0+x-cp311-cp311-{platform}"
        files = {"METADATA": build_metadata("thing", "1.0+x", requires=["base", *more]), "RECORD": b""}
        files["WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        members = [Member(name=f"thing-1.0+x.dist-info/{name}", data=data) for name, data in files.items()]
        (folder / f"{stem}.whl").write_bytes(build_archive(members))
    add_stubs(index, "base", "more")
    settings = (
        'sources.thing = { index = "flat" }\n'
        '[[tool.uv.index]]\nname = "flat"\nurl = "../my wheels"\nformat = "flat"\nexplicit = true'
    )
    place.write(pyproject_toml=render_project("thing", settings=settings))
    place.uv("lock")
    (wrong,) = place.find_wrong().values()
    assert len(wrong) == 1
    place.export()
    assert place.find_wrong("pylock.toml") == place.find_wrong()


# --- exports -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("requires", [{WINDOWS: ["more"]}, {MACOS: ["more"]}, {LINUX: ["over<2"], WINDOWS: ["over"]}])
def test_export_is_told_the_same_as_its_lock(
    place: Place, index: SimpleIndex, requires: Mapping[str, Iterable[str]]
) -> None:
    add_thing(index, requires)
    add_thing(index, {}, project="other")
    add_stubs(index, "base", "more", "over")
    place.write(pyproject_toml=render_project("thing", "other"))
    place.uv("lock")
    place.export()
    told = place.find_wrong()
    assert told
    assert place.find_wrong("pylock.toml") == told


def test_export_with_extras_and_groups_is_told_the_same_as_its_lock(place: Place, index: SimpleIndex) -> None:
    add_thing(index, {WINDOWS: ["more"]})
    add_thing(index, {LINUX: ["over"]}, project="other")
    add_stubs(index, "base", "more", "over")
    more = '[project.optional-dependencies]\none = ["thing"]\n[dependency-groups]\ntwo = ["other"]'
    place.write(pyproject_toml=render_project(more=more))
    place.uv("lock")
    told = place.find_wrong()
    assert {*told} == {"thing==1.0", "other==1.0"}
    place.export("--all-extras", "--all-groups")
    assert place.find_wrong("pylock.toml") == told
    place.export("--extra", "one", "--no-default-groups")
    assert place.find_wrong("pylock.toml") == {"thing==1.0": told["thing==1.0"]}
