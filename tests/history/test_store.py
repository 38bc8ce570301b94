from __future__ import annotations

import datetime
import os
import random
import sqlite3
import stat
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from packaging.version import Version

from tests.audit.test_override_properties import releases as drawn_releases
from tests.history.recorded import (
    build_event,
    build_finding,
    build_open,
    build_record,
    build_snapshot,
    details,
    night_of,
    plain,
    record_night,
    stream_of,
    version_of,
)
from tests.oracle import Wheel
from tests.releases import CONSISTENT, INCONSISTENT, build_reading, build_release, load_release
from tests.uv.cases import Case, build_random_cases
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit, Verdict
from wheelaudit.errors import HistoryError, MetadataUnreadableError
from wheelaudit.history import contents, rows, schema, store
from wheelaudit.history.schema import APPLICATION_ID, STEPS
from wheelaudit.history.store import History
from wheelaudit.history.values import CalendarNight, Snapshot, Stream
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata
from wheelaudit.release import Release

CORRUPTIONS = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with History.open(path, create=True) as opened:
        yield opened


def record(history: History, *snapshots: Snapshot) -> None:
    with history.begin_night() as night:
        for snapshot in snapshots:
            night.record(snapshot)


def count(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    connection.close()
    return int(rows)


# What was recorded is read back


def test_snapshot_is_read_back_whole_in_another_run(path: Path) -> None:
    snapshot = build_snapshot(
        3, unread=4, verdict="inconsistent", findings=(build_finding("ö\x1b\ud800"),), read_back=True
    )
    with History.open(path, create=True) as history:
        record(history, snapshot)
    with History.open(path, create=False) as history:
        found = history.find_last(snapshot.stream)
    assert found is not None
    assert plain(found) == plain(snapshot)
    assert details(found) == details(snapshot)
    assert texts(found) == texts(snapshot)


def texts(snapshot: Snapshot) -> list[list[str]]:
    """Return the lines as they are spelled: two that mean the same are equal."""
    read = (reading for reading in snapshot.readings if isinstance(reading, WheelMetadata))
    return [[line.text for line in reading.core.requires_dist] for reading in read]


def test_stream_that_is_not_there_has_nothing(history: History) -> None:
    record(history, build_snapshot(1))
    other = stream_of(9)
    assert history.find_last(other) is None
    assert history.find_last_decided(other) is None
    assert history.find_first_seen(other, Version("1")) is None
    assert history.find_open(other) == ()
    assert history.find_events(other, night_of(1)) == ()
    assert history.find_snapshots(night_of(1), stream=other) == ()
    assert history.find_snapshots(night_of(2)) == ()
    assert history.find_record(other, night_of(1), Version("1")) is None


def test_last_is_of_the_newest_night_and_then_of_the_newest_version(history: History) -> None:
    small, large = Version("2.7.0.dev9"), Version("2.7.0.dev10")  # as texts they sort the other way round
    record(history, build_snapshot(5, version=large), build_snapshot(5, version=small), build_snapshot(4))
    record(history, build_snapshot(2, version=Version("9.0")), build_snapshot(7, stream=stream_of(1)))

    def last(before: int | None) -> str | None:
        found = history.find_last(stream_of(), before=None if before is None else night_of(before))
        return None if found is None else str(found.version)

    assert last(None) == "2.7.0.dev10"
    assert [last(number) for number in (6, 5, 4, 2)] == ["2.7.0.dev10", str(version_of(4)), "9.0", None]


def test_last_decided_passes_over_what_is_undecided(history: History) -> None:
    verdicts: tuple[Verdict, ...] = ("consistent", "inconsistent", "undecided", "undecided")
    record(history, *(build_snapshot(number, verdict=verdict) for number, verdict in enumerate(verdicts)))
    for before, night in ((None, 1), (3, 1), (1, 0)):
        found = history.find_last_decided(stream_of(), before=None if before is None else night_of(before))
        assert found is not None
        assert found.night == night_of(night)
    assert history.find_last_decided(stream_of(), before=night_of(0)) is None


def test_first_seen_is_the_first_night_of_a_build(history: History) -> None:
    build = Version("2.7.0.dev1+cu126")
    record(history, *(build_snapshot(number, version=build) for number in (4, 2, 3)), build_snapshot(1))
    assert history.find_first_seen(stream_of(), build) == night_of(2)
    assert history.find_first_seen(stream_of(), Version("1.0")) is None


def test_nights_streams_and_calendar_are_sorted(history: History) -> None:
    two = stream_of(2)
    for number in (3, 1, 2):
        with history.begin_night() as night:
            night.record(build_snapshot(number, stream=two, verdict="undecided"))
            events = [build_event("WA502", number), build_event("WA501", number)] if number == 2 else []
            night.record(build_snapshot(number), events=events)
    assert history.find_nights() == (night_of(1), night_of(2), night_of(3))
    assert history.find_streams() == (stream_of(0), two)
    calendar = history.find_calendar(since=night_of(2), until=night_of(2))
    assert list(calendar) == [stream_of(0), two]
    assert calendar[stream_of(0)] == (
        CalendarNight(night=night_of(2), version=version_of(2), verdict="consistent", told=("WA501", "WA502")),
    )
    everything = history.find_calendar(since=datetime.date.min, until=datetime.date.max)
    assert [each.night for each in everything[two]] == [night_of(1), night_of(2), night_of(3)]
    assert [each.told for each in everything[two]] == [(), (), ()]


def test_calendar_is_bounded_and_keeps_the_newest(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelaudit.history.store.MAX_SQUARES", 2)
    record(history, *(build_snapshot(number) for number in range(4)))
    (nights,) = history.find_calendar(since=night_of(0), until=night_of(9)).values()
    assert [each.night for each in nights] == [night_of(2), night_of(3)]


def test_unchanged_night_costs_a_row(history: History, path: Path) -> None:
    for number in range(5):
        record(history, build_snapshot(number, version=version_of(0), findings=(build_finding(),)))
    # A release, its two requirement sets, its findings.
    assert (count(path, "snapshots"), count(path, "contents"), count(path, "parts")) == (5, 4, 2)


def test_requirement_sets_are_kept_once_for_all_builds_that_have_them(history: History, path: Path) -> None:
    for number in range(5):
        record(history, build_snapshot(number))
    assert (count(path, "snapshots"), count(path, "contents")) == (5, 5 + 2)
    info = history.read_info()
    assert (info.nights, info.streams, info.releases) == (5, 1, 5)
    assert info.disk > 4096


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:s3cret@files.example/a.whl?X-Signature=s3cret#s3cret", "https://files.example/a.whl"),
        ("https://files.example/a%40b/a.whl", "https://files.example/a%40b/a.whl"),
        ("file:///srv/a.whl", "file:///srv/a.whl"),
    ],
)
def test_no_secret_of_an_address_is_written(history: History, path: Path, url: str, kept: str) -> None:
    snapshot = build_snapshot(0)
    wheels = tuple(
        replace(wheel, url=f"{url}&{number}" if "?" in url else f"{url}/{number}")
        for number, wheel in enumerate(snapshot.release.wheels)
    )
    readings = tuple(replace(r, wheel=w) for r, w in zip(snapshot.readings, wheels, strict=True))
    event = replace(build_event(), wheels=(replace(build_event().wheels[0], url=url),))
    with history.begin_night() as night:
        release = replace(snapshot.release, wheels=wheels)
        night.record(
            replace(snapshot, release=release, readings=readings), events=[event], still_open=[build_open(event)]
        )
    (found,) = history.find_records(night_of(0))
    assert found.events[0].wheels[0].url == found.open[0].event.wheels[0].url == kept
    urls = [wheel.url for wheel in found.snapshot.release.wheels]
    assert all(each.startswith(kept) for each in urls)
    assert len(set(urls)) == len(wheels)  # none of them is lost by it
    connection = sqlite3.connect(path)
    written = b"".join(zlib.decompress(data) for (data,) in connection.execute("SELECT data FROM contents"))
    connection.close()
    assert b"files.example" in written or b"file:///" in written
    assert b"s3cret" not in written


