"""What a lock that the real uv makes without the override loses and gains, against what an audit says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import oracle
from tests.releases import INCONSISTENT
from tests.uv.conftest import FindIndex
from tests.uv.lock import Uv
from tests.uv.locked import Locked, lock_release
from wheelaudit.audit.values import Audit

SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
EXTRA = re.compile(r'^(?P<requirement>.*); extra == "(?P<extra>[^"]+)"$')


def names(sentence: str, target: oracle.Target) -> bool:
    """Whether a sentence such as ``linux x86_64 and windows AMD64, CPython 3.8-3.11`` names an environment."""
    system, machine = SYSTEMS[target.variables["sys_platform"]], target.variables["platform_machine"]
    minor = int(target.variables["python_version"].partition(".")[2])
    for part in sentence.split("; "):
        match = re.fullmatch(r"(?P<platforms>.+), CPython (?P<pythons>3[\d., -]+)", part)
        assert match is not None, f"a sentence that this test cannot read: {sentence}"
        ranges = [[int(version[2:]) for version in each.split("-")] for each in match["pythons"].split(", ")]
        named = f"{system} {machine}" in re.split(r", | and ", match["platforms"])
        if named and any(each[0] <= minor <= each[-1] for each in ranges):
            return True
    return False


def find_told(audit: Audit, need: oracle.Need) -> tuple[set[str], set[str]]:
    """Return what the audit says is lost and gained there, without marker."""
    lost: set[str] = set()
    gained: set[str] = set()
    for impact in audit.impact:
        if names(impact.environments, need.target):
            lost |= _of_extra(impact.lost, need.extra)
            gained |= _of_extra(impact.gained, need.extra)
    return lost, gained


def _of_extra(texts: tuple[str, ...], extra: str) -> set[str]:
    found = set()
    for text in texts:
        match = EXTRA.match(text)
        if match is None or match["extra"] == extra:
            found.add(match["requirement"] if match else text)
    return found


def find_lost(locked: Locked, need: oracle.Need) -> set[str]:
    """Return the needed requirements that the lock does not meet, by projects and specifiers."""
    given = locked.given(need)
    return {
        f"{project}{specifier}"
        for project, _, specifier, _ in need.asked
        if project not in given or not specifier.contains(given[project], prereleases=True)
    }


def find_gained(locked: Locked, need: oracle.Need) -> set[str]:
    """Return the projects that the lock gives and no needed requirement accounts for."""
    given = locked.given(need)
    met = {project for project, _, specifier, _ in need.asked if project in given and given[project] in specifier}
    return given.keys() - met


@pytest.mark.parametrize("name", INCONSISTENT)
def test_lock_without_override_loses_and_gains_what_the_audit_says(
    uv: Uv, release_index: FindIndex, tmp_path: Path, name: str
) -> None:
    locked = lock_release(uv, release_index, tmp_path, name, override=False)
    assert "manifest" not in locked.lock
    assert locked.audit.reads_uv is not None
    assert locked.run.selected[locked.audit.release.project] == locked.audit.reads_uv.filename
    wrong = 0
    for need in locked.needs:
        lost, gained = find_told(locked.audit, need)
        assert find_lost(locked, need) == {str(Requirement(text)) for text in lost}, need
        assert find_gained(locked, need) == {Requirement(text).name for text in gained}, need
        for requirement in map(Requirement, gained):
            assert requirement.specifier.contains(locked.given(need)[requirement.name], prereleases=True)
        wrong += bool(lost or gained)
    # A release can be inconsistent and its lock be right all the same: uv has read the right one of the wheels.
    assert (wrong == 0) == (name == "torch-2.1.0")


def test_flagship_loses_every_cuda_library_on_linux_x86_64(uv: Uv, release_index: FindIndex, tmp_path: Path) -> None:
    locked = lock_release(uv, release_index, tmp_path, "torch-2.6.0+cu126", override=False)
    checked = 0
    for need in locked.needs:
        cuda = {project for project, *_ in need.asked if project.startswith(("nvidia-", "triton"))}
        if (need.target.variables["sys_platform"], need.target.variables["platform_machine"]) == ("linux", "x86_64"):
            assert len(cuda) == 14
            assert not cuda & locked.given(need).keys()
            checked += 1
        else:
            assert not cuda
            assert not find_lost(locked, need)
    assert checked


def test_shim_platforms_get_the_whole_of_tensorflow_and_not_their_shim(
    uv: Uv, release_index: FindIndex, tmp_path: Path
) -> None:
    locked = lock_release(uv, release_index, tmp_path, "tensorflow-2.15.1", override=False)
    found: dict[tuple[str, str], tuple[set[str], int]] = {}
    for need in locked.needs:
        place = need.target.variables["sys_platform"], need.target.variables["platform_machine"]
        found[place] = find_lost(locked, need), len(find_gained(locked, need))
    assert found == {
        ("linux", "x86_64"): (set(), 0),
        ("linux", "aarch64"): ({"tensorflow-cpu-aws==2.15.1"}, 22),
        ("darwin", "x86_64"): (set(), 0),
        ("darwin", "arm64"): (set(), 0),
        ("win32", "AMD64"): ({"tensorflow-intel==2.15.1"}, 22),
    }
