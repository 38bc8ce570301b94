"""WING A (pure): which wheel of a release uv reads, and takes for all.

Source: uv's rule as found by experiment with uv 0.6.4 and 0.13.8 (`uv lock -v` prints
the choice); a test compares this prediction with the real uv. Platform, machine,
interpreter, markers and forks have no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelaudit.release import WheelFile, wheel_order
from wheelaudit.tags import parse_python_tag

Minor = tuple[int, int]


def find_wheel_read(wheels: Sequence[WheelFile], *, requires_python: SpecifierSet | None) -> WheelFile | None:
    """Return the wheel whose metadata uv reads in a project with this Python bound; None where none is left.

    uv asks one index for a project, the first that has it, so only the first wheel's
    index counts. Yanked wheels are passed over while others are left.
    """
    first_index = wheels[0].index if wheels else None
    own = [wheel for wheel in sorted(wheels, key=wheel_order) if wheel.index == first_index]
    admitted = [wheel for wheel in own if admits_tags(wheel, requires_python)]
    candidates = [wheel for wheel in admitted if wheel.yanked is None] or admitted
    # max() keeps the first of equals: the file name decides where the build tag does not.
    return max(candidates, key=lambda wheel: wheel.build, default=None)


def admits_tags(wheel: WheelFile, requires_python: SpecifierSet | None) -> bool:
    """Whether the tags can serve the project's bound, as uv reads them (its `RequiresPython::matches_wheel_tag`)."""
    lower, upper = find_bounds(requires_python)
    return any(_admits(tag.interpreter, tag.abi, lower, upper) for tag in wheel.tags)


def find_bounds(requires_python: SpecifierSet | None) -> tuple[Minor | None, Minor | None]:
    """Return the first and last minor version that a bound admits; None: no bound on that side."""
    lower: Minor | None = None
    upper: Minor | None = None
    for spec in requires_python or ():
        version = Version(spec.version.removesuffix(".*"))
        minor = (version.major, version.minor)
        if spec.operator in (">=", ">", "==", "===", "~="):
            lower = minor if lower is None else max(lower, minor)
        if spec.operator == "<" and version.micro == 0:
            # `<3.13` ends with 3.12, `<3.13.1` with 3.13.
            minor = (minor[0], minor[1] - 1) if minor[1] else (minor[0] - 1, 99)
        if spec.operator in ("<", "<=", "==", "==="):
            upper = minor if upper is None else min(upper, minor)
        if spec.operator == "~=":
            last = (version.major, version.minor) if len(version.release) > 2 else (version.major, 99)
            upper = last if upper is None else min(upper, last)
    return lower, upper


def _admits(python: str, abi: str, lower: Minor | None, upper: Minor | None) -> bool:
    tag = parse_python_tag(python)
    if abi in ("abi3", "abi3t"):
        return True
    if tag is None:
        return True  # uv lets tags pass that it does not know
    if tag.major == 2:
        return False
    if tag.minor is None:
        return True
    version = (tag.major, tag.minor)
    below = lower is not None and version < lower
    above = upper is not None and version > upper
    if abi == "none" and tag.kind == "py":
        return not above  # py37-none is a floor: it serves everything from 3.7 on
    return not below and not above


def find_floor(requires_python: Iterable[SpecifierSet | None]) -> Version | None:
    """Return the lowest of the lower bounds; None where one of them is open below (uv enforces lower bounds only)."""
    floors: list[Version] = []
    for bound in requires_python:
        floor = lower_bound(bound)
        if floor is None:
            return None
        floors.append(floor)
    return min(floors, default=None)


def lower_bound(requires_python: SpecifierSet | None) -> Version | None:
    """Return the version below which a Requires-Python admits none; None where it is open below."""
    versions = [
        Version(spec.version.removesuffix(".*"))
        for spec in requires_python or ()
        if spec.operator in (">=", ">", "==", "===", "~=")
    ]
    return max(versions, default=None)
