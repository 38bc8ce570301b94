"""What `wheelaudit lock` says, for a person and as results."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given

from tests.conftest import Golden
from tests.report.examples import ESCAPES, LOST
from tests.report.hostile import hostile_text
from wheelaudit.audit.values import LockFinding
from wheelaudit.report.lock import LockLine, LockReport, build_lock_results, render_lock

TORCH = LockLine(
    project="torch",
    version="2.6.0+cu126",
    index="https://download.pytorch.org/whl/cu126",
    status="wrong",
    findings=(
        LockFinding(
            id="WA411",
            message="The lock lost 14 requirements of torch 2.6.0+cu126.",
            requirements=tuple(LOST),
            environments="linux x86_64, CPython 3.10-3.13",
            wheels=("torch-2.6.0+cu126-cp310-cp310-manylinux_2_28_x86_64.whl",),
            help="Lock with the override.",
        ),
    ),
    wheels=14,
    read=14,
    override="would write",
    line=40,
)
TENSORFLOW = LockLine(
    project="tensorflow",
    version="2.15.1",
    index="https://index.example/simple",
    status="wrong",
    findings=(
        LockFinding(
            id="WA412",
            message="The lock gained 2 projects by tensorflow 2.15.1.",
            requirements=("absl-py==2.1.0", 'h5py==3.11.0; extra == "and-cuda"'),
            environments="windows AMD64, CPython 3.9-3.11; windows ARM64, CPython 3.11",
            wheels=("tensorflow-2.15.1-cp39-cp39-win_amd64.whl",),
        ),
        LockFinding(
            id="WA413",
            message="The lock pins keras 3.0.0.",
            requirements=("keras<2.16,>=2.15.0",),
            environments="macos arm64, CPython 3.9-3.11",
            wheels=("tensorflow-2.15.1-cp39-cp39-macosx_12_0_arm64.whl",),
        ),
    ),
    wheels=15,
    read=15,
    no_override="one of its wheels pins two versions of a project that no marker can tell apart (WA106).",
)
NUMPY = LockLine(project="numpy", version="2.2.0", index="index", status="right", wheels=54, read=54)
SCIPY = LockLine(
    project="scipy",
    version="1.14.1",
    index="index",
    status="unknown",
    reason="https://files.example/scipy.whl.metadata: 503.",
    wheels=30,
    read=28,
)
GONE = LockLine(
    project="gone",
    version="1.0",
    index="index",
    status="failed",
    reason="The index has no project gone. Check its name.",
    wheels=2,
)
SKIPPED = (
    LockLine(project="app", version=None, index=None, status="skipped", reason="the project itself"),
    LockLine(project="ours", version="1.0", index=None, status="skipped", reason="from a repository"),
    LockLine(project="old", version="0.1", index="index", status="skipped", reason="sdist only"),
    LockLine(project="older", version="0.2", index="index", status="skipped", reason="sdist only"),
)
REPORT = LockReport(
    lock="uv.lock",
    kind="uv.lock",
    lines=(NUMPY, TORCH, SCIPY, TENSORFLOW, GONE, *SKIPPED),
    notes=("Constraints of the project are no findings.",),
)
RIGHT = replace(REPORT, lines=(NUMPY, *SKIPPED), notes=())


def build(*lines: LockLine, **fields: object) -> LockReport:
    return replace(REPORT, lines=lines, notes=(), **fields)  # type: ignore[arg-type]


def render(report: LockReport, *, width: int = 80, verbose: bool = False) -> str:
    return render_lock(report, width=width, color=False, verbose=verbose)


@pytest.mark.parametrize("width", [80, 140])
def test_report_of_every_status(golden: Golden, width: int) -> None:
    text = render(REPORT, width=width)
    assert max(map(len, text.splitlines())) <= width
    golden(f"lock/every-status.{width}.txt", text)


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        ((NUMPY,), "its 1 release is given what its wheels ask for"),
        ((NUMPY, NUMPY, *SKIPPED), "all 2 releases are given what their wheels ask for"),
        ((NUMPY, TORCH, *SKIPPED), "1 of 2 releases is not given what the wheels ask for"),
        ((TENSORFLOW, TORCH), "2 of 2 releases are not given what the wheels ask for"),
        ((TORCH, SCIPY, GONE), "1 of 3 releases is not given what the wheels ask for, 1 unknown and 1 failed"),
        ((NUMPY, SCIPY), "1 of 2 releases right, 1 unknown"),
        ((NUMPY, GONE), "1 of 2 releases right, 1 failed"),
        (SKIPPED, "nothing to compare in 4 releases"),
        ((), "nothing to compare in 0 releases"),
    ],
)
def test_first_line_is_the_verdict(lines: tuple[LockLine, ...], head: str) -> None:
    assert " ".join(render(build(*lines)).partition("\n\n")[0].split()) == f"uv.lock: {head}"


def test_every_requirement_is_told() -> None:
    text = render(REPORT)
    for each in (*LOST, "absl-py==2.1.0", "keras<2.16,>=2.15.0"):
        assert each in text


def test_skipped_are_counted_by_reason_and_named_on_request() -> None:
    assert "2 sdist only\n" in render(RIGHT)
    assert "2 sdist only: old 0.1, older 0.2\n" in render(RIGHT, verbose=True)
    assert render(RIGHT).index("sdist only") < render(RIGHT).index("from a repository")


def test_what_is_unknown_or_failed_is_named_with_its_reason() -> None:
    text = " ".join(render(REPORT).split())
    assert "unknown: scipy 1.14.1, 2 of 30 wheels unread: https://files.example/scipy.whl.metadata: 503." in text
    assert "not done: gone 1.0: The index has no project gone. Check its name." in text


@pytest.mark.parametrize(
    ("line", "told", "untold"),
    [
        (TORCH, ("`wheelaudit lock --write`", "`uv lock`"), ("clean", "do not trust")),
        (replace(TORCH, override="written"), ("`uv lock`",), ("--write`", "clean")),
        (replace(TORCH, override="in place"), ("`uv lock`",), ("--write`", "clean")),
        (
            replace(TORCH, override="none needed", cache_clean=True),
            ("`uv cache clean torch`", "`uv lock`"),
            ("--write", "do not trust"),
        ),
        (replace(TORCH, override="to remove"), ("`wheelaudit check`", "`uv lock`"), ("clean",)),
        (TENSORFLOW, ("do not trust this lock",), ("`uv lock`", "--write")),
        (SCIPY, ("Run this again",), ("`uv lock`", "--write")),
        (NUMPY, (), ("What to do next",)),
    ],
)
def test_next_steps_are_those_that_help(line: LockLine, told: tuple[str, ...], untold: tuple[str, ...]) -> None:
    text = " ".join(render(build(line)).split())
    for each in told:
        assert each in text
    for each in untold:
        assert each not in text


def test_written_files_are_named_and_a_pylock_is_exported_again() -> None:
    line = replace(TORCH, override="written")
    text = render(build(line, kind="pylock.toml", lock="pylock.toml", written=("pyproject.toml",)))
    assert "  1. Written: pyproject.toml.\n  2. Run `uv lock`, then export pylock.toml again.\n" in text


def test_colour_adds_nothing_but_colour() -> None:
    colored = render_lock(REPORT, width=80, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(REPORT)


def build_hostile(text: str) -> LockReport:
    """Return a report in which every text that is not ours is ``text``."""
    finding = LockFinding(id="WA411", message=text, requirements=(text,), environments=text, wheels=(text,), help=text)
    wrong = replace(
        TORCH, project=text, version=text, index=text, findings=(finding,), ignored=(text,), cache_clean=True
    )
    return LockReport(
        lock=text,
        kind="pylock.toml",
        lines=(
            wrong,
            replace(wrong, override=None, no_override=text),
            replace(wrong, override="none needed"),
            *(replace(wrong, status=status, reason=text, findings=()) for status in ("unknown", "failed", "skipped")),
        ),
        notes=(text,),
        written=(text,),
    )


@given(hostile_text)
def test_foreign_text_is_inert(text: str) -> None:
    for verbose in (False, True):
        printed = render(build_hostile(text), verbose=verbose)
        assert all(char.isprintable() for line in printed.split("\n") for char in line)


def test_escapes_are_shown() -> None:
    assert "\\x1b[31mred" in render(build_hostile(ESCAPES))


def test_results_are_findings_and_what_is_not_known() -> None:
    results = build_lock_results(REPORT)
    assert [(each.rule, each.level, each.line) for each in results] == [
        ("WA411", "error", 40),
        (None, "warning", None),
        ("WA412", "error", None),
        ("WA413", "error", None),
        (None, "error", None),
    ]
    assert {each.file for each in results} == {"uv.lock"}
    assert results[0].details == (", ".join(LOST), "Lock with the override.")
    assert results[0].message == (
        "torch 2.6.0+cu126: linux x86_64, CPython 3.10-3.13: The lock lost 14 requirements of torch 2.6.0+cu126."
    )
    assert results[1].message == (
        "scipy 1.14.1 is unknown, 2 of 30 wheels unread: https://files.example/scipy.whl.metadata: 503."
    )
    assert build_lock_results(RIGHT) == ()
