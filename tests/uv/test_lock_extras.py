"""Extras in locks and exports of the real uv: what its arrows leave out is told, and what was not exported is not."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.index.server import FileServer, serve_files
from tests.project.locking import build_environ, write_files
from tests.uv.index import ServedWheel, SimpleIndex, build_metadata
from tests.uv.lock import TIME_LIMIT, find_uv
from tests.uv.test_locks import find_wrong, judge, told
from wheelaudit.audit.values import LockAudit
from wheelaudit.lock import Dependency, Lock
from wheelaudit.project.locks import add_project, read_lock
from wheelaudit.project.workspace import read_workspace

AARCH64, X86_64 = (f"cp312-cp312-manylinux_2_17_{machine}" for machine in ("aarch64", "x86_64"))
"""uv reads the first, and takes it for both."""

LOST = [("WA411", "linux x86_64, CPython 3.12", 1)]

PROJECT = '[project]\nname = "{0}"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = {1}\n'
BUILT = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
"""What makes a project one that is installed; uv locks it without building it."""


def build_asker(dependencies: Sequence[str]) -> str:
    return PROJECT.format("asker", list(dependencies))


def wheel(project: str, tag: str, *requires: str, extras: Iterable[str] = (), version: str = "1.0") -> ServedWheel:
    filename = f"{project}-{version}-{tag}.whl"
    return ServedWheel(
        filename=filename,
        metadata=build_metadata(project, version, extras=extras, requires=requires),
        sha256=hashlib.sha256(filename.encode()).hexdigest(),
    )


def wheels() -> Iterator[ServedWheel]:
    """Yield releases of which the wheel that uv reads lacks the extra x, has it, or has what no other has."""
    for version in ("1.0", "2.0"):
        yield wheel("thing", AARCH64, "more; extra == 'y'", extras=["y"], version=version)
        lines = ("more; extra == 'x'", "more; extra == 'y'")
        yield wheel("thing", X86_64, *lines, extras=["x", "y"], version=version)
    for tag in (AARCH64, X86_64):
        yield wheel("right", tag, "more; extra == 'x'", extras=["x"])
    yield wheel("wrong", AARCH64, "more")
    yield wheel("wrong", X86_64)
    yield wheel("more", "py3-none-any")
    yield wheel("mid", "py3-none-any", "more")


@dataclass(frozen=True, kw_only=True)
class Site:
    """An index, and a folder to lock in."""

    index: SimpleIndex
    home: Path
    folder: Path

    def run(self, *command: str, cwd: str = ".") -> None:
        passed = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        done = subprocess.run(
            [find_uv(), *command, "--python", sys.executable, "--no-progress", "--quiet"],
            cwd=self.folder / cwd,
            env=build_environ(self.home, UV_DEFAULT_INDEX=self.index.url, **passed),
            capture_output=True,
            encoding="utf-8",
            timeout=TIME_LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def lock(self, files: Mapping[str, str]) -> Lock:
        write_files(self.folder, files)
        self.run("lock")
        return read_lock(self.folder / "uv.lock")

    def export(self, *options: str, cwd: str = ".") -> Lock:
        """Export, and read the export beside its project."""
        self.run("export", "--format", "pylock.toml", "-o", "pylock.toml", "--frozen", *options, cwd=cwd)
        folder = self.folder / cwd
        return add_project(read_lock(folder / "pylock.toml"), read_workspace(folder / "pyproject.toml"))

    def judge(self, lock: Lock) -> dict[str, LockAudit]:
        return judge(lock, self.index.server)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        index = SimpleIndex(server=server, path="/simple")
        index.add(wheels())
        yield Site(index=index, home=tmp_path / "home", folder=tmp_path / "work")


def find_arrows(lock: Lock, project: str) -> list[Dependency]:
    """Return all arrows of the packages on disk to ``project``."""
    tables = [
        arrows
        for package in lock.packages
        if package.origin != "index"
        for arrows in (package.dependencies or (), *package.optional.values(), *package.groups.values())
    ]
    return [arrow for arrows in tables for arrow in arrows if arrow.project == project]


# --- uv.lock ------------------------------------------------------------------------------------------

NEAR = '[tool.uv.sources]\nnear = { path = "near" }\n'
NEAR_FILE = {"near/pyproject.toml": PROJECT.format("near", ["thing[x]"]) + BUILT}
ASKING: dict[str, Mapping[str, str]] = {
    "always": {"pyproject.toml": build_asker(["thing[x]"])},
    "beside-one-that-is-there": {"pyproject.toml": build_asker(["thing[x,y]"])},
    "by-an-extra": {"pyproject.toml": build_asker(["thing"]) + '[project.optional-dependencies]\nk = ["thing[x]"]\n'},
    "by-an-extra-of-an-extra": {
        "pyproject.toml": build_asker([])
        + '[project.optional-dependencies]\nk = ["thing[x]"]\nall = ["asker[k]", "mid"]\n'
    },
    "by-a-group": {"pyproject.toml": build_asker(["thing"]) + '[dependency-groups]\ndev = ["thing[x]"]\n'},
    "by-a-group-s-group": {
        "pyproject.toml": build_asker([])
        + '[dependency-groups]\ndev = [{ include-group = "more" }]\nmore = ["thing[x]"]\n'
    },
    "by-a-project-on-disk": {"pyproject.toml": build_asker(["near"]) + NEAR, **NEAR_FILE},
    "by-a-member": {
        "pyproject.toml": build_asker([]) + '[tool.uv.workspace]\nmembers = ["near"]\n',
        **NEAR_FILE,
    },
    "by-a-root-without-a-project": {"pyproject.toml": "[dependency-groups]\ndev = ['thing[x]']\n"},
}


@pytest.mark.parametrize("files", ASKING.values(), ids=ASKING)
def test_extra_that_the_arrow_lacks_is_compared(site: Site, files: Mapping[str, str]) -> None:
    audits = site.judge(site.lock(files))
    assert find_wrong(audits) == ["thing==2.0"]
    assert told(audits["thing==2.0"]) == LOST
    assert audits["thing==2.0"].findings[0].requirements == ('more; extra == "x"',)


def test_extra_that_a_script_asks_for_is_compared(site: Site) -> None:
    write_files(
        site.folder, {"s.py": '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["thing[x]"]\n# ///\n'}
    )
    site.run("lock", "--script", "s.py")
    audits = site.judge(read_lock(site.folder / "s.py.lock"))
    assert told(audits["thing==2.0"]) == LOST


NOT_ASKING: dict[str, str] = {
    "nobody-asks": build_asker(["thing"]),
    "elsewhere": build_asker(["thing", "thing[x]; platform_machine == 'aarch64'"]),
    "by-an-extra-elsewhere": build_asker(["thing"])
    + "[project.optional-dependencies]\nk = [\"thing[x]; sys_platform == 'win32'\"]\n",
    "by-a-group-elsewhere": build_asker(["thing"])
    + "[dependency-groups]\ndev = [\"thing[x]; sys_platform == 'win32'\"]\n",
    "the-user-says-otherwise": build_asker(["thing[x]"]) + '[tool.uv]\noverride-dependencies = ["thing>1"]\n',
    "the-extra-is-there": build_asker(["right[x]"]) + '[dependency-groups]\ndev = ["right[x]"]\n',
}


@pytest.mark.parametrize("text", NOT_ASKING.values(), ids=NOT_ASKING)
def test_extra_that_nobody_asks_for_there_is_no_false_alarm(site: Site, text: str) -> None:
    audits = site.judge(site.lock({"pyproject.toml": text}))
    assert find_wrong(audits) == []
    assert any(audit.environments for audit in audits.values())


def test_extra_that_the_arrow_has_is_not_added_again(site: Site) -> None:
    rest = '[project.optional-dependencies]\nk = ["right[x]"]\nall = ["asker[k]"]\n'
    rest += '[dependency-groups]\ndev = ["right[x]"]\n'
    lock = site.lock({"pyproject.toml": build_asker(["right[x]; sys_platform == 'linux'"]) + rest})
    text = (site.folder / "uv.lock").read_text(encoding="utf-8")
    assert [arrow.extras for arrow in find_arrows(lock, "right")] == [("x",)] * text.count('{ name = "right", extra = ')


def test_fork_that_asks_for_no_extra_has_none(site: Site) -> None:
    forks = ["thing[x]==1.0; sys_platform == 'linux'", "thing==2.0; sys_platform != 'linux'"]
    lock = site.lock({"pyproject.toml": build_asker(forks)})
    audits = site.judge(lock)
    assert find_wrong(audits) == ["thing==1.0"]
    assert told(audits["thing==1.0"]) == LOST


def test_choices_in_conflict_each_have_their_own_version_s_extra(site: Site) -> None:
    rest = (
        '[project.optional-dependencies]\none = ["thing[x]==1.0"]\ntwo = ["thing==2.0"]\n'
        '[tool.uv]\nconflicts = [[{ extra = "one" }, { extra = "two" }]]\n'
    )
    audits = site.judge(site.lock({"pyproject.toml": build_asker([]) + rest}))
    assert find_wrong(audits) == ["thing==1.0"]
    assert told(audits["thing==1.0"]) == LOST


# --- pylock.toml, beside its project ------------------------------------------------------------------

CHOICES = """\
[project.optional-dependencies]
k = ["right[x]"]
[dependency-groups]
dev = ["right"]
g = ["right[x]"]
"""


@pytest.mark.parametrize(
    "options", [(), ("--no-dev",), ("--extra", "k"), ("--group", "g"), ("--all-extras", "--all-groups")]
)
def test_extra_is_no_loss_whether_it_was_exported_or_not(site: Site, options: tuple[str, ...]) -> None:
    site.lock({"pyproject.toml": build_asker(["right"]) + CHOICES})
    lock = site.export(*options)
    assert {package.project for package in lock.packages} == {"right", *(["more"] if options[1:] else [])}
    audits = site.judge(lock)
    assert find_wrong(audits) == []
    assert audits["right==1.0"].environments > 0


def test_extra_that_the_project_always_asks_for_is_compared(site: Site) -> None:
    site.lock({"pyproject.toml": build_asker(["thing[x]"])})
    assert told(site.judge(site.export())["thing==2.0"]) == LOST


def test_extra_that_the_user_overrides_is_no_loss_of_an_export(site: Site) -> None:
    rest = '[tool.uv]\noverride-dependencies = ["thing>1"]\n'
    site.lock({"pyproject.toml": build_asker(["thing[x]"]) + rest})
    audits = site.judge(site.export())
    assert find_wrong(audits) == []
    assert audits["thing==2.0"].environments > 0


def test_what_the_user_decides_is_no_finding_in_an_export(site: Site) -> None:
    site.index.add(wheel("late", "py3-none-any", version=version) for version in ("1.0", "2.0"))
    site.index.add(wheel("asks", tag, "late>=2", "mid") for tag in (AARCH64, X86_64))
    rest = '[tool.uv]\noverride-dependencies = ["late==1.0"]\nexclude-dependencies = ["mid"]\n'
    site.lock({"pyproject.toml": build_asker(["asks"]) + rest})
    audits = site.judge(site.export())
    assert find_wrong(audits) == []
    assert audits["asks==1.0"].environments > 0


GAINED = [("WA412", "linux x86_64, CPython 3.12", 1)]
MID = '[project.optional-dependencies]\nk = ["mid"]\n'


def test_what_an_extra_brings_is_gained_only_where_it_was_not_exported(site: Site) -> None:
    locked = site.lock({"pyproject.toml": build_asker(["wrong"]) + MID})
    assert told(site.judge(locked)["wrong==1.0"]) == GAINED
    assert told(site.judge(site.export())["wrong==1.0"]) == GAINED
    assert told(site.judge(site.export("--extra", "k"))["wrong==1.0"]) == []


@pytest.mark.parametrize(
    ("table", "options"),
    [
        ('[project.optional-dependencies]\nk = ["more"]\n', ("--extra", "k")),
        ('[dependency-groups]\ng = ["more"]\n', ("--group", "g")),
    ],
)
def test_what_an_exported_choice_asks_for_itself_is_never_gained(
    site: Site, table: str, options: tuple[str, ...]
) -> None:
    site.lock({"pyproject.toml": build_asker(["wrong"]) + table})
    assert told(site.judge(site.export(*options))["wrong==1.0"]) == []


MEMBERS = {
    "pyproject.toml": build_asker(["right"]) + '[tool.uv.workspace]\nmembers = ["one"]\n',
    "one/pyproject.toml": PROJECT.format("one", ["right[x]"]) + BUILT,
}


@pytest.mark.parametrize(
    ("options", "cwd", "more"),
    [((), ".", False), (("--all-packages",), ".", True), ((), "one", True), (("--package", "one"), ".", True)],
)
def test_members_that_were_not_exported_lose_nothing(
    site: Site, options: tuple[str, ...], cwd: str, more: bool
) -> None:
    site.lock(MEMBERS)
    lock = site.export(*options, cwd=cwd)
    assert ("more" in {package.project for package in lock.packages}) is more
    assert find_wrong(site.judge(lock)) == []


def test_root_without_a_project_exports_all_members(site: Site) -> None:
    files = {**MEMBERS, "pyproject.toml": '[tool.uv.workspace]\nmembers = ["one"]\n'}
    site.lock(files)
    assert {package.project for package in site.export().packages} >= {"right", "more"}
