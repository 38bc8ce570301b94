"""What an index, a wheel or a file may ask for is bounded before it is multiplied out, and nothing real is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name

from tests.releases import CONSISTENT, INCONSISTENT, load_release
from wheelaudit import grid
from wheelaudit.audit import groups, universe
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.groups import build_bounded_scene, build_scene
from wheelaudit.audit.merging import merge_orders
from wheelaudit.audit.points import Points
from wheelaudit.audit.values import Audit
from wheelaudit.errors import InvalidMetadataError, ReleaseTooLargeError
from wheelaudit.markers import evaluate, parse_expression
from wheelaudit.metadata import (
    MAX_BOUND_CHARACTERS,
    MAX_HEADER_BYTES,
    MAX_LINES,
    MAX_REQUIREMENT_CHARACTERS,
    Reading,
    UnreadableWheel,
    WheelMetadata,
    parse_metadata,
    parse_requirement_line,
    parse_requires_python,
)
from wheelaudit.release import MAX_TAGS, Release, WheelFile, parse_wheel_name, wheel_order

HEAD = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
WINDOWS, LINUX = "demo-1.0-cp312-cp312-win_amd64.whl", "demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
PURE = "demo-1.0-py3-none-any.whl"


def build_reading(filename: str, *lines: str) -> WheelMetadata:
    project, version, build, tags = parse_wheel_name(filename)
    wheel = WheelFile(
        filename=filename,
        url=f"https://files.example/{filename}",
        index="example",
        project=project,
        version=version,
        build=build,
        tags=tags,
    )
    core = parse_metadata((HEAD + "".join(f"{line}\n" for line in lines) + "\n").encode())
    return WheelMetadata(wheel=wheel, core=core, sha256="0" * 64, source="pep658")


def audit(*readings: Reading) -> Audit:
    wheels = tuple(sorted((reading.wheel for reading in readings), key=wheel_order))
    return audit_release(Release(project=wheels[0].project, version=wheels[0].version, wheels=wheels), readings)


# --- names -------------------------------------------------------------------------------------------


def test_tag_sets_are_counted_before_they_multiply() -> None:
    tags = "-".join(".".join(f"{letter}{number}" for number in range(200)) for letter in "abc")
    with pytest.raises(InvalidWheelFilename, match="tags come to more than"):
        parse_wheel_name(f"demo-1.0-{tags[:900]}.whl")


def test_wheel_of_as_many_tags_as_are_allowed_is_read() -> None:
    pythons, abis = (".".join(f"{letter}{number}" for number in range(16)) for letter in "ab")
    assert len(parse_wheel_name(f"demo-1.0-{pythons}-{abis}-any.win32.whl")[3]) == MAX_TAGS
    with pytest.raises(InvalidWheelFilename):
        parse_wheel_name(f"demo-1.0-{pythons}-{abis}-any.win32.win_amd64.whl")


def test_name_of_kilobytes_is_no_wheel() -> None:
    with pytest.raises(InvalidWheelFilename, match="characters"):
        parse_wheel_name(f"demo-1.0-cp312-cp312-{'x' * 65_000}.whl")


# --- metadata ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "marker",
    [
        " or ".join(f"python_version == '3.{number}'" for number in range(10_000)),
        "(" * 100_000 + "os_name == 'a'" + ")" * 100_000,
        f"os_name == '{'x' * 1_000_000}'",
    ],
    ids=["10,000 terms", "parentheses", "a long value"],
)
def test_requirement_that_is_too_long_is_not_understood_and_the_others_are(marker: str) -> None:
    core = parse_metadata(f"{HEAD}Requires-Dist: a; {marker}\nRequires-Dist: b\n\n".encode())
    assert [line.text for line in core.requires_dist] == ["b"]
    assert core.unparsed == (f"a; {marker}",)


def test_longest_requirement_that_is_understood_is_far_above_any_real_one() -> None:
    longest = max(
        len(line.text)
        for name in (*CONSISTENT, *INCONSISTENT)
        for reading in load_release(name)[1]
        if isinstance(reading, WheelMetadata)
        for line in reading.core.requires_dist
    )
    assert longest * 10 < MAX_REQUIREMENT_CHARACTERS
    marker = " or ".join(["os_name == 'nt'"] * 100)
    assert parse_requirement_line(f"a; {marker}").bare == "a"


def test_requirement_that_is_none_is_shown_in_part() -> None:
    done = audit(build_reading(WINDOWS, f"Requires-Dist: b; {'(' * 100_000}"), build_reading(LINUX))
    messages = [finding.message for finding in done.findings if finding.id == "WA206"]
    assert done.verdict == "undecided"
    assert len(messages) == 1
    assert "(100003 characters)" in messages[0]
    assert len(messages[0]) < 1000


@pytest.mark.parametrize("header", ["Requires-Dist", "Provides-Extra"])
def test_metadata_of_too_many_lines_is_unreadable(header: str) -> None:
    lines = "".join(f"{header}: a{number}\n" for number in range(MAX_LINES + 1))
    with pytest.raises(InvalidMetadataError, match=f"more than {MAX_LINES} {header}"):
        parse_metadata(f"{HEAD}{lines}\n".encode())


def test_header_of_metadata_is_bounded_and_its_description_is_not() -> None:
    filler = b"x" * MAX_HEADER_BYTES
    assert parse_metadata(HEAD.encode() + b"\n" + filler).name == "demo"
    with pytest.raises(InvalidMetadataError, match="MiB"):
        parse_metadata(HEAD.encode() + b"Summary: " + filler + b"\n\n")


def test_bound_of_kilobytes_is_no_specifier() -> None:
    assert parse_requires_python(",".join(f"!=3.{number}" for number in range(MAX_BOUND_CHARACTERS))) is None
    assert parse_requires_python(">=3.9,!=3.9.7,<4") is not None


# --- the grid ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        [
            f"Requires-Dist: b{n}; platform_release == '{n}' and python_full_version == '3.{n % 9}.{n}'"
            for n in range(200)
        ],
        [f"Requires-Dist: b{n}; platform_machine == 'm{n}'" for n in range(4_000)],
        [f"Requires-Dist: b{n}; python_version == '3.{n}'" for n in range(4_000)],
        [f"Provides-Extra: e{n}\nRequires-Dist: b{n}; extra == 'e{n}'" for n in range(5_000)],
    ],
    ids=["kernels by Pythons", "machines", "Pythons", "extras"],
)
def test_release_that_tells_too_much_apart_is_undecided_and_says_why(lines: list[str]) -> None:
    done = audit(build_reading(PURE, *lines))
    assert done.verdict == "undecided"
    assert done.override is None
    assert [finding.id for finding in done.findings] == ["WA206"]
    assert "are not compared" in done.findings[0].message
    assert all(isinstance(reading, UnreadableWheel) for reading in done.readings)


def test_release_whose_tags_alone_are_too_many_cannot_be_audited() -> None:
    readings = [
        build_reading(f"demo-1.0-{n}-cp312-cp312-{'.'.join(f'p{n}x{tag}' for tag in range(50))}.whl") for n in range(50)
    ]
    with pytest.raises(ReleaseTooLargeError, match="platforms apart"):
        audit(*readings)


def test_wheels_that_differ_in_too_much_are_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = [build_reading(WINDOWS, "Requires-Dist: a"), build_reading(LINUX, "Requires-Dist: b")]
    assert audit(*readings).verdict == "inconsistent"
    monkeypatch.setattr(groups, "MAX_COMPARED", 3)
    done = audit(*readings)
    assert done.verdict == "undecided"
    assert "differ in 2 requirements" in done.findings[0].message


def test_wheels_that_agree_are_consistent_however_many_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MAX_COMPARED", 0)
    assert audit(build_reading(WINDOWS, "Requires-Dist: a"), build_reading(LINUX, "Requires-Dist: a")).verdict == (
        "consistent"
    )


def test_override_that_would_be_too_much_is_none_and_the_verdict_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(universe, "MAX_FREE", 1)
    done = audit(build_reading(WINDOWS, "Requires-Dist: a"), build_reading(LINUX, "Requires-Dist: b"))
    assert done.verdict == "inconsistent"
    assert done.override is None
    assert done.no_override is not None
    assert "combinations of platform and Python" in done.no_override


def test_proof_that_would_be_too_much_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelaudit.audit.proof.MAX_EVALUATIONS", 1)
    done = audit(build_reading(WINDOWS, "Requires-Dist: a"), build_reading(LINUX, "Requires-Dist: b"))
    assert (done.verdict, done.override, done.proof) == ("inconsistent", None, None)


def test_search_for_plain_markers_may_come_to_its_end_and_the_override_is_still_faithful(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wheelaudit.audit.separators.MAX_STEPS_IN_ALL", 0)
    release, readings = load_release("tensorflow-2.14.0")
    done = audit_release(release, readings)
    assert done.override is not None
    assert done.proof is not None
    assert done.proof.deviations == ()


@pytest.mark.parametrize("name", [*CONSISTENT, *INCONSISTENT])
def test_real_releases_stay_a_hundred_times_below_the_limits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, readings = load_release(name)
    wanted = build_scene(readings)
    for module, limit in (
        (grid, "MAX_ENVIRONMENTS"),
        (groups, "MAX_MASK_BYTES"),
        (groups, "MAX_ANSWERS"),
        (groups, "MAX_COMPARED"),
    ):
        monkeypatch.setattr(module, limit, getattr(module, limit) // 100)
    assert build_bounded_scene(readings).unread == wanted.unread
    assert groups.judge_bounded(wanted)[0] is wanted


def test_markers_that_name_fifteen_kernels_are_compared() -> None:
    lines = [f"Requires-Dist: b{n}==12; platform_release >= '{9 + n % 16}.0'" for n in range(60)]
    assert audit(build_reading(PURE, "Requires-Python: >=3.10", *lines)).verdict == "consistent"


# --- what was made quick means what it meant ----------------------------------------------------------

EXTRAS = tuple(map(canonicalize_name, ("x", "y-z", "w")))
MARKERS = (
    "extra == 'x'",
    "extra != 'x'",
    "extra == 'Y.z'",
    "'w' == extra",
    "extra == 'other'",
    "extra != 'other'",
    "os_name == 'nt' or extra == 'y_z'",
    "python_version >= '3.10' and extra != 'w'",
    "os_name == 'posix'",
)


@given(
    marker=st.sampled_from(MARKERS),
    versions=st.lists(
        st.tuples(st.sampled_from(["nt", "posix"]), st.sampled_from(["3.9", "3.10", "3.11"])), max_size=6
    ),
    extras=st.permutations(EXTRAS).flatmap(lambda each: st.integers(0, 3).map(lambda count: each[:count])),
)
def test_points_where_a_marker_holds_are_those_where_it_evaluates_true(
    marker: str, versions: list[tuple[str, str]], extras: Sequence[NormalizedName]
) -> None:
    assignments = [{"os_name": system, "python_version": version} for system, version in versions]
    points = Points(assignments, extras)
    expression = parse_expression(marker)
    wanted = [
        (number, extra)
        for number, variables in enumerate(assignments)
        for extra in (None, *extras)
        if evaluate(expression, {**variables, "extra": extra or ""})
    ]
    mask = points.holds(expression)
    assert list(points.split(mask)) == wanted
    assert mask & ~points.full == 0


@given(count=st.integers(0, 40), width=st.integers(0, 5), chosen=st.sets(st.integers(0, 39)))
def test_points_of_assignments_are_those_of_each(count: int, width: int, chosen: set[int]) -> None:
    points = Points([{}] * count, [NormalizedName(f"e{number}") for number in range(width)])
    wanted = 0
    for number in chosen & set(range(count)):
        wanted |= points.at(number)
    assert points.where(chosen & set(range(count))) == wanted
    assert points.where(range(count)) == points.full


def _merge_by_lists(sequences: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Merge as it was first written: with searches in a list."""
    merged: list[int] = []
    for sequence in dict.fromkeys(tuple(dict.fromkeys(sequence)) for sequence in sequences):
        for number, line in enumerate(sequence):
            if line in merged:
                continue
            if number:
                merged.insert(merged.index(sequence[number - 1]) + 1, line)
            else:
                successor = next((other for other in sequence[1:] if other in merged), None)
                merged.insert(len(merged) if successor is None else merged.index(successor), line)
    return tuple(merged)


@given(st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=6))
def test_orders_are_merged_as_by_insertion_into_a_list(sequences: list[list[int]]) -> None:
    assert merge_orders(sequences) == _merge_by_lists(sequences)
