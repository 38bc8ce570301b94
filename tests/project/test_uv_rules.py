"""What we say of a project is what the real uv does with it: which index and version, which settings file counts."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.markers import Marker

from tests.index.server import FileServer, serve_files
from tests.project.locking import (
    FOUR_EXTRAS,
    Locked,
    add_index,
    build_environ,
    lock_folder,
    serve_four_extras,
    write_files,
)
from tests.releases import build_wheel
from tests.uv.index import SimpleIndex, build_requirement_stubs
from wheelaudit.audit.values import Audit
from wheelaudit.index.cassettes import read_cassette
from wheelaudit.metadata import Reading, WheelMetadata, parse_metadata
from wheelaudit.pipeline import audit_specs
from wheelaudit.project.settings import read_project_settings
from wheelaudit.project.workspace import find_project_file
from wheelaudit.report.toml import render_override

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, kw_only=True)
class World:
    """Four indexes, each with a torch of its own, and a home."""

    server: FileServer
    home: Path

    def fill(self, text: str) -> str:
        return text.replace("URL", self.server.url)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        stubs = [f"{name}-1-py3-none-any.whl" for name in ("root", "member", "table", "settings", "above", "chosen")]
        for number, name in enumerate("abc", start=1):
            add_index(server, name, f"torch-{number}.0-py3-none-any.whl", f"torch-{number}.5-py3-none-any.whl", *stubs)
        add_index(server, "d", "torch-4.0-py3-none-any.whl", "torch-4.5-py3-none-any.whl", *stubs)
        add_index(server, "none", *stubs)
        yield World(server=server, home=tmp_path_factory.mktemp("home"))


def project(name: str = "asker", *, more: str = "", bound: str = ">=3.11") -> str:
    return f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = "{bound}"\n{more}\n'


def index(letter: str, *settings: str, name: str | None = None, key: str = "tool.uv.index") -> str:
    return "\n".join([f"[[{key}]]", f'name = "{name or letter}"', f'url = "URL/{letter}"', *settings, ""])


def source(text: str) -> str:
    return f"[tool.uv.sources]\ntorch = {text}\n"


ASKS = 'dependencies = ["torch"]\n'
DEFAULT = index("d", "default = true")
EXPLICIT = "explicit = true"
WORKSPACE = '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/no*"]\n'


@dataclass(frozen=True, kw_only=True)
class Case:
    """A folder of files, and what `uv lock` is run with."""

    files: Mapping[str, str]
    environ: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    """The user's own uv.toml."""
    folder: str = "."
    """Where it is run."""
    root: str = "."
    """Where uv.lock is to be found."""
    versions: str
    """Of torch, as uv locks them."""


def alone(text: str, versions: str, *, uv_toml: str | None = None, user: str = "", **environ: str) -> Case:
    files = {"pyproject.toml": project(more=ASKS) + text}
    if uv_toml is not None:
        files["uv.toml"] = uv_toml
    return Case(files=files, environ=environ, user=user, versions=versions)


def member(root: str, text: str, versions: str, *, folder: str = "packages/m", at: str = ".") -> Case:
    files = {
        "pyproject.toml": project("root", more=WORKSPACE + DEFAULT + root),
        "packages/m/pyproject.toml": project("m"),
        f"{folder}/pyproject.toml": project("asker", more=ASKS + text),
    }
    return Case(files=files, folder=folder, root=at, versions=versions)


