"""OUTPUT (pure): one grid for two builds.

A grid of environments names the Pythons that tags, markers and Requires-Python name,
so two builds have two grids: what one calls "3.12 and above" the other knows as 3.12,
3.13 and above. Laid out over the literals of both, they can be compared environment
by environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wheelaudit.grid import FREE_THREADING_SINCE
from wheelaudit.markers import Comparison, comparisons
from wheelaudit.metadata import Reading, WheelMetadata, parse_requires_python
from wheelaudit.release import WheelFile
from wheelaudit.tags import parse_python_tag


def find_literals(readings: Iterable[Reading]) -> tuple[Comparison, ...]:
    """Return every comparison by which the environments of some wheels may have to be told apart.

    Those of markers as they are; Requires-Python and Python tags as comparisons of a
    Python's version, which is what they are. The first free-threaded Python (PEP 703) is
    always named: a wheel for any Python serves it, and one for the stable ABI does not.
    """
    found = {_name_minor(*FREE_THREADING_SINCE): None}
    for reading in readings:
        found.update(dict.fromkeys(_find_tag_literals(reading.wheel)))
        found.update(dict.fromkeys(_find_metadata_literals(reading)))
    return tuple(sorted(found, key=lambda each: (each.variable, each.op, each.value, each.mirrored)))


def _find_tag_literals(wheel: WheelFile) -> Iterator[Comparison]:
    for tag in wheel.tags:
        python = parse_python_tag(tag.interpreter)
        if python is not None and python.minor is not None:
            yield _name_minor(python.major, python.minor)


def _find_metadata_literals(reading: Reading) -> Iterator[Comparison]:
    bound = parse_requires_python(reading.wheel.requires_python)
    if isinstance(reading, WheelMetadata):
        bound = reading.core.python_specifier
        for marker in dict.fromkeys(line.marker for line in reading.core.requires_dist):
            yield from comparisons(marker)
    for each in bound or ():
        yield Comparison("python_full_version", each.operator, each.version)


def _name_minor(major: int, minor: int) -> Comparison:
    return Comparison("python_version", ">=", f"{major}.{minor}")
