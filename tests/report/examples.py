"""Audits to render: one like torch 2.6.0+cu126's, one with forty differences, one that attacks the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.releases import build_reading, build_release, build_wheel
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit, Deviation, Finding, Impact, Matrix, Override, Proof
from wheelaudit.errors import MetadataUnreadableError
from wheelaudit.metadata import Reading, UnreadableWheel
from wheelaudit.release import SkippedFile

ESCAPES = "\x1b[31mred\x1b]0;title\x07 \u202egnp.exe\u2066 \u200f\u200b\x9b31m \r\n[bold]x[/] \ud800 \\"
"""Terminal escapes, bidirectional controls, markup, line ends, a lone surrogate."""

COMMON = ["filelock", "typing-extensions>=4.10.0", 'setuptools; python_version >= "3.12"', "sympy==1.13.1"]
COMMON += ["networkx", "jinja2", "fsspec"]
EXTRAS = ['optree>=0.13.0; extra == "optree"', 'opt-einsum>=3.3; extra == "opt-einsum"']
CUDA = [
    *("cuda-nvrtc-cu12==12.6.77", "cuda-runtime-cu12==12.6.77", "cuda-cupti-cu12==12.6.80", "cudnn-cu12==9.5.1.17"),
    *("cublas-cu12==12.6.4.1", "cufft-cu12==11.3.0.4", "curand-cu12==10.3.7.77", "cusolver-cu12==11.7.1.2"),
    *("cusparse-cu12==12.5.4.2", "cusparselt-cu12==0.6.3", "nccl-cu12==2.21.5", "nvtx-cu12==12.6.77"),
    "nvjitlink-cu12==12.6.85",
]
LINUX = 'platform_system == "Linux" and platform_machine == "x86_64"'
CUDA_LINES = [*(f"nvidia-{pin}; {LINUX}" for pin in CUDA), f"triton==3.2.0; {LINUX}"]
LOST = [*(f"nvidia-{pin}" for pin in CUDA), "triton==3.2.0"]
"""What a lock made from the aarch64 wheel loses, as the report spells it."""


def audit_readings(readings: Sequence[Reading]) -> Audit:
    ordered = sorted(readings, key=lambda reading: reading.wheel.filename.encode())
    return audit_release(build_release(ordered), ordered)


def build_torch() -> Audit:
    """14 wheels, 3 metadata; the index is one whose files uv keeps for good."""
    readings: list[Reading] = []
    for python in ("cp310-cp310", "cp311-cp311", "cp312-cp312", "cp313-cp313", "cp313-cp313t"):
        for platform, requires in (
            ("linux_aarch64", [*COMMON, *EXTRAS]),
            ("manylinux_2_28_x86_64", [*COMMON, *CUDA_LINES, *EXTRAS]),
            ("win_amd64", [*COMMON, *(line.replace("12.6", "12.4") for line in CUDA_LINES), *EXTRAS]),
        ):
            if (platform, python) != ("win_amd64", "cp313-cp313t"):
                readings.append(
                    build_reading(
                        f"torch-2.6.0+cu126-{python}-{platform}.whl",
                        requires,
                        requires_python=">=3.9.0",
                        provides_extra=["optree", "opt-einsum"],
                        index="cu126",
                    )
                )
    moved = [
        replace(r, wheel=replace(r.wheel, url=f"https://download.pytorch.org/whl/cu126/{r.wheel.filename}"))
        for r in readings
    ]
    return audit_readings(moved)


def build_forty() -> Audit:
    """40 differing requirements: lost, gained and in other versions, on five platforms and by Python."""
    shared = [f"shared-{number}>={number}" for number in range(8)]
    readings = []
    for minor in (9, 10, 11, 12):
        for platform, requires in (
            ("macosx_11_0_arm64", [f"accelerator-for-macos-{number}=={number}.0" for number in range(10)]),
            ("manylinux_2_28_aarch64", [f"numpy>=1.{minor}"]),
            (
                "manylinux_2_28_x86_64",
                [f"nvidia-library-{number}-cu12==12.{number}.7.1" for number in range(18)],
            ),
            ("win_amd64", ["colorama>=0.4", f"numpy>=1.{minor + 3}"]),
            ("win_arm64", ["colorama>=0.5", "pywin32[com,gui]!=1.0,!=2.0,!=3.0,!=4.0,!=5.0,!=6.0,<400,>=301"]),
        ):
            readings.append(
                build_reading(f"forty-1.0-cp3{minor}-cp3{minor}-{platform}.whl", [*shared, *requires], index="example")
            )
    return audit_readings(readings)


def build_consistent() -> Audit:
    names = ("cp39-cp39-win_amd64", "cp310-cp310-win_amd64", "cp310-abi3-manylinux_2_17_x86_64", "py3-none-any")
    return audit_readings([build_reading(f"same-1.0-{name}.whl", ["attrs", "idna>=3"]) for name in names])


def build_undecided() -> Audit:
    read = [build_reading(f"gone-1.0-cp312-cp312-{platform}.whl", ["attrs"]) for platform in ("win_amd64", "win_arm64")]
    return audit_readings([*read, build_unread("gone-1.0-cp312-cp312-manylinux_2_28_x86_64.whl")])


def build_without_override() -> Audit:
    """Inconsistent, but a wheel is unread: there is no override."""
    return audit_readings(
        [
            build_reading("half-1.0-cp312-cp312-win_amd64.whl", ["attrs"]),
            build_reading("half-1.0-cp312-cp312-win_arm64.whl", ["idna"]),
            build_unread("half-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
        ]
    )


def build_unread(filename: str) -> UnreadableWheel:
    url = f"https://files.example/{filename}.metadata"
    return UnreadableWheel(
        wheel=build_wheel(filename),
        error=MetadataUnreadableError(
            f"The server answered 503 for {url} four times.", remedy="Try again in a few minutes."
        ),
    )


def build_hostile() -> Audit:
    """Every text that an index can bring is an attack; nothing here went through a parser."""
    torch = build_torch()
    wheel = replace(
        torch.release.wheels[0], filename=f"{ESCAPES}.whl", index=ESCAPES, url=f"https://x/{ESCAPES}", yanked=ESCAPES
    )
    other = replace(torch.release.wheels[1], index="second")
    error = MetadataUnreadableError(f"bad {ESCAPES}", remedy=f"do {ESCAPES}")
    unread = UnreadableWheel(wheel=wheel, error=error)
    return replace(
        torch,
        release=replace(
            torch.release, wheels=(wheel, other), skipped=(SkippedFile(filename=ESCAPES, reason=f"no: {ESCAPES}"),)
        ),
        readings=(unread, torch.readings[1]),
        reads_uv=wheel,
        groups=tuple(replace(group, environments=ESCAPES, requires_dist=(ESCAPES,)) for group in torch.groups),
        matrix=Matrix(columns=(ESCAPES, "b"), rows=((ESCAPES, ("lost", "gained")), ("", ("unknown", "needed")))),
        impact=(Impact(environments=ESCAPES, lost=(ESCAPES,), gained=("a", ESCAPES)),),
        coverage=tuple(replace(each, platform=ESCAPES, pythons=(ESCAPES,)) for each in torch.coverage),
        findings=(Finding(id="WA101", message=ESCAPES, wheels=(ESCAPES,), requirements=(ESCAPES,), help=ESCAPES),),
        no_override=ESCAPES,
        override=None,
        proof=Proof(
            environments=3,
            deviations=(Deviation(environments=ESCAPES, extra=None, missing=(ESCAPES,), unwanted=(ESCAPES,)),),
        ),
    )


def build_override(*requires_dist: str, **fields: object) -> Override:
    torch = build_torch().override
    assert torch is not None
    return replace(torch, requires_dist=requires_dist, **fields)  # type: ignore[arg-type]