# It is judged the same again


def check_judgement(release: Release, readings: tuple[Reading, ...], folder: Path) -> None:
    audit = audit_release(release, readings)
    stream = Stream(project=release.project, index="example", label="")
    snapshot = Snapshot(
        stream=stream,
        night=night_of(0),
        release=release,
        readings=audit.readings,
        verdict=audit.verdict,
        findings=audit.findings,
    )
    with History.open(folder / "history.sqlite3", create=True) as history:
        record(history, snapshot)
        found = history.find_last(stream)
    assert found is not None
    assert (found.verdict, found.findings) == (audit.verdict, audit.findings)
    assert details(found) == details(snapshot)
    assert told(audit_release(found.release, found.readings)) == told(audit)
    (folder / "history.sqlite3").unlink()


def told(audit: Audit) -> Audit:
    snapshot = Snapshot(
        stream=stream_of(),
        night=night_of(0),
        release=audit.release,
        readings=audit.readings,
        verdict="consistent",
        findings=(),
    )
    return replace(audit, readings=plain(snapshot).readings)


@pytest.mark.parametrize("name", [*INCONSISTENT, *CONSISTENT])
def test_real_release_is_judged_the_same_again(name: str, tmp_path: Path) -> None:
    release, readings = load_release(name)
    check_judgement(release, readings, tmp_path)


