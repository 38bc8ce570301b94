"""WING A (pure): which wheel of a release uv reads, and takes for all.

Source: uv's rule as found by experiment with uv 0.6.4 and 0.13.8 (`uv lock -v` prints
the choice); a test compares this prediction with the real uv. Platform, machine,
interpreter, markers and forks have no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelaudit.release import Release, WheelFile, wheel_order
from wheelaudit.tags import parse_python_tag

Minor = tuple[int, int]

IMMUTABLE_HOSTS = frozenset({"download.pytorch.org", "download-r2.pytorch.org"})
"""Hosts whose files uv takes for immutable, whatever their headers say."""

NO_LIMIT = 99
"""Minor version that stands for the last one of a major version (``<4``)."""

_VERSIONED_ABI = re.compile(
    r"(?:cp(?P<cp>\d{2,5})[a-z]*|pypy(?P<pypy>\d{2,5})_\w+|graalpy\d+_(?P<graalpy>\d{2,5})_\w+)", re.ASCII
)
_PYSTON_ABI = re.compile(r"pyston_\d+_\w+", re.ASCII)
_STABLE_ABIS = ("abi3", "abi3t")
_KNOWN_KINDS = ("py", "cp", "pp", "graalpy")


def find_wheel_read(
    wheels: Sequence[WheelFile], *, requires_python: SpecifierSet | None, indexes: Sequence[str] = ()
) -> WheelFile | None:
    """Return the wheel whose metadata uv reads in a project with this Python bound; None where none is left.

    ``indexes`` are those of the release, as the user ordered them: uv asks the first one
    that has the project, and no other. Yanked wheels count like any: they are in a
    release only where it is pinned with ``==``, and then uv takes them too (PEP 592).
    """
    first_index = next(iter(indexes), wheels[0].index if wheels else None)
    own = [wheel for wheel in sorted(wheels, key=wheel_order) if wheel.index == first_index]
    admitted = [wheel for wheel in own if admits_tags(wheel, requires_python)]
    if not any(_can_serve(wheel, requires_python) for wheel in admitted):
        return None
    # max() keeps the first of equals: the file name decides where the build tag does not.
    return max(admitted, key=lambda wheel: wheel.build, default=None)


def admits_tags(wheel: WheelFile, requires_python: SpecifierSet | None) -> bool:
    """Whether uv keeps a wheel for a project with this bound (`RequiresPython::matches_wheel_tag`)."""
    lower, upper = find_bounds(requires_python)
    return any(_admits(tag.interpreter, tag.abi, lower, upper) for tag in wheel.tags)


def find_bounds(requires_python: SpecifierSet | None) -> tuple[Minor | None, Minor | None]:
    """Return the first and last minor version that a bound admits; None: no bound on that side."""
    lower: Minor | None = None
    upper: Minor | None = None
    gaps: set[Minor] = set()
    for spec in requires_python or ():
        try:
            version = Version(spec.version.removesuffix(".*"))
        except ValueError:
            continue  # `===` takes any text (PEP 440), and int() not any number of digits
        minor = last = (version.major, version.minor)
        # A version without minor part is a whole major version to `==3.*`, and so is `~=3.9` from 3.9 on.
        whole_major = spec.version.endswith(".*") and len(version.release) == 1
        if whole_major or (spec.operator == "~=" and len(version.release) == 2):
            last = (version.major, NO_LIMIT)
        if spec.operator == "<" and version.micro == 0:
            # `<3.13` ends with 3.12, `<3.13.1` with 3.13.
            last = (minor[0], minor[1] - 1) if minor[1] else (minor[0] - 1, NO_LIMIT)
        if spec.operator in (">=", ">", "==", "===", "~="):
            lower = minor if lower is None else max(lower, minor)
        if spec.operator in ("<", "<=", "==", "===", "~="):
            upper = last if upper is None else min(upper, last)
        if spec.operator == "!=" and spec.version.endswith(".*") and len(version.release) == 2:
            gaps.add(minor)
    while lower in gaps:
        lower = (lower[0], lower[1] + 1)
    while upper in gaps:
        upper = (upper[0], upper[1] - 1)
    return lower, upper


def _admits(python: str, abi: str, lower: Minor | None, upper: Minor | None) -> bool:
    """Whether uv keeps a tag: the ABI decides, and the Python tag only where there is none. Unknown tags go."""
    if abi in _STABLE_ABIS or _PYSTON_ABI.fullmatch(abi):
        return True
    if abi != "none":
        match = _VERSIONED_ABI.fullmatch(abi)
        if match is None:
            return False
        digits = match["cp"] or match["pypy"] or match["graalpy"]
        return _is_within((int(digits[0]), int(digits[1:])), lower, upper)
    tag = parse_python_tag(python)
    if tag is None or tag.kind not in _KNOWN_KINDS:
        return False
    if tag.minor is None:
        # uv knows py3 and cp3, but not pp3; and Python 2 goes.
        return tag.kind == "cp" or (tag.kind == "py" and tag.major != 2)
    if tag.kind == "py" and tag.major != 2:
        # py37-none is a floor: it serves everything from 3.7 on.
        return tag.major > 3 or upper is None or (tag.major, tag.minor) <= upper
    return _is_within((tag.major, tag.minor), lower, upper)


def _is_within(version: Minor, lower: Minor | None, upper: Minor | None) -> bool:
    """Whether a minor version lies in the bound; Python 2 never does."""
    return version[0] > 2 and (lower is None or version >= lower) and (upper is None or version <= upper)


def _can_serve(wheel: WheelFile, requires_python: SpecifierSet | None) -> bool:
    """Whether any Python of the bound could take the wheel: uv refuses a release of ``cp313-abi3`` alone below 3.13."""
    _, upper = find_bounds(requires_python)
    tags = ((parse_python_tag(tag.interpreter), tag.abi) for tag in wheel.tags)
    return upper is None or any(
        abi not in _STABLE_ABIS or tag is None or tag.minor is None or (tag.major, tag.minor) <= upper
        for tag, abi in tags
    )


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


def keeps_for_good(release: Release) -> bool:
    """Whether uv reads the release's metadata once and never again: it takes files of this host for immutable."""
    return any(urlsplit(wheel.url).hostname in IMMUTABLE_HOSTS for wheel in release.wheels)
