"""The proof finds what is wrong with an override, whoever built it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.utils import NormalizedName

from tests.releases import build_reading, build_release
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.groups import build_scene
from wheelaudit.audit.proof import prove
from wheelaudit.audit.values import Override, Proof
from wheelaudit.metadata import WheelMetadata

LINUX = "cp312-cp312-manylinux_2_28_x86_64"
WINDOWS = "cp312-cp312-win_amd64"
ON_LINUX = "linux x86_64, CPython 3.12"
ON_WINDOWS = "windows AMD64, CPython 3.12"


def read(tag: str, *lines: str, **fields: Any) -> WheelMetadata:
    return build_reading(f"thing-1.0-{tag}.whl", lines, **fields)


READINGS = [
    read(LINUX, "foo==1", "nccl", "cupy; extra == 'gpu'", provides_extra=["gpu"]),
    read(WINDOWS, "foo==2", "docs; extra == 'docs'", provides_extra=["docs"]),
]


def prove_lines(*lines: str) -> Proof:
    """Prove an override of `READINGS` that asks for ``lines``."""
    built = audit_release(build_release(READINGS), READINGS).override
    assert built is not None
    scene = build_scene(READINGS)
    return prove(
        replace(built, requires_dist=lines),
        served=scene.distinct,
        cores={reading.wheel: reading.core for reading in READINGS},
        extras=[NormalizedName("docs"), NormalizedName("gpu")],
    )


RIGHT = (
    'foo==1; sys_platform == "linux"',
    'nccl; sys_platform == "linux"',
    'cupy; extra == "gpu" and sys_platform == "linux"',
    'foo==2; sys_platform == "win32"',
    'docs; extra == "docs" and sys_platform == "win32"',
)


def told(proof: Proof) -> set[tuple[str, str | None, tuple[str, ...], tuple[str, ...]]]:
    return {(each.environments, each.extra, each.missing, each.unwanted) for each in proof.deviations}


def test_right_override_deviates_nowhere() -> None:
    assert prove_lines(*RIGHT).deviations == ()
    assert prove_lines(*reversed(RIGHT)).deviations == ()


def test_every_environment_is_evaluated_without_an_extra_and_with_each() -> None:
    # Two platforms, the first and a late patch release of 3.12, three extras (none, docs, gpu).
    assert prove_lines(*RIGHT).environments == 2 * 2 * 3


def test_missing_line_is_found() -> None:
    lines = [line for line in RIGHT if not line.startswith("nccl")]
    expected = {(ON_LINUX, extra, ("nccl",), ()) for extra in (None, "docs", "gpu")}
    assert told(prove_lines(*lines)) == expected


def test_leaking_marker_is_found() -> None:
    lines = [line.replace('nccl; sys_platform == "linux"', "nccl") for line in RIGHT]
    assert told(prove_lines(*lines)) == {(ON_WINDOWS, extra, (), ("nccl",)) for extra in (None, "docs", "gpu")}


def test_wrong_version_is_found() -> None:
    lines = [line.replace("foo==1", "foo==3") for line in RIGHT]
    expected = {(ON_LINUX, extra, ("foo==1",), ("foo==3",)) for extra in (None, "docs", "gpu")}
    assert told(prove_lines(*lines)) == expected


def test_wrong_extra_is_found() -> None:
    lines = [line.replace('extra == "gpu"', 'extra == "docs"') for line in RIGHT]
    assert told(prove_lines(*lines)) == {
        (ON_LINUX, "gpu", ("cupy",), ()),
        (ON_LINUX, "docs", (), ("cupy",)),
    }


def test_lost_extra_marker_is_found_without_that_extra() -> None:
    lines = [line.replace('extra == "docs" and ', "") for line in RIGHT]
    assert told(prove_lines(*lines)) == {(ON_WINDOWS, None, (), ("docs",)), (ON_WINDOWS, "gpu", (), ("docs",))}


def test_empty_override_is_found_wanting() -> None:
    assert {(each.environments, each.extra) for each in prove_lines().deviations} == {
        (on, extra) for on in (ON_LINUX, ON_WINDOWS) for extra in (None, "docs", "gpu")
    }


def test_patch_release_that_tells_is_evaluated() -> None:
    readings = [read(LINUX, "foo; python_full_version >= '3.12.4'"), read(WINDOWS)]
    result = audit_release(build_release(readings), readings)
    assert result.override is not None
    scene = build_scene(readings)
    proof = prove(
        replace(result.override, requires_dist=("foo; sys_platform == 'linux'",)),
        served=scene.distinct,
        cores={reading.wheel: reading.core for reading in readings},
        extras=[],
    )
    (deviation,) = proof.deviations
    assert deviation.environments == "linux x86_64, CPython 3.12.0, 3.12.3"
    assert deviation.unwanted == ("foo",)


@pytest.mark.parametrize("spelling", ["foo (==1.0.0)", "Foo == 1.0", "foo==1.0"])
def test_spelling_is_no_deviation(spelling: str) -> None:
    lines = [line.replace("foo==1;", f"{spelling};") for line in RIGHT]
    assert prove_lines(*lines).deviations == ()


def test_every_best_wheel_of_an_environment_is_compared() -> None:
    readings = [read(LINUX, "foo", index="one"), read(LINUX, "bar", index="two")]
    proof = prove(
        Override(
            name=readings[0].wheel.project,
            version=readings[0].wheel.version,
            requires_python=None,
            requires_dist=("foo", "bar"),
            provides_extras=(),
        ),
        served=build_scene(readings).distinct,
        cores={reading.wheel: reading.core for reading in readings},
        extras=[],
    )
    (deviation,) = proof.deviations
    assert deviation.unwanted == ("bar", "foo")
