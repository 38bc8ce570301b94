"""WING A (pure): the served assignments with free ones around them.

An override is read in environments that no wheel serves, too: uv resolves for all of
them. There its markers are free, but two lines of one project must not overlap, and
a marker may only be simplified where it stays the same. The free assignments are the
product of everything that the served ones vary in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

from wheelaudit.audit.groups import Meaning, Scene, build_meaning
from wheelaudit.audit.points import Mask, Points
from wheelaudit.errors import ReleaseTooLargeError
from wheelaudit.grid import find_named_minors, is_floor
from wheelaudit.markers import Comparison

_PLATFORM = ("os_name", "sys_platform", "platform_system", "platform_release", "platform_version")
_PYTHON = (
    "platform_python_implementation",
    "implementation_name",
    "implementation_version",
    "python_version",
    "python_full_version",
)
_USUAL_PLATFORMS = (
    ("posix", "linux", "Linux", "6.8.0", "#1 SMP"),
    ("posix", "darwin", "Darwin", "24.6.0", "Darwin Kernel Version 24.6.0"),
    ("nt", "win32", "Windows", "11", "10.0.26100"),
    ("posix", "freebsd14", "FreeBSD", "14.1", "FreeBSD 14.1"),
)
_OTHER_MACHINE = "another-machine"
MAX_FREE = 200_000
"""Free assignments, half a kilobyte each. Wheels for any platform have 10,000, and where they name 15 kernels
150,000."""


class Universe:
    """The points of a scene, which keep their numbers, followed by free ones."""

    def __init__(self, scene: Scene) -> None:
        served = scene.points.assignments
        extras = [extra for extra in scene.points.extras if extra is not None]
        self.points = Points((*served, *_free_assignments(scene, served)), extras)
        self.served: Mask = scene.points.full
        """The points that some wheel serves."""
        self.free: Mask = self.points.full & ~self.served
        self.meanings: tuple[Meaning, ...] = tuple(
            build_meaning(kin.readings[0].core, self.points) for kin in scene.kin
        )
        """What each kin's metadata asks for, in the free assignments too."""


def _free_assignments(scene: Scene, served: tuple[Mapping[str, str], ...]) -> list[Mapping[str, str]]:
    platforms = dict.fromkeys((*(tuple(each[name] for name in _PLATFORM) for each in served), *_USUAL_PLATFORMS))
    machines = dict.fromkeys(each["platform_machine"] for each in served)
    machines.update(dict.fromkeys(_named_machines(scene.comparisons)))
    machines[_OTHER_MACHINE] = None
    # Every implementation with every version: a marker on one of the two is free of the other.
    implementations: dict[tuple[str, str], str | None] = {("CPython", "cpython"): None, ("PyPy", "pypy"): "7.3.17"}
    for each in served:
        own = each["implementation_version"]
        names = (each["platform_python_implementation"], each["implementation_name"])
        implementations.setdefault(names, None if own == each["python_full_version"] else own)
    pythons = [
        (implementation, name, own or full, short, full)
        for (implementation, name), own in implementations.items()
        for short, full in _python_versions(scene)
    ]
    if len(platforms) * len(machines) * len(pythons) > MAX_FREE:
        raise ReleaseTooLargeError(
            f"The wheels of the release vary in more than {MAX_FREE} combinations of platform and Python.",
            remedy="Tell the project; no release that is installed anywhere needs as many.",
        )
    taken = {
        (*(each[name] for name in _PLATFORM), each["platform_machine"], *(each[n] for n in _PYTHON)) for each in served
    }
    return [
        dict(zip((*_PLATFORM, "platform_machine", *_PYTHON), (*platform, machine, *python), strict=True))
        for platform, machine, python in product(platforms, machines, pythons)
        if (*platform, machine, *python) not in taken
    ]


def _python_versions(scene: Scene) -> list[tuple[str, str]]:
    """Return ``python_version`` and ``python_full_version`` of every Python that is served, or near one that is.

    Where a wheel serves all later Pythons, the newest that is served stands for them:
    none above it is free.
    """
    versions = {(each["python_version"], each["python_full_version"]) for each in scene.points.assignments}
    served = {(int(major), int(minor)) for major, minor in (short.split(".") for short, _ in versions)}
    near = {
        (major, minor + step) for major, minor in served | find_named_minors(scene.comparisons) for step in (-1, 0, 1)
    }
    if any(is_floor(reading.wheel) for reading in scene.readings):
        near = {minor for minor in near if minor <= max(served, default=minor)}
    versions.update((f"{major}.{minor}", f"{major}.{minor}.0") for major, minor in near - served if minor >= 0)
    return sorted(versions)


def _named_machines(literals: Iterable[Comparison]) -> list[str]:
    return sorted({comparison.value for comparison in literals if comparison.variable == "platform_machine"})
