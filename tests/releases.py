"""Builds readings and releases for tests: from lines, or from a cassette's metadata."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio

from tests import oracle
from wheelaudit.index.cassettes import ReplayTransport, read_cassette
from wheelaudit.index.client import IndexClient
from wheelaudit.index.crawl import crawl_release
from wheelaudit.index.locations import build_location
from wheelaudit.index.selection import RequirementSpec, find_releases, parse_spec
from wheelaudit.metadata import Reading, WheelMetadata, parse_metadata
from wheelaudit.release import Release, WheelFile, parse_wheel_name, wheel_order

CASSETTES = Path(__file__).parents[1] / "cassettes"
INCONSISTENT = (
    "torch-2.0.0",
    "torch-2.1.0",
    "torch-2.6.0+cu126",
    "torch-2.6.0.dev20241222+cu126",
    "torch-2.7.0.dev20250116+cu126",
    "tensorflow-2.14.0",
    "tensorflow-2.15.1",
    "opencv-python-4.4.0.46",
)
CONSISTENT = ("torch-2.10.0", "torch-2.15.0", "numpy-2.2.0")
_INDEX = re.compile(r"^\| `(?P<name>[^`]+)` \| `(?P<index>[^`]+)` \|", re.MULTILINE)


def build_wheel(filename: str, *, index: str = "example", **fields: Any) -> WheelFile:
    project, version, build, tags = parse_wheel_name(filename)
    return WheelFile(
        filename=filename,
        url=f"https://files.example/{index}/{filename}",
        index=index,
        project=project,
        version=version,
        build=build,
        tags=tags,
        **fields,
    )


def build_reading(
    filename: str,
    requires_dist: Iterable[str] = (),
    requires_python: str | None = None,
    provides_extra: Iterable[str] = (),
    **fields: Any,
) -> WheelMetadata:
    wheel = build_wheel(filename, **fields)
    lines = [f"Metadata-Version: 2.1\nName: {wheel.project}\nVersion: {wheel.version}"]
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in provides_extra]
    lines += [f"Requires-Dist: {line}" for line in requires_dist]
    data = ("\n".join(lines) + "\n").encode()
    return WheelMetadata(
        wheel=wheel, core=parse_metadata(data), sha256=hashlib.sha256(data).hexdigest(), source="pep658"
    )


def build_release(readings: Sequence[Reading]) -> Release:
    first = readings[0].wheel
    wheels = tuple(sorted((reading.wheel for reading in readings), key=wheel_order))
    return Release(project=first.project, version=first.version, wheels=wheels)


@cache
def load_release(name: str) -> tuple[Release, tuple[Reading, ...]]:
    """Return the release of ``cassettes/NAME`` and a reading per wheel, through the whole index wing."""
    return anyio.run(_replay, CASSETTES / name)


async def _replay(folder: Path) -> tuple[Release, tuple[Reading, ...]]:
    project, _, version = folder.name.rpartition("-")
    spec = parse_spec(f"{project}=={version}")
    assert isinstance(spec, RequirementSpec)
    table = (CASSETTES / "README.md").read_text(encoding="utf-8")
    indexes = {match["name"]: match["index"] for match in _INDEX.finditer(table)}
    location = build_location(indexes[folder.name], folder=folder)
    async with IndexClient(transport=lambda network: ReplayTransport(folder)) as client:
        page = await client.read_project_page(location, spec.project)
        (release,) = find_releases([(location.name, page)], spec)
        return release, await crawl_release(release, client)


def build_oracle_wheels(readings: Iterable[Reading]) -> list[oracle.Wheel]:
    """Return the wheels as the second opinion takes them; all must have been read."""
    wheels = []
    for reading in readings:
        assert isinstance(reading, WheelMetadata), reading
        core = reading.core
        lines = tuple(line.text for line in core.requires_dist)
        wheels.append(oracle.Wheel(reading.wheel.filename, lines, core.requires_python, core.provides_extra))
    return wheels


def load_metadata(name: str) -> dict[str, bytes]:
    """Return the METADATA of every wheel of ``cassettes/NAME``, by file name."""
    found: dict[str, bytes] = {}
    for exchange in read_cassette(CASSETTES / name):
        filename = unquote(exchange.url.rpartition("/")[2])
        if filename.endswith(".metadata"):
            assert exchange.body is not None
            found[filename.removesuffix(".metadata")] = exchange.body
    return found