@given(drawn_releases())
@settings(max_examples=30)
def test_drawn_release_is_judged_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, wheels: tuple[Wheel, ...]
) -> None:
    readings = [build_reading(w.filename, w.requires_dist, w.requires_python, w.provides_extra) for w in wheels]
    folder = tmp_path_factory.mktemp("drawn")
    check_judgement(build_release(readings), tuple(readings), folder)
    unread = UnreadableWheel(wheel=readings[0].wheel, error=MetadataUnreadableError("No answer.", remedy="Try again."))
    check_judgement(build_release(readings), (unread, *readings[1:]), folder)


@pytest.mark.parametrize("case", [*build_random_cases()][::10], ids=lambda case: case.project)
def test_release_of_odd_tags_is_judged_the_same_again(case: Case, tmp_path: Path) -> None:
    names = list(case.admitted)
    lines = [("sympy",), ("sympy", "triton; sys_platform == 'linux'")]
    readings = [build_reading(wheel.filename, lines[number % 2]) for number, wheel in enumerate(names)]
    check_judgement(build_release(readings), tuple(readings), tmp_path)


# Told once


def test_event_is_told_once_in_a_night_and_while_it_is_open(history: History) -> None:
    event = build_event("WA501", 1)
    with history.begin_night() as night:
        assert night.record(build_snapshot(1), events=[event], still_open=[build_open(event)]) == (event,)
    with history.begin_night() as night:
        assert night.record(build_snapshot(1), events=[event], still_open=[build_open(event)]) == ()
    again = build_event("WA501", 2)
    other = build_event("WA504", 2, subject="linux")
    with history.begin_night() as night:
        assert night.record(build_snapshot(2), events=[other, again], still_open=[build_open(event)]) == (other,)
    assert history.find_events(stream_of(), night_of(1)) == (event,)
    assert history.find_events(stream_of(), night_of(2)) == (other,)
    assert history.find_open(stream_of()) == (build_open(event),)


def test_event_that_has_ended_is_told_again(history: History) -> None:
    first, fixed, second = build_event("WA501", 1), build_event("WA502", 2), build_event("WA501", 3)
    for number, event in ((1, first), (2, fixed), (3, second)):
        still_open = [] if event is fixed else [build_open(event)]
        with history.begin_night() as night:
            assert night.record(build_snapshot(number), events=[event], still_open=still_open) == (event,)
    assert history.find_open(stream_of(), before=night_of(3)) == ()
    assert history.find_open(stream_of(), before=night_of(2)) == (build_open(first),)
    assert history.find_open(stream_of()) == (build_open(second),)


def test_recording_a_night_again_replaces_the_snapshot_and_keeps_what_was_told(history: History) -> None:
    event = build_event("WA501", 1)
    with history.begin_night() as night:
        night.record(build_snapshot(1, unread=2, verdict="undecided"), events=[event], still_open=[build_open(event)])
    record(history, build_snapshot(1))
    (found,) = history.find_records(night_of(1))
    assert found.snapshot == build_snapshot(1)
    assert (found.events, found.open) == ((event,), ())


def test_event_of_another_stream_or_night_is_a_bug(history: History) -> None:
    for event in (build_event("WA501", 2), build_event("WA501", 1, stream=stream_of(5))):
        with pytest.raises(ValueError, match="an event is not of"), history.begin_night() as night:
            night.record(build_snapshot(1), events=[event])
    assert history.find_nights() == ()


