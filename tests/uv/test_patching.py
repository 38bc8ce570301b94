"""A project patched by the command line and locked by the real uv; and what uv does with entries that `check` finds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from packaging.markers import Marker
from packaging.version import Version

import wheelaudit
from tests import oracle
from tests.index.server import FileServer, serve_files
from tests.project.locking import build_environ, lock_folder, serve_four_extras, write_files
from tests.releases import build_oracle_wheels
from tests.uv.conftest import MakeIndex
from tests.uv.index import SimpleIndex, build_requirement_stubs, build_stub
from tests.uv.lock import TIME_LIMIT, Run, Uv
from wheelaudit.audit.values import Audit
from wheelaudit.pipeline import audit_specs

EXTRA_OF = {"2.6.0": "cpu", "2.6.0+cpu": "cpu", "2.6.0+cu118": "cu118", "2.6.0+cu124": "cu124", "2.6.0+cu126": "cu126"}
"""The versions that the four-extras project locks, and the extra that brings each."""
NEEDING = ("2.6.0+cpu", "2.6.0+cu118", "2.6.0+cu126")
"""Those that are inconsistent."""
LINUX, AARCH64, WINDOWS, MACOS = "linux x86_64", "linux aarch64", "win32 AMD64", "darwin arm64"
NONE = {"2.6.0": {MACOS: 0}, "2.6.0+cpu": {LINUX: 0, AARCH64: 0, WINDOWS: 0}}
BEFORE = {
    **NONE,
    "2.6.0+cu118": {LINUX: 11, WINDOWS: 0},
    "2.6.0+cu124": {LINUX: 13, WINDOWS: 0},
    "2.6.0+cu126": {LINUX: 0, AARCH64: 0, WINDOWS: 0},
}
AFTER = {**BEFORE, "2.6.0+cu126": {LINUX: 13, AARCH64: 0, WINDOWS: 0}}
"""nvidia-* projects that a locked version brings on each platform that has a wheel."""

Given = Mapping[str, Version]


@dataclass(frozen=True, kw_only=True)
class FourExtras:
    """The project of astral-sh/uv#11945 on this machine's loopback."""

    pyproject: Path
    environ: Mapping[str, str]
    audits: Mapping[str, Audit]
    """By version, for what their wheels ask for: held by the second opinion."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run the command line in the project's folder."""
        environ = {**self.environ, "PYTHONPATH": str(Path(wheelaudit.__file__).parents[1])}
        environ |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
        command = [sys.executable, "-m", "wheelaudit", *arguments]
        return subprocess.run(
            command, cwd=self.pyproject.parent, env=environ, capture_output=True, timeout=TIME_LIMIT, check=False
        )

    def lock(self, *options: str) -> Mapping[str, Any]:
        locked = lock_folder(self.pyproject.parent, self.environ, options=options)
        assert locked.status == 0, locked.stderr
        assert locked.lock is not None
        return locked.lock


@pytest.fixture
def four_extras(tmp_path: Path) -> Iterator[FourExtras]:
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        pyproject = serve_four_extras(server, tmp_path / "work")
        defaults = SimpleIndex(server=server, path="/simple")
        environ = build_environ(tmp_path / "home", UV_DEFAULT_INDEX=defaults.url)

        async def audit() -> tuple[Any, ...]:
            return await audit_specs(["torch"], pyproject=pyproject, environ=environ, cwd=pyproject.parent)

        audits = {str(each.release.version): each for each in anyio.run(audit)}
        defaults.add(build_requirement_stubs(reading for each in audits.values() for reading in each.readings))
        yield FourExtras(pyproject=pyproject, environ=environ, audits=audits)


def find_given(lock: Mapping[str, Any], version: str, variables: Mapping[str, str]) -> dict[str, Version]:
    """Return what a locked version of torch brings where its extra alone is chosen: project to version."""
    # uv 0.13 spells an extra among conflicting ones with the length of the project's name.
    chosen = {**variables, "extra": f"extra-11-four-extras-{EXTRA_OF[version]}"}
    (package,) = (each for each in lock["package"] if (each["name"], each.get("version")) == ("torch", version))
    given: dict[str, Version] = {}
    for entry in package.get("dependencies", ()):
        if "marker" not in entry or Marker(entry["marker"]).evaluate(chosen):
            versions = [each["version"] for each in lock["package"] if each["name"] == entry["name"]]
            found = Version(entry.get("version") or min(versions))
            assert given.setdefault(entry["name"], found) == found, entry
    return given