TABLE = "index"
CASES = {
    # Which index an index setting means.
    "implicit index comes before the default one": alone(index("a") + DEFAULT, "1.5"),
    "default index comes last wherever it stands": alone(DEFAULT + index("a"), "1.5"),
    "implicit indexes are asked in order": alone(index("none") + index("b") + index("a") + DEFAULT, "2.5"),
    "explicit index is not asked for everything": alone(index("a", EXPLICIT) + DEFAULT, "4.5"),
    "index-url is weaker than a default table": alone('[tool.uv]\nindex-url = "URL/a"\n' + DEFAULT, "4.5"),
    "extra-index-url comes after the tables": alone(
        '[tool.uv]\nextra-index-url = ["URL/b"]\n' + index("a") + DEFAULT, "1.5"
    ),
    "extra-index-url comes before the default": alone('[tool.uv]\nextra-index-url = ["URL/b"]\n' + DEFAULT, "2.5"),
    # Variables and the user's own file.
    "UV_INDEX comes first": alone(index("a") + DEFAULT, "2.5", UV_INDEX="x=URL/b URL/c"),
    "UV_INDEX is asked in order": alone(index("a") + DEFAULT, "3.5", UV_INDEX="URL/none y=URL/c URL/b"),
    "UV_DEFAULT_INDEX takes the place of the default": alone(DEFAULT, "2.5", UV_DEFAULT_INDEX="URL/b"),
    "UV_INDEX_URL does not take the place of a default table": alone(DEFAULT, "4.5", UV_INDEX_URL="URL/b"),
    "UV_INDEX_URL takes the place of index-url": alone('[tool.uv]\nindex-url = "URL/a"\n', "2.5", UV_INDEX_URL="URL/b"),
    "UV_INDEX_URL is weaker than the user's table": alone(
        "", "4.5", user=index("d", "default = true", key=TABLE), UV_INDEX_URL="URL/b"
    ),
    "index-url is weaker than the user's table": alone(
        '[tool.uv]\nindex-url = "URL/a"\n', "4.5", user=index("d", "default = true", key=TABLE)
    ),
    "UV_EXTRA_INDEX_URL comes after the tables": alone(index("a") + DEFAULT, "1.5", UV_EXTRA_INDEX_URL="URL/b"),
    "UV_EXTRA_INDEX_URL comes before the default": alone(DEFAULT, "2.5", UV_EXTRA_INDEX_URL="URL/b"),
    "user's implicit index counts": alone(DEFAULT, "2.5", user=index("b", key=TABLE)),
    "project's implicit index comes before the user's": alone(index("a") + DEFAULT, "1.5", user=index("b", key=TABLE)),
    "UV_NO_CONFIG turns the project's own indexes off": alone(
        index("a") + DEFAULT, "2.5", UV_NO_CONFIG="1", UV_DEFAULT_INDEX="URL/b"
    ),
    "uv.toml takes the place of the project's indexes": alone(
        index("a") + DEFAULT, "2.5", uv_toml=index("b", "default = true", key=TABLE)
    ),
    # Sources.
    "source names an index": alone(source('{ index = "a" }') + index("a", EXPLICIT) + DEFAULT, "1.5"),
    "name of a source is normalised": alone(
        '[tool.uv.sources]\nTorch = { index = "a" }\n' + index("a", EXPLICIT) + DEFAULT, "1.5"
    ),
    "source names an index of UV_INDEX": alone(source('{ index = "a" }') + DEFAULT, "2.5", UV_INDEX="a=URL/b"),
    "UV_INDEX takes the place of an index that a source names": alone(
        source('{ index = "a" }') + index("a", EXPLICIT) + DEFAULT, "2.5", UV_INDEX="a=URL/b"
    ),
    "UV_DEFAULT_INDEX takes the place of an index that a source names": alone(
        source('{ index = "a" }') + index("a", EXPLICIT) + DEFAULT, "2.5", UV_DEFAULT_INDEX="a=URL/b"
    ),
    "source names an index of pyproject.toml though uv.toml shadows it": alone(
        source('{ index = "a" }') + index("a", EXPLICIT),
        "1.5",
        uv_toml=index("b", EXPLICIT, name="a", key=TABLE) + index("d", "default = true", key=TABLE),
    ),
    "source names an index in spite of UV_NO_CONFIG": alone(
        source('{ index = "a" }') + index("a", EXPLICIT), "1.5", UV_NO_CONFIG="1", UV_DEFAULT_INDEX="URL/d"
    ),
    "source of an extra": Case(
        files={
            "pyproject.toml": project(more='[project.optional-dependencies]\none = ["torch"]\n')
            + source('[{ index = "a", extra = "one" }]')
            + index("a", EXPLICIT)
            + DEFAULT
        },
        versions="1.5",
    ),
    "sources of extras that conflict": Case(
        files={
            "pyproject.toml": project(
                more='[project.optional-dependencies]\none = ["torch<2"]\ntwo = ["torch<2.5"]\n'
                '[tool.uv]\nconflicts = [[{ extra = "one" }, { extra = "two" }]]\n'
            )
            + source('[{ index = "a", extra = "one" }, { index = "b", extra = "two" }]')
            + index("a", EXPLICIT)
            + index("b", EXPLICIT)
            + DEFAULT
        },
        versions="1.5 2.0",
    ),
    "source of a group": Case(
        files={
            "pyproject.toml": project(more='[dependency-groups]\none = ["torch"]\n')
            + source('[{ index = "a", group = "one" }]')
            + index("a", EXPLICIT)
            + DEFAULT
        },
        versions="1.5",
    ),
    "sources with markers that leave nothing over": alone(
        source(
            "[{ index = 'a', marker = \"sys_platform == 'linux'\" }, "
            "{ index = 'b', marker = \"sys_platform != 'linux'\" }]"
        )
        + index("a", EXPLICIT)
        + index("b", EXPLICIT)
        + DEFAULT,
        "1.5 2.5",
    ),
    # Versions.
    "markers split versions": Case(
        files={
            "pyproject.toml": project(
                more="dependencies = [\"torch<4.5; sys_platform == 'win32'\", \"torch>4; sys_platform != 'win32'\"]\n"
            )
            + DEFAULT
        },
        versions="4.0 4.5",
    ),
    "extras that do not conflict are bounded together": Case(
        files={
            "pyproject.toml": project(
                more='[project.optional-dependencies]\none = ["torch<4.5"]\ntwo = ["torch"]\n' + DEFAULT
            )
        },
        versions="4.0",
    ),
    "groups that conflict are bounded apart": Case(
        files={
            "pyproject.toml": project(
                more='[dependency-groups]\none = ["torch<4.5"]\ntwo = ["torch"]\n'
                '[tool.uv]\nconflicts = [[{ group = "one" }, { group = "two" }]]\n' + DEFAULT
            )
        },
        versions="4.0 4.5",
    ),
    "included group counts": Case(
        files={
            "pyproject.toml": project(
                more='[dependency-groups]\none = ["torch<4.5"]\ntwo = [{ include-group = "one" }]\n' + DEFAULT
            )
        },
        versions="4.0",
    ),
    "dev-dependencies count": Case(
        files={"pyproject.toml": project(more='[tool.uv]\ndev-dependencies = ["torch<4.5"]\n' + DEFAULT)},
        versions="4.0",
    ),
    "constraint bounds": alone('[tool.uv]\nconstraint-dependencies = ["torch<4.5"]\n' + DEFAULT, "4.0"),
    "override takes the place of requirements": Case(
        files={
            "pyproject.toml": project(
                more='dependencies = ["torch>=4.5"]\n[tool.uv]\noverride-dependencies = ["torch<4.5"]\n' + DEFAULT
            )
        },
        versions="4.0",
    ),
    "constraint counts though uv.toml shadows its neighbours": alone(
        '[tool.uv]\nconstraint-dependencies = ["torch<4.5"]\n', "4.0", uv_toml=index("d", "default = true", key=TABLE)
    ),
    "environments confine": Case(
        files={
            "pyproject.toml": project(
                more="dependencies = [\"torch<4.5; sys_platform == 'win32'\", \"torch>=4; sys_platform != 'win32'\"]\n"
                "[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\n" + DEFAULT
            )
        },
        versions="4.5",
    ),
    # Workspaces.
    "member's source and index count": member("", source('{ index = "a" }') + index("a", EXPLICIT), "1.5"),
    "member's implicit index does not": member("", index("a"), "4.5"),
    "root's source counts for a member": member(source('{ index = "a" }') + index("a", EXPLICIT), "", "1.5"),
    "member's source comes before the root's": member(
        source('{ index = "b" }') + index("b", EXPLICIT), source('{ index = "a" }') + index("a", EXPLICIT), "1.5"
    ),
    "member's index comes before the root's of that name": member(
        index("b", EXPLICIT, name="a"), source('{ index = "a" }') + index("a", EXPLICIT), "1.5"
    ),
    "requirements of all members bound together": Case(
        files={
            "pyproject.toml": project("root", more=WORKSPACE + DEFAULT),
            "packages/m/pyproject.toml": project("m", more='dependencies = ["torch<4.5"]\n'),
            "packages/n/pyproject.toml": project("n", more=ASKS),
        },
        folder="packages/n",
        versions="4.0",
    ),
    "constraint of a member does not count": member("", '[tool.uv]\nconstraint-dependencies = ["torch<4.5"]\n', "4.5"),
    "environments of a member do not count": member(
        "", "[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\n", "4.5"
    ),
    "excluded project stands alone": member(
        "", index("a", "default = true"), "1.5", folder="packages/no-member", at="packages/no-member"
    ),
    "project that no glob finds stands alone": member("", index("a", "default = true"), "1.5", folder="x/y", at="x/y"),
    "root needs no project": Case(
        files={
            "pyproject.toml": WORKSPACE + DEFAULT,
            "packages/m/pyproject.toml": project("m", more=ASKS),
        },
        folder="packages/m",
        versions="4.5",
    ),
    "groups of a root without project count": Case(
        files={"pyproject.toml": '[dependency-groups]\ndev = ["torch<4.5"]\n' + DEFAULT}, versions="4.0"
    ),
    "hidden folders match": Case(
        files={
            "pyproject.toml": project("root", more='[tool.uv.workspace]\nmembers = ["*"]\n' + DEFAULT),
            ".m/pyproject.toml": project("m", more='dependencies = ["torch<4.5"]\n'),
            "n/pyproject.toml": project("n", more=ASKS),
        },
        versions="4.0",
    ),
    "member that is not managed is none": Case(
        files={
            "pyproject.toml": project("root", more=ASKS + WORKSPACE + DEFAULT),
            "packages/m/pyproject.toml": project(
                "m", more='dependencies = ["torch<4.5"]\n[tool.uv]\nmanaged = false\n'
            ),
        },
        versions="4.5",
    ),
    # Settings from above.
    "settings of a folder above count without a [tool.uv]": Case(
        files={"uv.toml": index("b", "default = true", key=TABLE), "c/pyproject.toml": project(more=ASKS)},
        folder="c",
        root="c",
        versions="2.5",
    ),
    "an empty [tool.uv] ends the search above": Case(
        files={
            "uv.toml": index("b", "default = true", key=TABLE),
            "c/pyproject.toml": project(more=ASKS + "[tool.uv]\n"),
        },
        folder="c",
        root="c",
        environ={"UV_INDEX_URL": "URL/a"},
        versions="1.5",
    ),
}


