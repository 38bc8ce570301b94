"""Random releases against the second opinion: an override is faithful, or lists exactly where no marker can serve."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import oracle
from tests.releases import build_reading, build_release
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit

PYTHONS = ["cp38", "cp39", "cp310", "cp311", "cp312", "cp313"]
PLATFORMS = [
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux_2_28_x86_64",
    "manylinux2014_aarch64",
    "linux_aarch64",
    "linux_x86_64",
    "musllinux_1_2_x86_64",
    "macosx_11_0_arm64",
    "macosx_10_9_x86_64",
    "macosx_10_9_universal2",
    "win_amd64",
    "win32",
    "win_arm64",
]
MARKERS = [
    "",
    'platform_system == "Linux"',
    'platform_system == "Linux" and platform_machine == "x86_64"',
    'sys_platform == "win32"',
    'sys_platform != "darwin"',
    'python_version < "3.10"',
    'python_version >= "3.12"',
    'python_full_version >= "3.11.4"',
    'platform_machine == "arm64" or platform_machine == "aarch64"',
    'os_name == "nt"',
    'extra == "gpu"',
    'extra == "gpu" and sys_platform == "linux"',
    'extra == "docs"',
    '"linux" in sys_platform',
    'implementation_name == "cpython"',
    'python_version in "3.9 3.10"',
]
NAMES = ["alpha", "beta==1.0", "beta==2.0", "gamma>=1", "gamma>=2", "delta[x]>=1", "epsilon", "zeta (==1.0.0)"]


@st.composite
def filenames(draw: st.DrawFn) -> str:
    build = draw(st.sampled_from(["", "", "", "-1", "-2"]))
    shape = draw(st.sampled_from(["exact", "exact", "exact", "threaded", "abi3", "none", "any", "pypy"]))
    platform = draw(st.sampled_from(PLATFORMS))
    python = draw(st.sampled_from(PYTHONS))
    match shape:
        case "exact":
            tag = f"{python}-{python}-{platform}"
        case "threaded":
            tag = f"cp313-cp313t-{platform}"
        case "abi3":
            tag = f"{python}-abi3-{platform}"
        case "none":
            tag = f"{draw(st.sampled_from([python, 'py3']))}-none-{platform}"
        case "any":
            tag = draw(st.sampled_from(["py3-none-any", "py2.py3-none-any", f"py{python[2:]}-none-any"]))
        case _:
            tag = f"pp310-pypy310_pp73-{platform}"
    return f"thing-1.0{build}-{tag}.whl"


@st.composite
def metadata(draw: st.DrawFn) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    lines = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(MARKERS)), max_size=6))
    texts = tuple(f"{name}; {marker}" if marker else name for name, marker in lines)
    extras = tuple(extra for extra in ("gpu", "docs") if any(f'extra == "{extra}"' in text for text in texts))
    return texts, extras, draw(st.sampled_from([None, ">=3.8", ">=3.8", ">=3.10", ">=3.8.0"]))


@st.composite
def releases(draw: st.DrawFn) -> tuple[oracle.Wheel, ...]:
    variants = draw(st.lists(metadata(), min_size=1, max_size=4))
    names = draw(st.lists(filenames(), min_size=1, max_size=8, unique=True))
    wheels = []
    for name in sorted(names):
        lines, extras, python = draw(st.sampled_from(variants))
        wheels.append(oracle.Wheel(name, lines, python, extras))
    return tuple(wheels)


def audit(wheels: tuple[oracle.Wheel, ...], **options: object) -> Audit:
    readings = [build_reading(w.filename, w.requires_dist, w.requires_python, w.provides_extra) for w in wheels]
    return audit_release(build_release(readings), readings, **options)  # type: ignore[arg-type]


@given(releases())
@settings(max_examples=100, deadline=None)
def test_override_is_faithful_wherever_a_marker_can_tell(wheels: tuple[oracle.Wheel, ...]) -> None:
    result = audit(wheels)
    if oracle.is_consistent(wheels):
        refuses = [finding for finding in result.findings if finding.id == "WA104"]
        assert result.verdict == "consistent" or refuses
        assert result.verdict == "inconsistent" or result.override is None
    else:
        assert result.verdict == "inconsistent"
    if result.override is None:
        assert result.verdict == "consistent" or result.no_override is not None
        return
    ties = oracle.tied(wheels)
    for need, got in oracle.deviations(wheels, result.override.requires_dist):
        together = ties[need.target.number, need.extra]
        assert len(together) > 1, (need, got)
        assert got == frozenset().union(*together), (need, got)
        assert result.proof is not None
        assert result.proof.deviations
        assert "WA106" in {finding.id for finding in result.findings}


@given(releases())
@settings(max_examples=60, deadline=None)
def test_same_release_gives_the_same_override_in_any_order(wheels: tuple[oracle.Wheel, ...]) -> None:
    readings = [build_reading(w.filename, w.requires_dist, w.requires_python, w.provides_extra) for w in wheels]
    release = build_release(readings)
    by_wheel = {reading.wheel: reading for reading in reversed(readings)}
    again = audit_release(release, [by_wheel[wheel] for wheel in release.wheels])
    assert again == audit_release(release, [by_wheel[wheel] for wheel in release.wheels])
    assert again.override == audit(tuple(reversed(wheels))).override


@given(releases())
@settings(max_examples=25, deadline=None)
def test_lines_of_one_project_overlap_only_where_one_wheel_asks_for_both(wheels: tuple[oracle.Wheel, ...]) -> None:
    result = audit(wheels)
    if result.override is None:
        return
    for target in oracle.targets():
        for extra in ("", *oracle.extras_of(wheels)):
            got = oracle.asked(result.override.requires_dist, target, extra)
            projects = [each[0] for each in got]
            for project in {name for name in projects if projects.count(name) > 1}:
                mine = {each for each in got if each[0] == project}
                own = [oracle.asked(wheel.requires_dist, target, extra) for wheel in wheels]
                tie = oracle.tied(wheels).get((target.number, extra), set())
                for first in mine:
                    for second in mine - {first}:
                        assert any({first, second} <= each for each in own) or len(tie) > 1