def find_needs(audit: Audit) -> list[oracle.Need]:
    """Return what each environment needs without an extra of torch's own, which the project does not ask for."""
    needs = oracle.needs(build_oracle_wheels(audit.readings))
    return list({need.target: need for need in needs if need.extra == ""}.values())


def count_pins(lock: Mapping[str, Any], audits: Mapping[str, Audit]) -> dict[str, dict[str, int]]:
    """Count the nvidia-* projects per version and platform; the same for every Python."""
    counts: dict[str, dict[str, int]] = {}
    for version, audit in audits.items():
        counts[version] = {}
        for need in find_needs(audit):
            variables = need.target.variables
            platform = f"{variables['sys_platform']} {variables['platform_machine']}"
            count = sum(name.startswith("nvidia-") for name in find_given(lock, version, variables))
            assert counts[version].setdefault(platform, count) == count, (version, need)
    return counts


def test_four_extras_get_what_their_wheels_ask_for(four_extras: FourExtras) -> None:
    before = four_extras.lock()
    assert count_pins(before, four_extras.audits) == BEFORE

    done = four_extras.run("torch", "--write")
    assert done.returncode == 0, done.stderr
    after = four_extras.lock()
    assert count_pins(after, four_extras.audits) == AFTER
    pairs = 0
    for version, audit in four_extras.audits.items():
        for need in find_needs(audit):
            given = find_given(after, version, need.target.variables)
            wanted = {project: specifier for project, _, specifier, _ in need.asked}
            assert given.keys() == wanted.keys(), (version, need.target.variables)
            assert all(wanted[project].contains(found) for project, found in given.items())
            pairs += 1
    assert pairs > 100

    # One entry per exact version that needs one, and uv has taken each.
    in_effect = Counter(entry["version"] for entry in after["manifest"]["dependency-metadata"])
    assert in_effect == Counter(NEEDING)
    four_extras.lock("--check")
    written = four_extras.pyproject.read_bytes()
    again = four_extras.run("torch", "--write")
    assert (again.returncode, four_extras.pyproject.read_bytes()) == (0, written)
    # With a lock, too, everything is in order.
    assert four_extras.run("torch", "--check").returncode == 0
    checked = four_extras.run("check")
    assert (checked.returncode, checked.stdout.count(b"  current  ")) == (0, 3), checked.stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_diff_of_four_extras_applies_to_the_bytes_of_write(four_extras: FourExtras) -> None:
    path = four_extras.pyproject
    before = path.read_bytes()
    diff = four_extras.run("torch", "--diff")
    assert (diff.returncode, path.read_bytes()) == (1, before)
    command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(command, input=diff.stdout, cwd=path.parent, check=True, timeout=TIME_LIMIT)
    applied = path.read_bytes()
    path.write_bytes(before)
    assert four_extras.run("torch", "--write").returncode == 0
    assert path.read_bytes() == applied != before


def test_entries_of_uv_toml_are_written_where_uv_reads_them(four_extras: FourExtras) -> None:
    folder = four_extras.pyproject.parent
    write_files(folder, {"uv.toml": "# nothing yet\n"})
    assert four_extras.run("torch", "--write").returncode == 0
    assert b"dependency-metadata" not in four_extras.pyproject.read_bytes()
    lock = four_extras.lock()
    assert count_pins(lock, four_extras.audits) == AFTER
    # Put where it is shadowed, uv does not read it; `check` says so and moves it.
    text = (folder / "uv.toml").read_text().replace("[[dependency-metadata]]", "[[tool.uv.dependency-metadata]]")
    with four_extras.pyproject.open("a") as file:
        file.write(f"\n{text}")
    (folder / "uv.toml").write_text("")
    assert "dependency-metadata" not in four_extras.lock().get("manifest", {})
    shadowed = four_extras.run("check", "--write")
    assert (shadowed.returncode, shadowed.stdout.count(b"WA404")) == (0, 3), shadowed.stdout
    assert count_pins(four_extras.lock(), four_extras.audits) == AFTER


# --- what uv does with entries that `check` finds ---------------------------------------------------------


def entry(*requires: str, version: str | None = "1.0", more: str = "") -> str:
    lines = [
        'name = "thing"',
        *([f'version = "{version}"'] if version else []),
        f"requires-dist = {json.dumps(requires)}",
    ]
    return "\n".join(["[[tool.uv.dependency-metadata]]", *lines, more, ""])


