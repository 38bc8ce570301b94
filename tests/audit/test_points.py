from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.utils import NormalizedName

from wheelaudit.audit.points import Points
from wheelaudit.markers import VARIABLES, parse_expression

VALUES = {
    "sys_platform": ["linux", "win32"],
    "platform_machine": ["x86_64", "AMD64"],
    "python_version": ["3.9", "3.10", "3.12"],
    "implementation_name": ["cpython", "pypy"],
}
MARKERS = [
    'sys_platform == "linux"',
    'sys_platform != "linux" and python_version >= "3.10"',
    'extra == "gpu"',
    'extra != "gpu" or platform_machine in "x86_64 AMD64"',
    'extra == "gpu" and (sys_platform == "win32" or implementation_name == "pypy")',
    '"3.1" in python_version',
    'extra == "other"',
]
assignments = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(VALUES.get(name, ["x"])) for name in VARIABLES}), max_size=6
)
extras = st.sampled_from([(), ("gpu",), ("docs", "gpu")])


@given(assignments, extras, st.sampled_from(MARKERS))
def test_marker_holds_at_the_points_where_packaging_says_so(
    given_assignments: list[dict[str, str]], given_extras: tuple[str, ...], marker: str
) -> None:
    points = Points(given_assignments, [NormalizedName(extra) for extra in given_extras])
    expected = {
        (number, extra)
        for number, assignment in enumerate(given_assignments)
        for extra in (None, *given_extras)
        if Marker(marker).evaluate({**assignment, "extra": extra or ""})
    }
    assert set(points.split(points.holds(parse_expression(marker)))) == expected


@given(assignments, extras)
def test_no_marker_holds_at_every_point(given_assignments: list[dict[str, str]], given_extras: tuple[str, ...]) -> None:
    points = Points(given_assignments, [NormalizedName(extra) for extra in given_extras])
    everywhere = list(points.split(points.holds(None)))
    assert len(everywhere) == len(given_assignments) * (1 + len(given_extras))
    assert everywhere == [(number, extra) for number in range(len(given_assignments)) for extra in points.extras]


def test_points_of_an_assignment_are_its_extras_and_no_others() -> None:
    assignment = dict.fromkeys(VARIABLES, "x")
    points = Points([assignment, assignment, assignment], [NormalizedName("gpu")])
    assert list(points.split(points.at(1))) == [(1, None), (1, "gpu")]
    assert points.where([0, 2]) == points.full & ~points.at(1)
    assert points.where([]) == 0
