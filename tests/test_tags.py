from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging import tags
from packaging.tags import Tag

from wheelaudit.tags import (
    Level,
    Libc,
    Rank,
    default_abi,
    is_free_threaded,
    oldest_level,
    parse_platform_tag,
    parse_python_tag,
    rank_interpreter,
    rank_platform,
)

LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True)
class Target:
    """A machine with a Python, for which `packaging` can list the tags."""

    system: str
    machine: str
    libc: Libc | None
    level: Level
    kind: str
    version: tuple[int, int]
    abi: str

    def __str__(self) -> str:
        level = ".".join(map(str, self.level))
        return f"{self.system}-{self.machine}-{self.libc}-{level}-{self.abi}"


MACHINES: list[tuple[str, str, Libc | None, Level]] = [
    ("linux", "x86_64", "glibc", (2, 39)),
    ("linux", "x86_64", "glibc", (2, 17)),
    ("linux", "x86_64", "glibc", (2, 5)),
    ("linux", "i686", "glibc", (2, 28)),
    ("linux", "aarch64", "glibc", (2, 28)),
    ("linux", "aarch64", "glibc", (2, 17)),
    ("linux", "x86_64", "musl", (1, 2)),
    ("linux", "aarch64", "musl", (1, 1)),
    ("macos", "arm64", None, (15, 0)),
    ("macos", "arm64", None, (11, 0)),
    ("macos", "x86_64", None, (14, 0)),
    ("macos", "x86_64", None, (10, 15)),
    ("macos", "x86_64", None, (10, 9)),
    ("windows", "AMD64", None, (0, 0)),
    ("windows", "x86", None, (0, 0)),
    ("windows", "ARM64", None, (0, 0)),
    ("android", "aarch64", None, (24, 0)),
    ("ios", "arm64", None, (13, 3)),
]
PYTHONS = [
    ("cp", (2, 7), "cp27mu"),
    ("cp", (3, 6), "cp36m"),
    ("cp", (3, 7), "cp37m"),
    ("cp", (3, 8), "cp38"),
    ("cp", (3, 12), "cp312"),
    ("cp", (3, 13), "cp313"),
    ("cp", (3, 13), "cp313t"),
    ("cp", (3, 15), "cp315t"),
    ("pp", (3, 10), "pypy310_pp73"),
    ("pp", (3, 11), "pypy311_pp73"),
    ("graalpy", (3, 11), "graalpy242_311_native"),
]
TARGETS = [Target(*machine, *python) for machine in MACHINES for python in PYTHONS]


def list_platforms(target: Target) -> list[str]:
    """The platform tags of a machine, in the order of `packaging.tags.platform_tags`, but ``linux_*`` last.

    `packaging` lists those of Linux only on a Linux of that kind, so they are written out here.
    """
    machine = target.machine
    match target.system:
        case "linux" if target.libc == "glibc":
            found: list[str] = []
            floor = 5 if machine in ("x86_64", "i686") else 17
            for minor in range(target.level[1], floor - 1, -1):
                found.append(f"manylinux_2_{minor}_{machine}")
                if minor in LEGACY:
                    found.append(f"{LEGACY[minor]}_{machine}")
            return [*found, f"linux_{machine}"]
        case "linux":
            return [*(f"musllinux_1_{minor}_{machine}" for minor in range(target.level[1], -1, -1)), f"linux_{machine}"]
        case "macos":
            return list(tags.mac_platforms(target.level, machine))
        case "android":
            return list(tags.android_platforms(target.level[0], "arm64_v8a"))
        case "ios":
            return list(tags.ios_platforms(target.level, "arm64_iphoneos"))
    return [{"AMD64": "win_amd64", "x86": "win32", "ARM64": "win_arm64"}[machine]]


@cache
def list_tags(target: Target) -> dict[Tag, int]:
    """Every tag of a target with its place, by `packaging`."""
    platforms = list_platforms(target)
    text = f"{target.version[0]}{target.version[1]}"
    if target.kind == "cp":
        listed = [*tags.cpython_tags(target.version, [target.abi], platforms)]
    else:
        listed = [*tags.generic_tags(f"{target.kind}{text}", [target.abi], platforms)]
    # packaging.tags.sys_tags: which interpreter's own tag comes before py3-none-any.
    own = {"cp": f"cp{text}", "pp": "pp3"}.get(target.kind)
    if own is None:
        # None would make packaging leave it out; an empty string does the same on any Python.
        listed += tags.compatible_tags(target.version, "", platforms)
    else:
        listed += tags.compatible_tags(target.version, own, platforms)
    places: dict[Tag, int] = {}
    for place, tag in enumerate(listed):
        places.setdefault(tag, place)
    return places


