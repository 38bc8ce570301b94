"""GROUND (pure): what a wheel's tags allow, and which of two tags an installer prefers.

Obeys the platform compatibility tags (PEP 425, 513, 571, 599, 600 manylinux, 656
musllinux, 703 free threading, 730 iOS, 738 Android, 803 abi3t). The order is that of
`packaging.tags`, by which pip ranks, and uv alike; a test holds it to `packaging`'s
own lists. It is written anew because `packaging` lists the tags of *this* machine,
while wheelaudit asks for any machine, and only about the tags that a release has. In one
place it is not `packaging`'s: since 26.3 that puts ``linux_*`` before manylinux and
musllinux; pip and uv (0.13.8, tried) keep it last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Family = Literal["linux", "macos", "windows", "other"]
Libc = Literal["glibc", "musl"]
Level = tuple[int, int]
"""The least version of the C library (Linux) or system (macOS, Android, iOS) that a tag asks for."""

Rank = tuple[int, ...]
"""The smaller, the more specific; compared among the tags of one kind only."""

_LEGACY_MANYLINUX: dict[str, Level] = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_WINDOWS_MACHINES = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64", "win_arm32": "ARM", "win_ia64": "ia64"}
_MACOS_FORMATS: dict[str, tuple[str, ...]] = {
    # The formats that a machine runs, the preferred first (packaging.tags.mac_platforms).
    # packaging 26.3 spells fat32 as fat3.
    "x86_64": ("x86_64", "intel", "fat64", "fat32", "fat3", "universal2", "universal"),
    "arm64": ("arm64", "universal2"),
    "i386": ("i386", "intel", "fat32", "fat3", "fat", "universal"),
}
_ANDROID_MACHINES = {"arm64_v8a": "aarch64", "armeabi_v7a": "armv7l", "x86_64": "x86_64", "x86": "i686"}

MANYLINUX_FLOOR: Level = (2, 17)
"""manylinux2014 (PEP 599) is the first for other machines than x86_64 and i686; older names serve none of them."""

MACOS_FLOOR: Level = (10, 4)
"""The first macOS for Intel machines, and the oldest that an installer asks for."""

MACOS_ARM64_FLOOR: Level = (11, 0)
"""The first macOS for arm64; it also runs universal2 wheels of every macOS 10."""


def oldest_level(system: str, machine: str, libc: Libc | None) -> Level:
    """Return the oldest C library or system that a Python of today's wheels runs on at all."""
    if system == "macos":
        return MACOS_ARM64_FLOOR if machine == "arm64" else (10, 9)  # the python.org builds of 3.8 to 3.11
    if libc == "glibc":
        # manylinux1, which PEP 513 found on every system, was for these two machines.
        return (2, 5) if machine in ("x86_64", "i686") else MANYLINUX_FLOOR
    return (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformTag:
    """One platform tag, taken apart."""

    text: str
    family: Family
    system: str
    """``linux``, ``macos``, ``windows``, ``android``, ``ios`` (with its SDK), or the tag itself where it is unknown."""
    machines: tuple[str, ...]
    """``platform_machine`` of the environments it serves, as each system spells it."""
    libc: Libc | None = None
    """The C library it is bound to; None for ``linux_*`` and outside Linux."""
    level: Level = (0, 0)
    order: int = 0
    """Among tags of one level: the modern name before its legacy alias, the thin format before the fat one."""


@lru_cache(maxsize=4096)
def parse_platform_tag(text: str) -> PlatformTag | None:
    """Take a platform tag apart; None for ``any``, which is no platform but all of them."""
    if text == "any":
        return None
    if machine := _WINDOWS_MACHINES.get(text):
        return PlatformTag(text=text, family="windows", system="windows", machines=(machine,))
    if match := re.fullmatch(r"(manylinux1|manylinux2010|manylinux2014)_(\w+)", text):
        level = _LEGACY_MANYLINUX[match[1]]
        return _linux(text, match[2], "glibc", level, order=1)
    if match := re.fullmatch(r"(many|musl)linux_(\d{1,4})_(\d{1,4})_(\w+)", text):
        libc: Libc = "glibc" if match[1] == "many" else "musl"
        return _linux(text, match[4], libc, (int(match[2]), int(match[3])))
    if match := re.fullmatch(r"linux_(\w+)", text):
        return _linux(text, match[1], None, (0, 0))
    if match := re.fullmatch(r"macosx_(\d{1,4})_(\d{1,4})_(\w+)", text):
        kind = match[3]
        machines = tuple(machine for machine, kinds in _MACOS_FORMATS.items() if kind in kinds)
        if machines:
            return PlatformTag(
                text=text,
                family="macos",
                system="macos",
                machines=machines,
                level=(int(match[1]), int(match[2])),
                order=max(_MACOS_FORMATS[machine].index(kind) for machine in machines),
            )
    if match := re.fullmatch(r"android_(\d{1,4})_(\w+)", text):
        machine = _ANDROID_MACHINES.get(match[2], match[2])
        return PlatformTag(text=text, family="other", system="android", machines=(machine,), level=(int(match[1]), 0))
    if match := re.fullmatch(r"ios_(\d{1,4})_(\d{1,4})_(\w+?)_(iphoneos|iphonesimulator)", text):
        system = "ios" if match[4] == "iphoneos" else "ios simulator"
        level = (int(match[1]), int(match[2]))
        return PlatformTag(text=text, family="other", system=system, machines=(match[3],), level=level)
    return PlatformTag(text=text, family="other", system=text, machines=(_last_word(text),))


def rank_platform(tag: PlatformTag, *, system: str, machine: str, libc: Libc | None, level: Level) -> Rank | None:
    """Return how specific ``tag`` is for a system at ``level`` of its C library or itself; None if it does not run."""
    if tag.system != system or machine not in tag.machines:
        return None
    if tag.libc is not None and tag.libc != libc:
        return None
    if tag.libc == "glibc" and tag.level < oldest_level(system, machine, libc):
        return None
    fits = tag.level <= level
    if system == "macos":
        if tag.level >= (11, 0) and tag.level[1] != 0:
            # From macOS 11 on compatibility goes by the major version, and no installer asks for another minor.
            return None
        floor = MACOS_ARM64_FLOOR if machine == "arm64" and "universal2" not in tag.text else MACOS_FLOOR
        fits = fits and tag.level >= floor
    if not fits:
        return None
    # A tag bound to a C library comes before the bare linux_* one, the newest level first.
    bare = 1 if tag.family == "linux" and tag.libc is None else 0
    return (bare, -tag.level[0], -tag.level[1], tag.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTag:
    """One Python tag, taken apart: ``cp312`` is kind ``cp``, 3, 12; ``py3`` is kind ``py``, 3, None."""

    kind: str
    major: int
    minor: int | None


@lru_cache(maxsize=4096)
def parse_python_tag(text: str) -> PythonTag | None:
    """Take a Python tag apart; None where it names no version (and so no interpreter that can be placed)."""
    match = re.fullmatch(r"([a-z]+)(\d)(\d{0,4})", text)
    if match is None:
        return None
    return PythonTag(kind=match[1], major=int(match[2]), minor=int(match[3]) if match[3] else None)


def rank_interpreter(
    tag: PythonTag, abi_tag: str, *, kind: str, major: int, minor: int, abi: str, everywhere: bool
) -> Rank | None:
    """Return how specific a Python and ABI tag are for an interpreter (``cp``, 3, 12, ``cp312``); None if unfit.

    ``everywhere``: the platform tag is ``any``. Order (packaging.tags.cpython_tags,
    generic_tags, compatible_tags): the ABI itself, the stable ABI, no ABI, older stable
    ABIs, then ``py``; all of these for a platform before ``any``.
    """
    own = tag.kind == kind and tag.major == major and tag.minor == minor
    if everywhere:
        if abi_tag != "none":
            return None
        # CPython asks for cp312-none-any, PyPy for pp3-none-any, the others for no such tag.
        if (own and kind == "cp") or (kind == "pp" and tag == PythonTag(kind="pp", major=major, minor=None)):
            return (2, 0)
    elif own:
        if abi_tag == abi:
            return (0, 0)
        if abi_tag == _stable_abi(kind, major, minor, abi):
            return (0, 1)
        return (0, 2) if abi_tag == "none" else None
    elif tag.kind == kind and tag.major == major and tag.minor is not None and 2 <= tag.minor < minor:
        return (0, 2 + minor - tag.minor) if abi_tag == _stable_abi(kind, major, minor, abi) else None
    if tag.kind != "py" or tag.major != major or abi_tag != "none":
        return None
    block = 3 if everywhere else 1
    if tag.minor is None:
        return (block, 1)
    return None if tag.minor > minor else (block, 0) if tag.minor == minor else (block, 1 + minor - tag.minor)


def default_abi(kind: str, major: int, minor: int) -> str:
    """Return the ABI tag of an interpreter's usual build: ``cp312``, ``cp37m``, ``pypy310_pp73``."""
    version = f"{major}{minor}"
    if kind == "pp":
        return f"pypy{version}_pp73"
    if kind == "cp":
        # PEP 3149's "m" (pymalloc) went with Python 3.8; before, every usual build had it.
        return f"cp{version}m" if (major, minor) < (3, 8) else f"cp{version}"
    return f"{kind}{version}"


def _stable_abi(kind: str, major: int, minor: int, abi: str) -> str | None:
    """The stable ABI that an interpreter loads: PEP 384 (since 3.2), or PEP 803's for free-threaded builds."""
    if kind != "cp" or (major, minor) < (3, 2):
        return None
    return "abi3t" if is_free_threaded(abi) else "abi3"


@lru_cache(maxsize=4096)
def is_free_threaded(abi: str) -> bool:
    """Whether an ABI tag is of a free-threaded build (PEP 703): ``cp313t``."""
    return re.fullmatch(r"cp\d+d?t\w*", abi) is not None


def _linux(text: str, machine: str, libc: Libc | None, level: Level, *, order: int = 0) -> PlatformTag:
    return PlatformTag(
        text=text, family="linux", system="linux", machines=(machine,), libc=libc, level=level, order=order
    )


def _last_word(text: str) -> str:
    """The machine of an unknown platform tag, by custom its last part (``freebsd_14_0_release_amd64``)."""
    return "x86_64" if text.endswith("x86_64") else text.rsplit("_", 1)[-1]
