"""scripts/attack: fuzz targets of what lies on disk between runs: the store, the history, cassettes.

A damaged file gives the answer that was kept, or none, or an error that names it: never another answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx

from scripts._attack_fuzz_engine import Check, Target, always, check_error
from tests.history.recorded import build_finding, build_record, night_of, plain, stream_of
from tests.index.stored import answer_of, data_of, key_of
from wheelaudit.errors import CassetteError
from wheelaudit.history.fields import MalformedError
from wheelaudit.history.lines import export_lines, import_lines, parse_line, render_record
from wheelaudit.history.records import Record
from wheelaudit.history.schema import HistoryError
from wheelaudit.history.store import History
from wheelaudit.index.cassettes import BODIES, EXCHANGES, ReplayTransport, read_cassette
from wheelaudit.index.packing import build_body
from wheelaudit.index.store import MetadataStore, StoredAnswer, _parse_row, _seal

KEPT = 12
NIGHTS = 3
RECORDS = (
    build_record(0, told=3, unread=4, verdict="undecided", findings=(build_finding(),)),
    build_record(1, stream=stream_of(1)),
    build_record(2, told=0, read_back=True),
)


def _damage(good: bytes, edits: bytes) -> bytes:
    """Return a file with bytes changed: three for the place, one for the value; the first says where it is cut off."""
    bad = bytearray(good)
    for at in range(1, len(edits) - 3, 4):
        place = int.from_bytes(edits[at : at + 3], "big")
        # Half of them in the first pages, where the tables' descriptions and trees are.
        reach = min(len(bad), 8192) if place & 1 else len(bad)
        bad[(place >> 1) % reach] = edits[at + 3]
    if edits[:1] > b"\xf0":
        del bad[len(bad) * (edits[0] - 0xF0) // 16 :]
    return bytes(bad)


def _edits() -> Iterator[bytes]:
    yield from (bytes((0, number, 0, number, 255)) + bytes(number) for number in range(0, 64, 8))


def _put(path: Path, data: bytes) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
    path.write_bytes(data)


# The metadata store


def _prepare_store(folder: Path) -> Check:
    with MetadataStore(folder) as store:
        path = store.path
        for number in range(KEPT):
            store.keep(key_of(number), answer_of(number))
    good = path.read_bytes()

    def check(data: bytes) -> None:
        _put(path, _damage(good, data))
        with MetadataStore(folder, today=1) as store:
            for number in range(KEPT):
                found = store.find(key_of(number))
                assert found is None or (found == answer_of(number) and found.body.read() == data_of(number))
        for each in folder.iterdir():
            if each != path.parent:
                _remove(each)

    return check


def _remove(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()


def _check_row(data: bytes) -> None:
    """A row whose seal is right and whose fields are anything: the seal is no secret."""
    key, body = key_of(0), build_body(b"content")
    seal = _seal(key, body.sha256, data)
    found = _parse_row(key, (body.sha256, data, seal, body.size, int(body.packed), 0, body.data))
    if isinstance(found, StoredAnswer):
        assert found.body.read() == b"content"
        assert isinstance(found.status, int)
        for text in (found.url, found.content_type, found.etag, found.last_modified):
            assert text is None or isinstance(text, str)
        assert found.size is None or isinstance(found.size, int)


def _rows() -> Iterator[bytes]:
    yield json.dumps([200, "https://index.example/x", "text/html", '"e"', "Wed, 21 Oct 2015 07:28:00 GMT", 12]).encode()
    yield b"[200,null,null,null,null,null]"


# The history


def _prepare_history(folder: Path) -> Check:
    path = folder / "history.sqlite3"
    with History.open(path, create=True) as history:
        for record in RECORDS:
            with history.begin_night() as night:
                night.restore(record)
    good = path.read_bytes()

    def check(data: bytes) -> None:
        _put(path, _damage(good, data))
        try:
            with History.open(path, create=False) as history:
                for number, expected in enumerate(RECORDS):
                    for found in history.find_records(night_of(number)):
                        _check_record(found, expected)
                history.find_streams()
                history.find_calendar(since=night_of(0), until=night_of(NIGHTS))
        except HistoryError as error:
            check_error(error)

    return check


def _check_record(found: Record, expected: Record) -> None:
    assert plain(found.snapshot) == plain(expected.snapshot)
    assert set(found.events) <= set(expected.events)  # an index that is damaged hides a row
    assert found.open == expected.open


def _check_line(data: bytes) -> None:
    try:
        record = parse_line(data)
    except MalformedError as error:
        _check_short(error)
        return
    # Written, an address loses what may be a secret; from then on nothing changes any more.
    line = render_record(record)
    again = parse_line(line)
    assert render_record(again) == line
    assert (again.snapshot.stream, again.snapshot.version) == (record.snapshot.stream, record.snapshot.version)
    assert len(again.snapshot.readings) == len(record.snapshot.readings)
    assert (len(again.events), len(again.open)) == (len(record.events), len(record.open))


def _check_short(error: MalformedError) -> None:
    assert len(str(error)) < 500, "all of a foreign text is in a message"


def _prepare_import(folder: Path) -> Check:
    path = folder / "history.sqlite3"
    with History.open(path, create=True):
        pass
    empty = path.read_bytes()

    def check(data: bytes) -> None:
        _put(path, empty)
        with History.open(path, create=False) as history:
            try:
                imported = import_lines(history, data.splitlines(keepends=True), name="export.jsonl")
            except HistoryError as error:
                check_error(error)
                assert list(export_lines(history)) == []
                return
            lines = list(export_lines(history))
            assert len(lines) == imported.recorded
            again = import_lines(history, lines, name="export.jsonl")
            assert (again.recorded, again.skipped) == (0, len(lines))

    return check


def _lines() -> Iterator[bytes]:
    small = [build_record(n, told=n % 2, lines=1, pythons=("310",)) for n in range(2)]
    yield from map(render_record, small)
    yield render_record(build_record(0, unread=2, lines=1, pythons=("310",), findings=(build_finding("é"),)))


def _imports() -> Iterator[bytes]:
    yield b"".join(_lines())
    yield from _lines()


# Cassettes


def _prepare_cassette(folder: Path) -> Check:
    (folder / BODIES).mkdir()
    digest = hashlib.sha256(b"body").hexdigest()[:16]
    (folder / BODIES / f"{digest}.html").write_bytes(b"body")

    def check(data: bytes) -> None:
        (folder / EXCHANGES).write_bytes(data)
        try:
            exchanges = read_cassette(folder)
            transport = ReplayTransport(folder)
        except CassetteError as error:
            check_error(error)
            return
        for exchange in exchanges[:3]:
            assert exchange.body in (None, b"body")
            _replay(transport, exchange.url)

    return check


def _replay(transport: ReplayTransport, url: str) -> None:
    try:
        request = httpx.Request("GET", url)
    except (httpx.InvalidURL, ValueError, TypeError):
        return  # asked for by nobody
    coroutine = transport.handle_async_request(request)
    try:
        coroutine.send(None)
    except StopIteration:
        return
    except CassetteError as error:
        check_error(error)


def _cassettes() -> Iterator[bytes]:
    name = f"{BODIES}/{hashlib.sha256(b'body').hexdigest()[:16]}.html"
    first = {"method": "GET", "url": "https://index.example/simple/a/", "range": None, "status": 200}
    rest = {"headers": {"content-type": "text/html", "location": "../x"}, "body": name}
    other = {**first, "range": "bytes=0-1", "status": 206, "headers": {"content-range": "bytes 0-1/2"}, "body": None}
    yield json.dumps({"schema": 1, "exchanges": [{**first, **rest}, other]}, indent=1).encode()
    yield json.dumps({"schema": 1, "exchanges": []}).encode()


WORDS = (
    '"',
    ":",
    ",",
    "null",
    "true",
    "-1",
    "1e999",
    "[]",
    "{}",
    "\\ud800",
    "é",
    "9223372036854775808",
    "sha256",
    "version",
)

TARGETS = (
    Target(name="store-file", short=100, prepare=_prepare_store, seeds=_edits, longest=128, share=2),
    Target(name="store-row", prepare=always(_check_row), seeds=_rows, tokens=WORDS, longest=512),
    Target(name="history-file", short=200, prepare=_prepare_history, seeds=_edits, longest=128, share=2),
    Target(name="history-line", prepare=always(_check_line), seeds=_lines, tokens=WORDS, longest=8192, share=2),
    Target(
        name="history-import", short=150, prepare=_prepare_import, seeds=_imports, tokens=("\n", *WORDS), longest=8192
    ),
    Target(
        name="cassette",
        short=300,
        prepare=_prepare_cassette,
        seeds=_cassettes,
        tokens=("bodies/", "../", *WORDS),
        longest=2048,
    ),
)
