"""A night in words and as results: in order, stable from night to night, and true."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.releases import build_reading
from tests.report.examples import audit_readings, build_consistent
from tests.report.hostile import hostile_text
from tests.report.nights import (
    BROKEN,
    DISAGREE,
    FOUR,
    OPEN,
    REPINNED,
    STREAM,
    VANISHED,
    build_busy_night,
    build_date,
    build_hostile_night,
    build_night,
    build_stream_night,
)
from wheelaudit.history.values import Night
from wheelaudit.report.github import render_github
from wheelaudit.report.nightly import (
    MOST_TITLE,
    build_key,
    build_night_results,
    build_sections,
    describe_night,
    describe_quiet,
    describe_since,
    describe_title,
    find_beginning,
    find_open,
    find_pair,
)
from wheelaudit.report.sarif import render_sarif


def test_regressions_come_first_and_the_worst_of_them() -> None:
    vanished = replace(VANISHED, stream=replace(STREAM, project=NormalizedName("a")))
    night = build_night(14, build_stream_night(STREAM, 14, BROKEN, BROKEN, events=[REPINNED, vanished, DISAGREE]))
    sections = build_sections(night)
    assert [event.id for _, event in sections.regressions] == ["WA501", "WA504"]
    assert [event.id for _, event in sections.findings] == ["WA503"]
    assert not sections.quiet


def test_every_event_is_in_one_section() -> None:
    for night in (*FOUR, build_busy_night()):
        sections = build_sections(night)
        told = [*sections.regressions, *sections.fixed, *sections.findings, *sections.notes]
        assert len(told) == sum(len(each.events) for each in night.streams)


def test_four_nights_in_one_line_each() -> None:
    assert [describe_night(night)[0] for night in FOUR] == [
        "Night of 2025-01-13: nothing new; 1 stream read",
        "Night of 2025-01-14: 1 regression; 1 stream read",
        "Night of 2025-01-15: nothing new; 1 stream read",
        "Night of 2025-01-16: 1 regression, 1 fixed; 1 stream read",
    ]
    assert [describe_night(night)[1] for night in FOUR] == ["bold green", "bold red", "bold green", "bold red"]
    assert describe_night(build_busy_night()) == (
        "Night of 2025-01-15: 1 finding, 1 not read; 3 streams read",
        "bold yellow",
    )


def test_quiet_night_claims_nothing_of_what_was_not_read() -> None:
    text = describe_quiet(build_busy_night())
    assert "1 stream held against the build before: nothing changed that needs a look." in text
    assert "1 stream is seen for the first time" in text
    assert "1 stream is undecided" in text
    assert "1 thing from other nights is still open" in text
    nothing = Night(night=build_date(1), streams=(), failures=())
    assert describe_quiet(nothing) == "No stream was read, so nothing is known of this night."


def test_baseline_says_what_is_wrong_already() -> None:
    night = build_night(14, build_stream_night(STREAM, 14, BROKEN, None))
    assert describe_quiet(night).startswith("1 stream is seen for the first time, 1 of them inconsistent already: ")


def test_key_is_of_stream_id_and_subject_alone() -> None:
    later = replace(
        DISAGREE, night=build_date(20), before=None, after=Version("3.0"), message="x", platforms=(), lost=(), wheels=()
    )
    assert build_key(later) == build_key(DISAGREE)
    assert re.fullmatch(r"[0-9a-f]{32}", build_key(DISAGREE))
    other = [
        replace(DISAGREE, id="WA504"),
        replace(DISAGREE, subject="x"),
        replace(DISAGREE, stream=replace(STREAM, index="x")),
        replace(DISAGREE, stream=replace(STREAM, label="x")),
        replace(DISAGREE, stream=replace(STREAM, index="nightly/cu126cu", label="126")),
    ]
    assert len({build_key(event) for event in (DISAGREE, *other)}) == len(other) + 1


@given(hostile_text)
def test_title_is_the_same_every_night_and_bounded(text: str) -> None:
    event = replace(DISAGREE, subject=text * 50)
    later = replace(event, night=build_date(20), before=None, after=Version("3.0"), message="x")
    assert describe_title(event) == describe_title(later)
    assert len(describe_title(event)) <= MOST_TITLE + 50


def test_title_names_stream_and_finding() -> None:
    assert describe_title(DISAGREE) == "torch+cu126 on nightly/cu126: newly inconsistent (WA501)"
    assert describe_title(VANISHED).endswith("wheels vanished (WA504): CPython 3.13 on linux aarch64, linux x86_64")


def test_since_is_told_where_builds_are_inconsistent() -> None:
    assert [describe_since(night.streams[0]) for night in FOUR] == [
        "",
        "tonight; not in 2.7.0.dev20250113+cu126",
        "2025-01-14 (2.7.0.dev20250114+cu126; not in 2.7.0.dev20250113+cu126)",
        "",
    ]


def test_beginning_is_that_of_the_first_night() -> None:
    tonight = FOUR[2].streams[0]
    assert tuple(map(str, find_beginning(tonight, DISAGREE))) == ("2.7.0.dev20250113+cu126", "2.7.0.dev20250114+cu126")
    older = replace(OPEN, since_version=Version("2.7.0.dev20250102+cu126"), known_good=None)
    assert find_beginning(replace(tonight, open=(older,)), DISAGREE) == (None, older.since_version)


def test_open_events_are_told_the_oldest_first() -> None:
    newer = replace(OPEN, since=build_date(15), event=replace(VANISHED, id="WA504"))
    night = build_night(15, build_stream_night(STREAM, 15, BROKEN, BROKEN, opened=[newer, OPEN]))
    assert find_open(night) == (OPEN, newer)


def test_pair_is_the_wheel_that_uv_reads_and_one_that_has_what_it_lacks() -> None:
    pair = find_pair(FOUR[1].streams[0], DISAGREE)
    assert pair is not None
    assert pair.first == BROKEN.reads_uv
    assert pair.first.filename.endswith("-cp312-linux_aarch64.whl")
    assert pair.second.filename.endswith("-cp312-manylinux_2_28_x86_64.whl")
    assert pair.names == ("lacks", "has")


def test_pair_lacks_first_also_where_uv_reads_the_wheel_that_has_all() -> None:
    readings = [
        build_reading("demo-1.0-cp312-cp312-linux_aarch64.whl", ["attrs", "idna"]),
        build_reading("demo-1.0-cp312-cp312-win_amd64.whl", ["attrs"]),
    ]
    audit = audit_readings(readings)
    pair = find_pair(build_stream_night(STREAM, 14, audit, None), DISAGREE)
    assert pair is not None
    assert (pair.first, pair.second) == (audit.release.wheels[1], audit.release.wheels[0])


def test_wheels_that_differ_in_no_requirement_are_a_pair_still() -> None:
    readings = [
        build_reading("demo-1.0-cp312-cp312-linux_aarch64.whl", ["attrs", 'idna; extra == "a"'], provides_extra=["a"]),
        build_reading("demo-1.0-cp312-cp312-win_amd64.whl", ["attrs", "idna; sys_platform == 'win32'"]),
    ]
    audit = audit_readings(readings)
    assert audit.verdict == "inconsistent"
    pair = find_pair(build_stream_night(STREAM, 14, audit, None), DISAGREE)
    assert pair is not None
    assert {pair.first, pair.second} == set(audit.release.wheels)


def test_wheels_that_agree_are_no_pair() -> None:
    assert find_pair(FOUR[3].streams[0], DISAGREE) is None
    assert find_pair(build_stream_night(STREAM, 14, build_consistent(), None), DISAGREE) is None
    assert find_pair(FOUR[3].streams[0], VANISHED) is None


def test_pair_of_a_moved_pin_is_the_same_wheel_of_both_builds() -> None:
    each = build_busy_night().streams[2]
    pair = find_pair(each, REPINNED)
    assert pair is not None
    assert [wheel.filename.replace("20250114", "20250115") for wheel in (pair.first, pair.second)] == [
        pair.second.filename
    ] * 2
    assert pair.names == ("before", "after")
    assert find_pair(replace(each, before=None), REPINNED) is None


def test_levels_are_those_of_annotations() -> None:
    told = {(result.rule, result.level) for night in FOUR for result in build_night_results(night)}
    assert told == {("WA501", "error"), ("WA501", "note"), ("WA502", "note"), ("WA504", "error")}
    rest = build_night_results(build_busy_night())
    assert [(result.rule, result.level) for result in rest] == [
        ("WA503", "warning"),
        ("WA503", "note"),
        ("WA501", "note"),
        (None, "warning"),
        (None, "error"),
    ]
    assert rest[0].details == (
        "Where: linux x86_64, CPython 3.12",
        "Lost: nvidia-nccl-cu12==2.21.5",
        "Gained: nvidia-nccl-cu12==2.25.1",
    )
    assert rest[2].message.startswith("torch+cu126 on nightly/cu126: still open since 2025-01-14 (")


@given(hostile_text)
def test_hostile_night_is_text_in_annotations_and_sarif(text: str) -> None:
    results = build_night_results(build_hostile_night(text or "x"))
    lines = render_github(results)
    assert lines.count("\n") == len(results)
    assert all(re.match(r"::(error|warning|notice) title=", line) for line in lines.splitlines())
    assert all(line.isprintable() for line in lines[:-1].split("\n"))
    log = json.loads(render_sarif(results, version="1"))
    assert len(log["runs"][0]["results"]) == 2


def test_results_are_bounded() -> None:
    results = build_night_results(build_hostile_night("\x1b" * 1_000_000))
    assert len(render_github(results)) < 200_000
    assert len(render_sarif(results, version="1")) < 400_000
