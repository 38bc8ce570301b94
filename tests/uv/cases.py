"""Releases of made-up wheels, the same in every run: every kind of tag that uv tells apart, in odd company."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.releases import build_wheel, load_release
from wheelaudit.release import WheelFile, wheel_order

SEED = 20250301
COUNT = 90

PYTHONS = ("27", "36", "37", "38", "39", "310", "311", "312", "313", "314")
PLATFORMS = (
    "linux_aarch64",
    "linux_x86_64",
    "macosx_10_9_universal2",
    "macosx_11_0_arm64",
    "manylinux1_i686",
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux_2_28_aarch64",
    "musllinux_1_2_x86_64",
    "win32",
    "win_amd64",
)
TAGS = (
    # Twice: most wheels are of this kind.
    "cp{python}-{abi}-{platform}",
    "cp{python}-{abi}-{platform}",
    "cp313-cp313t-{platform}",
    "cp310-cp310d-{platform}",
    "cp38.cp39-cp38.cp39-{platform}",
    "cp{python}-abi3-{platform}",
    "py39-abi3-{platform}",
    "cp310.cp311.cp312-abi3-{platform}",
    "cp315-abi3t-{platform}",
    "cp{python}-none-{platform}",
    "py{python}-none-{platform}",
    "py{python}-none-any",
    "py38.py311-none-{platform}",
    "py3-none-{platform}",
    "py3-none-any",
    "py2.py3-none-any",
    "py27-none-any",
    "py3-cp310-{platform}",
    "cp3-none-{platform}",
    "pp3-none-{platform}",
    "pp39-none-{platform}",
    "pp27-pypy_73-{platform}",
    "pp37-pypy37_pp73-{platform}",
    "pp310-pypy310_pp73-{platform}",
    "graalpy311-graalpy240_311_native-{platform}",
    "pt38-pyston_23_x86_64_linux_gnu-{platform}",
    "pt38-pyston38-{platform}",
    "xx39-zz39-{platform}",
)
ALONE = (
    *("cp3-none", "cp2-none", "cp27-none", "cp39-none", "cp313-none", "py2-none", "py27-none", "py39-none"),
    *("py313-none", "py3-none", "py4-none", "py40-none", "pp3-none", "pp27-none", "pp39-none", "pp313-none"),
    *("graalpy3-none", "graalpy39-none", "graalpy313-none", "pt38-none", "ip39-none", "jy27-none", "xx39-none"),
    *("cp39-abi3", "cp313-abi3", "cp27-abi3", "cp3-abi3", "py2-abi3", "pp313-abi3", "xx39-abi3", "cp315-abi3t"),
    *("cp39-cp39", "cp313-cp313", "cp313-cp313t", "cp313-cp313td", "cp39-cp39u", "cp37-cp37m", "cp33-cp33dm"),
    *("cp27-cp27mu", "cp3-cp3", "py3-cp39", "py2-cp39", "py3-cp27mu", "cp39-cp313", "cp313-cp39", "xx39-cp39"),
    *("pp39-pypy39_pp73", "pp313-pypy313_pp73", "pp39-pypy313_pp73", "pp27-pypy_73", "pp39-pypy_73", "pp37-pp37"),
    *("pp3-pypy3_pp73", "graalpy39-graalpy240_39_native", "graalpy310-graalpy310_graalpy230_310_native"),
    *("pt313-pyston_23_x86_64_linux_gnu", "pt38-pyston_23", "pt38-pyston38", "xx39-zz39", "cp39-cp39_x"),
    *("py2.py3-none", "py27.py313-none", "cp39.cp313-none", "cp38.cp39-cp38.cp39", "cp39.xx39-zz39.cp39"),
    *("xx39.py3-none", "py38.py311-none", "cp39-cp39.none", "cp39-cp39.abi3", "py3-none.abi3", "cp27.cp39-abi3"),
)
"""Each in a release of its own, beside a wheel that serves all: is it taken, or is it passed over?"""
BUILDS = ("", "", "", "-1", "-2", "-10", "-1a", "-1b")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A release, and whether whoever depends on it pins it."""

    project: str
    wheels: tuple[WheelFile, ...]
    """All on the page, the yanked ones too; in the page's order."""
    pinned: bool

    @property
    def requirement(self) -> str:
        return f"{self.project}=={self.wheels[0].version}" if self.pinned else self.project

    @property
    def admitted(self) -> tuple[WheelFile, ...]:
        """The wheels of the release as wheelaudit reads it: the yanked ones only where it is pinned (PEP 592)."""
        own = (wheel for wheel in self.wheels if self.pinned or wheel.yanked is None)
        return tuple(sorted(own, key=wheel_order))


def build_random_cases() -> Iterator[Case]:
    """Yield `COUNT` releases; every fourth has yanked wheels."""
    draw = random.Random(SEED)
    for number in range(COUNT):
        stem = f"random_{number}-1.0"
        names = sorted({f"{stem}{draw.choice(BUILDS)}-{_draw_tag(draw)}.whl" for _ in range(draw.randint(1, 7))})
        draw.shuffle(names)
        share = 0.5 if number % 4 == 0 else 0.0
        wheels = tuple(build_wheel(name, yanked="broken" if draw.random() < share else None) for name in names)
        case = Case(project=f"random-{number}", wheels=wheels, pinned=draw.random() < 0.5)
        if case.admitted:
            yield case


def build_tag_cases() -> Iterator[Case]:
    """Yield a release for each of `ALONE`."""
    for number, tag in enumerate(ALONE):
        stem = f"tag_{number}-1.0"
        wheels = (build_wheel(f"{stem}-1-{tag}-win_amd64.whl"), build_wheel(f"{stem}-py3-none-any.whl"))
        yield Case(project=wheels[0].project, wheels=wheels, pinned=True)


def _draw_tag(draw: random.Random) -> str:
    python = draw.choice(PYTHONS)
    abi = f"cp{python}" + {"27": "mu", "36": "m", "37": "m"}.get(python, "")
    return draw.choice(TAGS).format(python=python, abi=abi, platform=draw.choice(PLATFORMS))


def build_real_case(name: str) -> Case:
    """Return the release of cassettes/NAME under a project of its own, so that all can stand in one lock."""
    release, _ = load_release(name)
    stem = "".join(letter if letter.isalnum() else "_" for letter in name)
    wheels = tuple(
        build_wheel(f"{stem}-{wheel.filename.partition('-')[2]}", yanked=wheel.yanked) for wheel in release.wheels
    )
    return Case(project=wheels[0].project, wheels=wheels, pinned=True)
