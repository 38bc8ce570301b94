"""The override, sentence by sentence (DESIGN, "The override")."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from tests.releases import build_reading, build_release
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit, Override
from wheelaudit.metadata import WheelMetadata

LINUX = "cp312-cp312-manylinux_2_28_x86_64"
ARM = "cp312-cp312-manylinux_2_28_aarch64"
MUSL = "cp312-cp312-musllinux_1_2_x86_64"
MACOS = "cp312-cp312-macosx_11_0_arm64"
WINDOWS = "cp312-cp312-win_amd64"


def read(tag: str, *lines: str, **fields: Any) -> WheelMetadata:
    return build_reading(f"thing-1.0-{tag}.whl", lines, **fields)


def audit(*readings: WheelMetadata, **options: Any) -> Audit:
    return audit_release(build_release(readings), readings, **options)


def override(*readings: WheelMetadata, **options: Any) -> Override:
    """The override, which must be there and faithful."""
    result = audit(*readings, **options)
    assert result.override is not None, result.no_override
    assert result.proof is not None
    assert result.proof.deviations == ()
    return result.override


def lines(*readings: WheelMetadata, **options: Any) -> list[str]:
    return list(override(*readings, **options).requires_dist)


# --- verbatim -----------------------------------------------------------------------------------------


def test_consistent_release_gets_no_override() -> None:
    result = audit(read(LINUX, "foo"), read(WINDOWS, "foo"))
    assert (result.verdict, result.override, result.proof, result.no_override) == ("consistent", None, None, None)


def test_marker_that_holds_exactly_where_it_is_needed_stays_verbatim() -> None:
    line = "nvidia-nccl-cu12 (==2.21.5) ; platform_system == 'Linux' and platform_machine == 'x86_64'"
    assert lines(read(LINUX, line), read(ARM), read(WINDOWS)) == [line]


def test_line_without_marker_stays_verbatim_where_every_wheel_asks_for_it() -> None:
    readings = [read(LINUX, "Foo (>=1,<2)", "bar"), read(WINDOWS, "foo<2,>=1")]
    assert lines(*readings) == ["Foo (>=1,<2)", 'bar; sys_platform == "linux"']


def test_spelling_is_that_of_the_first_wheel_by_file_name() -> None:
    readings = [read(WINDOWS, "foo >=1.0", "w"), read(LINUX, "foo (>=1.0)"), read(MACOS, "foo>=1.0")]
    assert lines(*readings)[0] == "foo>=1.0"  # macosx < manylinux < win


def test_spelling_is_that_of_a_wheel_whose_platforms_can_need_it() -> None:
    arm = read(ARM, 'triton==3.2.0 ; sys_platform == "darwin"', "triton (==3.2.0) ; sys_platform == 'linux'")
    linux = read(LINUX, "triton==3.2.0; sys_platform == 'linux'", "foo")
    assert lines(arm, linux) == [
        "triton (==3.2.0) ; sys_platform == 'linux'",
        'foo; platform_machine == "x86_64"',
    ]


def test_marker_is_verbatim_though_other_wheels_spell_one_that_is_too_wide() -> None:
    narrow = "foo; sys_platform == 'linux'"
    assert lines(read(LINUX, "foo"), read("py3-none-win_amd64"), read(f"1-{LINUX}", narrow)) == [narrow]


# --- confined -----------------------------------------------------------------------------------------


def test_requirement_is_confined_with_the_plainest_marker() -> None:
    readings = [read(LINUX, "absl-py (>=1.0.0)"), read(MACOS, "absl-py (>=1.0.0)"), read(WINDOWS, "other")]
    assert lines(*readings) == [
        'absl-py>=1.0.0; sys_platform != "win32"',
        'other; sys_platform == "win32"',
    ]


def test_own_marker_is_joined_with_and() -> None:
    own = "foo; python_full_version >= '3.12.4'"
    assert lines(read(LINUX, own), read(WINDOWS)) == [
        'foo; python_full_version >= "3.12.4" and sys_platform == "linux"',
    ]


def test_own_marker_with_or_is_put_in_parentheses() -> None:
    own = "foo; python_full_version < '3.12.4' or python_full_version >= '3.12.6'"
    assert lines(read(LINUX, own), read(WINDOWS)) == [
        'foo; (python_full_version < "3.12.4" or python_full_version >= "3.12.6") and sys_platform == "linux"',
    ]


def test_versions_by_python_are_parted_by_open_intervals() -> None:
    def old(tag: str) -> WheelMetadata:
        return read(tag, "numpy>=1.13.3")

    def new(tag: str) -> WheelMetadata:
        return read(tag, "numpy>=1.17.3")

    readings = [
        *(old(f"cp{python}-cp{python}m-win_amd64") for python in (36, 37)),
        *(new(f"cp{python}-cp{python}-win_amd64") for python in (38, 39)),
    ]
    assert lines(*readings) == [
        'numpy>=1.13.3; python_version < "3.8"',
        'numpy>=1.17.3; python_version >= "3.8"',
    ]


def test_extra_s_requirement_is_confined_with_its_extra() -> None:
    one = read(LINUX, "foo; extra == 'gpu'", provides_extra=["gpu"])
    assert lines(one, read(WINDOWS)) == ['foo; extra == "gpu" and sys_platform == "linux"']


def test_extra_on_one_platform_and_always_on_another_are_one_line() -> None:
    one, other = read(LINUX, "foo; extra == 'gpu'", provides_extra=["gpu"]), read(WINDOWS, "foo")
    (line,) = lines(one, other)
    marker = Requirement(line).marker
    assert marker is not None
    assert set(str(marker).split(" or ")) == {'extra == "gpu"', 'sys_platform == "win32"'}


def test_url_requirement_with_a_marker_parses_back() -> None:
    url = "https://files.example/foo-1.0.zip"
    (line,) = lines(read(LINUX, f"foo @ {url}"), read(WINDOWS))
    requirement = Requirement(line)
    assert (requirement.name, requirement.url, str(requirement.marker)) == ("foo", url, 'sys_platform == "linux"')


def test_requirement_s_extras_are_kept() -> None:
    assert lines(read(LINUX, "foo[b,A]>=1"), read(WINDOWS)) == ['foo[a,b]>=1; sys_platform == "linux"']


# --- left out -----------------------------------------------------------------------------------------


def test_requirement_that_cannot_hold_on_its_own_wheel_s_platforms_is_left_out() -> None:
    linux = read(LINUX, "nvidia-nccl==2; sys_platform == 'linux'")
    windows = read(WINDOWS, "nvidia-nccl==1; sys_platform == 'linux'", "mkl; sys_platform == 'win32'")
    assert lines(linux, windows) == ["nvidia-nccl==2; sys_platform == 'linux'", "mkl; sys_platform == 'win32'"]


def test_requirement_that_only_python_interpreter_or_extra_rules_out_stays() -> None:
    kept = [
        "enum34; python_version < '3.4'",
        "greenlet; platform_python_implementation == 'Jython'",
        "tool; extra == 'x' and python_version < '3'",
    ]
    assert lines(read(LINUX, "foo", *kept), read(WINDOWS, *kept)) == ['foo; sys_platform == "linux"', *kept]


def test_left_out_lines_still_order() -> None:
    # "b" stands after "gone", and "gone" after "z": so "b" comes after "z".
    arm = read(ARM, "a", "z", "gone; sys_platform == 'win32'")
    linux = read(LINUX, "gone; sys_platform == 'win32'", "b")
    assert [Requirement(line).name for line in lines(arm, linux)] == ["a", "z", "b"]


# --- one line a requirement ---------------------------------------------------------------------------


def test_lines_of_one_requirement_are_joined_with_or() -> None:
    both = ["foo; python_full_version < '3.12.4'", "foo; python_full_version >= '3.12.6'"]
    assert lines(read(LINUX, *both), read(WINDOWS)) == [
        'foo; (python_full_version < "3.12.4" or python_full_version >= "3.12.6") and sys_platform == "linux"',
    ]


def test_each_requirement_has_one_line_and_its_own_extras_and_versions_another() -> None:
    readings = [read(LINUX, "foo>=1", "foo[x]>=1"), read(MACOS, "foo>=2"), read(WINDOWS, "foo>=1", "foo>=1")]
    keys = [
        (Requirement(line).name, Requirement(line).extras, Requirement(line).specifier) for line in lines(*readings)
    ]
    assert len(keys) == 3
    assert all(keys.count(key) == 1 for key in keys)


def test_part_of_a_marker_that_changes_nothing_is_dropped() -> None:
    own = "foo; sys_platform != 'win32'"
    assert lines(read(LINUX, own), read(MACOS), read(WINDOWS)) == ['foo; sys_platform == "linux"']


# --- lines of one project -----------------------------------------------------------------------------


def overlaps(texts: list[str]) -> list[dict[str, str]]:
    """The environments, served or not, in which two of the lines hold at once."""
    systems = [("posix", "linux", "Linux"), ("posix", "darwin", "Darwin"), ("nt", "win32", "Windows")]
    names = [("CPython", "cpython"), ("PyPy", "pypy")]
    machines = ["x86_64", "aarch64", "arm64", "AMD64", "s390x"]
    found = []
    for (os_name, platform, system), machine, minor, (implementation, name) in product(
        systems, machines, range(6, 17), names
    ):
        environment = {
            "os_name": os_name,
            "sys_platform": platform,
            "platform_system": system,
            "platform_machine": machine,
            "platform_release": "1",
            "platform_version": "1",
            "platform_python_implementation": implementation,
            "implementation_name": name,
            "implementation_version": f"3.{minor}.0",
            "python_version": f"3.{minor}",
            "python_full_version": f"3.{minor}.0",
            "extra": "",
        }
        markers = [Requirement(text).marker or Marker("os_name != ''") for text in texts]
        if sum(marker.evaluate(dict(environment)) for marker in markers) > 1:
            found.append(environment)
    return found


@pytest.mark.parametrize(
    "asked",
    [
        {LINUX: "foo==1", WINDOWS: "foo==2"},
        {LINUX: "foo==1", ARM: "foo==2", WINDOWS: "foo==2"},
        {LINUX: "foo==1", ARM: "foo==2", WINDOWS: "foo==3", MACOS: "foo==2"},
        {LINUX: "foo==1; sys_platform == 'linux'", ARM: "foo==2", WINDOWS: "foo==2"},
        {"cp39-cp39-win_amd64": "foo==1", "cp310-cp310-win_amd64": "foo==2", "cp312-cp312-win_amd64": "foo==1"},
        {"cp39-cp39-win_amd64": "foo==1", "cp310-cp310-macosx_11_0_arm64": "foo==2"},
        {"pp310-pypy310_pp73-win_amd64": "foo==1", "cp310-cp310-win_amd64": "foo==2"},
        {LINUX: "foo==1; platform_machine == 'x86_64'", WINDOWS: "foo==2; os_name == 'nt'", MACOS: "foo==3"},
    ],
    ids=str,
)
def test_lines_of_one_project_do_not_overlap_even_where_no_wheel_serves(asked: dict[str, str]) -> None:
    texts = lines(*(read(tag, line) for tag, line in asked.items()))
    assert len(texts) == len({line.split(";")[0] for line in asked.values()})
    assert overlaps(texts) == []


def test_lines_that_one_wheel_asks_for_together_may_overlap() -> None:
    both = ["foo>=1", "foo[x]>=1"]
    assert lines(read(LINUX, *both, "bar"), read(WINDOWS, *both)) == [*both, 'bar; sys_platform == "linux"']


# --- order and bytes ----------------------------------------------------------------------------------


def test_new_line_comes_after_its_nearest_predecessor() -> None:
    arm, linux = read(ARM, "a", "b", "c"), read(LINUX, "a", "new", "b", "c")
    assert [Requirement(line).name for line in lines(arm, linux)] == ["a", "new", "b", "c"]


def test_new_first_line_comes_before_its_successor_and_a_lonely_one_last() -> None:
    arm, linux, windows = read(ARM, "a", "b"), read(LINUX, "first", "b"), read(WINDOWS, "alone")
    assert [Requirement(line).name for line in lines(arm, linux, windows)] == ["a", "first", "b", "alone"]


def test_readings_in_any_order_give_the_same_override() -> None:
    readings = [
        read(LINUX, "foo", "bar; extra == 'x'", "n==1", provides_extra=["x", "y"]),
        read(ARM, "bar; extra == 'x'", "foo>=2", "n==1", provides_extra=["y"]),
        read(MACOS, "baz", "foo", "n==2; python_version >= '3.9'"),
        read(WINDOWS, "foo>=2", "baz", "n==3"),
        read("py3-none-any", "pure"),
    ]
    expected = audit(*readings)
    for seed in range(4):
        random.Random(seed).shuffle(readings)
        assert audit(*readings) == expected


# --- the other keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (">=3.8", ">=3.8", ">=3.8"),
        (">=3.8.0", ">=3.8.0", ">=3.8.0"),
        (">=3.8", ">=3.9", ">=3.8"),
        (">=3.10", ">=3.9", ">=3.9"),
        (">=3.9.0", ">=3.10", ">=3.9.0"),
        (">=3.9,!=3.9.1", ">=3.10", ">=3.9"),
        (">=3.9,<4", ">=3.9,<4", ">=3.9,<4"),
        (">=3.9", None, None),
        (None, None, None),
        (">=3.9", "<4", None),
        (">=3.9", "nonsense", None),
        (">=3.9", "===foo", None),
    ],
)
def test_requires_python_is_the_lowest_bound(one: str | None, other: str | None, expected: str | None) -> None:
    found = override(read(LINUX, "foo", requires_python=one), read(WINDOWS, requires_python=other))
    assert found.requires_python == expected


def test_extras_are_the_union_in_the_merged_order() -> None:
    one = read(LINUX, "foo; extra == 'b'", provides_extra=["B_b", "c"])
    other = read(WINDOWS, provides_extra=["a", "c", "d"])
    assert override(one, other).provides_extras == ("b-b", "a", "c", "d")


def test_override_is_of_the_exact_version() -> None:
    readings = [
        build_reading("My_Thing-1.0+cu126-cp312-cp312-win_amd64.whl", ["foo"]),
        build_reading("My_Thing-1.0+cu126-cp312-cp312-macosx_11_0_arm64.whl"),
    ]
    found = override(*readings)
    assert (found.name, str(found.version)) == ("my-thing", "1.0+cu126")


# --- what no marker can separate ----------------------------------------------------------------------


def test_requirement_that_any_of_tied_wheels_asks_for_is_kept_and_the_deviation_listed() -> None:
    result = audit(read(LINUX, "foo"), read(MUSL), read(WINDOWS))
    assert result.override is not None
    assert result.override.requires_dist == ('foo; sys_platform == "linux"',)
    assert result.proof is not None
    (deviation,) = result.proof.deviations
    assert (deviation.environments, deviation.missing, deviation.unwanted) == (
        "linux x86_64, CPython 3.12",
        (),
        ("foo",),
    )
    (finding,) = [finding for finding in result.findings if finding.id == "WA106"]
    assert finding.requirements == ("foo",)


def test_free_threaded_build_cannot_be_told_from_the_usual_one() -> None:
    usual, threaded = (f"cp313-{abi}-win_amd64" for abi in ("cp313", "cp313t"))
    result = audit(read(usual, "foo==1", "bar"), read(threaded, "foo==1"))
    assert result.override is not None
    assert result.override.requires_dist == ("foo==1", "bar")
    assert result.proof is not None
    assert [each.unwanted for each in result.proof.deviations] == [("bar",)]


def test_two_versions_that_would_be_needed_at_once_forbid_an_override() -> None:
    result = audit(read(LINUX, "foo==1"), read(MUSL, "foo==2"))
    assert (result.verdict, result.override, result.proof) == ("inconsistent", None, None)
    assert result.no_override == (
        "There is no override: foo==1 and foo==2 would both be needed in one environment, and no version is both."
    )
    assert "WA106" in {finding.id for finding in result.findings}


def test_versions_that_one_version_meets_do_not_forbid_an_override() -> None:
    result = audit(read(LINUX, "foo>=1"), read(MUSL, "foo>=2"))
    assert result.override is not None
    assert [text.split(";")[0] for text in result.override.requires_dist] == ["foo>=1", "foo>=2"]
    assert result.proof is not None
    assert {(each.missing, each.unwanted) for each in result.proof.deviations} == {((), ("foo>=1",)), ((), ("foo>=2",))}


def test_versions_of_one_wheel_are_its_own_affair() -> None:
    result = audit(read(LINUX, "foo==1", "foo==2"), read(MUSL, "foo==1", "foo==2"), read(WINDOWS))
    assert result.override is not None
    assert len(result.override.requires_dist) == 2


# --- plain --------------------------------------------------------------------------------------------


def test_plain_union_confines_nothing_and_leaves_nothing_out() -> None:
    linux, windows = read(LINUX, "foo (==1)", "bar"), read(WINDOWS, "foo==1", "baz; sys_platform == 'linux'")
    result = audit(linux, windows, union="plain")
    assert result.override is not None
    assert result.override.requires_dist == ("foo (==1)", "baz; sys_platform == 'linux'", "bar")
    assert result.proof is not None
    assert {each.unwanted for each in result.proof.deviations} == {("bar",), ("baz",)}


def test_plain_union_of_two_versions_is_shown_with_its_deviations() -> None:
    result = audit(read(LINUX, "foo==1"), read(WINDOWS, "foo==2"), union="plain")
    assert result.override is not None
    assert result.override.requires_dist == ("foo==1", "foo==2")
    assert result.proof is not None
    assert len(result.proof.deviations) == 2


def test_line_that_would_be_too_long_to_be_read_leaves_no_override() -> None:
    def build_line(letter: str) -> str:
        return "foo; " + " or ".join(f"platform_version == '{letter}{number:03}{'y' * 40}'" for number in range(100))

    result = audit(read(LINUX, build_line("a")), read(WINDOWS, build_line("b")))
    assert (result.verdict, result.override, result.proof) == ("inconsistent", None, None)
    assert "foo would need has more than" in (result.no_override or "")
