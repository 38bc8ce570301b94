from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelaudit.audit import separators
from wheelaudit.audit.points import Mask, Points
from wheelaudit.audit.separators import InseparableError, find_plainest, plainness, tidy
from wheelaudit.markers import Comparison, comparisons, count_comparisons, parse_expression

PLATFORMS = [
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("darwin", "x86_64"),
    ("darwin", "arm64"),
    ("win32", "AMD64"),
    ("win32", "x86"),
]
SYSTEMS = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}
ORDER = ["sys_platform", "platform_machine", "python_version", "python_full_version", "platform_python_implementation"]


def assign(sys_platform: str, machine: str, full: str, implementation: str = "CPython") -> Mapping[str, str]:
    os_name, system = SYSTEMS[sys_platform]
    return {
        "os_name": os_name,
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
        "platform_release": "1",
        "platform_version": "1",
        "platform_python_implementation": implementation,
        "implementation_name": implementation.lower(),
        "implementation_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "python_full_version": full,
    }


GRID = Points(
    [
        assign(*platform, f"{python}.0", implementation)
        for platform, python, implementation in product(PLATFORMS, ("3.9", "3.10", "3.12"), ("CPython", "PyPy"))
    ],
    [],
)


def where(points: Points, wanted: Callable[[Mapping[str, str]], bool]) -> Mask:
    return points.where(number for number, assignment in enumerate(points.assignments) if wanted(assignment))


def find(wanted: Callable[[Mapping[str, str]], bool], *, points: Points = GRID) -> str:
    need = where(points, wanted)
    return str(find_plainest(points, need, points.full & ~need))


def test_always_is_the_plainest_where_nothing_is_shunned() -> None:
    assert find_plainest(GRID, GRID.full, 0) is None
    assert find_plainest(GRID, GRID.at(0), 0) is None


@pytest.mark.parametrize(
    "marker",
    [
        'sys_platform == "linux"',
        'sys_platform != "win32"',
        'python_version < "3.10"',
        'python_version >= "3.12"',
        'python_version == "3.10"',
        'python_version != "3.10"',
        'platform_machine == "aarch64"',
        'platform_python_implementation == "PyPy"',
        'sys_platform == "linux" and platform_machine == "x86_64"',
        'sys_platform == "linux" or platform_machine == "arm64"',
        'sys_platform == "linux" and python_version < "3.10"',
        'sys_platform == "linux" and platform_machine == "x86_64" and python_version >= "3.12"',
        'sys_platform == "win32" or (sys_platform == "darwin" and python_version == "3.10")',
    ],
)
def test_plain_marker_is_found_again(marker: str) -> None:
    need = GRID.holds(parse_expression(marker))
    assert str(find_plainest(GRID, need, GRID.full & ~need)) == marker


def test_equal_is_preferred_to_unequal_and_platform_to_machine() -> None:
    two = Points([assign("linux", "x86_64", "3.12.0"), assign("win32", "AMD64", "3.12.0")], [])
    assert find(lambda each: each["sys_platform"] == "linux", points=two) == 'sys_platform == "linux"'


def test_platform_is_preferred_to_python_and_python_to_implementation() -> None:
    corners = Points([assign("linux", "x86_64", "3.9.0"), assign("win32", "x86_64", "3.12.0", "PyPy")], [])
    assert find(lambda each: each["sys_platform"] == "linux", points=corners) == 'sys_platform == "linux"'
    pythons = Points([assign("linux", "x86_64", "3.9.0"), assign("linux", "x86_64", "3.12.0", "PyPy")], [])
    assert find(lambda each: each["python_version"] == "3.9", points=pythons) == 'python_version < "3.12"'


def test_interval_of_pythons_stays_open_at_its_ends() -> None:
    pythons = Points([assign("linux", "x86_64", f"3.{minor}.0") for minor in range(8, 14)], [])
    assert find(lambda each: each["python_version"] in ("3.12", "3.13"), points=pythons) == 'python_version >= "3.12"'
    assert find(lambda each: each["python_version"] in ("3.8", "3.9"), points=pythons) == 'python_version < "3.10"'
    assert find(lambda each: each["python_version"] == "3.13", points=pythons) == 'python_version >= "3.13"'
    middle = find(lambda each: each["python_version"] in ("3.10", "3.11"), points=pythons)
    assert middle == 'python_version >= "3.10" and python_version < "3.12"'


def test_versions_are_compared_as_versions() -> None:
    pythons = Points([assign("linux", "x86_64", f"3.{minor}.0") for minor in (9, 10)], [])
    assert find(lambda each: each["python_version"] == "3.10", points=pythons) == 'python_version >= "3.10"'


def test_patch_releases_are_named_only_where_a_minor_version_is_on_both_sides() -> None:
    pythons = Points([assign("linux", "x86_64", full) for full in ("3.11.0", "3.11.4", "3.12.0")], [])
    late = find(lambda each: each["python_full_version"] != "3.11.0", points=pythons)
    assert late == 'python_full_version >= "3.11.4"'
    assert find(lambda each: each["python_version"] == "3.12", points=pythons) == 'python_version >= "3.12"'


def test_free_points_make_a_marker_plainer() -> None:
    # No wheel for darwin: "not Windows" and "Linux" serve alike, and == comes before !=.
    need = where(GRID, lambda each: each["sys_platform"] == "linux")
    shun = where(GRID, lambda each: each["sys_platform"] == "win32" and each["platform_machine"] == "AMD64")
    assert str(find_plainest(GRID, need, shun)) == 'sys_platform == "linux"'


