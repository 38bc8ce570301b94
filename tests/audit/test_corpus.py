"""Real releases, from their cassettes: the right verdict and, of the inconsistent ones, a faithful override."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import oracle
from tests.conftest import Golden
from tests.releases import CONSISTENT, INCONSISTENT, build_oracle_wheels, load_release
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit, Union
from wheelaudit.report.toml import build_entry, render_override

BY_HAND = Path(__file__).parents[1] / "golden" / "override" / "by-hand"
"""Overrides that people wrote: uv's maintainer for torch, a user for tensorflow (astral-sh/uv#11945, #12092)."""

READS_UV = {
    "torch-2.0.0": "torch-2.0.0-1-cp310-cp310-manylinux2014_aarch64.whl",
    "torch-2.1.0": "torch-2.1.0-cp310-cp310-manylinux1_x86_64.whl",
    "torch-2.6.0+cu126": "torch-2.6.0+cu126-cp310-cp310-linux_aarch64.whl",
    "torch-2.6.0.dev20241222+cu126": "torch-2.6.0.dev20241222+cu126-cp312-cp312-linux_aarch64.whl",
    "torch-2.7.0.dev20250116+cu126": "torch-2.7.0.dev20250116+cu126-cp311-cp311-linux_aarch64.whl",
    "tensorflow-2.14.0": "tensorflow-2.14.0-cp310-cp310-macosx_10_15_x86_64.whl",
    "tensorflow-2.15.1": "tensorflow-2.15.1-cp310-cp310-macosx_10_15_x86_64.whl",
    "opencv-python-4.4.0.46": "opencv_python-4.4.0.46-cp36-cp36m-macosx_10_13_x86_64.whl",
    "torch-2.10.0": "torch-2.10.0-3-cp310-cp310-manylinux_2_28_x86_64.whl",
    "torch-2.15.0": "torch-2.15.0-cp311-cp311-macosx_14_0_arm64.whl",
    "numpy-2.2.0": "numpy-2.2.0-cp310-cp310-macosx_10_9_x86_64.whl",
}
GROUPS = {
    "torch-2.0.0": 2,
    "torch-2.1.0": 2,
    "torch-2.6.0+cu126": 3,
    "torch-2.6.0.dev20241222+cu126": 2,
    "torch-2.7.0.dev20250116+cu126": 2,
    "tensorflow-2.14.0": 3,
    "tensorflow-2.15.1": 3,
    "opencv-python-4.4.0.46": 4,
    "torch-2.10.0": 1,
    "torch-2.15.0": 1,
    "numpy-2.2.0": 1,
}
PAIRS = {
    "torch-2.0.0": 80,
    "torch-2.1.0": 120,
    "torch-2.6.0+cu126": 84,
    "torch-2.6.0.dev20241222+cu126": 12,
    "torch-2.7.0.dev20250116+cu126": 48,
    "tensorflow-2.14.0": 60,
    "tensorflow-2.15.1": 60,
    "opencv-python-4.4.0.46": 40,
}
"""(environment, extra) pairs: platforms x Pythons (first and late patch release) x (no extra and each)."""


def audit(name: str, *, union: Union = "scoped") -> Audit:
    return audit_release(*load_release(name), union=union)


def find_oracle_wheels(name: str) -> list[oracle.Wheel]:
    _, readings = load_release(name)
    return build_oracle_wheels(readings)


@pytest.mark.parametrize("name", [*INCONSISTENT, *CONSISTENT])
def test_verdict_is_right(name: str) -> None:
    result = audit(name)
    assert result.verdict == ("inconsistent" if name in INCONSISTENT else "consistent")
    # And so says the second opinion, which shares no code with the judge.
    assert oracle.is_consistent(find_oracle_wheels(name)) == (name in CONSISTENT)


@pytest.mark.parametrize("name", [*INCONSISTENT, *CONSISTENT])
def test_groups_and_the_wheel_that_uv_reads(name: str) -> None:
    result = audit(name)
    assert len(result.groups) == GROUPS[name]
    assert result.reads_uv is not None
    assert result.reads_uv.filename == READS_UV[name]
    assert sorted(wheel.filename for group in result.groups for wheel in group.wheels) == [
        wheel.filename for wheel in result.release.wheels
    ]


@pytest.mark.parametrize("name", CONSISTENT)
def test_consistent_release_costs_nobody_anything(name: str) -> None:
    result = audit(name)
    assert (result.override, result.proof, result.impact, result.matrix.rows) == (None, None, (), ())


@pytest.mark.parametrize("name", INCONSISTENT)
def test_override_is_faithful_by_its_own_proof_and_wheel_by_wheel(name: str) -> None:
    result = audit(name)
    assert result.override is not None
    assert result.proof is not None
    assert result.proof.environments == PAIRS[name]
    assert result.proof.deviations == ()
    assert oracle.deviations(find_oracle_wheels(name), result.override.requires_dist) == []


@pytest.mark.parametrize("name", INCONSISTENT)
def test_override_is_as_recorded(name: str, golden: Golden) -> None:
    result = audit(name)
    assert result.override is not None
    golden(f"override/{name}.toml", render_override(result.override))


def read_by_hand(filename: str) -> dict[str, object]:
    document = tomllib.loads((BY_HAND / filename).read_text(encoding="utf-8"))
    (entry,) = document["tool"]["uv"]["dependency-metadata"]
    assert isinstance(entry, dict)
    return entry


def test_override_of_the_flagship_is_what_the_maintainer_of_uv_wrote() -> None:
    override = audit("torch-2.6.0+cu126").override
    assert override is not None
    assert len(override.requires_dist) == 23
    assert build_entry(override) == read_by_hand("torch-2.6.0+cu126.toml")


def test_plain_union_of_tensorflow_is_what_a_user_wrote_and_says_where_it_is_wrong() -> None:
    result = audit("tensorflow-2.14.0", union="plain")
    assert result.override is not None
    theirs = read_by_hand("tensorflow-2.14.0.plain.toml")["requires-dist"]
    assert isinstance(theirs, list)
    assert {str(Requirement(text)) for text in result.override.requires_dist} == {
        str(Requirement(text)) for text in theirs
    }
    assert result.proof is not None
    assert result.proof.environments == 60
    # On the three platforms of the shims, everything but the shim leaks: with and without the extra.
    shims = "linux aarch64, macos arm64 and windows AMD64, CPython 3.9-3.11"
    assert [(each.environments, each.extra) for each in result.proof.deviations] == [(shims, None), (shims, "and-cuda")]
    assert all(len(each.unwanted) == 22 and not each.missing for each in result.proof.deviations)
    wrong = oracle.deviations(find_oracle_wheels("tensorflow-2.14.0"), result.override.requires_dist)
    assert {(n.target.variables["sys_platform"], n.target.variables["platform_machine"]) for n, _ in wrong} == {
        ("linux", "aarch64"),
        ("darwin", "arm64"),
        ("win32", "AMD64"),
    }
