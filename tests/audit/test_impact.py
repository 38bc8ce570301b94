"""What a lock loses and gains, the matrix of it, and which platforms have a wheel at all."""

from __future__ import annotations

from typing import Any

from packaging.specifiers import SpecifierSet

from tests.releases import build_reading, build_release, build_wheel
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit
from wheelaudit.errors import MetadataUnreadableError
from wheelaudit.metadata import Reading, UnreadableWheel

LINUX = "cp312-cp312-manylinux_2_28_x86_64"
ARM = "cp312-cp312-manylinux_2_28_aarch64"
MACOS = "cp312-cp312-macosx_11_0_arm64"
WINDOWS = "cp312-cp312-win_amd64"


def read(tag: str, *lines: str, **fields: Any) -> Reading:
    return build_reading(f"thing-1.0-{tag}.whl", lines, **fields)


def unread(tag: str) -> UnreadableWheel:
    wheel = build_wheel(f"thing-1.0-{tag}.whl")
    return UnreadableWheel(wheel=wheel, error=MetadataUnreadableError(f"{wheel.url} could not be read."))


def audit(*readings: Reading, requires_python: str | None = None) -> Audit:
    bound = None if requires_python is None else SpecifierSet(requires_python)
    return audit_release(build_release(readings), readings, requires_python=bound)


def impact(*readings: Reading, requires_python: str | None = None) -> dict[str, tuple[list[str], list[str]]]:
    found = audit(*readings, requires_python=requires_python).impact
    return {each.environments: (list(each.lost), list(each.gained)) for each in found}


def coverage(*tags: str, requires_python: str | None = None) -> dict[str, tuple[str, ...]]:
    readings = [read(tag, requires_python=requires_python) for tag in tags]
    return {row.platform: row.pythons for row in audit(*readings).coverage}


# --- impact -------------------------------------------------------------------------------------------


def test_lock_of_a_consistent_release_loses_and_gains_nothing() -> None:
    assert impact(read(LINUX, "foo"), read(WINDOWS, "foo")) == {}


def test_requirements_that_the_wheel_read_lacks_are_lost_where_they_are_needed() -> None:
    # By file name aarch64 comes first: that is the wheel uv reads.
    found = impact(read(ARM, "foo"), read(LINUX, "foo", "nccl", "triton"), read(WINDOWS, "foo"))
    assert found == {"linux x86_64, CPython 3.12": (["nccl", "triton"], [])}


def test_requirements_of_the_wheel_read_are_gained_where_nobody_needs_them() -> None:
    found = impact(read(ARM, "foo", "extra-thing"), read(LINUX, "foo"), read(WINDOWS, "foo"))
    assert found == {"linux x86_64 and windows AMD64, CPython 3.12": ([], ["extra-thing"])}


def test_other_version_is_lost_and_gained() -> None:
    assert impact(read(ARM, "foo==1"), read(LINUX, "foo==2")) == {
        "linux x86_64, CPython 3.12": (["foo==2"], ["foo==1"])
    }


def test_marker_of_the_wheel_read_keeps_a_requirement_from_leaking() -> None:
    assert impact(read(ARM, "foo; platform_machine == 'aarch64'"), read(LINUX)) == {}


def test_environments_that_lose_alike_are_one_set() -> None:
    pythons = ("cp310", "cp311", "cp312")
    arm = [read(f"{python}-{python}-manylinux_2_28_aarch64") for python in pythons]
    linux = [read(f"{python}-{python}-manylinux_2_28_x86_64", "nccl") for python in pythons]
    windows = read("cp311-cp311-win_amd64", "mkl")
    assert impact(*arm, *linux, windows) == {
        "linux x86_64, CPython 3.10-3.12": (["nccl"], []),
        "windows AMD64, CPython 3.11": (["mkl"], []),
    }


def test_impact_is_limited_to_the_project_s_requires_python() -> None:
    readings = [
        read("cp310-cp310-manylinux_2_28_x86_64", "old"),
        read("cp311-cp311-manylinux_2_28_x86_64", "old"),
        read("cp312-cp312-manylinux_2_28_x86_64", "new"),
    ]
    assert impact(*readings) == {"linux x86_64, CPython 3.12": (["new"], ["old"])}
    assert impact(*readings, requires_python="<3.12") == {}
    assert impact(*readings, requires_python=">=3.11") == {"linux x86_64, CPython 3.12": (["new"], ["old"])}


def test_requirement_of_an_extra_is_named_with_its_extra() -> None:
    found = impact(read(ARM), read(LINUX, "cupy; extra == 'gpu'", provides_extra=["gpu"]))
    assert found == {"linux x86_64, CPython 3.12": (['cupy; extra == "gpu"'], [])}