def rank(tag: Tag, target: Target) -> Rank | None:
    """How specific ``tag`` is for ``target`` by our reckoning."""
    python, platform = parse_python_tag(tag.interpreter), parse_platform_tag(tag.platform)
    if python is None:
        return None
    first = rank_interpreter(
        python,
        tag.abi,
        kind=target.kind,
        major=target.version[0],
        minor=target.version[1],
        abi=target.abi,
        everywhere=platform is None,
    )
    if platform is None or first is None:
        return first
    second = rank_platform(platform, system=target.system, machine=target.machine, libc=target.libc, level=target.level)
    return None if second is None else first + second


POOL_PYTHONS = [
    *(f"cp3{minor}" for minor in (2, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15)),
    *(f"py3{minor}" for minor in (0, 6, 8, 12, 13, 15)),
    *("py3", "py2", "py27", "cp27", "cp3", "pp3", "pp27", "pp310", "pp311", "graalpy311", "ip27", "jy27"),
]
POOL_ABIS = [
    *("none", "abi3", "abi3t", "cp27m", "cp27mu", "cp36m", "cp37m", "cp37", "cp38", "cp312", "cp313", "cp313t"),
    *("cp315t", "pypy310_pp73", "pypy311_pp73", "graalpy242_311_native"),
]
POOL_PLATFORMS = [
    "any",
    *(f"manylinux_2_{level}_{machine}" for level in (5, 12, 16, 17, 28, 39) for machine in ("x86_64", "aarch64")),
    *(f"{legacy}_{machine}" for legacy in LEGACY.values() for machine in ("x86_64", "i686", "aarch64")),
    *(f"musllinux_1_{level}_{machine}" for level in (0, 1, 2) for machine in ("x86_64", "aarch64")),
    *("linux_x86_64", "linux_aarch64", "linux_i686", "linux_armv7l"),
    *("macosx_15_0_arm64", "macosx_11_0_arm64", "macosx_10_15_arm64", "macosx_12_0_universal2", "macosx_11_0_x86_64"),
    *("macosx_10_9_universal2", "macosx_10_9_x86_64", "macosx_10_15_x86_64", "macosx_10_6_intel", "macosx_10_3_intel"),
    *(
        "macosx_11_7_arm64",
        "macosx_11_7_universal2",
        "macosx_13_4_x86_64",
        "macosx_10_9_universal",
        "macosx_14_0_x86_64",
    ),
    *("win_amd64", "win32", "win_arm64"),
    *("android_21_arm64_v8a", "android_24_x86_64", "ios_13_0_arm64_iphoneos", "ios_13_0_arm64_iphonesimulator"),
    "freebsd_14_0_release_amd64",
]
POOL = [Tag(python, abi, platform) for python in POOL_PYTHONS for abi in POOL_ABIS for platform in POOL_PLATFORMS]


@pytest.mark.parametrize("target", TARGETS[::7], ids=str)
def test_exactly_the_tags_that_packaging_lists_are_served_and_in_its_order(target: Target) -> None:
    listed = list_tags(target)
    ranks = {tag: rank(tag, target) for tag in listed}
    assert [tag for tag, found in ranks.items() if found is None] == []
    order = [found for found in ranks.values() if found is not None]
    assert order == sorted(order)
    assert len(set(order)) == len(order)


@given(st.sampled_from(TARGETS), st.lists(st.sampled_from(POOL), min_size=1, max_size=60, unique=True))
def test_random_tags_are_served_and_ranked_as_packaging_ranks_them(target: Target, chosen: list[Tag]) -> None:
    listed = list_tags(target)
    ranks = {tag: found for tag in chosen if (found := rank(tag, target)) is not None}
    assert set(ranks) == {tag for tag in chosen if tag in listed}
    assert sorted(ranks, key=lambda tag: ranks[tag]) == sorted(ranks, key=lambda tag: listed[tag])


