from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import stat
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.index.stored import answer_of, data_of, key_of, start_writer
from wheelaudit.errors import WheelAuditError
from wheelaudit.index import database
from wheelaudit.index import store as store_module
from wheelaudit.index.database import SCHEMA
from wheelaudit.index.packing import MAX_BODY_BYTES, PLAIN_BYTES, Body, BodyPacker, build_body
from wheelaudit.index.store import MetadataStore, StoredAnswer, build_key, build_owner

KILLS = 20
CORRUPTIONS = 150


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fill(folder: Path, count: int) -> Path:
    with MetadataStore(folder) as store:
        for number in range(count):
            store.keep(key_of(number), answer_of(number))
        return store.path


def read(store: MetadataStore, number: int) -> bytes | None:
    found = store.find(key_of(number))
    return None if found is None else found.body.read()


# What is kept


def test_what_was_kept_is_found_in_another_run(folder: Path) -> None:
    answer = StoredAnswer(
        body=build_body(b"x" * 100_000),
        url="https://index.example/simple/demo/",
        content_type="text/html",
        etag='W/"1"',
        last_modified="Fri, 20 Nov 2026 10:00:00 GMT",
        size=12,
    )
    with MetadataStore(folder) as store:
        assert store.find(b"key") is None
        store.keep(b"key", answer)
        assert store.find(b"key") == answer
    with MetadataStore(folder) as store:
        assert store.find(b"key") == answer
        assert store.find(b"yek") is None


def test_later_answer_takes_the_place_of_the_earlier_and_its_body_goes(folder: Path) -> None:
    with MetadataStore(folder) as store:
        store.keep(key_of(1), answer_of(1))
        store.keep(key_of(2), answer_of(1))
        store.keep(key_of(1), answer_of(3))
        assert read(store, 1) == data_of(3)
        assert read(store, 2) == data_of(1)
        store.keep(key_of(2), answer_of(3))
        info = store.read_info()
    assert (info.answers, info.bodies) == (2, 1)


def test_equal_bodies_are_kept_once(folder: Path) -> None:
    with MetadataStore(folder) as store:
        for number in range(10):
            store.keep(key_of(number), answer_of(7))
        info = store.read_info()
    assert (info.answers, info.bodies, info.content) == (10, 1, len(data_of(7)))


def test_body_is_packed_only_where_that_pays(folder: Path) -> None:
    assert build_body(b"a" * (PLAIN_BYTES + 1)).packed
    assert not build_body(b"a" * PLAIN_BYTES).packed, "METADATA is not worth the time"
    assert not build_body(random.Random(1).randbytes(PLAIN_BYTES + 1)).packed
    assert not build_body(b"").packed


@given(st.lists(st.binary(max_size=2000)))
def test_body_that_is_fed_in_pieces_is_the_whole_body(pieces: list[bytes]) -> None:
    packer = BodyPacker()
    for piece in pieces:
        packer.feed(piece)
    body = packer.close()
    assert (body.sha256, body.size) == (build_body(b"".join(pieces)).sha256, len(b"".join(pieces)))
    assert body.read() == b"".join(pieces)
    assert body.is_whole()


@given(st.binary(max_size=3000), st.integers(0, 10_000), st.integers(1, 255), st.booleans(), st.booleans())
def test_body_with_a_wrong_byte_is_not_whole(data: bytes, at: int, change: int, cut: bool, pieces: bool) -> None:
    packer = BodyPacker()  # packs however small it is
    packer.feed(data + b"." * 100)
    good = packer.close() if pieces else build_body(data + b"." * 100)
    at %= len(good.data)
    bad = good.data[:at] if cut else good.data[:at] + bytes([good.data[at] ^ change]) + good.data[at + 1 :]
    body = Body(sha256=good.sha256, size=good.size, packed=good.packed, data=bad)
    # zlib has bits that say nothing (the level in its header): then the content is the same, and verified.
    assert not body.is_whole() or body.read() == data + b"." * 100


def test_bomb_is_not_unpacked_beyond_the_size_it_says() -> None:
    packed = build_body(b"\0" * 10_000_000)
    bomb = Body(sha256=packed.sha256, size=1000, packed=True, data=packed.data)
    assert not bomb.is_whole()
    with pytest.raises(ValueError, match="larger"):
        next(bomb.pieces())  # 64 KiB were unpacked, and are not handed out


