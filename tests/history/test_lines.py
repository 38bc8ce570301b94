from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.history.recorded import build_finding, build_record, night_of, plain, stream_of, version_of
from wheelaudit.errors import HistoryError
from wheelaudit.history import lines
from wheelaudit.history.fields import MalformedError
from wheelaudit.history.lines import (
    Imported,
    export_lines,
    import_lines,
    parse_line,
    read_lines,
    render_record,
)
from wheelaudit.history.records import Record
from wheelaudit.history.store import History
from wheelaudit.metadata import WheelMetadata

RECORDS = (
    build_record(1, stream=stream_of(1)),
    build_record(0, told=3, unread=4, verdict="undecided", findings=(build_finding(),)),
    build_record(1, told=0, read_back=True),
    build_record(1, version=version_of(0)),
)


def build_history(path: Path, *records: Record) -> History:
    history = History.open(path, create=True)
    with history.begin_night() as night:
        for record in records:
            night.restore(record)
    return history


def export(history: History) -> bytes:
    return b"".join(export_lines(history))


def load(data: bytes, history: History) -> Imported:
    return import_lines(history, read_lines(io.BytesIO(data)), name="export.jsonl")


def test_export_imported_into_an_empty_history_is_exported_the_same(tmp_path: Path) -> None:
    with build_history(tmp_path / "one.sqlite3", *RECORDS) as one, History.open(tmp_path / "two", create=True) as two:
        data = export(one)
        assert load(data, two) == Imported(recorded=4, skipped=0)
        assert export(two) == data
        for night in one.find_nights():
            assert [map_plain(each) for each in two.find_records(night)] == [
                map_plain(each) for each in one.find_records(night)
            ]


def map_plain(record: Record) -> Record:
    return replace(record, snapshot=plain(record.snapshot))


def test_export_is_sorted_by_night_stream_and_version_whatever_came_first(tmp_path: Path) -> None:
    with (
        build_history(tmp_path / "one", *RECORDS) as one,
        build_history(tmp_path / "two", *reversed(RECORDS)) as two,
    ):
        data = export(one)
        assert data == export(two)
    parsed = [json.loads(line) for line in data.splitlines()]
    keys = [(line["night"], line["project"], line["version"]) for line in parsed]
    assert keys == [
        ("2025-01-01", "thing-0", str(version_of(0))),
        ("2025-01-02", "thing-0", str(version_of(0))),
        ("2025-01-02", "thing-0", str(version_of(1))),
        ("2025-01-02", "thing-1", str(version_of(1))),
    ]
    assert [len(line["events"]) for line in parsed] == [3, 1, 0, 1]
    assert data.isascii()
    assert data.endswith(b"}\n")


def test_import_merges_and_skips_what_is_there_the_same(tmp_path: Path) -> None:
    with build_history(tmp_path / "one", *RECORDS) as one, build_history(tmp_path / "two", *RECORDS[:2]) as two:
        assert load(export(one), two) == Imported(recorded=2, skipped=2)
        assert load(b"\n" + export(one) + b"\n", two) == Imported(recorded=0, skipped=4)
        assert export(two) == export(one)


@pytest.mark.parametrize("change", ["verdict", "events", "open"])
def test_line_that_says_otherwise_is_told_and_nothing_is_imported(tmp_path: Path, change: str) -> None:
    record = RECORDS[3]
    others = {
        "verdict": replace(record, snapshot=replace(record.snapshot, verdict="undecided")),
        "events": replace(record, events=()),
        "open": replace(record, open=()),
    }
    with (
        build_history(tmp_path / "one", *RECORDS) as one,
        build_history(tmp_path / "two", others[change]) as two,
    ):
        before = export(two)
        with pytest.raises(HistoryError, match=r"^Line 2 of export.jsonl says otherwise of thing-0==2\.7"):
            load(export(one), two)
        assert export(two) == before


