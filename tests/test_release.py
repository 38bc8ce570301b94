"""The names of wheels: what is one, and their order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.utils import InvalidWheelFilename

from tests.releases import build_reading, build_wheel
from tests.report.examples import audit_readings
from wheelaudit.release import parse_wheel_name, wheel_order


@pytest.mark.parametrize(
    "name",
    [
        *("a-1-py3-none-linux'.whl", 'a-1-py3-none-l"x.whl', "a-1-py3-none-l\\x41.whl", "a-1-py3-none-l x.whl"),
        *("a-1-py3-none-é.whl", "a-1-py3-none-\u202e.whl", "a-1-py3-none-\ud800.whl", "a-1-py3-none-a\0b.whl"),
        *("a-1-py3-n'e-any.whl", "a-1-p'y3-none-any.whl", "a-1-1'-py3-none-any.whl", "a-1-1\ud800-py3-none-any.whl"),
        "a-1-py3-none-linux\n.whl",
    ],
)
def test_tag_of_anything_but_letters_digits_dots_and_underscores_is_refused(name: str) -> None:
    # `packaging` takes them; an unknown platform tag becomes the literal of a marker.
    with pytest.raises(InvalidWheelFilename):
        parse_wheel_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("a-1-1abc-py3-none-any.whl", "a_b-1!2.0+local.1-cp310.cp311-abi3.none-manylinux_2_28_x86_64.win32.whl"),
        "é-1-py3-none-freebsd_14_0_release_amd64.whl",
    ],
)
def test_usual_and_unusual_names_are_taken(name: str) -> None:
    assert parse_wheel_name(name)[3]


def test_unknown_platform_tag_is_judged_as_a_platform_of_its_own() -> None:
    readings = [build_reading(f"a-1-py3-none-{tag}.whl", [tag]) for tag in ("odd_tag_1", "win_amd64")]
    override = audit_readings(readings).override
    assert override is not None
    assert override.requires_dist == ('odd-tag-1; sys_platform == "odd"', 'win-amd64; sys_platform == "win32"')


def test_name_with_a_lone_surrogate_is_sorted_like_any_other() -> None:
    # No name that is parsed holds one, but what is sorted need not have been.
    wheel = build_wheel("a-1-py3-none-any.whl")
    odd = replace(wheel, filename="a-1-\ud800.whl")
    assert sorted([odd, wheel], key=wheel_order) == [wheel, odd]
