"""What is in cassettes/: every recording is whole, and is what its README says."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from wheelaudit.index.cassettes import ReplayTransport, read_cassette
from wheelaudit.index.client import IndexClient
from wheelaudit.index.crawl import crawl_release
from wheelaudit.index.locations import build_location
from wheelaudit.index.selection import RequirementSpec, find_releases, parse_spec
from wheelaudit.metadata import Reading, WheelMetadata

pytestmark = pytest.mark.anyio

CASSETTES = Path(__file__).parents[2] / "cassettes"
FOLDERS = sorted(path for path in CASSETTES.iterdir() if path.is_dir())
ROW = re.compile(r"\| `(?P<name>[^`]+)` \| `(?P<index>[^`]+)` \| (?P<wheels>\d+) \| (?P<distinct>\d+) \|")
ROWS = {match["name"]: match for match in ROW.finditer((CASSETTES / "README.md").read_text(encoding="utf-8"))}


async def replay(folder: Path) -> tuple[Reading, ...]:
    project, _, version = folder.name.rpartition("-")
    spec = parse_spec(f"{project}=={version}")
    assert isinstance(spec, RequirementSpec)
    location = build_location(ROWS[folder.name]["index"], folder=folder)
    async with IndexClient(transport=lambda inner: ReplayTransport(folder)) as client:
        page = await client.read_project_page(location, spec.project)
        (release,) = find_releases([(location.name, page)], spec)
        return await crawl_release(release, client)


def test_readme_has_a_row_for_every_cassette() -> None:
    assert sorted(ROWS) == [folder.name for folder in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_every_wheel_is_read_from_its_metadata_file_and_verified(folder: Path) -> None:
    readings = await replay(folder)
    assert all(isinstance(reading, WheelMetadata) and not reading.faults for reading in readings)
    assert {reading.source for reading in readings if isinstance(reading, WheelMetadata)} == {"pep658"}
    assert len(readings) == int(ROWS[folder.name]["wheels"])
    distinct = {reading.sha256 for reading in readings if isinstance(reading, WheelMetadata)}
    assert len(distinct) == int(ROWS[folder.name]["distinct"])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_body_is_left_over(folder: Path) -> None:
    bodies = {exchange.body for exchange in read_cassette(folder)}
    files = [path.read_bytes() for path in (folder / "bodies").iterdir()]
    assert sorted(files) == sorted(body for body in bodies if body is not None)
    names = {row["body"] for row in json.loads((folder / "exchanges.json").read_bytes())["exchanges"]}
    assert len(names) == len(files)


def test_verified_metadata_of_the_flagship_is_byte_exact() -> None:
    digests = {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (CASSETTES / "torch-2.6.0+cu126" / "bodies").iterdir()
    }
    # What the index published as data-core-metadata of the Linux x86_64 wheels.
    assert "46e820dd4ceeddb24f74880c68c670cb37a310c0b5f5be7a6052fb6649401fd4" in digests