def test_body_larger_than_the_client_reads_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_BODY_BYTES", 1000)
    assert MAX_BODY_BYTES > 1000
    with MetadataStore(folder) as store:
        store.keep(b"key", StoredAnswer(body=build_body(b"x" * 1001)))
        assert store.find(b"key") is None


def test_keys_of_different_parts_differ() -> None:
    keys = {
        build_key("page", "a", "b"),
        build_key("page", "ab"),
        build_key("page", "b", "a"),
        build_key("page", 'a", "b'),
        build_key("metadata", "a", "b"),
        build_key("page", "a", "b", build_owner("user", "one")),
        build_key("page", "a", "b", build_owner("user", "two")),
        build_key("page", "a", "b", build_owner("resu", "one")),
    }
    assert len(keys) == 8


def test_neither_addresses_asked_for_nor_passwords_are_written(folder: Path) -> None:
    key = build_key("page", "https://index.example/simple/secret-project/", build_owner("user", "s3cret"))
    with MetadataStore(folder) as store:
        store.keep(key, answer_of(1))
        written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b'\\"1\\"' in written  # the ETag: the log was looked into
    for secret in (b"secret-project", b"s3cret", b"user"):
        assert secret not in written


@pytest.mark.skipif(os.name != "posix", reason="modes say little on Windows; the profile's access list does it there")
def test_folder_and_file_are_the_user_s_alone(folder: Path) -> None:
    with MetadataStore(folder) as store:
        store.keep(b"key", answer_of(1))
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert len(files) == 3  # the database, its log and its index
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
        store.path.parent.chmod(0o755)
    with MetadataStore(folder) as store:
        assert read(store, 1) is None
        store.keep(key_of(1), answer_of(1))
        assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


# Nothing that happens to the file is an error, or a wrong answer


def test_corrupted_bytes_never_give_a_wrong_answer(tmp_path: Path) -> None:
    count = 12
    good = fill(tmp_path / "good", count).read_bytes()
    lost = 0
    for seed in range(CORRUPTIONS):
        chance = random.Random(seed)
        data = bytearray(good)
        for _ in range(chance.choice((1, 1, 4, 64))):
            # Half of them in the first pages, where the tables' descriptions and trees are.
            at = chance.randrange(8192 if chance.random() < 0.5 else len(data))
            data[at] ^= chance.randrange(1, 256)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        folder = tmp_path / str(seed)
        path = folder / f"metadata-{SCHEMA}" / "store.sqlite3"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        with MetadataStore(folder) as store:
            for number in range(count):
                found = store.find(key_of(number))
                assert found is None or found == answer_of(number), f"seed {seed}"
                if found is None:
                    lost += 1
                    store.keep(key_of(number), answer_of(number))
                    assert read(store, number) in (None, data_of(number)), f"seed {seed}"
        shutil.rmtree(folder)
    assert lost > CORRUPTIONS  # the damage was real


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 100_000], ids=len)
def test_file_that_is_no_database_is_set_aside_and_a_new_one_begun(folder: Path, data: bytes) -> None:
    path = fill(folder, 1)
    path.write_bytes(data)
    with MetadataStore(folder) as store:
        assert read(store, 0) is None
        store.keep(key_of(0), answer_of(0))
        assert read(store, 0) == data_of(0)
    with MetadataStore(folder) as store:
        assert read(store, 0) == data_of(0)


def test_damaged_row_is_mended_by_the_next_fetch(folder: Path) -> None:
    path = fill(folder, 2)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE bodies SET data = x'00' WHERE sha256 = ?", (answer_of(0).body.sha256,))
        connection.execute("UPDATE answers SET fields = replace(fields, '1', '2') WHERE key = ?", (key_of(1),))
    connection.close()
    with MetadataStore(folder) as store:
        for number in range(2):
            assert read(store, number) is None
            store.keep(key_of(number), answer_of(number))
            assert store.find(key_of(number)) == answer_of(number)