def test_points_to_avoid_are_left_out_where_a_marker_can() -> None:
    need = where(GRID, lambda each: each["sys_platform"] == "linux")
    shun = where(GRID, lambda each: each["sys_platform"] == "win32")
    avoid = where(GRID, lambda each: each["sys_platform"] == "darwin")
    assert str(find_plainest(GRID, need | avoid, shun)) == 'sys_platform != "win32"'
    assert str(find_plainest(GRID, need, shun, avoid=avoid)) == 'sys_platform == "linux"'


def test_point_to_avoid_that_looks_like_a_needed_one_may_be_in() -> None:
    twins = Points([dict(assign("linux", "x86_64", "3.12.0"), platform_release=text) for text in ("1", "2")], [])
    assert find_plainest(twins, twins.at(0), 0, avoid=twins.at(1)) is None


def test_points_that_differ_in_no_variable_cannot_be_separated() -> None:
    twins = Points([assign("linux", "x86_64", "3.12.0")] * 2, [])
    with pytest.raises(InseparableError):
        find_plainest(twins, twins.at(0), twins.at(1))


# --- against every formula there is -------------------------------------------------------------------


def all_comparisons(points: Points) -> Iterator[Comparison]:
    for name in ("sys_platform", "platform_machine", "platform_python_implementation", "python_version"):
        for value in sorted({each[name] for each in points.assignments}):
            operators = ("==", "!=", "<", "<=", ">", ">=") if name == "python_version" else ("==", "!=")
            yield from (Comparison(name, operator, value) for operator in operators)


def least_by_brute_force(points: Points, need: Mask, shun: Mask) -> tuple[int, tuple[int, ...]] | None:
    """The fewest comparisons, up to three, of any right formula, and the plainest variables of such formulas."""
    levels: list[dict[Mask, tuple[int, ...]]] = [{}, {}, {}]
    names: tuple[int, ...]
    for comparison in all_comparisons(points):
        mask, names = points.holds(comparison), (ORDER.index(comparison.variable),)
        levels[0][mask] = min(levels[0].get(mask, names), names)
    for size in (1, 2):
        for (one, first), (other, second) in product(levels[0].items(), levels[size - 1].items()):
            names = tuple(sorted(first + second))
            for mask in (one & other, one | other):
                levels[size][mask] = min(levels[size].get(mask, names), names)
    for size, level in enumerate(levels, start=1):
        right = [names for mask, names in level.items() if not need & ~mask and not mask & shun]
        if right:
            return size, min(right)
    return None


POOL = [
    assign(*platform, f"{python}.0", implementation)
    for platform, python, implementation in product(PLATFORMS[:5], ("3.9", "3.10", "3.11", "3.12"), ("CPython", "PyPy"))
]


@given(
    st.lists(
        st.tuples(st.integers(0, len(POOL) - 1), st.sampled_from(["need", "need", "shun", "shun", "free"])),
        min_size=5,
        max_size=12,
        unique_by=lambda item: item[0],
    )
)
@settings(max_examples=200)
def test_no_plainer_marker_exists(chosen: list[tuple[int, str]]) -> None:
    points = Points([POOL[number] for number, _ in chosen], [])
    need = points.where(number for number, (_, side) in enumerate(chosen) if side == "need")
    shun = points.where(number for number, (_, side) in enumerate(chosen) if side == "shun")
    if not need or not shun:
        return
    found = find_plainest(points, need, shun)
    mask = points.holds(found)
    assert not need & ~mask
    assert not mask & shun
    names = tuple(sorted(ORDER.index(comparison.variable) for comparison in comparisons(found)))
    expected = least_by_brute_force(points, need, shun)
    if expected is None:
        assert count_comparisons(found) > 3
    else:
        assert (count_comparisons(found), names) == expected


@pytest.mark.parametrize("seed", range(3))
def test_masks_without_any_pattern_get_a_right_marker_in_bounded_steps(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separators, "MAX_STEPS", 5_000)
    chosen = random.Random(seed)
    pythons = [f"3.{minor}.{patch}" for minor in (9, 10, 11, 12) for patch in (0, 4)]
    points = Points(
        [
            assign(*platform, python, name)
            for platform in PLATFORMS
            for python in pythons
            for name in ("CPython", "PyPy")
        ],
        [],
    )
    sides = [chosen.choice(["need", "shun", "free"]) for _ in points.assignments]
    need = points.where(number for number, side in enumerate(sides) if side == "need")
    shun = points.where(number for number, side in enumerate(sides) if side == "shun")
    found = find_plainest(points, need, shun)
    mask = points.holds(found)
    assert not need & ~mask
    assert not mask & shun
    assert count_comparisons(found) > separators.MAX_SEARCHED


def test_steps_of_the_search_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separators, "MAX_STEPS", 0)
    need = GRID.holds(parse_expression('sys_platform == "linux" and platform_machine == "x86_64"'))
    found = find_plainest(GRID, need, GRID.full & ~need)
    assert GRID.holds(found) == need


def test_search_beyond_its_limit_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separators, "MAX_SEARCHED", 0)
    for marker in ('sys_platform == "linux"', 'sys_platform == "linux" or python_version == "3.10"'):
        need = GRID.holds(parse_expression(marker))
        assert GRID.holds(find_plainest(GRID, need, GRID.full & ~need)) == need


def test_parts_are_put_in_the_order_of_variables() -> None:
    marker = parse_expression(
        'python_version < "3.10" and (platform_machine == "x86" or sys_platform == "win32") and sys_platform == "linux"'
    )
    assert str(tidy(marker)) == (
        'sys_platform == "linux" and python_version < "3.10" and (sys_platform == "win32" or platform_machine == "x86")'
    )


def test_fewer_comparisons_are_plainer_whatever_they_compare() -> None:
    one = parse_expression('platform_python_implementation != "PyPy"')
    two = parse_expression('sys_platform == "linux" or sys_platform == "darwin"')
    assert plainness(None) < plainness(one) < plainness(two)
