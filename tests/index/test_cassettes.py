from __future__ import annotations

import functools
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from packaging.utils import NormalizedName

from tests.index.archives import FILENAME, METADATA, build_wheel, build_wheel_file
from tests.index.server import FileServer, serve_files
from wheelaudit.errors import CassetteError, MetadataUnreadableError
from wheelaudit.index.cassettes import (
    Exchange,
    RecordingTransport,
    ReplayTransport,
    read_cassette,
    write_cassette,
)
from wheelaudit.index.client import IndexClient
from wheelaudit.index.locations import IndexLocation

pytestmark = pytest.mark.anyio

PROJECT = NormalizedName("demo-project")
LOCATION = IndexLocation(name="private", url="https://index.example/simple", username="user", password="s3cret")
PAGE_URL = "https://index.example/simple/demo-project/"
PAGE = f"<!DOCTYPE html><html><body><h1>Links for demo-project</h1><a href='/{FILENAME}'>{FILENAME}</a></body></html>"
PATH = f"/packages/{FILENAME}"


def exchange(url: str = "https://files.example/a", body: bytes | None = b"body", **changes: Any) -> Exchange:
    values: dict[str, Any] = {"method": "GET", "range": None, "status": 200, "headers": {}, **changes}
    return Exchange(url=url, body=body, **values)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def no_wait(seconds: float) -> None:
    """Time is not tested."""


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


async def test_recorded_answers_are_replayed_without_network(tmp_path: Path, wire: respx.MockRouter) -> None:
    folder = tmp_path / "cassette"
    wheel = build_wheel_file(metadata_sha256=hashlib.sha256(METADATA).hexdigest())
    wire.get(PAGE_URL).respond(200, headers={"content-type": "text/html"}, text=PAGE)
    wire.get(f"{wheel.url}.metadata").respond(200, content=METADATA)
    async with IndexClient(transport=lambda inner: RecordingTransport(inner, folder)) as client:
        recorded = await client.read_project_page(LOCATION, PROJECT), await client.read_metadata(wheel)
    wire.reset()
    calls = wire.calls.call_count
    async with IndexClient(transport=lambda inner: ReplayTransport(folder)) as client:
        assert (await client.read_project_page(LOCATION, PROJECT), await client.read_metadata(wheel)) == recorded
    assert wire.calls.call_count == calls


async def test_cassette_holds_no_secret(tmp_path: Path, wire: respx.MockRouter) -> None:
    folder = tmp_path / "cassette"
    wire.get(PAGE_URL).respond(
        302, headers={"location": "https://who:pa55@files.example/page", "set-cookie": "session=c00kie"}
    )
    answer = {"content-type": "text/html", "set-cookie": "session=c00kie", "authorization": "s3cret"}
    wire.get("https://files.example/page").respond(200, headers=answer, text=PAGE)
    async with IndexClient(transport=lambda inner: RecordingTransport(inner, folder)) as client:
        await client.read_project_page(LOCATION, PROJECT)
    written = everything_in(folder)
    for secret in (b"s3cret", b"dXNlcjpzM2NyZXQ=", b"pa55", b"c00kie", b"uthorization", b"user"):
        assert secret not in written


async def test_range_requests_to_one_url_are_not_mixed_up(tmp_path: Path) -> None:
    folder = tmp_path / "cassette"
    with serve_files(FileServer(files={PATH: build_wheel(others=2000, at=0)})) as server:
        wheel = build_wheel_file(host=server.url)
        async with IndexClient(transport=lambda inner: RecordingTransport(inner, folder)) as client:
            recorded = await client.read_metadata(wheel)
    assert len([exchange for exchange in read_cassette(folder) if exchange.range]) == 3
    async with IndexClient(transport=lambda inner: ReplayTransport(folder)) as client:
        assert await client.read_metadata(wheel) == recorded


