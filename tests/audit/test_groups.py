"""The verdict (DESIGN, "The rule everything follows from")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.releases import build_reading, build_release, build_wheel
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.groups import build_scene, judge
from wheelaudit.errors import MetadataUnreadableError
from wheelaudit.metadata import Reading, UnreadableWheel

LINUX = "cp312-cp312-manylinux_2_28_x86_64"
ARM = "cp312-cp312-manylinux_2_28_aarch64"
MACOS = "cp312-cp312-macosx_11_0_arm64"
WINDOWS = "cp312-cp312-win_amd64"


def read(tag: str, *lines: str, **fields: Any) -> Reading:
    return build_reading(f"thing-1.0-{tag}.whl", lines, **fields)


def unread(tag: str, **fields: Any) -> UnreadableWheel:
    wheel = build_wheel(f"thing-1.0-{tag}.whl", **fields)
    return UnreadableWheel(wheel=wheel, error=MetadataUnreadableError(f"{wheel.url} could not be read."))


def verdict(*readings: Reading) -> str:
    return judge(build_scene(readings))


# --- spelling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["foo", "bar"], ["bar", "foo"]),
        (["foo", "foo", "foo"], ["foo"]),
        (["foo (==1.0)"], ["foo==1.0"]),
        (["foo==1.0"], ["foo==1.0.0"]),
        (["ml_dtypes>=0.3"], ["ml-dtypes>=0.3"]),
        (["foo<2,>=1"], ["foo>=1,<2"]),
        (["foo[b,a]"], ["foo[A,B]"]),
        (["foo; sys_platform == 'linux'"], ['foo; "linux" == sys_platform']),
        (["foo; python_version < '3.20'"], ["foo"]),
        (["foo; sys_platform == 'linux'"], ["foo; platform_system == 'Linux'"]),
        (["foo; sys_platform == 'win32'"], ["foo; os_name == 'nt'"]),
        (["foo; platform_machine == 'x86_64'"], ["foo; sys_platform == 'linux'"]),
        (["foo; sys_platform == 'linux'", "foo; sys_platform == 'win32'"], ["foo"]),
        (["foo; python_version >= '3.8' and python_version >= '3.9'"], ["foo; python_version >= '3.9'"]),
    ],
)
def test_spelling_is_no_difference(one: list[str], other: list[str]) -> None:
    assert verdict(read(LINUX, *one), read(WINDOWS, *other)) == "consistent"


def test_spelling_is_a_difference_where_a_served_environment_tells() -> None:
    # With a wheel for Linux aarch64, "Linux" and "x86_64" are no longer the same.
    one, other = ["foo; platform_machine == 'x86_64'"], ["foo; sys_platform == 'linux'"]
    assert verdict(read(LINUX, *one), read(ARM, *one), read(WINDOWS, *other)) == "inconsistent"


def test_case_and_separators_of_extras_are_no_difference() -> None:
    one = read(LINUX, "foo; extra == 'Docs_All'", provides_extra=["Docs_All"])
    other = read(WINDOWS, "foo; extra == 'docs-all'", provides_extra=["docs-all"])
    assert verdict(one, other) == "consistent"


# --- what counts --------------------------------------------------------------------------------------


def test_single_wheel_is_consistent() -> None:
    assert verdict(read(LINUX, "foo; sys_platform == 'win32'")) == "consistent"


def test_requirement_missing_from_one_wheel_is_a_difference() -> None:
    assert verdict(read(LINUX, "foo", "bar"), read(WINDOWS, "foo")) == "inconsistent"


@pytest.mark.parametrize("other", ["foo==2.0", "foo[x]==1.0", "foo", "foo @ https://files.example/foo.zip"])
def test_other_version_extra_or_url_is_a_difference(other: str) -> None:
    assert verdict(read(LINUX, "foo==1.0"), read(WINDOWS, other)) == "inconsistent"


def test_requirement_that_is_marked_for_its_platform_must_be_in_every_wheel() -> None:
    line = "triton; sys_platform == 'linux'"
    assert verdict(read(LINUX, line), read(WINDOWS, line)) == "consistent"
    assert verdict(read(LINUX, line), read(WINDOWS)) == "inconsistent"


def test_requirement_that_holds_in_no_served_environment_is_no_difference() -> None:
    lines = ["enum34; python_version < '3.4'", "foo; sys_platform == 'darwin'", "bar; platform_machine == 's390x'"]
    assert verdict(read(LINUX, "dep"), read(WINDOWS, "dep", *lines)) == "consistent"
    assert verdict(read(LINUX), read(MACOS), read(WINDOWS, *lines)) == "inconsistent"


def test_wheel_that_is_best_nowhere_counts() -> None:
    # An older build is still what uv or a mirror may read.
    assert verdict(read(f"1-{LINUX}", "foo"), read(f"2-{LINUX}", "bar")) == "inconsistent"


def test_wheel_for_any_beside_platform_wheels_must_agree_with_them() -> None:
    assert verdict(read(LINUX, "foo"), read("py3-none-any", "foo")) == "consistent"
    assert verdict(read(LINUX, "foo"), read("py3-none-any")) == "inconsistent"


def test_patch_release_that_tells_is_a_difference() -> None:
    one, other = read(LINUX, "foo; python_full_version >= '3.12.4'"), read(WINDOWS, "foo")
    assert verdict(one, other) == "inconsistent"


@pytest.mark.parametrize("variable", ["platform_version", "platform_release"])
def test_release_of_the_system_that_tells_is_a_difference(variable: str) -> None:
    one, other = read(WINDOWS, f"foo; {variable} >= '10.0.22000'"), read("cp311-cp311-win_amd64", "foo")
    assert verdict(one, other) == "inconsistent"


def test_extra_that_only_one_wheel_names_is_a_difference_where_it_brings_something() -> None:
    one = read(LINUX, "foo; extra == 'gpu'", provides_extra=["gpu"])
    assert verdict(one, read(WINDOWS)) == "inconsistent"
    assert verdict(one, read(WINDOWS, provides_extra=["gpu"])) == "inconsistent"
    assert verdict(one, read(WINDOWS, "foo; extra == 'gpu'")) == "consistent"


def test_extra_that_brings_nothing_is_no_difference() -> None:
    assert verdict(read(LINUX, "foo", provides_extra=["gpu"]), read(WINDOWS, "foo")) == "consistent"


# --- Requires-Python ----------------------------------------------------------------------------------


def test_requires_python_that_shuts_out_served_environments_is_a_difference() -> None:
    one = read("cp38-cp38-win_amd64", requires_python=">=3.8")
    assert verdict(one, read("cp310-cp310-win_amd64", requires_python=">=3.10")) == "inconsistent"


def test_requires_python_that_shuts_out_nothing_served_is_no_difference() -> None:
    one = read("cp39-cp39-win_amd64", requires_python=">=3.8")
    assert verdict(one, read("cp310-cp310-win_amd64", requires_python=">=3.9.0")) == "consistent"
    assert verdict(one, read("cp310-cp310-win_amd64")) == "consistent"


def test_upper_bound_is_no_difference_because_uv_ignores_it() -> None:
    one = read("cp39-cp39-win_amd64", requires_python=">=3.9")
    assert verdict(one, read("cp310-cp310-win_amd64", requires_python=">=3.9,<3.12")) == "consistent"


@pytest.mark.parametrize("text", ["three", "===foo", ">=3." + "9" * 5000])
def test_requires_python_that_is_no_specifier_bounds_nothing(text: str) -> None:
    assert verdict(read(LINUX, requires_python=">=3.8"), read(WINDOWS, requires_python=text)) == "consistent"


# --- unread and unparsed ------------------------------------------------------------------------------


def test_unread_wheel_makes_an_agreeing_release_undecided() -> None:
    assert verdict(read(LINUX, "foo"), read(WINDOWS, "foo"), unread(MACOS)) == "undecided"
    assert verdict(unread(LINUX)) == "undecided"
    assert verdict(read(LINUX), unread(WINDOWS)) == "undecided"


def test_two_that_disagree_are_inconsistent_however_many_are_unread() -> None:
    readings = [read(LINUX, "foo"), read(WINDOWS), unread(MACOS), unread(ARM)]
    assert verdict(*readings) == "inconsistent"
    audit = audit_release(build_release(readings), readings)
    assert audit.override is None
    assert audit.no_override == (
        "There is no override: 2 wheels were not read, and what an unread wheel asks for is unknown."
    )


def test_readings_that_disagree_only_where_an_unread_wheel_serves_are_inconsistent() -> None:
    line = "foo; sys_platform == 'darwin'"
    assert verdict(read(LINUX, line), read(WINDOWS), unread(MACOS)) == "inconsistent"


def test_requirement_that_is_not_pep_508_can_be_compared_with_itself_only() -> None:
    odd = "foo !! 1"
    assert verdict(read(LINUX, odd, "bar"), read(WINDOWS, odd, "bar")) == "consistent"
    assert verdict(read(LINUX, odd), read(WINDOWS, "foo")) == "undecided"
    assert verdict(read(LINUX, odd, "bar"), read(WINDOWS, odd)) == "inconsistent"
    readings = [read(LINUX, odd, "bar"), read(WINDOWS, odd)]
    assert "not PEP 508" in (audit_release(build_release(readings), readings).no_override or "")


# --- groups -------------------------------------------------------------------------------------------


def wheels_of(readings: Sequence[Reading]) -> list[list[str]]:
    audit = audit_release(build_release(readings), readings)
    return [[wheel.filename for wheel in group.wheels] for group in audit.groups]


def test_wheels_of_one_meaning_are_one_group_whatever_their_spelling() -> None:
    readings = [read(LINUX, "foo (==1)", "bar"), read(MACOS, "foo==1"), read(WINDOWS, "bar", "foo==1.0")]
    assert wheels_of(readings) == [
        [f"thing-1.0-{MACOS}.whl"],
        [f"thing-1.0-{LINUX}.whl", f"thing-1.0-{WINDOWS}.whl"],
    ]


def test_group_says_where_its_wheels_are_best() -> None:
    readings = [read(LINUX, "foo"), read(WINDOWS), read(f"1-{WINDOWS}", "bar")]
    audit = audit_release(build_release(readings), readings)
    said = {group.wheels[0].filename: group.environments for group in audit.groups}
    assert said == {
        f"thing-1.0-1-{WINDOWS}.whl": "windows AMD64, CPython 3.12",
        f"thing-1.0-{LINUX}.whl": "linux x86_64, CPython 3.12",
        f"thing-1.0-{WINDOWS}.whl": "",
    }


def test_group_shows_its_first_wheel_s_lines_once() -> None:
    readings = [read(LINUX, "foo (>=1)", "foo (>=1)", "bar"), read(WINDOWS, "bar", "foo>=1")]
    (group,) = audit_release(build_release(readings), readings).groups
    assert group.requires_dist == ("foo (>=1)", "bar")


def test_unread_wheel_is_in_no_group() -> None:
    readings = [read(LINUX, "foo"), unread(WINDOWS)]
    audit = audit_release(build_release(readings), readings)
    assert list(audit.group_of) == [readings[0].wheel]


def test_one_wheel_on_two_indexes_is_compared_across_them() -> None:
    one = read(LINUX, "foo", index="one")
    assert verdict(one, read(LINUX, "foo", index="two")) == "consistent"
    assert verdict(one, read(LINUX, "bar", index="two")) == "inconsistent"


def test_platforms_that_no_installer_asks_for_cannot_disagree() -> None:
    assert verdict(read("cp312-cp312-macosx_11_7_arm64", "foo"), read("cp312-cp312-macosx_12_7_arm64")) == "consistent"
