"""The results of `wheelaudit check`: where each entry stands, how bad it is, and what mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from tests.report.hostile import hostile_text
from tests.report.test_check import ALL, CURRENT, FAILED, FOREIGN, IGNORED, SHADOWED, STALE, UNKNOWN, build_hostile
from tests.report.test_github import parse_command
from wheelaudit.audit.values import Finding
from wheelaudit.report.bounds import MOST_CHARACTERS
from wheelaudit.report.check import CheckLine
from wheelaudit.report.check_results import build_check_results
from wheelaudit.report.github import render_github
from wheelaudit.report.text import escape_text

INEFFECTIVE = replace(
    STALE, status="ineffective", remedy="moved", findings=(Finding(id="WA403", message="No effect."),)
)


def test_results_are_findings_and_what_is_not_known() -> None:
    assert [(each.rule, each.level, each.file, each.line) for each in build_check_results(ALL)] == [
        ("WA401", "error", "pyproject.toml", 40),
        ("WA402", "warning", "pyproject.toml", 60),
        ("WA404", "error", "member/uv.toml", 12),
        (None, "error", "pyproject.toml", 12),
        (None, "warning", "pyproject.toml", 12),
        (None, "note", "pyproject.toml", 12),
    ]


@pytest.mark.parametrize(
    ("line", "level"), [(STALE, "error"), (INEFFECTIVE, "error"), (SHADOWED, "error"), (FOREIGN, "warning")]
)
def test_only_what_is_not_needed_is_a_warning(line: CheckLine, level: str) -> None:
    (result,) = build_check_results([line])
    assert (result.rule, result.level) == (line.findings[0].id, level)


def test_what_is_in_order_has_no_result() -> None:
    assert build_check_results([CURRENT]) == ()


def test_result_says_whose_entry_it_is_what_is_wrong_and_what_mends_it() -> None:
    (result,) = build_check_results([STALE])
    assert result.message.startswith("torch 2.6.0+cu118: The override of torch==2.6.0+cu118 is not what its wheels ask")
    assert result.details == (
        "In question: triton==3.2.0",
        "Replace the entry.",
        "`wheelaudit check --write` mends it.",
    )
    (foreign,) = build_check_results([FOREIGN])
    assert foreign.details[-1] == "`wheelaudit check --write --all-entries` mends it."
    (unmended,) = build_check_results([replace(STALE, remedy=None)])
    assert unmended.details == ("In question: triton==3.2.0", "Replace the entry.")


@pytest.mark.parametrize("line", [STALE, FOREIGN, INEFFECTIVE])
def test_what_was_mended_says_so_and_is_a_note_where_it_was(line: CheckLine) -> None:
    (result,) = build_check_results([replace(line, mended=True)])
    assert (result.level, result.line) == ("note", line.line)
    assert result.details[-1] == f"The entry is {line.remedy} now."
    assert not any(line.findings[0].help and line.findings[0].help in detail for detail in result.details)


def test_what_is_no_finding_says_why() -> None:
    assert [each.message for each in build_check_results([FAILED, UNKNOWN, IGNORED])] == [
        "torch 2.6.0+cu126 could not be checked: The index has no project torch. Check its name.",
        "torch 2.6.0+cu126 is unknown: some wheel could not be read. Try again later.",
        "torch 2.6.0+cu126 has a finding that is ignored: WA402 until 2027-01-31: we wait for 2.7",
    ]


def test_what_is_too_long_is_cut() -> None:
    long = Finding(id="WA401", message="x" * 9999, requirements=("y" * 9999,) * 999, help="z" * 9999)
    (result,) = build_check_results([replace(STALE, findings=(long,))])
    assert max(map(len, (result.message, result.details[1]))) < MOST_CHARACTERS + 100
    assert "and 959 more" in result.details[0]


def test_annotation_is_of_the_line_of_its_entry() -> None:
    assert render_github(build_check_results([FOREIGN])) == (
        "::warning file=pyproject.toml,line=60,title=WA402%3A override not needed::torch 2.6.0+cu118: The override of "
        "torch==2.6.0+cu118 is not needed: all 8 wheels ask for the same.%0ARemove the entry. Then run `uv cache clean "
        "torch`: uv keeps what it once read there.%0A`wheelaudit check --write --all-entries` mends it.\n"
    )


@given(hostile_text)
def test_hostile_text_arrives_as_text(text: str) -> None:
    results = build_check_results(build_hostile(text))
    lines = render_github(results).splitlines()
    assert len(lines) == len(results) == 11
    for line, result in zip(lines, results, strict=True):
        assert line.isprintable()
        command = parse_command(line)
        assert command.properties["file"] == escape_text(text)
        assert command.message == "\n".join(map(escape_text, (result.message, *result.details)))