async def test_body_of_a_whole_wheel_is_not_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "cassette"
    with serve_files(FileServer(files={PATH: bytes(1_000_000)}, ranges=False)) as server:
        wheel = build_wheel_file(host=server.url)
        async with IndexClient(transport=lambda inner: RecordingTransport(inner, folder)) as client:
            with pytest.raises(MetadataUnreadableError) as recorded:
                await client.read_metadata(wheel)
    assert [answer.body for answer in read_cassette(folder)] == [None, None]
    async with IndexClient(transport=lambda inner: ReplayTransport(folder)) as client:
        with pytest.raises(MetadataUnreadableError) as replayed:
            await client.read_metadata(wheel)
    assert replayed.value.message == recorded.value.message


async def test_encoded_body_is_recorded_readable(tmp_path: Path, wire: respx.MockRouter) -> None:
    folder = tmp_path / "cassette"
    headers = {"content-type": "text/html", "content-encoding": "gzip"}
    wire.get(PAGE_URL).respond(200, headers=headers, content=gzip.compress(PAGE.encode()))
    async with IndexClient(transport=lambda inner: RecordingTransport(inner, folder)) as client:
        await client.read_project_page(LOCATION, PROJECT)
    (recorded,) = read_cassette(folder)
    assert recorded.body == PAGE.encode()
    async with IndexClient(transport=lambda inner: ReplayTransport(folder)) as client:
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == 1


async def test_two_recordings_of_one_thing_are_equal(tmp_path: Path, wire: respx.MockRouter) -> None:
    dates = iter(["Fri, 20 Nov 2026 10:00:00 GMT", "Fri, 20 Nov 2026 11:00:00 GMT"])
    wire.get(PAGE_URL).mock(
        side_effect=lambda request: httpx.Response(
            200, headers={"content-type": "text/html", "date": next(dates)}, text=PAGE
        )
    )
    for folder in (tmp_path / "c", tmp_path / "d"):
        transport = functools.partial(RecordingTransport, folder=folder)
        async with IndexClient(transport=transport) as client:
            await client.read_project_page(LOCATION, PROJECT)
    assert everything_in(tmp_path / "c") == everything_in(tmp_path / "d")


async def test_several_answers_come_in_turn_and_the_last_repeats(tmp_path: Path) -> None:
    write_cassette(tmp_path / "c", [exchange(status=503), exchange(body=b"one"), exchange(body=b"two")])
    transport = ReplayTransport(tmp_path / "c")
    request = httpx.Request("GET", "https://files.example/a")
    seen = []
    for _ in range(4):
        response = await transport.handle_async_request(request)
        seen.append((response.status_code, await response.aread()))
    assert seen == [(503, b"body"), (200, b"one"), (200, b"two"), (200, b"two")]


async def test_refusal_that_passed_is_replayed_with_its_repetition(tmp_path: Path, wire: respx.MockRouter) -> None:
    folder = tmp_path / "cassette"
    page = httpx.Response(200, headers={"content-type": "text/html"}, text=PAGE)
    wire.get(PAGE_URL).mock(side_effect=[httpx.Response(503), httpx.ReadError("reset"), page])
    async with IndexClient(transport=lambda inner: RecordingTransport(inner, folder), sleep=no_wait) as client:
        await client.read_project_page(LOCATION, PROJECT)
    assert [recorded.status for recorded in read_cassette(folder)] == [503, 200]
    async with IndexClient(transport=lambda inner: ReplayTransport(folder), sleep=no_wait) as client:
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == 1


async def test_request_that_a_cassette_does_not_hold_is_named(tmp_path: Path) -> None:
    write_cassette(tmp_path / "c", [exchange()])
    async with IndexClient(transport=lambda inner: ReplayTransport(tmp_path / "c")) as client:
        with pytest.raises(CassetteError) as caught:
            await client.read_metadata(build_wheel_file())
    assert str(tmp_path / "c") in caught.value.message
    assert f"https://files.example{PATH}" in caught.value.message
    assert "bytes=-32768" in caught.value.message
    assert caught.value.remedy is not None


