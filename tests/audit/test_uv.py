"""The rule by which uv chooses a wheel, in small; tests/uv holds it against the real uv."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from tests.releases import build_wheel
from wheelaudit.audit.uv import Minor, find_bounds, find_wheel_read


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("", (None, None)),
        (">=3.10", ((3, 10), None)),
        (">3.10", ((3, 10), None)),
        ("<3.13", (None, (3, 12))),
        ("<3.13.0", (None, (3, 12))),
        ("<3.13.1", (None, (3, 13))),
        ("<=3.12", (None, (3, 12))),
        ("<4", (None, (3, 99))),
        (">=3.9,>=3.10,<3.14,<3.13", ((3, 10), (3, 12))),
        ("==3.11.*", ((3, 11), (3, 11))),
        ("==3.*", ((3, 0), (3, 99))),
        ("~=3.10", ((3, 10), (3, 99))),
        ("~=3.10.2", ((3, 10), (3, 10))),
        (">=3.9,!=3.9.*,!=3.10.*,<3.13,!=3.12.*", ((3, 11), (3, 11))),
        (">=3.9,!=3.9.1,!=3.11.*", ((3, 9), None)),
        ("===nonsense", (None, None)),
        (f">=3.9,<{'9' * 5000}", ((3, 9), None)),
    ],
)
def test_bounds_of_a_project(bound: str, expected: tuple[Minor | None, Minor | None]) -> None:
    assert find_bounds(SpecifierSet(bound)) == expected


def test_file_name_decides_bytewise() -> None:
    names = ["thing-1.0-cp39-cp39-win_amd64.whl", "thing-1.0-cp310-cp310-manylinux_2_28_x86_64.whl"]
    read = find_wheel_read([build_wheel(name) for name in names], requires_python=None)
    assert read == build_wheel(names[1])


def test_highest_build_tag_comes_first_and_is_a_number() -> None:
    names = [f"thing-1.0{build}-py3-none-any.whl" for build in ("", "-2", "-10")]
    assert find_wheel_read([build_wheel(name) for name in names], requires_python=None) == build_wheel(names[2])


def test_no_wheel_is_read_where_none_is_left() -> None:
    old = build_wheel("thing-1.0-cp39-cp39-win_amd64.whl")
    assert find_wheel_read([], requires_python=None) is None
    assert find_wheel_read([old], requires_python=SpecifierSet(">=3.10")) is None
    assert find_wheel_read([old], requires_python=SpecifierSet(">=3.9")) == old
