"""GROUND (pure): environments, as markers see them and as reports name them.

An environment is an assignment of every marker variable (PEP 508). Two things that
decide which wheel is taken are no marker variable: the ABI (free threading) and the
C library or system version; they are kept beside the variables, because wheels that
differ only there cannot be told apart by any marker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from wheelaudit.release import WheelFile
from wheelaudit.tags import Level, Libc, is_free_threaded

IMPLEMENTATIONS = {
    "cp": ("CPython", "cpython"),
    "pp": ("PyPy", "pypy"),
    "graalpy": ("GraalVM", "graalpy"),
    "ip": ("IronPython", "ironpython"),
    "jy": ("Jython", "jython"),
}
"""Python tag's letters: ``platform_python_implementation``, ``implementation_name``."""

KIND_ORDER = {"cp": 0, "pp": 1}
"""Of Python tag's letters in reports; the others follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """An operating system on a machine: the platform's marker variables, and what no marker tells of it."""

    os_name: str
    sys_platform: str
    platform_system: str
    platform_machine: str
    platform_release: str
    platform_version: str
    libc: Libc | None = None
    """Linux only."""
    level: Level = (0, 0)
    """Version of the C library (Linux) or system (macOS, Android, iOS); (0, 0): older than any wheel asks for."""
    system: str = ""
    """Name in reports, and in `tags.PlatformTag.system`."""

    @property
    def label(self) -> str:
        """How reports name it: ``linux x86_64``, ``linux x86_64 (musl)``, ``windows AMD64``."""
        musl = " (musl)" if self.libc == "musl" else ""
        return f"{self.system} {self.platform_machine}{musl}"

    def variables(self) -> dict[str, str]:
        """Return the marker variables that the platform settles."""
        return {
            "os_name": self.os_name,
            "sys_platform": self.sys_platform,
            "platform_system": self.platform_system,
            "platform_machine": self.platform_machine,
            "platform_release": self.platform_release,
            "platform_version": self.platform_version,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python: its marker variables, and its ABI, which no marker tells."""

    kind: str
    """The Python tag's letters: ``cp``, ``pp``, ``graalpy``."""
    major: int
    minor: int
    full_version: str
    """``python_full_version``."""
    abi: str
    implementation_version: str | None = None
    """None: as `full_version` (so CPython)."""

    @property
    def python_version(self) -> str:
        """``major.minor``."""
        return f"{self.major}.{self.minor}"

    @property
    def label(self) -> str:
        """How reports name it: ``3.12``, ``3.13t``, ``pypy3.10``."""
        return python_label(self.kind, self.python_version, is_free_threaded(self.abi))

    def variables(self) -> dict[str, str]:
        """Return the marker variables that the interpreter settles."""
        implementation, name = IMPLEMENTATIONS.get(self.kind, (self.kind, self.kind))
        return {
            "platform_python_implementation": implementation,
            "implementation_name": name,
            "implementation_version": self.implementation_version or self.full_version,
            "python_version": self.python_version,
            "python_full_version": self.full_version,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One platform with one Python."""

    platform: Platform
    interpreter: Interpreter

    def variables(self) -> dict[str, str]:
        """Return the marker variables (PEP 508), all but ``extra``."""
        return self.platform.variables() | self.interpreter.variables()

    def __str__(self) -> str:
        return f"{self.platform.label}, {self.interpreter.label} ({self.interpreter.full_version})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An environment that at least one wheel serves."""

    environment: Environment
    best: tuple[WheelFile, ...]
    """The wheel an installer takes. More than one only where several indexes hold a wheel of that name."""


def python_label(kind: str, version: str, free_threaded: bool) -> str:
    """Name a Python as reports do: ``3.12``, ``3.13t``, ``pypy3.10``."""
    prefix = "" if kind == "cp" else IMPLEMENTATIONS.get(kind, (kind, kind))[1]
    return f"{prefix}{version}{'t' if free_threaded else ''}"


def describe_environments(environments: Iterable[Environment], universe: Iterable[Environment]) -> str:
    """Name a set of environments in one line: ``linux x86_64, CPython 3.10-3.13; windows AMD64, ...``.

    ``universe`` holds all environments there are. A minor version is named by its patch
    releases only where the set holds some of them, a free-threaded Python only where the
    usual build of that version is not in the set, a C library only where it matters.
    """
    chosen = _pythons_by_platform(environments)
    every = _pythons_by_platform(universe)
    platforms_of: dict[str, list[str]] = {}
    for label, pythons in chosen.items():
        platforms_of.setdefault(_describe_pythons(pythons, every[label]), []).append(label)
    return "; ".join(f"{_enumerate(labels)}, {pythons}" for pythons, labels in platforms_of.items())


def _enumerate(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


_Pythons = dict[tuple[str, int, int], dict[bool, set[str]]]
"""Kind, major, minor to free-threaded or not to full versions."""


def _pythons_by_platform(environments: Iterable[Environment]) -> dict[str, _Pythons]:
    """Pythons by the platform's name, its C library left out: no marker tells it."""
    by_platform: dict[str, _Pythons] = {}
    for environment in environments:
        platform, python = environment.platform, environment.interpreter
        pythons = by_platform.setdefault(f"{platform.system} {platform.platform_machine}", {})
        builds = pythons.setdefault((python.kind, python.major, python.minor), {})
        builds.setdefault(is_free_threaded(python.abi), set()).add(python.full_version)
    return by_platform


def _describe_pythons(pythons: _Pythons, every: _Pythons) -> str:
    texts: list[str] = []
    for kind in sorted({kind for kind, _, _ in pythons}, key=lambda kind: (KIND_ORDER.get(kind, 9), kind)):
        listed = sorted(key for key in every if key[0] == kind)
        whole: list[tuple[int, str]] = []
        partial: list[str] = []
        for key in sorted(key for key in pythons if key[0] == kind):
            version = f"{key[1]}.{key[2]}"
            for free_threaded, patches in sorted(pythons[key].items()):
                suffix = "t" if free_threaded else ""
                if patches != every[key][free_threaded]:
                    partial += [f"{patch}{suffix}" for patch in sorted(patches)]
                elif not free_threaded:
                    whole.append((listed.index(key), version))
                elif False not in pythons[key]:
                    partial.append(f"{version}t")
        implementation = IMPLEMENTATIONS.get(kind, (kind, kind))[0]
        texts.append(f"{implementation} {', '.join([*_ranges(whole), *partial])}")
    return " and ".join(texts)


def _ranges(versions: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Write neighbours as a range: ``3.8, 3.10-3.13``; neighbours are those with no other served version between."""
    for _, run in groupby(enumerate(versions), key=lambda item: item[1][0] - item[0]):
        texts = [version for _, (_, version) in run]
        yield texts[0] if len(texts) == 1 else f"{texts[0]}-{texts[-1]}"