@dataclass(frozen=True, kw_only=True)
class Things:
    """A project that depends on thing, whose wheel asks for alpha."""

    uv: Uv
    index: SimpleIndex
    folder: Path

    def lock(self, block: str, *, wanted: str = "thing==1.0") -> tuple[Run, set[str]]:
        """Return the run, and what the lock gives thing."""
        run = self.uv.lock(self.folder, self.index, requires_python=">=3.11", dependencies=[wanted], block=block)
        assert run.status == 0, run.stderr
        assert run.lock is not None
        (thing,) = (each for each in run.lock["package"] if each["name"] == "thing")
        return run, {each["name"] for each in thing.get("dependencies", ())}


@pytest.fixture
def things(uv: Uv, make_index: MakeIndex, tmp_path: Path) -> Things:
    index = make_index()
    index.add(build_stub(f"{name}-1-py3-none-any.whl") for name in ("alpha", "beta", "gamma"))
    index.add([build_stub("thing-1.0-py3-none-any.whl", requires=["alpha"])])
    index.add([build_stub("thing-2.0+cpu-py3-none-any.whl", requires=["alpha"])])
    return Things(uv=uv, index=index, folder=tmp_path)


def test_entry_in_effect_is_what_the_lock_gives(things: Things) -> None:
    assert things.lock("")[1] == {"alpha"}
    assert things.lock(entry("beta"))[1] == {"beta"}


def test_wa403_uv_takes_the_first_of_two_entries_for_a_version(things: Things) -> None:
    run, given = things.lock(entry("beta") + entry("gamma"))
    assert given == {"beta"}
    assert "warning" not in run.stderr.lower()


def test_wa403_uv_drops_all_its_settings_over_an_unknown_key(things: Things) -> None:
    # The index is one of the settings: without it uv would ask the public one, so it is put back by a variable.
    assert things.uv.home.is_dir()
    write_files(
        things.folder, {"pyproject.toml": PROJECT + entry("beta") + entry("gamma", version="9", more="hash = 'x'")}
    )
    environ = build_environ(things.uv.home, UV_DEFAULT_INDEX=things.index.url)
    locked = lock_folder(things.folder, environ)
    assert locked.status == 0
    assert locked.lock is not None
    assert "unknown field `hash`" in locked.stderr
    (thing,) = (each for each in locked.lock["package"] if each["name"] == "thing")
    assert {each["name"] for each in thing["dependencies"]} == {"alpha"}


PROJECT = """\
[project]
name = "asker"
version = "1"
requires-python = ">=3.11"
dependencies = ["thing==1.0"]

"""


def test_wa403_uv_does_not_apply_a_version_without_its_local_part(things: Things) -> None:
    run, given = things.lock(entry("beta", version="2.0"), wanted="thing==2.0")
    assert given == {"alpha"}
    assert "warning" not in run.stderr.lower()
    assert things.lock(entry("beta", version="2.0+cpu"), wanted="thing==2.0")[1] == {"beta"}


@pytest.mark.parametrize("first", [True, False])
def test_entry_for_one_version_comes_before_the_one_for_all(things: Things, first: bool) -> None:
    one, every = entry("beta"), entry("gamma", version=None)
    assert things.lock(one + every if first else every + one)[1] == {"beta"}
    assert things.lock(every, wanted="thing==2.0")[1] == {"gamma"}


def test_wa301_uv_has_one_entry_for_a_version_on_two_indexes(things: Things, make_index: MakeIndex) -> None:
    other = make_index()
    other.add([build_stub("thing-1.0-py3-none-any.whl", requires=["beta"])])
    block = (
        f'[[tool.uv.index]]\nname = "other"\nurl = "{other.url}"\nexplicit = true\n'
        '[[tool.uv.sources.thing]]\nindex = "other"\nmarker = "sys_platform == \'win32\'"\n'
    )
    folder = things.folder
    text = PROJECT + f'[[tool.uv.index]]\nname = "main"\nurl = "{things.index.url}"\ndefault = true\n' + block
    environ = build_environ(things.uv.home)

    def lock(more: str) -> list[set[str]]:
        write_files(folder, {"pyproject.toml": text + more})
        (folder / "uv.lock").unlink(missing_ok=True)
        locked = lock_folder(folder, environ)
        assert locked.status == 0, locked.stderr
        assert locked.lock is not None
        return [
            {entry["name"] for entry in each.get("dependencies", ())}
            for each in locked.lock["package"]
            if each["name"] == "thing"
        ]

    # Without an entry each platform has the metadata of its own index.
    assert lock("") == [{"alpha"}, {"beta"}]
    assert lock(entry("gamma")) == [{"gamma"}, {"gamma"}]