def test_one_build_twice_in_a_file_must_be_the_same(tmp_path: Path) -> None:
    record = RECORDS[2]
    other = replace(record, snapshot=replace(record.snapshot, read_back=False))
    with History.open(tmp_path / "history", create=True) as history:
        assert load(render_record(record) * 2, history) == Imported(recorded=1, skipped=1)
    with History.open(tmp_path / "other", create=True) as history:
        with pytest.raises(HistoryError, match="Line 2"):
            load(render_record(record) + render_record(other), history)
        assert history.find_nights() == ()


def at(*place: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    """Return what puts a value into a line; `...` takes the field away."""

    def change(line: dict[str, Any]) -> None:
        inner: Any = line
        for key in place[:-1]:
            inner = inner[key]
        if value is ...:
            del inner[place[-1]]
        else:
            inner[place[-1]] = value

    return change


LONG = "x" * 1_000_000
HOSTILE = {
    "schema that is newer": (at("schema", value=2), "schema 2"),
    "no schema": (at("schema", value=...), "schema None"),
    "number as night": (at("night", value=20250101), "night is not a text"),
    "night of another spelling": (at("night", value="20250101"), "night ('20250101')"),
    "night that does not exist": (at("night", value="2025-02-30"), "night ('2025-02-30')"),
    "night of a megabyte": (at("night", value=LONG), "night ('xxx"),
    "version of a megabyte": (at("version", value=LONG), "version ('xxx"),
    "version of many digits": (at("version", value="1" * 10_000), "version ('111"),
    "version of another spelling": (at("version", value="v1.0"), "version ('v1.0')"),
    "project of a megabyte": (at("project", value="X" * 1_000_000), "project ('XXX"),
    "verdict of a megabyte": (at("verdict", value=LONG), "verdict is none of consistent"),
    "flag as number": (at("read_back", value=1), "read_back is not true or false"),
    "field too many": (at("\x1b[31m" + LONG, value=1), "unknown field"),
    "field too few": (at("label", value=...), "has no field 'label'"),
    "wheels as text": (at("wheels", value="a.whl"), "wheels is not a list"),
    "no wheels": (at("wheels", value=[]), "its wheels are none"),
    "wheel as text": (at("wheels", 0, value="a.whl"), "wheels[0] is not an object"),
    "no wheel's name": (at("wheels", 1, "filename", value="../a"), "wheels[1] has a file name"),
    "number as address": (at("wheels", 0, "url", value=1), "wheels[0].url is not a text"),
    "hash in upper case": (at("wheels", 0, "sha256", value="A" * 64), "wheels[0].sha256 ('AAA"),
    "size below nothing": (at("wheels", 0, "size", value=-1), "wheels[0].size is not between"),
    "size of many bits": (at("wheels", 0, "size", value=2**63), "wheels[0].size is not between"),
    "size as flag": (at("wheels", 0, "size", value=True), "wheels[0].size is not a number"),
    "size with fractions": (at("wheels", 0, "size", value=1.5), "wheels[0].size is not a number"),
    "metadata that is not there": (at("wheels", 5, "read", "metadata", value=7), "wheels[5].read has metadata"),
    "source that is none": (at("wheels", 5, "read", "source", value="x"), "wheels[5].read.source is none of"),
    "neither read nor unread": (at("wheels", 5, "read", value=...), "wheels[5] is neither"),
    "requirement as number": (at("metadata", 0, "requires_dist", 1, value=4), "requires_dist[1] is not a text"),
    "event of another night": (at("events", 0, "night", value="2024-01-01"), "event of another night"),
    "level that is none": (at("events", 0, "level", value="x"), "events[0].level is none of"),
    "open event without its event": (at("open", 0, "event", value=...), "open[0].event is not an object"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_line_is_told_with_its_number_and_place(tmp_path: Path, name: str) -> None:
    change, words = HOSTILE[name]
    document = json.loads(render_record(RECORDS[1]))
    change(document)
    check_refused(tmp_path, json.dumps(document).encode() + b"\n", words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[]", "is not an object"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b'{"schema": NaN}', "NaN"),
        (b'{"schema": ' + b"1" * 5000 + b"}", "too long"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schema":' * 100_000, "nested too deeply"),
    ],
    ids=range(8),
)
def test_line_that_is_no_record_is_told_with_its_number(tmp_path: Path, line: bytes, words: str) -> None:
    check_refused(tmp_path, line, words)


def check_refused(tmp_path: Path, line: bytes, words: str) -> None:
    with History.open(tmp_path / "history", create=True) as history:
        with pytest.raises(HistoryError) as caught:
            load(render_record(RECORDS[0]) + line, history)
        assert caught.value.message.startswith("Line 2 of export.jsonl cannot be imported: ")
        assert words in caught.value.message
        assert len(caught.value.message) < 400
        assert caught.value.message.isprintable()
        assert history.find_nights() == ()


def test_line_that_is_too_long_is_not_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = render_record(RECORDS[0])
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", len(first))
    assert len(next(read_lines(io.BytesIO(b" " * 3 * len(first))))) == len(first) + 1
    check_refused(tmp_path, b" " * 3 * len(first), "it has more than")


def test_same_wheel_twice_is_refused() -> None:
    document = json.loads(render_record(RECORDS[1]))
    document["wheels"][1] = document["wheels"][0]
    with pytest.raises(MalformedError, match="one of them twice"):
        parse_line(json.dumps(document).encode())


def test_event_told_twice_is_refused() -> None:
    document = json.loads(render_record(RECORDS[1]))
    document["events"][1] = document["events"][0]
    with pytest.raises(MalformedError, match="tells an event twice"):
        parse_line(json.dumps(document).encode())


def test_requirement_that_is_not_understood_any_more_counts_as_unparsed() -> None:
    document = json.loads(render_record(RECORDS[2]))
    document["metadata"][0]["requires_dist"][0] = "not a requirement (("
    reading = parse_line(json.dumps(document).encode()).snapshot.readings[0]
    assert "not a requirement ((" in reading.core.unparsed  # type: ignore[union-attr]


def test_foreign_text_is_kept_as_it_is() -> None:
    told = 'x\x1b[31m\u2028\u202e\ud800"\\\n<script>'
    record = build_record(0, findings=(build_finding(told),), stream=stream_of(index=told))
    line = render_record(record)
    assert line.isascii()
    assert line.count(b"\n") == 1
    again = parse_line(line)
    assert again == record
    assert again.snapshot.findings[0].message == told


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
KEYS = sorted(json.loads(render_record(RECORDS[1])))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_malformed(line: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_line(line)


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4))
def test_any_value_in_a_line_is_a_record_or_malformed(changes: dict[str, object]) -> None:
    document = {**json.loads(render_record(RECORDS[1])), **changes}
    try:
        record = parse_line(json.dumps(document).encode())
    except MalformedError:
        assert changes
    else:
        assert render_record(parse_line(render_record(record))) == render_record(record)


def test_night_of_an_imported_line_is_found(tmp_path: Path) -> None:
    with History.open(tmp_path / "history", create=True) as history:
        load(render_record(RECORDS[1]), history)
        (found,) = history.find_records(night_of(0))
        assert map_plain(found) == map_plain(RECORDS[1])
        assert history.find_open(stream_of()) == RECORDS[1].open


def test_extra_that_nobody_can_ask_for_is_passed_over() -> None:
    # Written by hand, or by a wheelaudit that took it: in an override uv would drop all settings over it.
    line = render_record(RECORDS[0])
    assert b'"provides_extra":["gpu"]' in line
    record = parse_line(line.replace(b'"provides_extra":["gpu"]', b'"provides_extra":["a b","gpu_","GPU"]'))
    extras = {reading.core.provides_extra for reading in record.snapshot.readings if isinstance(reading, WheelMetadata)}
    assert extras == {("gpu",)}