def test_order_of_arrival_does_not_show(tmp_path: Path) -> None:
    one, two = exchange("https://files.example/a"), exchange("https://files.example/b", b"other")
    ranged = exchange("https://files.example/a", b"ranged", range="bytes=0-9", status=206)
    write_cassette(tmp_path / "c", [one, two, ranged])
    write_cassette(tmp_path / "d", [ranged, two, one])
    assert everything_in(tmp_path / "c") == everything_in(tmp_path / "d")


def test_equal_bodies_are_stored_once(tmp_path: Path) -> None:
    write_cassette(tmp_path / "c", [exchange("https://files.example/a"), exchange("https://files.example/b")])
    digest = hashlib.sha256(b"body").hexdigest()[:16]
    assert [path.name for path in (tmp_path / "c" / "bodies").iterdir()] == [f"{digest}.bin"]


def test_cassette_replaces_a_cassette_whole(tmp_path: Path) -> None:
    write_cassette(tmp_path / "c", [exchange(body=b"old")])
    write_cassette(tmp_path / "c", [exchange(body=b"new")])
    assert [recorded.body for recorded in read_cassette(tmp_path / "c")] == [b"new"]
    assert len(list((tmp_path / "c" / "bodies").iterdir())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_folder_that_is_no_cassette_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CassetteError, match="left as it is"):
        RecordingTransport(httpx.AsyncHTTPTransport(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_failed_write_leaves_the_old_cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cassette(tmp_path / "c", [exchange(body=b"old")])

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(CassetteError, match="cannot be written"):
            write_cassette(tmp_path / "c", [exchange(body=b"new")])
    assert [recorded.body for recorded in read_cassette(tmp_path / "c")] == [b"old"]
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


async def test_nothing_is_written_after_a_bug(tmp_path: Path) -> None:
    async def run() -> None:
        async with IndexClient(transport=lambda inner: RecordingTransport(inner, tmp_path / "c")):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run()
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"schema": 2, "exchanges": []}',
        '{"schema": 1}',
        '{"schema": 1, "exchanges": [{}]}',
        "[" * 10**5,
    ],
    ids=["empty", "cut", "list", "no schema", "other schema", "no exchanges", "empty exchange", "deep"],
)
def test_exchanges_that_are_no_recording_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "exchanges.json").write_text(text, encoding="utf-8")
    with pytest.raises(CassetteError, match="cannot be read"):
        ReplayTransport(tmp_path)


def test_folder_without_exchanges_is_no_cassette(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="is no cassette"):
        ReplayTransport(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", None),
        ("status", "200"),
        ("status", 99),
        ("headers", {"etag": 1}),
        ("range", 1),
        ("body", "../../secret.bin"),
        ("body", "bodies/../../../secret.bin"),
        ("body", "/etc/passwd"),
        ("body", "bodies/0123456789abcdef.bin"),
        ("body", "bodies/0123456789abcdef.exe"),
    ],
)
def test_exchange_with_a_bad_field_is_refused(tmp_path: Path, field: str, value: object) -> None:
    folder = tmp_path / "deep" / "c"
    write_cassette(folder, [exchange()])
    (tmp_path / "secret.bin").write_bytes(b"secret")
    path = folder / "exchanges.json"
    document = json.loads(path.read_bytes())
    document["exchanges"][0][field] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CassetteError, match="cannot be read") as caught:
        ReplayTransport(folder)
    assert str(folder) in caught.value.message


def test_changed_body_is_refused(tmp_path: Path) -> None:
    write_cassette(tmp_path, [exchange()])
    (body,) = (tmp_path / "bodies").iterdir()
    body.write_bytes(b"changed")
    with pytest.raises(CassetteError, match="was changed"):
        ReplayTransport(tmp_path)


@pytest.mark.parametrize("value", ["h\u00e9", "\u2028", "\ud800"])
async def test_header_of_any_text_is_replayed(tmp_path: Path, value: str) -> None:
    write_cassette(tmp_path, [exchange(headers={"etag": value})])
    answer = await ReplayTransport(tmp_path).handle_async_request(httpx.Request("GET", exchange().url))
    assert answer.status_code == exchange().status
    assert "etag" in answer.headers