@pytest.mark.parametrize("target", TARGETS[1::7], ids=str)
def test_tags_of_the_pool_are_served_where_packaging_lists_them(target: Target) -> None:
    platforms = [text for text in POOL_PLATFORMS if text in {"any", *list_platforms(target)}]
    near = [Tag(python, abi, platform) for python in POOL_PYTHONS for abi in POOL_ABIS for platform in platforms]
    listed = list_tags(target)
    served = {tag for tag in near if rank(tag, target) is not None}
    assert served == {tag for tag in near if tag in listed}
    assert served


@pytest.mark.parametrize(
    ("legacy", "modern"),
    [
        ("manylinux1_x86_64", "manylinux_2_5_x86_64"),
        ("manylinux2010_i686", "manylinux_2_12_i686"),
        ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
    ],
)
def test_legacy_manylinux_names_are_their_modern_level_and_come_right_after_it(legacy: str, modern: str) -> None:
    old, new = parse_platform_tag(legacy), parse_platform_tag(modern)
    assert old is not None
    assert new is not None
    assert (old.machines, old.libc, old.level) == (new.machines, new.libc, new.level)
    assert old.order > new.order


def test_universal2_serves_both_machines_and_intel_only_the_older_ones() -> None:
    universal2, intel = parse_platform_tag("macosx_10_9_universal2"), parse_platform_tag("macosx_10_6_intel")
    assert universal2 is not None
    assert intel is not None
    assert set(universal2.machines) == {"x86_64", "arm64"}
    assert set(intel.machines) == {"x86_64", "i386"}


@pytest.mark.parametrize("level", [(11, 7), (12, 0), (26, 0)])
def test_macos_minor_versions_since_11_are_never_asked_for(level: Level) -> None:
    tag = parse_platform_tag("macosx_11_7_arm64")
    assert tag is not None
    assert rank_platform(tag, system="macos", machine="arm64", libc=None, level=level) is None


def test_any_is_no_platform() -> None:
    assert parse_platform_tag("any") is None


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        ("freebsd_14_0_release_amd64", "amd64"),
        ("emscripten_3_1_58_wasm32", "wasm32"),
        ("solaris_2_11_x86_64", "x86_64"),
        ("macosx_10_9_vax", "vax"),
        ("manylinux_two_x86_64", "x86_64"),
        ("weird", "weird"),
    ],
)
def test_platform_tag_that_is_not_known_is_a_system_of_its_own(text: str, machine: str) -> None:
    tag = parse_platform_tag(text)
    assert tag is not None
    assert (tag.family, tag.system, tag.machines) == ("other", text, (machine,))


@pytest.mark.parametrize("text", ["", "cp", "python", "3", "cp-312", "source", "cp312x", "abi3_cp", "py3.12"])
def test_python_tag_without_a_version_names_no_interpreter(text: str) -> None:
    assert parse_python_tag(text) is None


@given(st.text(alphabet="abcdefimnopuxyz0123456789_.", max_size=40))
def test_any_text_can_be_a_tag_without_a_crash(text: str) -> None:
    platform = parse_platform_tag(text)
    assert platform is None or platform.machines
    parse_python_tag(text)


@pytest.mark.parametrize(
    ("python", "abi"),
    [
        (("cp", 3, 7), "cp37m"),
        (("cp", 3, 8), "cp38"),
        (("cp", 2, 7), "cp27m"),
        (("pp", 3, 10), "pypy310_pp73"),
        (("graalpy", 3, 11), "graalpy311"),
    ],
)
def test_default_abi_is_that_of_the_usual_build(python: tuple[str, int, int], abi: str) -> None:
    assert default_abi(*python) == abi


@pytest.mark.parametrize(
    ("abi", "expected"),
    [("cp313t", True), ("cp314td", True), ("cp313dt", True), ("cp313", False), ("abi3t", False), ("cp27mu", False)],
)
def test_free_threaded_builds_are_told_by_their_abi(abi: str, expected: bool) -> None:
    assert is_free_threaded(abi) is expected


def test_oldest_level_is_one_that_a_tag_of_that_level_runs_on() -> None:
    for system, machine, libc, _ in MACHINES:
        if libc == "glibc":
            level = oldest_level(system, machine, libc)
            tag = parse_platform_tag(f"manylinux_{level[0]}_{level[1]}_{machine}")
            assert tag is not None
            assert rank_platform(tag, system=system, machine=machine, libc=libc, level=level) is not None