# All of a night or nothing


def test_night_that_fails_leaves_nothing(history: History) -> None:
    record(history, build_snapshot(0))

    def be_interrupted() -> None:
        with history.begin_night() as night:
            night.record(build_snapshot(1), events=[build_event("WA501", 1)])
            assert history.find_events(stream_of(), night_of(1)) != ()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_interrupted()
    assert history.find_nights() == (night_of(0),)
    assert record_night(history, 1, range(3)) == 3


def test_full_disk_leaves_the_night_before_and_is_told(history: History) -> None:
    record(history, build_snapshot(0))
    (pages,) = history._connection.execute("PRAGMA page_count").fetchone()
    history._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(HistoryError, match="There is no room"):
        record_night(history, 1, range(40))
    assert history.find_nights() == (night_of(0),)
    history._connection.execute("PRAGMA max_page_count = 100000")
    assert record_night(history, 1, range(40)) == 40


def test_release_too_large_to_be_read_back_is_not_kept(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_CONTENT_BYTES", 2000)
    with pytest.raises(HistoryError, match="cannot be kept"):
        record(history, build_snapshot(0))
    assert history.find_nights() == ()


def test_writer_that_never_ends_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.01)
    with History.open(path, create=True) as one, History.open(path, create=False) as two:
        with one.begin_night() as night:
            night.record(build_snapshot(0))
            assert two.find_nights() == ()  # a reader does not wait
            with pytest.raises(HistoryError, match="by another process"), two.begin_night():
                pytest.fail("two at once")
        assert two.find_nights() == (night_of(0),)


def test_reader_sees_one_state_while_another_writes(path: Path) -> None:
    with History.open(path, create=True) as one, History.open(path, create=False) as two:
        record(one, build_snapshot(0))
        with two.hold_still():
            assert two.find_nights() == (night_of(0),)
            record(one, build_snapshot(1))
            assert two.find_nights() == (night_of(0),)
        assert two.find_nights() == (night_of(0), night_of(1))


# The file


@pytest.mark.skipif(os.name != "posix", reason="modes say little on Windows; the profile's access list does it there")
def test_file_and_its_log_are_the_user_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.sqlite3"
    with History.open(path, create=True) as history:
        record(history, build_snapshot(0))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        assert set(modes) == {path.name, f"{path.name}-wal", f"{path.name}-shm"}
        assert set(modes.values()) == {0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_history_that_is_not_there_is_told_and_not_made(path: Path) -> None:
    with pytest.raises(HistoryError, match="There is no history at") as caught:
        History.open(path, create=False)
    assert "--history" in str(caught.value)
    assert not path.exists()


def test_path_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HistoryError, match="cannot be"):
        History.open(tmp_path / "file" / "history.sqlite3", create=True)
    with pytest.raises(HistoryError, match="cannot be"):
        History.open(tmp_path, create=True)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("data", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 100_000], ids=len)
def test_file_that_is_no_database_is_told_and_left_as_it_is(path: Path, data: bytes, create: bool) -> None:
    path.write_bytes(data)
    with pytest.raises(HistoryError, match="no SQLite database"):
        History.open(path, create=create)
    assert path.read_bytes() == data
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("create", [True, False])
def test_database_of_another_program_is_told_and_left_as_it_is(path: Path, create: bool) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE snapshots (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="no history of wheelaudit"):
        History.open(path, create=create)
    assert path.read_bytes() == before


def test_empty_file_is_begun_only_where_a_history_may_be_made(path: Path) -> None:
    path.touch()
    with pytest.raises(HistoryError, match="it is empty"):
        History.open(path, create=False)
    assert path.read_bytes() == b""
    with History.open(path, create=True) as history:
        record(history, build_snapshot(0))


def test_newer_schema_asks_for_an_update_and_nothing_is_changed(path: Path) -> None:
    with History.open(path, create=True) as history:
        record(history, build_snapshot(0))
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="newer wheelaudit") as caught:
        History.open(path, create=True)
    assert caught.value.remedy == "Update wheelaudit."
    assert path.read_bytes() == before


