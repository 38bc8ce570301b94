from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.conftest import Golden
from tests.releases import build_reading
from tests.report.examples import (
    ESCAPES,
    LOST,
    audit_readings,
    build_consistent,
    build_forty,
    build_hostile,
    build_torch,
    build_undecided,
    build_unread,
    build_without_override,
)
from wheelaudit.audit.values import Audit, Deviation, Finding, Proof
from wheelaudit.errors import ReleaseNotFoundError, WheelAuditError
from wheelaudit.release import SkippedFile
from wheelaudit.report.human import render_human
from wheelaudit.report.lines import cell_width
from wheelaudit.report.toml import render_override

BUILDERS: dict[str, Callable[[], Audit]] = {
    "torch": build_torch,
    "forty": build_forty,
    "consistent": build_consistent,
    "undecided": build_undecided,
    "without-override": build_without_override,
    "hostile": build_hostile,
}
WIDTHS = (60, 80, 140)
FAILURES: list[tuple[str, WheelAuditError]] = [
    (
        "torch==9.9",
        ReleaseNotFoundError(
            "torch has no release 9.9 on https://index.example/simple/torch/.",
            url="https://index.example/simple/torch/",
            remedy="Choose one of 2.6.0, 2.7.0.",
        ),
    )
]
SGR = re.compile(r"\x1b\[[0-9;]*m")


def render(audit: Audit, *, width: int = 80) -> str:
    return render_human([audit], width=width, color=False)