def test_requirement_that_an_extra_does_not_change_is_named_once() -> None:
    found = impact(read(ARM, provides_extra=["gpu"]), read(LINUX, "foo", provides_extra=["gpu"]))
    assert found == {"linux x86_64, CPython 3.12": (["foo"], [])}


def test_nothing_is_said_of_environments_whose_best_wheel_is_unread() -> None:
    assert impact(read(ARM, "foo"), read(LINUX), unread(WINDOWS)) == {"linux x86_64, CPython 3.12": ([], ["foo"])}


def test_nothing_is_said_where_the_wheel_read_is_unread() -> None:
    assert impact(unread(ARM), read(LINUX, "foo"), read(WINDOWS)) == {}


def test_nothing_is_said_where_uv_finds_no_wheel() -> None:
    result = audit(read(LINUX, "foo"), read(WINDOWS), requires_python=">=3.13")
    assert result.reads_uv is None
    assert result.impact == ()


# --- matrix -------------------------------------------------------------------------------------------


def matrix(*readings: Reading) -> dict[str, dict[str, str]]:
    found = audit(*readings).matrix
    return {name: dict(zip(found.columns, states, strict=True)) for name, states in found.rows}


def test_matrix_of_a_consistent_release_is_empty() -> None:
    found = audit(read(LINUX, "foo"), read(WINDOWS, "foo")).matrix
    assert (found.columns, found.rows) == ((), ())


def test_matrix_shows_only_what_differs() -> None:
    assert matrix(read(ARM, "foo", "a"), read(LINUX, "foo", "b"), read(WINDOWS, "foo", "a", "b")) == {
        "a": {
            "linux aarch64, CPython 3.12": "same",
            "linux x86_64, CPython 3.12": "gained",
            "windows AMD64, CPython 3.12": "same",
        },
        "b": {
            "linux aarch64, CPython 3.12": "absent",
            "linux x86_64, CPython 3.12": "lost",
            "windows AMD64, CPython 3.12": "lost",
        },
    }


def test_matrix_is_unknown_where_the_best_wheel_is_unread() -> None:
    found = matrix(read(ARM, "foo"), read(LINUX), unread(WINDOWS))
    assert found["foo"]["windows AMD64, CPython 3.12"] == "unknown"


def test_matrix_says_what_is_needed_where_the_wheel_read_is_unread() -> None:
    assert matrix(unread(ARM), read(LINUX, "foo"), read(WINDOWS)) == {
        "foo": {
            "linux aarch64, CPython 3.12": "unknown",
            "linux x86_64, CPython 3.12": "needed",
            "windows AMD64, CPython 3.12": "absent",
        }
    }


def test_extra_has_a_row_of_its_own_where_it_changes_something() -> None:
    rows = matrix(read(ARM), read(LINUX, "foo; extra == 'gpu'", "bar", provides_extra=["gpu"]))
    assert list(rows) == ['foo; extra == "gpu"', "bar"]


# --- coverage -----------------------------------------------------------------------------------------


def test_platforms_and_their_pythons_are_listed() -> None:
    assert coverage(LINUX, "cp311-cp311-manylinux_2_28_x86_64", WINDOWS) == {
        "linux x86_64": ("3.11", "3.12"),
        "windows AMD64": ("3.12",),
    }


def test_musl_has_a_row_only_where_a_wheel_was_built_for_it() -> None:
    assert "linux x86_64 (musl)" in coverage(LINUX, "cp312-cp312-musllinux_1_2_x86_64")
    assert "linux x86_64 (musl)" not in coverage("cp312-cp312-linux_x86_64")


def test_wheels_for_any_platform_are_one_row() -> None:
    found = coverage(WINDOWS, "py3-none-any", requires_python=">=3.12")
    assert found == {
        "any": ("3.12", "3.13", "3.13t", "3.14+", "3.14t+", "pypy3.12", "pypy3.13", "pypy3.14+"),
        "windows AMD64": ("3.12",),
    }


def test_newest_python_of_a_floor_is_open() -> None:
    assert coverage("cp39-abi3-win_amd64") == {"windows AMD64": ("3.9", "3.10+")}
    assert coverage("py39-none-win_amd64") == {"windows AMD64": ("3.9", "3.10+", "pypy3.9", "pypy3.10+")}


def test_exact_wheels_are_not_open() -> None:
    assert coverage(WINDOWS) == {"windows AMD64": ("3.12",)}


def test_free_threaded_build_and_pypy_are_named() -> None:
    tags = ["cp313-cp313-win_amd64", "cp313-cp313t-win_amd64", "pp310-pypy310_pp73-win_amd64"]
    assert coverage(*tags) == {"windows AMD64": ("3.13", "3.13t", "pypy3.10")}


def test_unread_wheel_covers_its_platform() -> None:
    assert [row.platform for row in audit(read(LINUX), unread(WINDOWS)).coverage] == ["linux x86_64", "windows AMD64"]