def test_older_schema_is_brought_forward_step_by_step(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with History.open(path, create=True) as history:
        record(history, build_snapshot(0))
    steps = (
        *STEPS,
        "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('one')",
        "UPDATE notes SET text = text || ' two'",
    )
    monkeypatch.setattr(schema, "STEPS", steps)
    with History.open(path, create=False) as history:
        assert history.find_snapshots(night_of(0)) == (build_snapshot(0),)
        assert history._connection.execute("SELECT text FROM notes").fetchall() == [("one two",)]
        assert history._connection.execute("PRAGMA user_version").fetchone() == (len(steps),)
        assert history._connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with History.open(path, create=True) as history:
        record(history, build_snapshot(0))
    with monkeypatch.context() as patched:
        patched.setattr(schema, "STEPS", (*STEPS, "CREATE TABLE notes (text TEXT)", "NONSENSE"))
        with pytest.raises(HistoryError):
            History.open(path, create=False)
    with History.open(path, create=False) as history:
        assert history._connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        assert history._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'notes'").fetchone() is None


def test_write_protected_history_is_read_and_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with History.open(path, create=True) as history:
        record(history, build_snapshot(0))
    real = os.access
    # Not by its mode: an administrator may write everywhere.
    monkeypatch.setattr(os, "access", lambda name, mode: (mode != os.W_OK or Path(name) != path) and real(name, mode))
    with History.open(path, create=True) as history:
        assert history.find_nights() == (night_of(0),)
        with pytest.raises(HistoryError, match="cannot be opened for writing"):
            record(history, build_snapshot(1))
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    path.with_name(f"{path.name}-wal").write_bytes(b"the last night")
    with pytest.raises(HistoryError, match="write-protected"):
        History.open(path, create=False)


def test_name_that_no_file_can_hold_is_told(history: History) -> None:
    with pytest.raises(HistoryError, match="not Unicode"):
        record(history, build_snapshot(0, stream=stream_of(index="\udcff")))
    assert history.find_nights() == ()


# Nothing that happens to the file is a wrong answer


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE snapshots SET verdict = 'undecided'",
        "UPDATE snapshots SET version = '9.0'",
        "UPDATE snapshots SET night = night + 1",
        "UPDATE snapshots SET night = 'x'",
        "UPDATE snapshots SET read_back = 1",
        "UPDATE snapshots SET findings = NULL",
        "UPDATE snapshots SET open = NULL",
        "UPDATE snapshots SET seal = x'00'",
        "UPDATE streams SET label = ''",
        "UPDATE contents SET data = x'00'",
        "UPDATE contents SET size = size + 1",
        "UPDATE contents SET size = 1000000000000",
        "UPDATE contents SET sha256 = x'00' WHERE id = (SELECT body FROM snapshots)",
        "UPDATE contents SET data = CAST(data AS TEXT)",
        "UPDATE contents SET data = (SELECT data FROM contents ORDER BY id LIMIT 1)",
        "UPDATE parts SET position = -1 - position",
        "DELETE FROM parts",
        "UPDATE events SET subject = 'y'",
        "UPDATE events SET content = (SELECT body FROM snapshots)",
    ],
)
def test_row_that_was_changed_is_an_error_with_the_file_and_a_remedy(path: Path, damage: str) -> None:
    with History.open(path, create=True) as history, history.begin_night() as night:
        event = build_event("WA501", 0)
        night.record(build_snapshot(0, findings=(build_finding(),)), events=[event], still_open=[build_open(event)])
    connection = sqlite3.connect(path)
    try:
        connection.executescript(damage)
    finally:
        connection.close()
    with pytest.raises(HistoryError) as caught:
        read_everything(path)
    assert str(path) in caught.value.message
    assert "wheelaudit history import" in (caught.value.remedy or "")


def read_everything(path: Path) -> None:
    with History.open(path, create=False) as history:
        for night in history.find_nights():
            history.find_records(night)
        history.find_calendar(since=night_of(0), until=night_of(9))
        for stream in history.find_streams():
            history.find_records(night_of(0), stream=stream)
            history.find_last(stream)