def test_another_version_is_set_aside(folder: Path) -> None:
    path = fill(folder, 1)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    with MetadataStore(folder) as store:
        assert read(store, 0) is None
        store.keep(key_of(0), answer_of(0))
        assert read(store, 0) == data_of(0)
    (aside,) = folder.glob("metadata-*.aside-*")
    with sqlite3.connect(aside / path.name) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA + 1,)
    connection.close()


def test_damage_that_stays_turns_the_store_off_with_one_debug_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(database, "_TABLES", "CREATE TABLE something_else (a)")
    with MetadataStore(folder) as store:
        for number in range(5):
            store.keep(key_of(number), answer_of(number))
            assert read(store, number) is None
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_full_disk_ends_the_writing_and_not_the_reading(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fill(folder, 3)
    real = database.connect

    def connect(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
        connection = real(path, immutable=immutable)
        connection.execute("PRAGMA max_page_count = 1")  # no less than there are: SQLITE_FULL at the next one
        return connection

    monkeypatch.setattr(store_module, "connect", connect)
    with MetadataStore(folder) as store:
        assert read(store, 0) == data_of(0)
        for number in range(10, 30):
            store.keep(key_of(number), answer_of(number))
        assert read(store, 29) is None
        assert [read(store, number) for number in range(3)] == [data_of(number) for number in range(3)]
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["database or disk is full"]


def test_folder_that_cannot_be_made_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "file").write_text("in the way")
    with MetadataStore(tmp_path / "file" / "cache") as store:
        assert read(store, 0) is None
        store.keep(key_of(0), answer_of(0))
        assert read(store, 0) is None
        assert store.read_info().answers == 0
        assert store.clear().answers == 0
    assert len(caplog.records) == 1


def test_write_protected_store_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fill(folder, 2)
    protected = path.absolute()
    real = os.access
    # Not by its mode: an administrator may write everywhere.
    monkeypatch.setattr(
        os, "access", lambda path, mode: (mode != os.W_OK or Path(path) != protected) and real(path, mode)
    )
    before = {each: each.stat().st_mtime_ns for each in path.parent.iterdir()}
    with MetadataStore(folder) as store:
        assert [read(store, number) for number in range(2)] == [data_of(0), data_of(1)]
    assert {each: each.stat().st_mtime_ns for each in path.parent.iterdir()} == before


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners are told by number on POSIX only")
def test_folder_of_somebody_else_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder, 1)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with MetadataStore(folder) as store:
        assert read(store, 0) is None
        store.keep(key_of(1), answer_of(1))
    monkeypatch.undo()
    with MetadataStore(folder) as store:
        assert read(store, 1) is None


def test_writer_that_never_ends_costs_one_wait_and_no_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.01)
    path = fill(folder, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with MetadataStore(folder) as store:
        store.keep(key_of(1), answer_of(1))
        assert read(store, 0) == data_of(0)  # a reader does not wait
        other.execute("ROLLBACK")
        other.close()
        store.keep(key_of(1), answer_of(1))
        assert read(store, 1) is None  # writing is over for this run


# Several at once


def test_threads_of_one_store_do_not_disturb_each_other(folder: Path) -> None:
    wrong: list[int] = []
    with MetadataStore(folder) as store:

        def work(offset: int) -> None:
            for number in range(offset, offset + 30):
                store.keep(key_of(number), answer_of(number))
                if read(store, number) != data_of(number):
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=(offset,)) for offset in (0, 10, 20, 30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert store.read_info().answers == 60


def test_processes_begin_and_fill_one_store_together(folder: Path) -> None:
    writers = [start_writer(folder, range(start, start + 60)) for start in (0, 30, 60)]
    for writer in writers:
        out, err = writer.communicate(timeout=60)
        assert (out, err, writer.returncode) == ("ready\ndone\n", "", 0)
    with MetadataStore(folder) as store:
        assert [read(store, number) for number in range(120)] == [data_of(number) for number in range(120)]
        assert (store.read_info().answers, store.read_info().bodies) == (120, 120)
    assert not list(folder.glob("*.aside-*"))


def test_process_killed_while_it_writes_leaves_right_answers_only(folder: Path) -> None:
    chance = random.Random(4)
    for turn in range(KILLS):
        # Every other meets what the one before left behind; they share half of their keys.
        writer = start_writer(folder, range(20 * turn, 20 * turn + 40), again=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.03))
        assert writer.poll() is None
        writer.kill()
        writer.communicate()
    with MetadataStore(folder) as store:
        bodies = {number: read(store, number) for number in range(20 * KILLS + 20)}
        kept = {number: body for number, body in bodies.items() if body is not None}
        assert kept == {number: data_of(number) for number in kept}
        assert kept
        store.keep(key_of(0), answer_of(0))
        assert read(store, 0) == data_of(0)
    assert not list(folder.glob("*.aside-*"))  # a kill is no damage