async def audit_versions(world: World, folder: Path, environ: Mapping[str, str]) -> set[str]:
    pyproject = find_project_file(folder)
    assert pyproject is not None
    outcomes = await audit_specs(["torch"], pyproject=pyproject, environ=environ, cwd=folder, retries=0)
    for outcome in outcomes:
        assert isinstance(outcome, Audit), outcome
    return {str(outcome.release.version) for outcome in outcomes if isinstance(outcome, Audit)}


@pytest.mark.parametrize("name", CASES)
async def test_versions_that_are_audited_are_those_that_uv_locks(tmp_path: Path, world: World, name: str) -> None:
    case = CASES[name]
    home = tmp_path / "home"
    write_files(home, {"uv/uv.toml": world.fill(case.user)})
    work = tmp_path / "work"
    write_files(work, {path: world.fill(text) for path, text in case.files.items()})
    variables = {name: world.fill(value) for name, value in case.environ.items()}
    environ = build_environ(home, **variables, UV_CACHE_DIR=str(world.home / "cache"))
    predicted = await audit_versions(world, work / case.folder, environ)
    assert predicted == set(case.versions.split())
    if sys.platform == "win32" and case.user:
        pytest.skip("uv asks the system, not the environment, where the user's settings are")
    locked = lock_folder(work / case.folder, environ, root=work / case.root)
    assert {str(version) for version in locked.versions("torch")} == predicted
    # And now that there is a lock, it is what is believed.
    assert await audit_versions(world, work / case.folder, environ) == predicted


