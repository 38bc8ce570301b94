"""Releases that nobody has seen: with their override the real uv gives every environment what its wheel asks for."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest
from packaging.version import Version

from tests import oracle
from tests.releases import build_reading, build_release
from tests.uv.conftest import MakeIndex
from tests.uv.index import ServedWheel, build_metadata, build_requirement_stubs
from tests.uv.lock import Uv, find_given
from wheelaudit.audit.audit import audit_release
from wheelaudit.metadata import WheelMetadata
from wheelaudit.report.toml import render_override

SEED = 20250302
COUNT = 40
PYTHONS = ("cp39", "cp310", "cp311", "cp312", "cp313")
PLATFORMS = (
    "macosx_10_9_universal2",
    "macosx_11_0_arm64",
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux_2_28_aarch64",
    "win_amd64",
    "win_arm64",
)
TAGS = ("{python}-{python}-{platform}",) * 4 + (
    "{python}-abi3-{platform}",
    "py3-none-{platform}",
    "pp310-pypy310_pp73-{platform}",
)
REQUIREMENTS = ("alpha", "beta==1.0", "beta==2.0", "gamma>=1", "delta[fast]>=1", "epsilon")
OF_EXTRA = ("zeta (==1.0.0)", "eta>=3")
"""Projects of their own: uv does not fork between an extra's line and one without (see `test_override`)."""
MARKERS = (
    "",
    "",
    'platform_system == "Linux" and platform_machine == "x86_64"',
    'sys_platform == "win32"',
    'sys_platform != "darwin"',
    'python_version < "3.11"',
    'python_full_version >= "3.11.4"',
    'platform_machine == "arm64" or platform_machine == "aarch64"',
    'os_name == "nt"',
    'os_name != "nt"',
    '"linux" in sys_platform',
    'implementation_name == "cpython"',
)


@cache
def build_releases() -> tuple[tuple[WheelMetadata, ...], ...]:
    """Return the readings of inconsistent releases that have an override, the same ones in every run."""
    draw = random.Random(SEED)
    found: list[tuple[WheelMetadata, ...]] = []
    while (number := len(found)) < COUNT:
        variants = [_draw_requirements(draw) for _ in range(draw.randint(2, 3))]
        names = {f"random_{number}-1.0{draw.choice(('', '', '-1'))}-{_draw_tag(draw)}.whl" for _ in range(6)}
        readings = tuple(build_reading(name, draw.choice(variants), None, ["gpu"]) for name in sorted(names))
        audit = audit_release(build_release(readings), readings)
        if audit.proof is not None and not audit.proof.deviations:
            found.append(readings)
    return tuple(found)


def _draw_requirements(draw: random.Random) -> tuple[str, ...]:
    lines = {}
    for requirement in draw.sample(REQUIREMENTS, 3):
        marker = draw.choice(MARKERS)
        # One wheel does not ask for two versions of one project.
        lines[requirement.partition("=")[0]] = f"{requirement}; {marker}" if marker else requirement
    for requirement in draw.sample(OF_EXTRA, draw.randint(0, 2)):
        lines[requirement] = f'{requirement}; extra == "gpu"'
    return tuple(lines.values())


def _draw_tag(draw: random.Random) -> str:
    return draw.choice(TAGS).format(python=draw.choice(PYTHONS), platform=draw.choice(PLATFORMS))


@pytest.mark.parametrize("number", range(COUNT))
def test_override_gives_every_environment_what_its_wheel_asks_for(
    uv: Uv, make_index: MakeIndex, tmp_path: Path, number: int
) -> None:
    readings = build_releases()[number]
    project = readings[0].wheel.project
    audit = audit_release(build_release(readings), readings)
    assert audit.override is not None
    index = make_index()
    index.add(build_requirement_stubs(readings))
    index.add(
        ServedWheel(
            filename=reading.wheel.filename,
            metadata=build_metadata(project, "1.0", extras=["gpu"], requires=_texts(reading)),
        )
        for reading in readings
    )
    wheels = [oracle.Wheel(reading.wheel.filename, _texts(reading), None, ("gpu",)) for reading in readings]
    needs = {(need.target, need.extra): need for need in oracle.needs(wheels)}
    lowest = min(Version(need.target.variables["python_version"]) for need in needs.values())
    run = uv.lock(
        tmp_path,
        index,
        requires_python=f">={lowest}",
        dependencies=[f"{project}==1.0"],
        extras={"gpu": [f"{project}[gpu]==1.0"]},
        block=render_override(audit.override),
    )
    assert run.lock is not None, run.stderr
    assert "warning" not in run.stderr.lower()
    for need in needs.values():
        given = find_given(run.lock, project, need.target.variables, need.extra)
        assert given.keys() == {name for name, *_ in need.asked}, need
        for name, _, specifier, _ in need.asked:
            assert specifier.contains(given[name]), (need, name, given[name])


def _texts(reading: WheelMetadata) -> tuple[str, ...]:
    return tuple(line.text for line in reading.core.requires_dist)
