"""An override that is already there, held against what the wheels ask for now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.releases import build_reading, build_release, load_release
from tests.report.examples import build_consistent, build_torch, build_undecided, build_without_override
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.upkeep import MAX_LISTED, hold_override
from wheelaudit.audit.values import Audit, Override
from wheelaudit.metadata import Reading

TORCH = build_torch()
X86 = 'platform_system == "Linux" and platform_machine == "x86_64"'


def own(audit: Audit) -> Override:
    assert audit.override is not None
    return audit.override


def audit(*readings: Reading) -> Audit:
    return audit_release(build_release(readings), readings)


def test_our_own_override_is_current() -> None:
    upkeep = hold_override(TORCH, own(TORCH))
    assert (upkeep.status, upkeep.finding) == ("current", None)
    assert upkeep.proof == TORCH.proof


@pytest.mark.parametrize("name", ["torch-2.0.0", "tensorflow-2.15.1", "opencv-python-4.4.0.46"])
def test_our_own_override_is_current_on_real_releases(name: str) -> None:
    release, readings = load_release(name)
    audited = audit_release(release, readings)
    assert hold_override(audited, own(audited)).status == "current"


def test_other_spelling_of_the_same_is_current() -> None:
    lines = tuple(
        line.replace(X86, 'platform_machine == "x86_64" and sys_platform == "linux"')
        for line in own(TORCH).requires_dist
    )
    assert lines != own(TORCH).requires_dist
    assert hold_override(TORCH, replace(own(TORCH), requires_dist=lines[::-1])).status == "current"


def test_missing_line_is_stale_and_names_the_environments() -> None:
    lines = tuple(line for line in own(TORCH).requires_dist if not line.startswith("triton"))
    upkeep = hold_override(TORCH, replace(own(TORCH), requires_dist=lines))
    assert upkeep.status == "stale"
    assert upkeep.finding is not None
    assert upkeep.finding.id == "WA401"
    assert upkeep.finding.message == (
        "The override of torch==2.6.0+cu126 is not what its wheels ask for: "
        "in linux x86_64, CPython 3.10-3.13 it lacks triton==3.2.0."
    )
    assert upkeep.finding.requirements == ("triton==3.2.0",)
    assert upkeep.finding.help == "Replace the entry."


def test_line_that_is_too_wide_is_stale() -> None:
    lines = tuple("triton==3.2.0" if line.startswith("triton") else line for line in own(TORCH).requires_dist)
    upkeep = hold_override(TORCH, replace(own(TORCH), requires_dist=lines))
    assert upkeep.status == "stale"
    assert upkeep.finding is not None
    assert "it has no need of triton==3.2.0" in upkeep.finding.message
    assert "linux aarch64" in upkeep.finding.message


def test_what_the_extras_repeat_is_told_once_and_long_lists_are_cut() -> None:
    upkeep = hold_override(TORCH, replace(own(TORCH), requires_dist=()))
    assert upkeep.finding is not None
    assert upkeep.finding.message.count("; ") <= 2 * MAX_LISTED
    assert len(upkeep.finding.message) < 1000
    assert len(upkeep.finding.requirements) > 20


def test_bound_that_shuts_pythons_out_is_stale_and_a_lower_one_is_not() -> None:
    stale = hold_override(TORCH, replace(own(TORCH), requires_python=">=3.12"))
    assert stale.status == "stale"
    assert stale.finding is not None
    assert "its requires-python is >=3.12, the wheels' >=3.9.0" in stale.finding.message
    assert hold_override(TORCH, replace(own(TORCH), requires_python=">=3.8")).status == "current"
    assert hold_override(TORCH, replace(own(TORCH), requires_python=None)).status == "current"


def test_missing_extra_is_stale() -> None:
    upkeep = hold_override(TORCH, replace(own(TORCH), provides_extras=()))
    assert upkeep.status == "stale"
    assert upkeep.finding is not None
    assert "it does not provide the extras optree, opt-einsum" in upkeep.finding.message


def test_consistent_release_needs_none() -> None:
    consistent = build_consistent()
    entry = Override(
        name=consistent.release.project,
        version=consistent.release.version,
        requires_python=None,
        requires_dist=("attrs", "idna>=3"),
        provides_extras=(),
    )
    right = hold_override(consistent, entry)
    assert right.status == "unneeded"
    assert right.finding is not None
    assert (right.finding.id, right.finding.help) == ("WA402", "Remove the entry.")
    assert right.finding.message == "The override of same==1.0 is not needed: all 4 wheels ask for the same."
    wrong = hold_override(consistent, replace(entry, requires_dist=("attrs",)))
    assert wrong.status == "unneeded"
    assert wrong.finding is not None
    assert wrong.finding.message.endswith("all 4 wheels ask for the same, and not for what it says.")
    assert wrong.proof is not None
    assert wrong.proof.deviations


def test_release_of_one_wheel_needs_none() -> None:
    single = audit(build_reading("one-1.0-py3-none-any.whl", ["attrs"]))
    entry = Override(
        name=single.release.project,
        version=single.release.version,
        requires_python=None,
        requires_dist=(),
        provides_extras=(),
    )
    upkeep = hold_override(single, entry)
    assert upkeep.finding is not None
    assert "the release has one wheel" in upkeep.finding.message


@pytest.mark.parametrize("build", [build_undecided, build_without_override])
def test_unread_wheel_leaves_it_unknown(build: object) -> None:
    assert callable(build)
    upkeep = hold_override(build(), own(TORCH))
    assert (upkeep.status, upkeep.finding, upkeep.proof) == ("unknown", None, None)


def test_deviation_that_no_marker_can_avoid_is_not_held_against_it() -> None:
    glibc, musl = "cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-musllinux_1_2_x86_64"
    tied = audit(build_reading(f"t-1.0-{glibc}.whl", ["a", "b"]), build_reading(f"t-1.0-{musl}.whl", ["a"]))
    assert tied.proof is not None
    assert tied.proof.deviations
    assert hold_override(tied, own(tied)).status == "current"
    assert hold_override(tied, replace(own(tied), requires_dist=("a",))).status == "stale"


def test_where_no_override_is_right_the_entry_is_to_go() -> None:
    glibc, musl = "cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-musllinux_1_2_x86_64"
    clash = audit(build_reading(f"t-1.0-{glibc}.whl", ["a==1"]), build_reading(f"t-1.0-{musl}.whl", ["a==2"]))
    assert clash.override is None
    entry = Override(
        name=clash.release.project,
        version=clash.release.version,
        requires_python=None,
        requires_dist=("a==1",),
        provides_extras=(),
    )
    upkeep = hold_override(clash, entry)
    assert upkeep.status == "stale"
    assert upkeep.finding is not None
    assert "no override is right for this release" in upkeep.finding.help