def metadata(letter: str, *, key: str = "tool.uv.dependency-metadata") -> str:
    return f'[[{key}]]\nname = "torch"\nversion = "4.5"\nrequires-dist = ["{letter}"]\n'


UV_METADATA = metadata("settings", key="dependency-metadata")
MEMBER = {
    "w/pyproject.toml": project("root", more=WORKSPACE + metadata("root")),
    "w/packages/m/pyproject.toml": project("m", more=ASKS + metadata("member")),
}


SETTINGS: Mapping[str, tuple[Mapping[str, str], Mapping[str, str], str, str | None]] = {
    # Files, variables, where uv is run, and the file whose entry counts.
    "pyproject.toml": ({"w/pyproject.toml": project(more=ASKS + metadata("root"))}, {}, "w", "w/pyproject.toml"),
    "uv.toml": (
        {"w/pyproject.toml": project(more=ASKS + metadata("root")), "w/uv.toml": UV_METADATA},
        {},
        "w",
        "w/uv.toml",
    ),
    "root, not member": (MEMBER, {}, "w/packages/m", "w/pyproject.toml"),
    "root's uv.toml, not the member's": (
        {**MEMBER, "w/uv.toml": UV_METADATA, "w/packages/m/uv.toml": metadata("table", key="dependency-metadata")},
        {},
        "w/packages/m",
        "w/uv.toml",
    ),
    "member's uv.toml is not read": (
        {**MEMBER, "w/packages/m/uv.toml": UV_METADATA},
        {},
        "w/packages/m",
        "w/pyproject.toml",
    ),
    "above, where there is no [tool.uv]": (
        {
            "pyproject.toml": project("other", more=metadata("above")),
            "w/pyproject.toml": project(more=ASKS),
        },
        {},
        "w",
        "pyproject.toml",
    ),
    "UV_CONFIG_FILE": (
        {
            "w/pyproject.toml": project(more=ASKS + metadata("root")),
            "w/my.toml": metadata("chosen", key="dependency-metadata"),
        },
        {"UV_CONFIG_FILE": "my.toml"},
        "w",
        "w/my.toml",
    ),
    "UV_NO_CONFIG": (
        {"w/pyproject.toml": project(more=ASKS + metadata("root"))},
        {"UV_NO_CONFIG": "1"},
        "w",
        None,
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_file_is_the_one_that_uv_reads(tmp_path: Path, world: World, name: str) -> None:
    files, variables, folder, expected = SETTINGS[name]
    write_files(tmp_path, files)
    environ = build_environ(world.home, **variables, UV_DEFAULT_INDEX=world.fill("URL/d"))
    pyproject = find_project_file(tmp_path / folder)
    assert pyproject is not None
    settings = read_project_settings(pyproject, environ=environ, cwd=tmp_path / folder)
    assert settings.configuration is not None
    assert settings.configuration.path == (None if expected is None else tmp_path / expected)
    root = tmp_path / "w"
    locked = lock_folder(tmp_path / folder, environ, root=root)
    assert locked.versions("torch"), locked.stderr
    entries = (locked.lock or {}).get("manifest", {}).get("dependency-metadata", [])
    asked = {dependency for entry in entries for dependency in entry["requires-dist"]}
    text = "" if expected is None else files[expected]
    assert asked == {
        word for word in asked | {"root", "member", "above", "chosen", "settings"} if f'["{word}"]' in text
    }


EXTRAS = {"2.6.0": "cpu", "2.6.0+cpu": "cpu", "2.6.0+cu118": "cu118", "2.6.0+cu124": "cu124", "2.6.0+cu126": "cu126"}
PINS = {"2.6.0": 0, "2.6.0+cpu": 0, "2.6.0+cu118": 11, "2.6.0+cu124": 13, "2.6.0+cu126": 13}
"""Requirements on nvidia-* that the Linux x86_64 wheel asks for, and no other wheel on its own platform."""


async def test_four_extras_have_their_pins_only_with_the_overrides(tmp_path: Path) -> None:
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        pyproject = serve_four_extras(server, tmp_path / "work")
        defaults = SimpleIndex(server=server, path="/simple")
        defaults.add(build_requirement_stubs(read_all()))
        environ = build_environ(tmp_path / "home", UV_DEFAULT_INDEX=defaults.url)
        before = lock_folder(tmp_path / "work", environ)
        outcomes = await audit_specs(["torch"], pyproject=pyproject, environ=environ, cwd=tmp_path / "work")
        audits = [outcome for outcome in outcomes if isinstance(outcome, Audit)]
        blocks = [render_override(audit.override) for audit in audits if audit.override is not None]
        pyproject.write_text("\n".join([pyproject.read_text(encoding="utf-8"), *blocks]), encoding="utf-8")
        after = lock_folder(tmp_path / "work", environ)
        assert lock_folder(tmp_path / "work", environ, options=("--check",)).status == 0
    assert len(audits) == len(outcomes)
    assert [str(audit.release.version) for audit in audits] == list(EXTRAS)
    assert {str(version) for version in before.versions("torch")} == set(EXTRAS)
    assert {version: count_pins(before, version) for version in EXTRAS} == {**PINS, "2.6.0+cu126": 0}
    assert {version: count_pins(after, version) for version in EXTRAS} == PINS


def read_all() -> Iterator[Reading]:
    """Yield a reading per METADATA of the four-extras project."""
    wheel = build_wheel("torch-2.6.0-py3-none-any.whl")
    for exchange in read_cassette(FOUR_EXTRAS / "cassette"):
        if exchange.url.endswith(".metadata"):
            assert exchange.body is not None
            yield WheelMetadata(wheel=wheel, core=parse_metadata(exchange.body), sha256="0", source="pep658")


def count_pins(locked: Locked, version: str) -> int:
    """Count what a version is locked to bring of nvidia's on Linux x86_64, and check that nowhere else there is any."""
    assert locked.lock is not None
    (package,) = (each for each in locked.lock["package"] if each.get("version") == version and each["name"] == "torch")
    pins = [each for each in package["dependencies"] if each["name"].startswith("nvidia-")]
    extra = f"extra-11-four-extras-{EXTRAS[version]}"
    counts = {}
    for platform, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64")):
        system = {"linux": "Linux", "win32": "Windows", "darwin": "Darwin"}[platform]
        variables = {"sys_platform": platform, "platform_system": system, "platform_machine": machine, "extra": extra}
        counts[platform, machine] = sum(
            "marker" not in each or Marker(each["marker"]).evaluate(variables) for each in pins
        )
    assert sum(counts.values()) == counts["linux", "x86_64"], (version, counts)
    return counts["linux", "x86_64"]
