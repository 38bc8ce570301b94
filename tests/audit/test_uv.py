"""The rule by which uv chooses a wheel, in small; tests/uv holds it against the real uv."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.specifiers import SpecifierSet

from tests.releases import build_wheel, load_release
from wheelaudit.audit.uv import Minor, explain_choice, find_bounds, find_wheel_read


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


TORCH, _ = load_release("torch-2.6.0+cu126")


def test_steps_lead_from_all_wheels_to_the_one_that_is_read() -> None:
    choice = explain_choice(TORCH.wheels, requires_python=SpecifierSet(">=3.11"), indexes=TORCH.indexes)
    assert choice.listed == TORCH.wheels
    assert choice.elsewhere == ()
    assert [each.wheel for each in choice.dropped] == [*TORCH.wheels[:3]]
    assert {each.reason for each in choice.dropped} == {"Python 3.10 is below the project's"}
    assert choice.admitted == choice.highest == TORCH.wheels[3:]
    assert choice.wheel == TORCH.wheels[3]
    assert choice.refused is None


def test_steps_are_in_the_order_of_file_names_whatever_the_page_s_is() -> None:
    bound = SpecifierSet(">=3.11")
    backwards = explain_choice(TORCH.wheels[::-1], requires_python=bound, indexes=TORCH.indexes)
    assert backwards == explain_choice(TORCH.wheels, requires_python=bound, indexes=TORCH.indexes)


def test_only_the_highest_build_tag_is_left() -> None:
    release, _ = load_release("torch-2.10.0")
    choice = explain_choice(release.wheels, requires_python=None, indexes=release.indexes)
    assert 0 < len(choice.highest) < len(choice.admitted)
    assert {wheel.build for wheel in choice.highest} == {max(wheel.build for wheel in release.wheels)}
    assert choice.wheel == choice.highest[0]


@pytest.mark.parametrize("bound", [None, "", ">=3.9", ">=3.11", ">=3.12,<3.13", "<3.11", ">=4", "==3.11.*"])
@pytest.mark.parametrize("release", ["torch-2.6.0+cu126", "torch-2.0.0", "numpy-2.2.0", "opencv-python-4.4.0.46"])
def test_every_wheel_is_in_one_place_at_each_step(release: str, bound: str | None) -> None:
    wheels = load_release(release)[0].wheels
    python = None if bound is None else SpecifierSet(bound)
    choice = explain_choice(wheels, requires_python=python)
    assert sorted([*choice.admitted, *(each.wheel for each in choice.dropped)], key=wheels.index) == [*choice.listed]
    assert set(choice.highest) <= set(choice.admitted)
    assert choice.wheel is find_wheel_read(wheels, requires_python=python)
    assert (choice.wheel is None) == (not choice.admitted or choice.refused is not None)


@pytest.mark.parametrize(
    ("filename", "bound", "reason"),
    [
        ("thing-1.0-cp39-cp39-win_amd64.whl", ">=3.10", "Python 3.9 is below the project's"),
        ("thing-1.0-cp313-cp313t-win_amd64.whl", "<3.13", "Python 3.13 is above the project's"),
        ("thing-1.0-py312-none-any.whl", "<3.12", "Python 3.12 is above the project's"),
        ("thing-1.0-py2-none-any.whl", "", "uv does not take the Python tag py2"),
        ("thing-1.0-cp27-cp27mu-linux_x86_64.whl", "", "Python 2.7 is Python 2"),
        ("thing-1.0-cp312-odd-win_amd64.whl", "", "uv does not know the ABI tag odd"),
        ("thing-1.0-ip27-none-any.whl", "", "uv does not know the Python tag ip27"),
        (
            "thing-1.0-cp38.cp39-none-any.whl",
            ">=3.10",
            "Python 3.8 is below the project's, Python 3.9 is below the project's",
        ),
    ],
)
def test_dropped_wheel_has_its_reason(filename: str, bound: str, reason: str) -> None:
    choice = explain_choice([build_wheel(filename)], requires_python=SpecifierSet(bound))
    assert [each.reason for each in choice.dropped] == [reason]
    assert (choice.wheel, choice.admitted) == (None, ())


def test_wheels_that_need_a_newer_python_than_the_bound_are_refused_all_the_same() -> None:
    wheel = build_wheel("thing-1.0-cp313-abi3-win_amd64.whl")
    choice = explain_choice([wheel], requires_python=SpecifierSet("<3.13"))
    assert (choice.admitted, choice.wheel) == ((wheel,), None)
    assert choice.refused == "all of them need a newer Python than <3.13 admits"


def test_other_indexes_are_not_looked_at() -> None:
    first = build_wheel("thing-1.0-cp312-cp312-win_amd64.whl", index="one")
    second = replace(build_wheel("thing-1.0-cp310-cp310-win_amd64.whl"), index="two")
    choice = explain_choice([second, first], requires_python=None, indexes=["one", "two"])
    assert (choice.index, choice.elsewhere, choice.wheel) == ("one", (second,), first)


def test_nothing_is_explained_as_nothing() -> None:
    choice = explain_choice([], requires_python=None)
    assert (choice.index, choice.listed, choice.highest, choice.wheel, choice.refused) == (None, (), (), None, None)
