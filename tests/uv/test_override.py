"""A lock that the real uv makes with the override gives every environment what its own wheel asks for."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.releases import INCONSISTENT
from tests.uv.conftest import FindIndex, MakeIndex
from tests.uv.index import SimpleIndex, build_stub
from tests.uv.lock import Uv
from tests.uv.locked import lock_release
from wheelaudit.report.toml import build_entry, render_override

BY_HAND = Path(__file__).parents[1] / "golden" / "override" / "by-hand"


@pytest.mark.parametrize("name", INCONSISTENT)
def test_every_environment_gets_exactly_what_its_wheel_asks_for(
    uv: Uv, release_index: FindIndex, tmp_path: Path, name: str
) -> None:
    locked = lock_release(uv, release_index, tmp_path, name, override=True)
    for need in locked.needs:
        given = locked.given(need)
        assert given.keys() == {project for project, *_ in need.asked}, need
        for project, _, specifier, _ in need.asked:
            assert specifier.contains(given[project], prereleases=True), (need, project, given[project])


@pytest.mark.parametrize("name", INCONSISTENT)
def test_uv_takes_the_override_without_a_warning(uv: Uv, release_index: FindIndex, tmp_path: Path, name: str) -> None:
    locked = lock_release(uv, release_index, tmp_path, name, override=True)
    assert locked.audit.override is not None
    assert "warning" not in locked.run.stderr.lower()
    # What shows that it is in effect: success alone would prove nothing.
    (entry,) = locked.lock["manifest"]["dependency-metadata"]
    expected = build_entry(locked.audit.override)
    assert entry.keys() == expected.keys()
    assert [entry["name"], entry["version"]] == [expected["name"], expected["version"]]
    assert len(entry["requires-dist"]) == len(expected["requires-dist"])
    assert entry.get("provides-extras") == expected.get("provides-extras")


def test_floors_by_python_become_versions_by_python(uv: Uv, release_index: FindIndex, tmp_path: Path) -> None:
    locked = lock_release(uv, release_index, tmp_path, "opencv-python-4.4.0.46", override=True)
    floors = {
        (need.target.variables["python_version"], str(locked.given(need)["numpy"]))
        for need in locked.needs
        if need.target.variables["sys_platform"] == "linux"
    }
    assert floors == {("3.6", "1.13.3"), ("3.7", "1.14.5"), ("3.8", "1.17.3"), ("3.9", "1.19.3")}


def test_block_of_the_maintainer_and_ours_give_the_same_lock(uv: Uv, release_index: FindIndex, tmp_path: Path) -> None:
    name = "torch-2.6.0+cu126"
    ours = lock_release(uv, release_index, tmp_path / "ours", name, override=True)
    block = (BY_HAND / f"{name}.toml").read_text(encoding="utf-8")
    assert ours.audit.override is not None
    assert tomllib.loads(block) == tomllib.loads(render_override(ours.audit.override))
    theirs = uv.lock(
        tmp_path / "theirs",
        release_index(name),
        requires_python=">=3.10",
        dependencies=["torch==2.6.0+cu126"],
        extras={extra: [f"torch[{extra}]==2.6.0+cu126"] for extra in ("opt-einsum", "optree")},
        block=block,
    )
    assert theirs.status == 0, theirs.stderr
    assert "warning" not in theirs.stderr.lower()
    assert theirs.lock == ours.lock


def can_lock(uv: Uv, index: SimpleIndex, folder: Path, *requirements: str) -> bool:
    """Whether uv finds a lock where thing 1.0 has these requirements by override, and both extras are asked for."""
    lines = "".join(f"    {json.dumps(each)},\n" for each in requirements)
    block = f"""\
[[tool.uv.dependency-metadata]]
name = "thing"
version = "1.0"
requires-dist = [
{lines}]
provides-extras = ["docs", "gpu"]
"""
    run = uv.lock(folder, index, requires_python=">=3.11", dependencies=["thing[docs,gpu]==1.0"], block=block)
    assert run.status == 0 or "No solution found" in run.stderr
    return run.status == 0


@pytest.fixture
def beta_index(make_index: MakeIndex) -> SimpleIndex:
    """An index with thing 1.0, and two versions of beta."""
    index = make_index()
    names = ("thing-1.0", "beta-1", "beta-2")
    index.add(build_stub(f"{name}-py3-none-any.whl") for name in names)
    return index


def test_uv_forks_between_lines_that_exclude_each_other_but_not_across_extras(
    uv: Uv, beta_index: SimpleIndex, tmp_path: Path
) -> None:
    # A limit of uv's, not of an override: an extra's lines are resolved as a package of their own.
    windows = 'beta==1; sys_platform == "win32"'
    assert can_lock(uv, beta_index, tmp_path / "plain", windows, 'beta==2; sys_platform != "win32"')
    assert not can_lock(
        uv, beta_index, tmp_path / "extra", windows, 'beta==2; extra == "gpu" and sys_platform != "win32"'
    )


@pytest.mark.parametrize(
    ("first", "second", "known"),
    [
        ('sys_platform == "linux"', 'platform_system == "Windows"', True),
        ('sys_platform != "win32"', 'platform_system == "Windows"', True),
        ('python_version < "3.12"', 'python_full_version >= "3.12.0"', True),
        ('sys_platform == "linux"', 'os_name == "nt"', True),
        ('sys_platform != "win32"', 'os_name == "nt"', False),
        ('sys_platform == "win32"', 'os_name != "nt"', False),
        ('sys_platform == "win32"', '"linux" in sys_platform', False),
        ('sys_platform == "win32"', 'platform_machine == "aarch64"', False),
        ('implementation_name == "cpython"', 'platform_python_implementation == "PyPy"', False),
    ],
)
def test_uv_knows_of_some_markers_that_they_exclude_each_other(
    uv: Uv, beta_index: SimpleIndex, tmp_path: Path, first: str, second: str, known: bool
) -> None:
    # Where two lines of one project pin different versions, only those that uv knows keep them apart.
    assert can_lock(uv, beta_index, tmp_path, f"beta==1; {first}", f"beta==2; {second}") == known
