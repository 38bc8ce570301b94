"""WING A (pure): which wheel of a release uv reads, and takes for all.

Source: uv's rule as found by experiment with uv 0.6.4 and 0.13.8 (`uv lock -v` prints
the choice); a test compares this prediction with the real uv. Platform, machine,
interpreter, markers and forks have no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedWheel:
    """A wheel that uv does not consider, and why: a few words."""

    wheel: WheelFile
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelChoice:
    """How uv comes to the wheel that it reads, step by step; each step keeps the order of the one before."""

    index: str | None
    """The only one that uv asks; None where there is no wheel."""
    elsewhere: tuple[WheelFile, ...]
    """On other indexes, and so never looked at."""
    listed: tuple[WheelFile, ...]
    """1. Sorted by file name, bytewise."""
    dropped: tuple[DroppedWheel, ...]
    """2. Outside the project's Python bound, or of tags that uv does not know."""
    admitted: tuple[WheelFile, ...]
    """What is left of `listed`."""
    highest: tuple[WheelFile, ...]
    """3. Those of the highest build tag among `admitted`; without any build tag, all of them."""
    refused: str | None
    """Why uv takes none although some are left; None where it takes one, or none is left."""
    wheel: WheelFile | None
    """4. The first of `highest`: the wheel that uv reads."""


def find_wheel_read(
    wheels: Sequence[WheelFile], *, requires_python: SpecifierSet | None, indexes: Sequence[str] = ()
) -> WheelFile | None:
    """Return the wheel whose metadata uv reads in a project with this Python bound; None where none is left."""
    return explain_choice(wheels, requires_python=requires_python, indexes=indexes).wheel


def explain_choice(
    wheels: Sequence[WheelFile], *, requires_python: SpecifierSet | None, indexes: Sequence[str] = ()
) -> WheelChoice:
    """Return the wheel that uv reads in a project with this Python bound, and the steps that lead to it.

    ``indexes`` are those of the release, as the user ordered them: uv asks the first one
    that has the project, and no other. Yanked wheels count like any: they are in a
    release only where it is pinned with ``==``, and then uv takes them too (PEP 592).
    """
    index = next(iter(indexes), wheels[0].index if wheels else None)
    ordered = sorted(wheels, key=wheel_order)
    listed = tuple(wheel for wheel in ordered if wheel.index == index)
    reasons = {wheel: _explain_drop(wheel, requires_python) for wheel in listed}
    admitted = tuple(wheel for wheel in listed if reasons[wheel] is None)
    build = max((wheel.build for wheel in admitted), default=())
    highest = tuple(wheel for wheel in admitted if wheel.build == build)
    refused = None
    if admitted and not any(_can_serve(wheel, requires_python) for wheel in admitted):
        refused = f"all of them need a newer Python than {requires_python} admits"
    return WheelChoice(
        index=index,
        elsewhere=tuple(wheel for wheel in ordered if wheel.index != index),
        listed=listed,
        dropped=tuple(DroppedWheel(wheel=wheel, reason=reason) for wheel, reason in reasons.items() if reason),
        admitted=admitted,
        highest=highest,
        refused=refused,
        # The file name decides where the build tag does not.
        wheel=None if refused else next(iter(highest), None),
    )


def _explain_drop(wheel: WheelFile, requires_python: SpecifierSet | None) -> str | None:
    """Say why uv drops a wheel for a project with this bound; None where it keeps it: one of its tags is enough.

    Source: uv's `RequiresPython::matches_wheel_tag`.
    """
    lower, upper = find_bounds(requires_python)
    reasons: set[str] = set()
    for tag in wheel.tags:
        reason = _explain_tag(tag.interpreter, tag.abi, lower, upper)
        if reason is None:
            return None
        reasons.add(reason)
    return ", ".join(sorted(reasons)) or "it has no tag"


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


def _explain_tag(python: str, abi: str, lower: Minor | None, upper: Minor | None) -> str | None:
    """Say why uv drops a tag: the ABI decides, and the Python tag only where there is none. Unknown tags go."""
    if abi in _STABLE_ABIS or _PYSTON_ABI.fullmatch(abi):
        return None
    if abi != "none":
        match = _VERSIONED_ABI.fullmatch(abi)
        if match is None:
            return f"uv does not know the ABI tag {abi}"
        digits = match["cp"] or match["pypy"] or match["graalpy"]
        return _explain_version((int(digits[0]), int(digits[1:])), lower, upper)
    tag = parse_python_tag(python)
    if tag is None or tag.kind not in _KNOWN_KINDS:
        return f"uv does not know the Python tag {python}"
    if tag.minor is None:
        # uv knows py3 and cp3, but not pp3; and Python 2 goes.
        known = tag.kind == "cp" or (tag.kind == "py" and tag.major != 2)
        return None if known else f"uv does not take the Python tag {python}"
    if tag.kind == "py" and tag.major != 2:
        # py37-none is a floor: it serves everything from 3.7 on.
        serves = tag.major > 3 or upper is None or (tag.major, tag.minor) <= upper
        return None if serves else f"Python {tag.major}.{tag.minor} is above the project's"
    return _explain_version((tag.major, tag.minor), lower, upper)


def _explain_version(version: Minor, lower: Minor | None, upper: Minor | None) -> str | None:
    """Say why a minor version does not lie in the bound, as Python 2 never does; None where it lies there."""
    name = f"Python {version[0]}.{version[1]}"
    if version[0] <= 2:
        return f"{name} is Python 2"
    if lower is not None and version < lower:
        return f"{name} is below the project's"
    return f"{name} is above the project's" if upper is not None and version > upper else None


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