def section(text: str, title: str) -> str:
    """The lines under a title, up to the next one."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(title))
    end = next((n for n in range(start + 1, len(lines)) if lines[n][:1].strip()), len(lines))
    return "\n".join(lines[start:end])


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("name", BUILDERS)
def test_report_reads_as_its_golden_file(name: str, width: int, golden: Golden) -> None:
    golden(f"report/{name}.{width}.txt", render(BUILDERS[name](), width=width))


@pytest.mark.parametrize("width", [80, 140])
def test_several_releases_open_with_a_summary(width: int, golden: Golden) -> None:
    audits = [build_torch(), build_consistent(), build_undecided()]
    golden(f"report/several.{width}.txt", render_human(audits, width=width, color=False, failures=FAILURES))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", BUILDERS)
def test_no_line_is_longer_than_the_width_except_the_override_and_urls(name: str, width: int) -> None:
    audit = BUILDERS[name]()
    block = set() if audit.override is None else set(render_override(audit.override).splitlines())
    for line in render(audit, width=width).splitlines():
        assert cell_width(line) <= width or line in block or "://" in line


@pytest.mark.parametrize("name", BUILDERS)
def test_colour_adds_no_word_and_takes_none_away(name: str) -> None:
    audit = BUILDERS[name]()
    colored = render_human([audit], width=80, color=True)
    assert "\x1b[" in colored
    plain = "".join(f"{line.rstrip()}\n" for line in SGR.sub("", colored).splitlines())
    assert plain == render(audit)


@pytest.mark.parametrize("name", BUILDERS)
def test_report_is_inert_and_can_be_encoded(name: str) -> None:
    text = render(BUILDERS[name]())
    assert all(line.isprintable() for line in text.split("\n"))
    # Lone surrogates would raise here.
    text.encode("utf-8")
    assert text.isascii()


@pytest.mark.parametrize("name", BUILDERS)
def test_no_line_ends_with_spaces(name: str) -> None:
    assert not re.search(r"[ \t]$", render(BUILDERS[name]()), re.MULTILINE)


def test_hostile_names_are_shown_escaped() -> None:
    text = render(build_hostile(), width=200)
    assert r"\x1b[31mred\x1b]0;title\x07 \u202egnp.exe\u2066 \u200f\u200b\x9b31m \r\n[bold]x[/] \ud800" in text


def test_verdict_is_the_first_line() -> None:
    assert render(build_torch()).startswith("torch==2.6.0+cu126 is INCONSISTENT: 14 wheels, 3 different metadata\n")
    assert render(build_consistent()).startswith("same==1.0 is consistent: all 4 wheels ask for the same\n")
    assert render(build_undecided()).startswith(
        "gone==1.0 is UNDECIDED: 1 of 3 wheels could not be read, the other 2 agree\n"
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_every_lost_requirement_is_listed_in_full(width: int) -> None:
    what_uv_makes = section(render(build_torch(), width=width), "What uv makes of it")
    assert "torch-2.6.0+cu126-cp310-cp310-linux_aarch64.whl" in what_uv_makes
    assert "linux x86_64, CPython 3.10-3.13" in what_uv_makes
    assert "LOST 14:" in what_uv_makes
    assert set(LOST) <= set(what_uv_makes.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_override_is_there_line_by_line_ready_to_paste(width: int) -> None:
    audit = build_torch()
    assert audit.override is not None
    block = render_override(audit.override)
    text = render(audit, width=width)
    assert f"\n\n{block}\n" in text
    assert len(tomllib.loads(block)["tool"]["uv"]["dependency-metadata"][0]["requires-dist"]) == 23


def test_matrix_groups_requirements_of_the_same_states() -> None:
    matrix = section(render(build_torch()), "Where they disagree")
    assert matrix.count("LOST ") == 2  # once for all fourteen, once in the legend
    assert "14 requirements:" in matrix
    assert {requirement.split("==")[0] for requirement in LOST} <= set(matrix.split())


def test_matrix_names_versions_where_they_are_the_difference() -> None:
    matrix = section(render(build_forty(), width=140), "Where they disagree")
    assert {"numpy>=1.9", "numpy>=1.12", "colorama>=0.4", "colorama>=0.5"} <= set(matrix.split())


def test_every_state_is_told_in_words_or_signs_with_a_legend() -> None:
    audit = build_torch()
    for columns in (2, 4, 12, 60):
        matrix = replace(
            audit.matrix,
            columns=tuple(f"environment number {number}" for number in range(columns)),
            rows=(("attrs", (("lost", "gained") * columns)[:columns]),),
        )
        text = section(render(replace(audit, matrix=matrix)), "Where they disagree")
        lost, gained = ("LOST", "GAINED") if columns < 12 else ("-", "+")
        assert re.search(rf"^  {re.escape(lost)} +needed there, missing", text, re.MULTILINE)
        states = [line for line in text.splitlines() if line.endswith(" attrs")]
        assert sum(line.split().count(lost) for line in states) == columns // 2
        assert sum(line.split().count(gained) for line in states) == columns // 2
        # Every column is named, whole or by number, wrapped or not.
        assert all(f"environment number {number}" in " ".join(text.split()) for number in range(columns) if columns > 2)


def test_list_told_for_other_environments_is_referred_to() -> None:
    audit = build_torch()
    (impact,) = audit.impact
    twice = replace(audit, impact=(impact, replace(impact, environments="linux riscv64, CPython 3.13")))
    text = section(render(twice), "What uv makes of it")
    assert text.count("triton==3.2.0") == 1
    assert "the same as for linux x86_64, CPython 3.10-3.13" in text


def test_coverage_has_ranges_of_pythons() -> None:
    coverage = section(render(build_torch()), "Platforms and Pythons")
    assert "  linux x86_64   3.10-3.13, 3.13t\n" in coverage
    assert coverage.endswith("  windows AMD64  3.10-3.13\n")


def test_proof_is_one_line() -> None:
    assert "\nproven: 84 of 84 environment/extra pairs get exactly what their wheel asks for\n" in render(build_torch())


def test_deviations_are_listed_and_nothing_is_called_proven() -> None:
    deviation = Deviation(
        environments="linux x86_64, CPython 3.13t", extra=None, missing=("attrs>=2",), unwanted=("idna", "six==1.0")
    )
    text = render(replace(build_torch(), proof=Proof(environments=84, deviations=(deviation,))))
    assert "proven" not in text
    assert (
        "NOT faithful everywhere: 1 deviation among 84 environment/extra pairs\n"
        "  linux x86_64, CPython 3.13t\n"
        "    missing: attrs>=2\n"
        "    unwanted: idna, six==1.0\n"
    ) in text


def test_next_steps_name_the_commands() -> None:
    steps = section(render(build_torch()), "What to do next")
    assert "`uv lock`" in steps
    assert "`uv cache clean torch`" in steps
    # Only where uv keeps an index's files for good.
    assert "uv cache clean" not in render(build_forty())


def test_consistent_release_gets_a_short_report() -> None:
    text = render(build_consistent())
    assert "Override" not in text
    assert "What to do next" not in text
    assert "Any of the wheels would do" in text


def test_unread_wheels_are_named_with_error_and_remedy() -> None:
    text = render(build_undecided(), width=140)
    assert "  gone-1.0-cp312-cp312-manylinux_2_28_x86_64.whl\n      WA201: The server answered 503" in text
    assert "Try again in a few minutes." in text
    assert "Override" not in text


def test_inconsistent_release_without_override_says_why() -> None:
    text = render(build_without_override())
    assert "1 unread" in text.splitlines()[0]
    assert "1 wheel was not read" in text
    assert "[[tool.uv" not in text


def test_many_findings_of_one_id_and_many_unread_wheels_are_cut_and_counted() -> None:
    audit = build_torch()
    finding = Finding(id="WA101", message="Something differs.", help="Do something.")
    text = section(render(replace(audit, findings=(finding,) * 8)), "Findings")
    assert text.count("WA101  Something differs.") == 3
    assert text.count("help: Do something.") == 1
    assert "and 5 more WA101: see --format json" in text

    unread = tuple(build_unread(f"gone-1.0-cp3{minor}-cp3{minor}-win_amd64.whl") for minor in range(10, 23))
    text = section(render(replace(audit, readings=unread)), "Wheels that could not be read")
    assert text.count("WA201:") == 10
    assert "and 3 more wheels: see --format json" in text


def test_unread_wheel_is_told_once() -> None:
    assert render(build_undecided()).count("answered 503") == 1


def test_requirements_that_nobody_understands_leave_a_step() -> None:
    wheels = ("odd-1.0-cp312-cp312-win_amd64.whl", "odd-1.0-cp312-cp312-win_arm64.whl")
    readings = [build_reading(wheel, [line]) for wheel, line in zip(wheels, ("attrs", "attrs ??"), strict=True)]
    text = render(audit_readings(readings))
    assert text.startswith("odd==1.0 is UNDECIDED: 2 wheels, some requirements cannot be understood\n")
    assert "Ask the project to correct" in section(text, "What to do next")


def test_no_wheel_left_for_uv_is_said() -> None:
    assert "no wheel is left for uv" in render(replace(build_torch(), reads_uv=None, impact=()))


def test_skipped_and_yanked_files_are_told() -> None:
    audit = build_consistent()
    wheels = tuple(replace(wheel, yanked="broken") for wheel in audit.release.wheels)
    skipped = (SkippedFile(filename="same-1.0.exe", reason="not a wheel"),)
    text = render(replace(audit, release=replace(audit.release, wheels=wheels, skipped=skipped)))
    assert "  4 wheels: broken\n" in text
    assert "  same-1.0.exe: not a wheel\n" in text


def test_failures_are_told_even_alone() -> None:
    text = render_human([], width=80, color=False, failures=FAILURES)
    assert text.startswith("torch==9.9 could not be done\n  torch has no release 9.9")
    assert "Choose one of 2.6.0, 2.7.0." in text


def test_failure_text_is_escaped() -> None:
    text = render_human([], width=80, color=False, failures=[(ESCAPES, WheelAuditError(ESCAPES, remedy=ESCAPES))])
    assert all(line.isprintable() for line in text.split("\n"))


def test_narrow_terminal_still_gets_a_report() -> None:
    assert render(build_torch(), width=10) == render(build_torch(), width=60)


def test_same_audit_gives_the_same_bytes() -> None:
    assert render(build_forty()) == render(build_forty())
