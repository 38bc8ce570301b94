"""GROUND (pure): releases and the wheels they are made of, as an index lists them.

Wheel file names are those of the binary distribution format (PEP 427, PEP 425
tags); the other fields are what a project page says of a file (PEP 503, 592,
658, 700, 714).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod

from packaging.tags import Tag
from packaging.utils import BuildTag, InvalidWheelFilename, NormalizedName, parse_wheel_filename
from packaging.version import Version

MAX_NAME_CHARACTERS = 1024
"""Of a wheel's file name: four times what file systems keep of one."""
MAX_TAGS = 512
"""Of a wheel, its compressed tag sets multiplied out (PEP 425); real ones come to 20 at most, and 255 characters
to 70,000."""

_PART = re.compile(r"[A-Za-z0-9_.]+", re.ASCII)
"""Of a file name behind project and version (PEP 427: all else becomes an underscore)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """One wheel of a release on one index. Two are equal when index and URL are."""

    filename: str = field(compare=False)
    url: str
    """Where the wheel is, without fragment and without credentials; a ``file:`` URL for a local file."""
    index: str
    """The index it was found on, as reports name it: the name the user gave, or a URL without credentials."""
    project: NormalizedName = field(compare=False)
    version: Version = field(compare=False)
    build: BuildTag = field(compare=False, default=())
    tags: frozenset[Tag] = field(compare=False)
    """The expanded tag set of the file name."""
    sha256: str | None = field(compare=False, default=None)
    """Advertised hash of the wheel, lower-case hex; None where the page gives none."""
    has_metadata: bool = field(compare=False, default=False)
    """Whether the page advertises a ``.metadata`` file beside the wheel (PEP 658, 714)."""
    metadata_sha256: str | None = field(compare=False, default=None)
    """Advertised hash of that file, lower-case hex; None where the page says only ``true``."""
    requires_python: str | None = field(compare=False, default=None)
    """The page's ``data-requires-python``, as written; None where the page says nothing."""
    yanked: str | None = field(compare=False, default=None)
    """None: not yanked. Otherwise the reason, which may be empty (PEP 592)."""
    size: int | None = field(compare=False, default=None)
    """Bytes of the wheel (PEP 700); None where the page does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file of a project page that is no wheel wheelaudit can place, and why it is left out."""

    filename: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One exact version of a project, local part included, with all its wheels."""

    project: NormalizedName
    version: Version
    wheels: tuple[WheelFile, ...]
    """Sorted by file name, bytewise (the order in which uv reads them), then by index as the user gave them."""
    skipped: tuple[SkippedFile, ...] = ()
    indexes: tuple[str, ...] = ()
    """Those that have the release, as the user ordered them: uv asks the first alone. Empty: the first wheel's."""

    @property
    def spec(self) -> str:
        """``project==version``, as a requirement spells it."""
        return f"{self.project}=={self.version}"


@lru_cache(maxsize=4096)
def parse_wheel_name(filename: str) -> tuple[NormalizedName, Version, BuildTag, frozenset[Tag]]:
    """Return project, version, build tag and tag set of a wheel's file name.

    Raises `packaging.utils.InvalidWheelFilename` (or another ValueError) for a name
    that is not one of PEP 427, such as the labelled names of wheel variants (PEP 825),
    or whose tag sets come to more than `MAX_TAGS`: they are counted before they multiply.
    Cached: a wheel is built when its link arrives and again with its release, 8 us each.
    """
    if len(filename) > MAX_NAME_CHARACTERS:
        raise InvalidWheelFilename(f"it has more than {MAX_NAME_CHARACTERS} characters")
    if prod(part.count(".") + 1 for part in filename.removesuffix(".whl").rsplit("-", 3)[1:]) > MAX_TAGS:
        raise InvalidWheelFilename(f"its tags come to more than {MAX_TAGS}")
    parsed = parse_wheel_filename(filename)
    # `packaging` takes any characters there, quotes too; a tag becomes the literal of a marker.
    if not all(map(_PART.fullmatch, filename.removesuffix(".whl").split("-")[2:])):
        raise InvalidWheelFilename("its build or tags are more than letters, digits, dots and underscores")
    return parsed


def wheel_order(wheel: WheelFile) -> bytes:
    """Sort key of wheels within a release: the file name, bytewise, as uv sorts them."""
    # What a page in JSON says may hold a lone surrogate.
    return wheel.filename.encode("utf-8", "surrogatepass")