def test_corrupted_bytes_never_give_a_wrong_answer(tmp_path: Path) -> None:
    good = tmp_path / "good.sqlite3"
    truth = {}
    with History.open(good, create=True) as history:
        for number in range(6):
            told = build_record(number, unread=number % 2)
            with history.begin_night() as night:
                night.restore(told)
            truth[night_of(number)] = told
    data = good.read_bytes()
    failed = 0
    for seed in range(CORRUPTIONS):
        chance = random.Random(seed)
        bad = bytearray(data)
        for _ in range(chance.choice((1, 1, 4, 64))):
            bad[chance.randrange(len(bad))] ^= chance.randrange(1, 256)
        if chance.random() < 0.2:
            del bad[chance.randrange(len(bad)) :]
        path = tmp_path / "bad.sqlite3"
        path.write_bytes(bad)
        try:
            with History.open(path, create=False) as history:
                for number in range(6):
                    for found in history.find_records(night_of(number)):
                        expected = truth[night_of(number)]
                        assert plain(found.snapshot) == plain(expected.snapshot), seed
                        assert found.events in ((), expected.events), seed  # an index that is damaged hides a row
                        assert found.open == expected.open, seed
        except HistoryError:
            failed += 1
        for each in tmp_path.glob("bad.sqlite3*"):
            each.unlink()
    assert failed > CORRUPTIONS // 4  # the damage was real


# Care


def test_prune_removes_old_nights_and_what_only_they_had(history: History, path: Path) -> None:
    for number in range(30):
        event = build_event("WA503", number, subject=f"thing-{number}", level="note")
        with history.begin_night() as night:
            night.record(build_snapshot(number, lines=5 + number), events=[event], still_open=[build_open(event)])
    before = count(path, "contents")
    assert history.prune(10, night_of(29)) == 20
    assert history.find_nights() == tuple(map(night_of, range(20, 30)))
    assert count(path, "events") == 10
    assert count(path, "contents") < before // 2
    assert [record.snapshot for record in history.find_records(night_of(20))] == [build_snapshot(20, lines=25)]
    assert history.prune(10, night_of(29)) == 0


def test_prune_gives_the_room_back(history: History) -> None:
    pythons = [str(number) for number in range(310, 330)]
    record(history, *(build_snapshot(number, pythons=pythons) for number in range(60)))
    before = history.read_info().disk
    assert history.prune(10, night_of(59)) == 50
    (free,) = history._connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = history._connection.execute("PRAGMA page_count").fetchone()
    assert free * 4 <= pages
    assert history.read_info().disk < before // 2
    assert len(history.find_nights()) == 10


def test_prune_keeps_what_the_next_night_is_held_against(history: History) -> None:
    build = version_of(3)
    verdicts: tuple[Verdict, ...] = ("consistent", "consistent", "undecided", "undecided", "undecided", "undecided")
    for number, verdict in enumerate(verdicts):
        record(history, build_snapshot(number, version=build if number >= 3 else None, verdict=verdict))
    assert history.prune(1, night_of(400)) == 3
    assert history.find_nights() == (night_of(1), night_of(3), night_of(5))
    assert history.find_first_seen(stream_of(), build) == night_of(3)
    decided = history.find_last_decided(stream_of())
    assert decided is not None
    assert decided.night == night_of(1)


def test_what_a_night_reads_is_found_by_an_index(history: History) -> None:
    key = ("a", "b", "c")
    finds = {
        store._LAST: (*key, *key, 1),
        store._LAST_DECIDED: (*key, *key, 1),
        f"{rows.SELECT} {store._FIRST_SEEN}": (*key, "1.0"),
        f"{rows.SELECT} {store._OF_NIGHT}": (*key, 1),
        f"{rows.SELECT} WHERE night = ?": (1,),
        rows._FIND_EVENTS: (1,),
        contents._FIND_PARTS: (1,),
        "SELECT id FROM contents WHERE sha256 = ?": (b"",),
    }
    for find, values in finds.items():
        plan = [row[3] for row in history._connection.execute(f"EXPLAIN QUERY PLAN {find}", values)]
        assert plan
        assert not [step for step in plan if step.startswith("SCAN ") and "CONSTANT" not in step], (find, plan)
    decided = [
        row[3] for row in history._connection.execute(f"EXPLAIN QUERY PLAN {store._LAST_DECIDED}", (*key, *key, 1))
    ]
    assert any("snapshots_decided" in step for step in decided), decided
