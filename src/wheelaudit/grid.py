"""GROUND (pure): the environments that a release's wheels serve, and the best wheel of each.

The grid is finite and exact for the markers at hand: a marker can only tell apart
what its literals name, so every Python that a tag, a marker or a Requires-Python
names is there with its neighbours, and one above them all stands for "everything
above". Each minor version has its first and a late patch release.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag

from wheelaudit.environments import KIND_ORDER, Environment, Interpreter, Platform, Served
from wheelaudit.errors import ReleaseTooLargeError
from wheelaudit.markers import Comparison
from wheelaudit.release import WheelFile
from wheelaudit.tags import (
    Level,
    Libc,
    PlatformTag,
    Rank,
    default_abi,
    oldest_level,
    parse_platform_tag,
    parse_python_tag,
    rank_interpreter,
    rank_platform,
)

LATE_PATCH = 99
"""Patch release that stands for "any later one" of a minor version; none has come near it."""

FREE_THREADING_SINCE = (3, 13)
"""PEP 703."""

MAX_ENVIRONMENTS = 50_000
"""Of a release. Some 60 is usual, 5,500 what a wheel for any platform comes to whose markers name 15 kernels (as
pyobjc's do); ten times that take ten seconds."""

MAX_TOLD_APART = 2_000
"""Platform tags of a release, its pairs of Python and ABI tag, and minor versions that its markers name; the release
of 2,000 wheels has 60."""

LAST_LISTED_MINOR = 60
"""Floors are followed minor by minor up to here; a marker that names Python 3.100000 costs its neighbours only."""


def build_served(
    wheels: Sequence[WheelFile],
    *,
    requires_python: Mapping[WheelFile, SpecifierSet | None],
    comparisons: Iterable[Comparison],
) -> tuple[Served, ...]:
    """Return every environment that ``wheels`` serve, with its best wheel, in a stable order.

    ``requires_python`` is that of each wheel's metadata (the page's where it is unread);
    ``comparisons`` are those of all markers in play, whose literals refine the grid. Raises
    `ReleaseTooLargeError` where that makes it too large to be walked.
    """
    named = _NamedValues.of(comparisons, requires_python.values())
    alike = _gather_alike(wheels)
    tags = {own: _parse_tags(own) for own in alike}
    platform_tags = {tag.text: tag for parsed in tags.values() for _, _, tag in parsed if tag is not None}
    everywhere = any(tag is None for parsed in tags.values() for _, _, tag in parsed)
    platforms = _build_platforms(platform_tags.values(), everywhere=everywhere, named=named)
    interpreters = _build_interpreters(wheels, named)
    patches = [named.patches(interpreter.major, interpreter.minor) for interpreter in interpreters]
    _check_count(len(platforms) * sum(map(len, patches)), MAX_ENVIRONMENTS, "environments")
    served: list[Served] = []
    for platform in platforms:
        platform_ranks = {
            text: rank for text, tag in platform_tags.items() if (rank := _rank_on(tag, platform)) is not None
        }
        fitting = _find_fitting(tags, platform_ranks)
        for interpreter, full_versions in zip(interpreters, patches, strict=True):
            ranked = [(rank, wheel) for rank, own in _rank_tags(fitting, interpreter) for wheel in alike[own]]
            if not ranked:
                continue
            for full_version in full_versions:
                best = _find_best(ranked, requires_python, full_version)
                if best:
                    environment = Environment(
                        platform=platform, interpreter=replace(interpreter, full_version=full_version)
                    )
                    served.append(Served(environment=environment, best=best))
    return tuple(served)


def _check_count(count: int, most: int, noun: str) -> None:
    """Refuse what would be multiplied out to more than can be walked: a page, or one METADATA, may ask for billions."""
    if count > most:
        raise ReleaseTooLargeError(
            f"The tags and markers of the release tell more than {most} {noun} apart.",
            remedy="Tell the project; no release that is installed anywhere needs as many.",
        )


def is_floor(wheel: WheelFile) -> bool:
    """Whether the wheel serves every later Python, too: a stable ABI (PEP 384, 803) or no ABI (``py3-none``)."""
    return any(
        tag.abi in ("abi3", "abi3t")
        or ((python := parse_python_tag(tag.interpreter)) is not None and python.kind == "py")
        for tag in wheel.tags
    )


def find_platforms(
    wheels: Sequence[WheelFile], *, comparisons: Iterable[Comparison]
) -> dict[WheelFile, tuple[dict[str, str], ...]]:
    """Return the platform's marker variables of every platform that each wheel's tags allow, its Python aside."""
    named = _NamedValues.of(comparisons, ())
    alike = _gather_alike(wheels)
    tags = {own: [tag for _, _, tag in _parse_tags(own)] for own in alike}
    every = {tag.text: tag for own in tags.values() for tag in own if tag is not None}
    everywhere = any(tag is None for own in tags.values() for tag in own)
    platforms = _build_platforms(every.values(), everywhere=everywhere, named=named)
    fitting = {
        text: [number for number, platform in enumerate(platforms) if _runs_on(tag, platform)]
        for text, tag in every.items()
    }
    found: dict[WheelFile, tuple[dict[str, str], ...]] = {}
    for own, parsed in tags.items():
        numbers = (
            range(len(platforms))
            if None in parsed
            else sorted({at for tag in parsed if tag for at in fitting[tag.text]})
        )
        distinct = {tuple(v.items()): v for v in (platforms[at].variables() for at in numbers)}
        found.update(dict.fromkeys(alike[own], tuple(distinct.values())))
    return found


def find_named_minors(comparisons: Iterable[Comparison]) -> frozenset[tuple[int, int]]:
    """Return the minor versions of Python that markers name."""
    named = _NamedValues.of(comparisons, ()).minors
    return frozenset((major, minor) for major, minors in named.items() for minor in minors)


def find_distinct(served: Iterable[Served]) -> tuple[Served, ...]:
    """Drop environments that differ from an earlier one in nothing that matters: same variables, same best wheel."""
    seen: dict[tuple[object, ...], Served] = {}
    for each in served:
        seen.setdefault((tuple(each.environment.variables().values()), each.best), each)
    return tuple(seen.values())


# --- tags and the best wheel -------------------------------------------------------------------------

_Tags = frozenset[Tag]
_ParsedTags = Sequence[tuple[str, str, PlatformTag | None]]


def _gather_alike(wheels: Iterable[WheelFile]) -> dict[_Tags, list[WheelFile]]:
    """Wheels by their tags: those of one release that differ in the build tag or the index alone rank alike."""
    alike: dict[_Tags, list[WheelFile]] = {}
    for wheel in wheels:
        alike.setdefault(wheel.tags, []).append(wheel)
    return alike


def _parse_tags(tags: _Tags) -> _ParsedTags:
    """Python, ABI and platform tag of each tag; platform None for ``any``."""
    return tuple((tag.interpreter, tag.abi, parse_platform_tag(tag.platform)) for tag in tags)


def _rank_on(tag: PlatformTag, platform: Platform) -> Rank | None:
    return rank_platform(
        tag, system=platform.system, machine=platform.platform_machine, libc=platform.libc, level=platform.level
    )


def _runs_on(tag: PlatformTag, platform: Platform) -> bool:
    return _rank_on(tag, platform) is not None


_FittingTags = Mapping[_Tags, Sequence[tuple[tuple[str, str, bool], Rank]]]
"""Tags to those of them that fit a platform: Python, ABI and whether it is for ``any``, with the platform's rank."""


def _find_fitting(tags: Mapping[_Tags, _ParsedTags], platform_ranks: Mapping[str, Rank]) -> _FittingTags:
    fitting: dict[_Tags, list[tuple[tuple[str, str, bool], Rank]]] = {}
    for own, parsed in tags.items():
        for python, abi, platform in parsed:
            rank = () if platform is None else platform_ranks.get(platform.text)
            if rank is not None:
                fitting.setdefault(own, []).append(((python, abi, platform is None), rank))
    return fitting


def _rank_tags(fitting: _FittingTags, interpreter: Interpreter) -> Iterator[tuple[Rank, _Tags]]:
    """Yield the tags that fit a Python, too, with the rank of the most specific one."""
    interpreter_ranks: dict[tuple[str, str, bool], Rank | None] = {}
    for own, parsed in fitting.items():
        ranks: list[Rank] = []
        for key, platform_rank in parsed:
            if key not in interpreter_ranks:
                interpreter_ranks[key] = _rank_tag(interpreter, *key)
            rank = interpreter_ranks[key]
            if rank is not None:
                ranks.append(rank + platform_rank)
        if ranks:
            yield min(ranks), own


def _rank_tag(interpreter: Interpreter, python: str, abi: str, everywhere: bool) -> Rank | None:
    tag = parse_python_tag(python)
    if tag is None:
        return None
    return rank_interpreter(
        tag,
        abi,
        kind=interpreter.kind,
        major=interpreter.major,
        minor=interpreter.minor,
        abi=interpreter.abi,
        everywhere=everywhere,
    )


def _find_best(
    ranked: Sequence[tuple[Rank, WheelFile]],
    requires_python: Mapping[WheelFile, SpecifierSet | None],
    full_version: str,
) -> tuple[WheelFile, ...]:
    """The most specific tag, then the highest build tag, then the first file name (pip, uv); one per index."""
    bounds = [requires_python.get(wheel) for _, wheel in ranked]
    distinct = {id(bound): bound for bound in bounds}
    admits = {key: b is None or b.contains(full_version, prereleases=True) for key, b in distinct.items()}
    admitted = [each for each, bound in zip(ranked, bounds, strict=True) if admits[id(bound)]]
    if not admitted:
        return ()
    least = min(rank for rank, _ in admitted)
    leaders = [wheel for rank, wheel in admitted if rank == least]
    build = max(wheel.build for wheel in leaders)
    filename = min(wheel.filename for wheel in leaders if wheel.build == build)
    return tuple(wheel for wheel in leaders if wheel.filename == filename)


# --- which platforms ---------------------------------------------------------------------------------

# os_name, platform_system, platform_release, platform_version; the last two are what such a system says today.
_SYSTEMS: dict[str, tuple[str, str, str, str]] = {
    "linux": ("posix", "Linux", "6.8.0", "#1 SMP"),
    "darwin": ("posix", "Darwin", "24.6.0", "Darwin Kernel Version 24.6.0"),
    "win32": ("nt", "Windows", "11", "10.0.26100"),
    "cygwin": ("posix", "CYGWIN_NT-10.0", "3.5.4", "2024-08-25"),
    "android": ("posix", "Android", "14", "#1 SMP"),
    "ios": ("posix", "iOS", "18.0", "Darwin Kernel Version 24.0.0"),
    "emscripten": ("posix", "Emscripten", "3.1.58", "#1"),
    "wasi": ("posix", "wasi", "0.0.0", "0.0.0"),
    "freebsd14": ("posix", "FreeBSD", "14.1", "FreeBSD 14.1"),
}
_SYS_PLATFORMS = {
    "linux": "linux",
    "macos": "darwin",
    "windows": "win32",
    "android": "android",
    "ios": "ios",
    # PEP 783 names the distribution in the tag, the interpreter the compiler.
    "pyodide": "emscripten",
    "pyemscripten": "emscripten",
}
_FAMILIES = {"linux": "linux", "darwin": "macos", "win32": "windows"}

_EVERYWHERE: tuple[tuple[str, str], ...] = (
    # What a wheel for ``any`` platform is sure to be asked for: sys_platform, platform_machine.
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("linux", "i686"),
    ("linux", "armv7l"),
    ("linux", "ppc64le"),
    ("linux", "riscv64"),
    ("linux", "s390x"),
    ("darwin", "x86_64"),
    ("darwin", "arm64"),
    ("win32", "AMD64"),
    ("win32", "ARM64"),
    ("win32", "x86"),
    ("freebsd14", "amd64"),
)


def _build_platforms(tags: Iterable[PlatformTag], *, everywhere: bool, named: _NamedValues) -> tuple[Platform, ...]:
    """Every platform that the release's tags, and for ``any`` its markers, tell apart."""
    tags = tuple(tags)
    _check_count(len(tags), MAX_TOLD_APART, "platforms")
    targets: dict[tuple[str, str], None] = {}
    for tag in tags:
        targets.update(dict.fromkeys((tag.system, machine) for machine in tag.machines))
    if everywhere:
        for sys_platform, machine in (*_EVERYWHERE, *named.platforms()):
            targets.setdefault((_FAMILIES.get(sys_platform, sys_platform), machine))
    _check_count(len(targets), MAX_ENVIRONMENTS, "environments")
    platforms: dict[Platform, None] = {}
    for system, machine in sorted(targets):
        own = [tag for tag in tags if tag.system == system and machine in tag.machines]
        # A wheel bound to no C library, or to no platform, also runs where the others' levels are not reached.
        unbound = everywhere or any(tag.family == "linux" and tag.libc is None for tag in own)
        libcs: tuple[Libc | None, ...] = (None,)
        if system == "linux":
            libcs = ("glibc", "musl") if unbound else tuple(sorted({tag.libc for tag in own if tag.libc}))
        for libc in libcs:
            oldest = oldest_level(system, machine, libc)
            levels = {max(tag.level, oldest) for tag in own if tag.libc == libc}
            if unbound or not levels:
                levels.add(oldest)
            for level in sorted(levels, reverse=True):
                base = _build_platform(system, machine, libc, level)
                platforms.update(dict.fromkeys(named.variants(base)))
                _check_count(len(platforms), MAX_ENVIRONMENTS, "environments")
    return tuple(platforms)


def _build_platform(system: str, machine: str, libc: Libc | None, level: Level) -> Platform:
    sys_platform = _SYS_PLATFORMS.get(system.split(" ")[0], system)
    if sys_platform not in _SYSTEMS:
        # A tag such as freebsd_14_1_release_amd64 or emscripten_3_1_58_wasm32 begins with its system's name.
        known = [name for name in _SYSTEMS if system.startswith(name.rstrip("0123456789"))]
        first = system.split("_")[0]
        sys_platform = known[0] if known else _SYS_PLATFORMS.get(first, first)
    os_name, platform_system, release, version = _SYSTEMS.get(
        sys_platform, ("posix", sys_platform.capitalize(), "1.0", "1.0")
    )
    return Platform(
        os_name=os_name,
        sys_platform=sys_platform,
        platform_system=platform_system,
        platform_machine=machine,
        platform_release=release,
        platform_version=version,
        libc=libc,
        level=level,
        system=system,
    )


# --- which Pythons -----------------------------------------------------------------------------------

_PYPY_VERSION = "7.3.17"


def _build_interpreters(wheels: Iterable[WheelFile], named: _NamedValues) -> tuple[Interpreter, ...]:
    """Every Python that the wheels' tags admit, by kind, version and ABI; patch releases are added later."""
    pairs = sorted({(tag.interpreter, tag.abi) for wheel in wheels for tag in wheel.tags})
    exact: dict[tuple[str, int, int], set[str]] = {}
    floors: dict[tuple[str, int], set[int]] = {}
    minors: dict[int, set[int]] = {major: set(values) for major, values in named.minors.items()}
    _check_count(max(len(pairs), sum(map(len, minors.values()))), MAX_TOLD_APART, "Pythons")
    threaded_floor = False
    for python, abi in pairs:
        tag = parse_python_tag(python)
        if tag is None:
            continue
        if tag.minor is not None:
            minors.setdefault(tag.major, set()).add(tag.minor)
        if tag.kind == "py":
            threaded_floor = True
            for kind in ("cp", "pp"):
                floors.setdefault((kind, tag.major), set()).add(tag.minor or 0)
        elif tag.minor is None:
            if tag.kind != "cp":
                floors.setdefault((tag.kind, tag.major), set()).add(0)
        elif abi in ("abi3", "abi3t"):
            threaded_floor = threaded_floor or abi == "abi3t"
            floors.setdefault((tag.kind, tag.major), set()).add(tag.minor)
        else:
            abis = exact.setdefault((tag.kind, tag.major, tag.minor), set())
            if abi != "none":
                abis.add(abi)
    if (
        threaded_floor
        and any(kind == "cp" for kind, _ in floors)
        and any(python.startswith("cp") for python, _ in pairs)
    ):
        # A wheel for any Python also serves free-threaded builds, where one for CPython's usual builds does not.
        minors.setdefault(3, set()).add(FREE_THREADING_SINCE[1])
    for (kind, major), starts in floors.items():
        for minor in _minors_above(min(starts), major, minors.get(major, set())):
            exact.setdefault((kind, major, minor), set())
    interpreters: list[Interpreter] = []
    for (kind, major, minor), abis in sorted(exact.items(), key=lambda item: (KIND_ORDER.get(item[0][0], 9), item[0])):
        abis.add(default_abi(kind, major, minor))
        if (
            kind == "cp"
            and (major, minor) >= FREE_THREADING_SINCE
            and (threaded_floor or "none" in _abis(pairs, minor))
        ):
            abis.add(f"cp{major}{minor}t")
        for abi in sorted(abis):
            interpreters.append(
                Interpreter(
                    kind=kind,
                    major=major,
                    minor=minor,
                    full_version=f"{major}.{minor}.0",
                    abi=abi,
                    implementation_version=_PYPY_VERSION if kind == "pp" else None,
                )
            )
    return tuple(interpreters)


def _abis(pairs: Iterable[tuple[str, str]], minor: int) -> set[str]:
    """The ABI tags that stand beside CPython 3's ``minor``: ``cp313-none`` also serves the free-threaded build."""
    return {abi for python, abi in pairs if python == f"cp3{minor}"}


def _minors_above(floor: int, major: int, named: set[int]) -> Iterator[int]:
    """The minor versions from ``floor`` to one above the newest that is named; Python 2 ended with 2.7."""
    if major != 3:
        yield from sorted({minor for minor in named if floor <= minor <= 7} | {7})
        return
    top = max((*named, floor)) + 1
    listed = set(range(floor, min(top, LAST_LISTED_MINOR) + 1))
    listed.update(near for minor in named for near in (minor - 1, minor, minor + 1) if floor <= near)
    yield from sorted(listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _NamedValues:
    """The literals of markers and Requires-Python that an environment's value can be above, below or equal to."""

    minors: Mapping[int, frozenset[int]]
    """Major version to named minor versions."""
    patch_releases: Mapping[tuple[int, int], frozenset[str]]
    literals: Mapping[str, tuple[str, ...]]
    """Variable to literals, for the variables that are no Python version."""

    @classmethod
    def of(cls, comparisons: Iterable[Comparison], bounds: Iterable[SpecifierSet | None]) -> _NamedValues:
        versions: set[str] = set()
        literals: dict[str, dict[str, None]] = {}
        for comparison in set(comparisons):
            if comparison.variable in ("python_version", "python_full_version", "implementation_version"):
                versions.add(comparison.value)
            elif comparison.op in ("in", "not in") and not comparison.mirrored:
                # `sys_platform in "linux darwin"`: each word may be a value.
                literals.setdefault(comparison.variable, {}).update(
                    dict.fromkeys(re.split(r"[\s,;|]+", comparison.value))
                )
            else:
                literals.setdefault(comparison.variable, {})[comparison.value] = None
        versions.update(spec.version for bound in set(bounds) if bound is not None for spec in bound)
        minors: dict[int, set[int]] = {}
        patches: dict[tuple[int, int], set[str]] = {}
        for text in versions:
            for match in re.finditer(r"(?<![\d.])([23])\.(\d{1,6})(?:\.(\d{1,6})((?:a|b|rc)\d+)?)?", text):
                major, minor = int(match[1]), int(match[2])
                minors.setdefault(major, set()).add(minor)
                if match[3] is not None:
                    patches.setdefault((major, minor), set()).update(_patches_around(match[0], int(match[3]), match[4]))
        return cls(
            minors={major: frozenset(values) for major, values in minors.items()},
            patch_releases={key: frozenset(values) for key, values in patches.items()},
            literals={variable: tuple(sorted(values)) for variable, values in literals.items()},
        )

    def patches(self, major: int, minor: int) -> tuple[str, ...]:
        """The ``python_full_version`` values that stand for a minor version: the first, a late one, and any named."""
        version = f"{major}.{minor}"
        named = self.patch_releases.get((major, minor), frozenset())
        return (f"{version}.0", *sorted(named - {f"{version}.0", f"{version}.{LATE_PATCH}"}), f"{version}.{LATE_PATCH}")

    def platforms(self) -> Iterator[tuple[str, str]]:
        """``sys_platform`` and ``platform_machine`` of the platforms that only markers name."""
        known_machines = {machine for _, machine in _EVERYWHERE}
        for value in self.literals.get("sys_platform", ()):
            if re.fullmatch(r"[a-z]\w*", value) and value not in ("linux2", "linux", "darwin", "win32"):
                yield value, "x86_64"
        systems = {system: name for name, (_, system, _, _) in _SYSTEMS.items()}
        for value in self.literals.get("platform_system", ()):
            if value in systems and systems[value] not in ("linux", "darwin", "win32"):
                yield systems[value], "x86_64"
        for value in self.literals.get("platform_machine", ()):
            if re.fullmatch(r"\w+", value) and value not in known_machines:
                yield "linux", value

    def variants(self, platform: Platform) -> Iterator[Platform]:
        """Yield ``platform``, and it with each release or version that a marker names, below, at and above."""
        yield platform
        for release in _around(self.literals.get("platform_release", ())):
            yield replace(platform, platform_release=release)
        for version in _around(self.literals.get("platform_version", ())):
            yield replace(platform, platform_version=version)


def _patches_around(text: str, patch: int, suffix: str | None) -> Iterator[str]:
    """A named patch release, the one before and the one after it; a pre-release as it is."""
    version = text.rsplit(".", 1)[0]
    if suffix:
        yield text
    if patch > 0:
        yield from (f"{version}.{near}" for near in (patch - 1, patch, patch + 1))


def _around(values: Iterable[str]) -> Iterator[str]:
    """Each literal, and what is below and above it where it is a version."""
    seen = tuple(values)
    versions = [value for value in seen if re.fullmatch(r"\d+(\.\d+)*", value)]
    yield from dict.fromkeys((*(["0"] if versions else []), *seen, *(f"{value}.1" for value in versions)))