# Care


def test_prune_removes_what_was_not_used_since(folder: Path) -> None:
    with MetadataStore(folder, today=100) as store:
        for number in range(4):
            store.keep(key_of(number), answer_of(number))
    with MetadataStore(folder, today=110) as store:
        assert read(store, 2) == data_of(2)
        store.keep(key_of(4), answer_of(4))
    with MetadataStore(folder, today=120) as store:
        assert store.prune(before=110).answers == 3
        assert [number for number in range(5) if read(store, number) is not None] == [2, 4]
        assert store.read_info().bodies == 2


def test_prune_gives_the_room_back_and_removes_other_versions(folder: Path) -> None:
    with MetadataStore(folder, today=1) as store:
        for number in range(200):
            store.keep(key_of(number), StoredAnswer(body=build_body(random.Random(number).randbytes(10_000))))
    for name in ("metadata-0", f"metadata-{SCHEMA}.aside-0123abcd"):
        (folder / name).mkdir()
        (folder / name / "store.sqlite3").write_bytes(b"x" * 1000)
    with MetadataStore(folder, today=9) as store:
        freed = store.prune(before=5)
        assert freed.answers == 200
        assert freed.disk > 1_900_000
        assert store.read_info().disk < 100_000
    assert [path.name for path in folder.iterdir()] == [f"metadata-{SCHEMA}"]


def test_clear_removes_ours_and_nothing_else(folder: Path) -> None:
    fill(folder, 3)
    (folder / "metadata-0").mkdir()
    others = ["notes.txt", "metadata-notes", "metadata-1.aside-"]
    for name in others[1:]:
        (folder / name).mkdir()
    (folder / others[0]).write_text("mine")
    with MetadataStore(folder) as store:
        freed = store.clear()
        assert freed.answers == 3
        assert freed.disk > 0
        assert {path.name for path in folder.iterdir()} == set(others)
        assert read(store, 0) is None
        store.keep(key_of(0), answer_of(0))
        assert read(store, 0) == data_of(0)


def test_clear_under_a_running_process_costs_it_nothing_but_fetches(folder: Path) -> None:
    with MetadataStore(folder) as running:
        running.keep(key_of(0), answer_of(0))
        if os.name == "nt":
            with pytest.raises(WheelAuditError, match="cannot be removed"):
                MetadataStore(folder).clear()
            return
        MetadataStore(folder).clear()
        running.keep(key_of(1), answer_of(1))
        assert read(running, 1) in (None, data_of(1))
        assert read(running, 0) in (None, data_of(0))
    with MetadataStore(folder) as store:
        store.keep(key_of(2), answer_of(2))
        assert read(store, 2) == data_of(2)


def test_info_of_no_store_makes_none(folder: Path) -> None:
    info = MetadataStore(folder).read_info()
    assert (info.answers, info.bodies, info.disk) == (0, 0, 0)
    assert not folder.exists()


def test_nothing_is_opened_before_it_is_used(folder: Path) -> None:
    with MetadataStore(folder):
        pass
    assert not folder.exists()


@pytest.mark.parametrize(
    "fields", [b"", b"1", b"{}", b"[200]", b"[200,1,null,null,null,null]", b"[" * 100_000, b"\xff", b"[" + b"9" * 5000]
)
def test_row_with_a_right_seal_and_other_fields_is_no_answer(folder: Path, fields: bytes) -> None:
    path = fill(folder, 1)
    seal = store_module._seal(key_of(0), answer_of(0).body.sha256, fields)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE answers SET fields = ?, seal = ?", (fields, seal))
    connection.close()
    with MetadataStore(folder) as store:
        assert read(store, 0) is None
