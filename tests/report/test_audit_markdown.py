"""The Markdown and the results of audits: they say what the report says, and foreign text is only text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given

from tests import oracle
from tests.conftest import Golden
from tests.places import names
from tests.releases import INCONSISTENT, build_oracle_wheels, build_reading, load_release
from tests.report.examples import (
    LOST,
    build_consistent,
    build_forty,
    build_hostile,
    build_torch,
    build_undecided,
    build_without_override,
)
from tests.report.hostile import hostile_text
from tests.report.nights import FAILURE, build_hostile_night
from tests.report.test_human import BUILDERS, FAILURES
from tests.report.test_markdown import PARSER
from tests.report.test_nightly_markdown import check_inert, find_blocks, find_fences
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit, Matrix, State
from wheelaudit.errors import UsageError
from wheelaudit.report.audit_markdown import MOST_COLUMNS, MOST_OVERRIDE, count_asked, find_told, render_markdown
from wheelaudit.report.audit_results import MOST_NAMED, build_audit_results
from wheelaudit.report.github import render_github
from wheelaudit.report.toml import render_override


@pytest.mark.parametrize("name", BUILDERS)
def test_report_reads_as_its_golden_file(name: str, golden: Golden) -> None:
    golden(f"report/{name}.md", render_markdown([BUILDERS[name]()]))


def test_several_releases_open_with_a_table(golden: Golden) -> None:
    audits = [build_torch(), build_consistent(), build_undecided()]
    golden("report/several.md", render_markdown(audits, failures=FAILURES))


@pytest.mark.parametrize("name", BUILDERS)
def test_nothing_in_it_is_live(name: str) -> None:
    check_inert(render_markdown([BUILDERS[name]()], failures=FAILURES))


def test_lost_lines_and_override_are_blocks_of_their_own() -> None:
    audit = build_torch()
    text = render_markdown([audit])
    assert find_fences(text, "text")[0] == "".join(f"{requirement}\n" for requirement in LOST)
    assert audit.override is not None
    assert find_fences(text, "toml") == [render_override(audit.override)]
    assert "Proven: right in 84 of 84 environment/extra pairs." in text


def test_what_was_listed_is_not_listed_again() -> None:
    audit = build_torch()
    (impact,) = audit.impact
    text = render_markdown([replace(audit, impact=(impact, replace(impact, environments="elsewhere")))])
    assert find_fences(text, "text") == ["".join(f"{requirement}\n" for requirement in LOST)]
    assert f"**elsewhere**: {len(LOST)} lost" in text


def test_table_of_disagreement_has_a_state_per_set_of_environments() -> None:
    text = render_markdown([build_without_override()])
    assert "| `attrs` | ? | needed |  |\n| `idna` | ? |  | needed |\n" in text
    assert "needed: needed there; ?: its own wheel was not read.\n" in text


def test_table_that_nobody_could_read_is_left_out() -> None:
    audit = build_torch()
    columns = tuple(f"place {number}" for number in range(MOST_COLUMNS + 1))
    lost: State = "lost"
    states = tuple(lost for _ in columns)
    wide = Matrix(columns=columns, rows=(("attrs", states),))
    text = render_markdown([replace(audit, matrix=wide)])
    assert "The wheels tell 13 sets of environments apart, too many for a table: see `--format json`." in text


def test_undecided_release_says_which_wheel_is_unread() -> None:
    text = render_markdown([build_undecided()])
    assert "# `gone==1.0` is UNDECIDED: 1 of 3 wheels could not be read, the other 2 agree\n" in text
    assert "- `gone-1.0-cp312-cp312-manylinux_2_28_x86_64.whl`: WA201, The server answered 503" in text
    assert not find_fences(text, "toml")


def test_reason_stands_where_there_is_no_override() -> None:
    assert "There is no override: 1 wheel was not read" in render_markdown([build_without_override()])


def test_override_that_is_too_long_is_named_not_cut() -> None:
    audit = build_torch()
    assert audit.override is not None
    lines = tuple(f"project-{number}==1.0" for number in range(MOST_OVERRIDE // 10))
    text = render_markdown([replace(audit, override=replace(audit.override, requires_dist=lines))])
    assert not find_fences(text, "toml")
    assert "`wheelaudit torch==2.6.0+cu126 --format toml` prints it." in text


def test_projects_bound_is_told() -> None:
    release, readings = load_release("torch-2.6.0+cu126")
    audit = audit_release(release, readings)
    assert "requires-python" not in render_markdown([audit]).partition("## Findings")[0]
    bound = replace(
        audit, requires_python=build_reading("a-1-py3-none-any.whl", requires_python=">=3.12").core.python_specifier
    )
    assert "In a project with requires-python `>=3.12` uv reads " in render_markdown([bound])


# --- what pip does, held against the metadata itself ---------------------------------------------------


def test_platform_whose_wheel_asks_for_nothing_gets_none() -> None:
    assert count_asked(build_torch()) == (
        ("linux aarch64 and windows AMD64, CPython 3.10-3.13", 0),
        ("linux x86_64, CPython 3.10-3.13", 14),
    )


@pytest.mark.parametrize("name", INCONSISTENT)
def test_what_pip_installs_is_what_the_best_wheels_ask_for(name: str) -> None:
    release, readings = load_release(name)
    audit = audit_release(release, readings)
    told = [text.partition('; extra == "') for text in find_told(audit)]
    needs = {(need.target, need.extra): need.asked for need in oracle.needs(build_oracle_wheels(readings))}
    seen: set[str] = set()
    for target, extra in needs:
        # Where no marker tells wheels apart, several places name one environment.
        found = {places: count for places, count in count_asked(audit) if names(places, target.variables)}
        if extra == "" and found:
            asked = (oracle.asked([text], target, "") <= needs[target, of.rstrip('"')] for text, _, of in told)
            assert sum(asked) in found.values()
            seen.update(found)
    assert seen == {places for places, _ in count_asked(audit)}
    assert bool(seen) == bool(audit.impact)


def test_unread_wheel_counts_neither_way() -> None:
    audit = build_without_override()
    assert "linux" not in " ".join(places for places, _ in count_asked(audit))


# --- as results ----------------------------------------------------------------------------------------


def test_findings_are_results_and_what_is_unknown_is_told() -> None:
    results = build_audit_results([build_torch(), build_undecided()], failures=[FAILURE])
    assert [(result.rule, result.level) for result in results] == [
        ("WA101", "error"),
        ("WA103", "error"),
        ("WA201", "warning"),
        (None, "warning"),
        (None, "error"),
    ]
    assert results[0].message.startswith("torch==2.6.0+cu126: 5 wheels lack 14 requirements")
    assert ", ".join(sorted(LOST)) in results[0].details
    assert results[3].message == ("gone==1.0 is UNDECIDED: 1 of 3 wheels could not be read, the other 2 agree.")
    assert results[4].message.startswith("torchaudio on nightly/cu126 could not be done: There was no answer")


def test_consistent_release_gives_no_result() -> None:
    assert build_audit_results([build_consistent()]) == ()


def test_result_names_some_of_many() -> None:
    (first, *_) = build_audit_results([build_forty()])
    names = [f"project-{number}" for number in range(MOST_NAMED + 5)]
    audit = build_torch()
    many = replace(audit, findings=(replace(audit.findings[0], requirements=tuple(names)),))
    (result,) = build_audit_results([many])
    assert result.details[0].endswith("project-39 and 5 more")
    assert first.rule is not None


# --- foreign text --------------------------------------------------------------------------------------


def build_foreign(text: str) -> Audit:
    audit = build_hostile_night(text).streams[0].audit
    hostile = build_hostile()
    return replace(
        audit,
        release=replace(
            audit.release, skipped=tuple(replace(each, filename=text, reason=text) for each in hostile.release.skipped)
        ),
        coverage=tuple(replace(each, platform=text, pythons=(text,)) for each in audit.coverage),
    )


@given(hostile_text)
def test_foreign_text_makes_no_structure(text: str) -> None:
    error = UsageError(text, remedy=text)
    printed = render_markdown([build_foreign(text)], failures=[(text, error)])
    assert all(line.isprintable() for line in printed.split("\n"))
    check_inert(printed)
    if text.strip():
        word = render_markdown([build_foreign("word")], failures=[("word", UsageError("word", remedy="word"))])
        assert find_blocks(printed) == find_blocks(word)


@given(hostile_text)
def test_annotations_are_one_line_each(text: str) -> None:
    results = build_audit_results([build_foreign(text)], failures=[(text, UsageError(text))])
    lines = render_github(results)
    assert lines.count("\n") == len(results)
    assert all(re.match(r"::(error|warning|notice) title=", line) for line in lines[:-1].split("\n"))


def test_long_text_is_cut() -> None:
    text = "x" * 1_000_000
    assert len(render_markdown([build_foreign(text)], failures=[(text, UsageError(text))])) < 200_000
    assert PARSER.parse(render_markdown([build_foreign("`" * 1_000_000)]))
