"""A second opinion on releases: environments, best wheels and needs, worked out without wheelaudit's own code.

Tags come from `packaging.tags`, evaluation from `packaging.markers`, the rest is plain
loops over a large fixed grid. Slow, and meant to be: nothing here is shared with what
it judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from packaging import tags
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename

Asked = frozenset[tuple[str, frozenset[str], SpecifierSet, str | None]]

LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
MINORS = range(6, 16)
PATCHES = (0, 3, 4)
"""The random markers name Python 3.11.4."""


@dataclass(frozen=True)
class Wheel:
    filename: str
    requires_dist: tuple[str, ...]
    requires_python: str | None
    provides_extra: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Target:
    number: int
    """Equal where the marker variables are."""
    variables: Mapping[str, str]
    ranks: Mapping[tags.Tag, int]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Target) and self.number == other.number

    def __hash__(self) -> int:
        return self.number


def linux_platforms(machine: str, libc: str, level: int) -> list[str]:
    platforms: list[str] = []
    if libc == "glibc":
        for minor in range(level, 4, -1):
            platforms.append(f"manylinux_2_{minor}_{machine}")
            if minor in LEGACY:
                platforms.append(f"{LEGACY[minor]}_{machine}")
    else:
        platforms += [f"musllinux_1_{minor}_{machine}" for minor in range(level, -1, -1)]
    return [*platforms, f"linux_{machine}"]


def platforms() -> Iterator[tuple[dict[str, str], list[str]]]:
    linux = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
    for machine in ("x86_64", "aarch64"):
        for libc, level in (("glibc", 28), ("glibc", 17), ("glibc", 5), ("musl", 2)):
            yield linux | {"platform_machine": machine}, linux_platforms(machine, libc, level)
    darwin = {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"}
    for version, machine in (((15, 0), "arm64"), ((11, 0), "arm64"), ((15, 0), "x86_64"), ((10, 9), "x86_64")):
        yield darwin | {"platform_machine": machine}, list(tags.mac_platforms(version, machine))
    windows = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"}
    for machine, platform in (("AMD64", "win_amd64"), ("ARM64", "win_arm64"), ("x86", "win32")):
        yield windows | {"platform_machine": machine}, [platform]


def interpreters() -> Iterator[tuple[dict[str, str], tuple[int, int], str]]:
    for minor in MINORS:
        names = {"platform_python_implementation": "CPython", "implementation_name": "cpython"}
        yield names, (3, minor), f"cp3{minor}m" if minor < 8 else f"cp3{minor}"
        if minor >= 13:
            yield names, (3, minor), f"cp3{minor}t"
    for minor in (9, 10, 11):
        yield (
            {"platform_python_implementation": "PyPy", "implementation_name": "pypy"},
            (3, minor),
            f"pypy3{minor}_pp73",
        )


@cache
def targets() -> tuple[Target, ...]:
    found = []
    numbers: dict[tuple[str, ...], int] = {}
    for platform, supported in platforms():
        for names, version, abi in interpreters():
            if abi.startswith("cp"):
                listed = [
                    *tags.cpython_tags(version, [abi], supported),
                    *tags.compatible_tags(version, f"cp{version[0]}{version[1]}", supported),
                ]
            else:
                listed = [
                    *tags.generic_tags(f"pp{version[0]}{version[1]}", [abi], supported),
                    *tags.compatible_tags(version, "pp3", supported),
                ]
            ranks: dict[tags.Tag, int] = {}
            for rank, tag in enumerate(listed):
                ranks.setdefault(tag, rank)
            for patch in PATCHES:
                full = f"{version[0]}.{version[1]}.{patch}"
                variables = (
                    platform
                    | names
                    | {
                        "platform_release": "0",
                        "platform_version": "0",
                        "implementation_version": full,
                        "python_version": f"{version[0]}.{version[1]}",
                        "python_full_version": full,
                    }
                )
                number = numbers.setdefault(tuple(variables.values()), len(numbers))
                found.append(Target(number, variables, ranks))
    return tuple(found)


def best_wheel(wheels: Sequence[Wheel], target: Target) -> Wheel | None:
    version = target.variables["python_full_version"]
    best: tuple[int, tuple[int, str] | tuple[()]] | None = None
    winner = None
    for wheel in sorted(wheels, key=lambda wheel: wheel.filename):
        build, wheel_tags = _parse(wheel.filename)
        ranks = [target.ranks[tag] for tag in wheel_tags if tag in target.ranks]
        if not ranks or not _admits(wheel.requires_python or "", version):
            continue
        if best is None or min(ranks) < best[0] or (min(ranks) == best[0] and build > best[1]):
            best, winner = (min(ranks), build), wheel
    return winner


@cache
def _parse(filename: str) -> tuple[tuple[int, str] | tuple[()], frozenset[tags.Tag]]:
    return parse_wheel_filename(filename)[2:]


@cache
def _admits(requires_python: str, version: str) -> bool:
    return SpecifierSet(requires_python).contains(version, prereleases=True)


@cache
def _requirement(text: str) -> tuple[str, frozenset[str], SpecifierSet, str | None]:
    requirement = Requirement(text)
    extras = frozenset(map(canonicalize_name, requirement.extras))
    return canonicalize_name(requirement.name), extras, requirement.specifier, requirement.url


@cache
def _holds(text: str, target: Target, extra: str) -> bool:
    marker = Requirement(text).marker
    return marker is None or marker.evaluate(dict(target.variables) | {"extra": extra})


def asked(requires_dist: Iterable[str], target: Target, extra: str) -> Asked:
    return frozenset(_requirement(text) for text in requires_dist if _holds(text, target, extra))


def extras_of(wheels: Iterable[Wheel]) -> list[str]:
    return sorted({canonicalize_name(extra) for wheel in wheels for extra in wheel.provides_extra})


@dataclass(frozen=True)
class Need:
    target: Target
    extra: str
    wheel: Wheel
    asked: Asked


def needs(wheels: Sequence[Wheel]) -> list[Need]:
    """What every served (environment, extra) needs by its best wheel."""
    found = []
    extras = extras_of(wheels)
    for target in targets():
        wheel = best_wheel(wheels, target)
        if wheel is not None:
            provided = {canonicalize_name(extra) for extra in wheel.provides_extra}
            for extra in ("", *extras):
                found.append(
                    Need(target, extra, wheel, asked(wheel.requires_dist, target, extra if extra in provided else ""))
                )
    return found


def is_consistent(wheels: Sequence[Wheel]) -> bool:
    for need in needs(wheels):
        for wheel in wheels:
            provided = {canonicalize_name(extra) for extra in wheel.provides_extra}
            if asked(wheel.requires_dist, need.target, need.extra if need.extra in provided else "") != need.asked:
                return False
    return True


def deviations(wheels: Sequence[Wheel], requires_dist: Sequence[str]) -> list[tuple[Need, Asked]]:
    """The needs that an override with ``requires_dist`` does not meet exactly, with what it asks for there."""
    found = []
    for need in needs(wheels):
        got = asked(requires_dist, need.target, need.extra)
        if got != need.asked:
            found.append((need, got))
    return found


def tied(wheels: Sequence[Wheel]) -> dict[tuple[int, str], set[Asked]]:
    """Per marker variables and extra what the best wheels there ask for: more than one where no marker tells."""
    found: dict[tuple[int, str], set[Asked]] = {}
    for need in needs(wheels):
        found.setdefault((need.target.number, need.extra), set()).add(need.asked)
    return found
