"""What is asked for again and what is not: a client with a store, against a server that counts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import respx
from packaging.utils import NormalizedName

import wheelaudit
from tests.index.archives import METADATA, build_wheel, build_wheel_file
from tests.index.server import FileServer, serve_files
from wheelaudit.audit.values import Audit
from wheelaudit.errors import (
    HttpStatusError,
    MetadataUnreadableError,
    NetworkError,
    NotAProjectPageError,
    ProjectNotFoundError,
)
from wheelaudit.index.client import IndexClient
from wheelaudit.index.crawl import crawl_release
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.pages import ProjectPage
from wheelaudit.index.selection import RequirementSpec, find_releases, parse_spec
from wheelaudit.index.store import MetadataStore
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata
from wheelaudit.pipeline import audit_specs
from wheelaudit.release import Release, WheelFile

pytestmark = pytest.mark.anyio

PROJECT = NormalizedName("demo-project")
PAGE_PATH = "/simple/demo-project/"
PAGE_URL = "https://index.example/simple/demo-project/"
LOCATION = IndexLocation(name="example", url="https://index.example/simple")
PRIVATE = IndexLocation(name="private", url="https://index.example/simple", username="user", password="s3cret")
WHEELS, DISTINCT = 20, 8
LATER = "Fri, 20 Nov 2026 11:00:00 GMT"
MODIFIED = "Fri, 20 Nov 2020 10:00:00 GMT"
HTML = {"content-type": "text/html", "etag": '"one"'}


def metadata_of(number: int) -> bytes:
    return METADATA.replace(b"absl-py>=1.0.0", f"absl-py>=1.{number}".encode())


def filename_of(number: int) -> str:
    return f"demo_project-1.0-{number}-py3-none-any.whl"


def build_page(*, wheels: int = WHEELS, metadata: bool = True, hashes: bool = True, sha256: bool = False) -> bytes:
    """Return a page of ``wheels`` wheels, of which `DISTINCT` have METADATA of their own."""
    anchors = []
    for number in range(wheels):
        digest = hashlib.sha256(metadata_of(number % DISTINCT)).hexdigest()
        offered = f' data-core-metadata="{f"sha256={digest}" if hashes else "true"}"' if metadata else ""
        fragment = f"#sha256={hashlib.sha256(build_wheel(metadata_of(number % DISTINCT))).hexdigest()}" * sha256
        name = filename_of(number)
        anchors.append(f'<a href="/files/{name}{fragment}"{offered}>{name}</a>')
    return f"<!DOCTYPE html><html><body>{''.join(anchors)}</body></html>".encode()


def build_server(
    *, wheels: int = WHEELS, metadata: bool = True, hashes: bool = True, sha256: bool = False
) -> FileServer:
    server = FileServer(headers={"Content-Type": "text/html"})
    server.files[PAGE_PATH] = build_page(wheels=wheels, metadata=metadata, hashes=hashes, sha256=sha256)
    for number in range(wheels):
        path = f"/files/{filename_of(number)}"
        server.files[path] = build_wheel(metadata_of(number % DISTINCT))
        server.etags[path] = f'"wheel {number}"'.replace(" ", "-")
        if metadata:
            server.files[f"{path}.metadata"] = metadata_of(number % DISTINCT)
    return server


class Asked:
    """What a server was asked for since the last time."""

    def __init__(self, server: FileServer) -> None:
        self._server = server
        self.conditional = self.wire = self.count = self.unchanged = 0

    def look(self) -> tuple[int, int, int]:
        """Return the requests, those of them with a condition, and the 304s since the last look."""
        server = self._server
        now = len(server.requests), len(server.conditional), server.unchanged, server.wire
        seen = now[0] - self.count, now[1] - self.conditional, now[2] - self.unchanged
        self.wire_since, self.wire = now[3] - self.wire, now[3]
        self.count, self.conditional, self.unchanged = now[:3]
        return seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@asynccontextmanager
async def open_client(
    folder: Path, *, refresh: bool = False, offline: bool = False, retries: int = 0
) -> AsyncIterator[IndexClient]:
    """Open a client of a run of its own."""
    with MetadataStore(folder) as store:
        async with IndexClient(store=store, refresh=refresh, offline=offline, retries=retries) as client:
            yield client


def local(server: FileServer) -> IndexLocation:
    return IndexLocation(name="local", url=f"{server.url}/simple")


def find_release(page: ProjectPage) -> Release:
    spec = parse_spec("demo-project==1.0")
    assert isinstance(spec, RequirementSpec)
    (release,) = find_releases([("local", page)], spec)
    return release


async def crawl(
    server: FileServer, folder: Path, *, refresh: bool = False, offline: bool = False, deep: bool = False
) -> tuple[Reading, ...]:
    """Read the whole release in a run of its own."""
    async with open_client(folder, refresh=refresh, offline=offline) as client:
        page = await client.read_project_page(local(server), PROJECT)
        return await crawl_release(find_release(page), client, deep=deep)


def read_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def spoil(folder: Path) -> None:
    (path,) = folder.rglob("store.sqlite3")
    path.write_bytes(b"\xff" * path.stat().st_size)


def sources(readings: tuple[Reading, ...]) -> set[str]:
    return {reading.source if isinstance(reading, WheelMetadata) else "unread" for reading in readings}


def meanings(readings: tuple[Reading, ...]) -> list[object]:
    return [(reading.core, reading.faults) for reading in readings if isinstance(reading, WheelMetadata)]


def find_texts(readings: tuple[Reading, ...]) -> list[list[str]]:
    return [
        [line.text for line in reading.core.requires_dist] for reading in readings if isinstance(reading, WheelMetadata)
    ]


# Counted: cold, warm, offline


async def test_cold_asks_once_for_each_hash_warm_once_on_condition_and_offline_never(folder: Path) -> None:
    with serve_files(build_server()) as server:
        asked = Asked(server)
        cold = await crawl(server, folder)
        assert asked.look() == (1 + DISTINCT, 0, 0)
        warm = await crawl(server, folder)
        assert asked.look() == (1, 1, 1)
        assert asked.wire_since <= 2048
        offline = await crawl(server, folder, offline=True)
        assert asked.look() == (0, 0, 0)
    assert sources(cold) == {"pep658"}
    assert sources(warm) == sources(offline) == {"cache"}
    assert meanings(cold) == meanings(warm) == meanings(offline)
    assert len(meanings(cold)) == WHEELS


async def test_metadata_without_a_hash_is_asked_for_on_condition(folder: Path) -> None:
    with serve_files(build_server(hashes=False)) as server:
        asked = Asked(server)
        cold = await crawl(server, folder)
        assert asked.look() == (1 + WHEELS, 0, 0)
        warm = await crawl(server, folder)
        assert asked.look() == (1 + WHEELS, 1 + WHEELS, 1 + WHEELS)
        offline = await crawl(server, folder, offline=True)
        assert asked.look() == (0, 0, 0)
        path = f"/files/{filename_of(3)}.metadata"
        server.files[path], server.etags[path] = metadata_of(30), '"new"'
        changed = await crawl(server, folder)
        assert asked.look() == (1 + WHEELS, 1 + WHEELS, WHEELS)
    assert (sources(warm), sources(changed)) == ({"cache"}, {"cache", "pep658"})
    assert meanings(cold) == meanings(warm) == meanings(offline) != meanings(changed)


async def test_wheel_with_a_hash_is_read_by_range_once(folder: Path) -> None:
    with serve_files(build_server(metadata=False, sha256=True)) as server:
        asked = Asked(server)
        cold = await crawl(server, folder)
        assert asked.look() == (1 + WHEELS, 0, 0)
        warm = await crawl(server, folder)
        assert asked.look() == (1, 1, 1)
    assert (sources(cold), sources(warm)) == ({"range"}, {"cache"})
    assert meanings(cold) == meanings(warm)


@pytest.mark.parametrize("conditions", [True, False], ids=["304", "ETag compared"])
async def test_wheel_without_a_hash_is_asked_for_by_its_etag_in_one_request(folder: Path, conditions: bool) -> None:
    with serve_files(build_server(metadata=False)) as server:
        server.conditions = conditions
        asked = Asked(server)
        cold = await crawl(server, folder)
        assert asked.look() == (1 + WHEELS, 0, 0)
        warm = await crawl(server, folder)
        assert asked.look() == (1 + WHEELS, 1 + WHEELS, (1 + WHEELS) * conditions)
        path = f"/files/{filename_of(3)}"
        server.files[path], server.etags[path] = build_wheel(metadata_of(30)), '"new"'
        changed = await crawl(server, folder)
        assert asked.look()[0] == 1 + WHEELS + 1
    assert (sources(warm), sources(changed)) == ({"cache"}, {"cache", "range"})
    assert meanings(cold) == meanings(warm) != meanings(changed)


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
async def test_wheel_without_a_strong_etag_is_read_anew(folder: Path, etag: str | None) -> None:
    with serve_files(build_server(metadata=False, wheels=1)) as server:
        server.etags, server.etag = {}, etag
        asked = Asked(server)
        await crawl(server, folder)
        asked.look()
        assert sources(await crawl(server, folder)) == {"range"}
        assert asked.look()[0] == 2


async def test_deep_looks_into_each_wheel_once(folder: Path) -> None:
    with serve_files(build_server(sha256=True)) as server:
        asked = Asked(server)
        await crawl(server, folder, deep=True)
        asked.look()
        assert sources(await crawl(server, folder, deep=True)) == {"cache"}
        assert asked.look() == (1, 1, 1)


async def test_refresh_asks_for_everything_and_keeps_it(folder: Path) -> None:
    with serve_files(build_server()) as server:
        asked = Asked(server)
        await crawl(server, folder)
        asked.look()
        assert sources(await crawl(server, folder, refresh=True)) == {"pep658"}
        assert asked.look() == (1 + DISTINCT, 0, 0)
        server.files[PAGE_PATH], server.etags[PAGE_PATH] = build_page(wheels=DISTINCT), '"new"'
        assert len(await crawl(server, folder, refresh=True)) == DISTINCT
        assert len(await crawl(server, folder, offline=True)) == DISTINCT


async def test_without_a_store_everything_is_asked_for(folder: Path) -> None:
    with serve_files(build_server(wheels=2)) as server:
        asked = Asked(server)
        for _ in range(2):
            async with IndexClient() as client:
                page = await client.read_project_page(local(server), PROJECT)
                await crawl_release(find_release(page), client)
            assert asked.look() == (3, 0, 0)
    assert read_files(folder) == b""


async def test_cassette_is_made_and_played_without_the_store(folder: Path) -> None:
    with serve_files(build_server(wheels=1)) as server:
        asked = Asked(server)
        await crawl(server, folder)
        asked.look()
        with MetadataStore(folder) as store:
            async with IndexClient(store=store, transport=lambda network: network) as client:
                page = await client.read_project_page(local(server), PROJECT)
                readings = await crawl_release(find_release(page), client)
    assert asked.look() == (2, 0, 0)
    assert sources(readings) == {"pep658"}


# Pages


async def test_page_that_changed_takes_the_place_of_the_kept_one(folder: Path) -> None:
    with serve_files(build_server()) as server:
        await crawl(server, folder)
        server.files[PAGE_PATH], server.etags[PAGE_PATH] = build_page(wheels=3), '"new"'
        assert len(await crawl(server, folder)) == 3
        assert len(await crawl(server, folder, offline=True)) == 3


async def test_page_without_an_etag_is_asked_for_by_its_date(folder: Path) -> None:
    with serve_files(build_server(wheels=1)) as server:
        server.etag, server.modified = None, MODIFIED
        asked = Asked(server)
        await crawl(server, folder)
        asked.look()
        await crawl(server, folder)
        assert asked.look() == (1, 1, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"last-modified": LATER, "date": LATER},
        {"last-modified": LATER},
        {"last-modified": "yesterday", "date": LATER},
        {"etag": "no quotes"},
        {"etag": '"' + "x" * 5000 + '"'},
        {},
    ],
    ids=["changed this second", "no date", "no HTTP date", "no ETag", "endless ETag", "nothing"],
)
async def test_page_whose_validators_say_little_is_asked_for_without_condition(
    wire: respx.MockRouter, folder: Path, headers: dict[str, str]
) -> None:
    route = wire.get(PAGE_URL).respond(200, headers={"content-type": "text/html", **headers}, content=build_page())
    for _ in range(2):
        async with open_client(folder) as client:
            await client.read_project_page(LOCATION, PROJECT)
    assert not {"if-none-match", "if-modified-since"} & set(route.calls.last.request.headers)
    async with open_client(folder, offline=True) as client:
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == WHEELS


async def test_page_that_must_not_be_kept_is_not(wire: respx.MockRouter, folder: Path) -> None:
    headers = {**HTML, "cache-control": "private, No-Store"}
    wire.get(PAGE_URL).respond(200, headers=headers, content=build_page())
    async with open_client(folder) as client:
        await client.read_project_page(LOCATION, PROJECT)
    async with open_client(folder, offline=True) as client:
        with pytest.raises(NetworkError):
            await client.read_project_page(LOCATION, PROJECT)


async def test_login_page_is_not_kept(wire: respx.MockRouter, folder: Path) -> None:
    wire.get(PAGE_URL).respond(200, headers=HTML, text="<html><body><form>Log in</form></body></html>")
    async with open_client(folder) as client:
        with pytest.raises(NotAProjectPageError):
            await client.read_project_page(LOCATION, PROJECT)
    async with open_client(folder, offline=True) as client:
        with pytest.raises(NetworkError, match="not in the metadata store"):
            await client.read_project_page(LOCATION, PROJECT)


async def test_failed_revalidation_is_no_answer(wire: respx.MockRouter, folder: Path) -> None:
    wire.get(PAGE_URL).mock(
        side_effect=[httpx.Response(200, headers=HTML, content=build_page()), httpx.Response(503), httpx.Response(401)]
    )
    async with open_client(folder) as client:
        await client.read_project_page(LOCATION, PROJECT)
        for _ in range(2):
            with pytest.raises(HttpStatusError):
                await client.read_project_page(LOCATION, PROJECT)


async def test_missing_project_is_asked_for_each_time_and_missing_offline_too(
    wire: respx.MockRouter, folder: Path
) -> None:
    route = wire.get(PAGE_URL).respond(404, headers={"etag": '"one"'})
    for offline in (False, False, True):
        async with open_client(folder, offline=offline) as client:
            with pytest.raises(ProjectNotFoundError, match="answered 404"):
                await client.read_project_page(LOCATION, PROJECT)
    assert route.call_count == 2
    assert "if-none-match" not in route.calls.last.request.headers
    wire.get(PAGE_URL).respond(200, headers=HTML, content=build_page())
    async with open_client(folder) as client:
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == WHEELS


@pytest.mark.parametrize("has_metadata", [False, True])
async def test_unusable_address_makes_a_wheel_unreadable(folder: Path, has_metadata: bool) -> None:
    wheel = build_wheel_file(host="gopher://files.example", has_metadata=has_metadata)
    async with open_client(folder) as client:
        with pytest.raises(MetadataUnreadableError, match="no http or https URL"):
            await client.read_metadata(wheel)


async def test_304_that_nobody_asked_for_is_no_page(wire: respx.MockRouter, folder: Path) -> None:
    wire.get(PAGE_URL).respond(304)
    async with open_client(folder) as client:
        with pytest.raises(HttpStatusError, match="304"):
            await client.read_project_page(LOCATION, PROJECT)


async def test_page_found_after_a_redirect_is_resolved_against_where_it_was_found(
    wire: respx.MockRouter, folder: Path
) -> None:
    wire.get(PAGE_URL).respond(302, headers={"location": "https://cdn.example/p/?signature=s3cret"})
    target = wire.get("https://cdn.example/p/").mock(
        side_effect=[httpx.Response(200, headers=HTML, content=build_page(wheels=1)), httpx.Response(304)]
    )
    urls = []
    for offline in (False, False, True):
        async with open_client(folder, offline=offline) as client:
            urls.append((await client.read_project_page(LOCATION, PROJECT)).links[0].url)
    assert urls == [f"https://cdn.example/files/{filename_of(0)}"] * 3
    assert target.calls.last.request.headers["if-none-match"] == '"one"'
    assert b"cdn.example" in read_files(folder)
    assert b"s3cret" not in read_files(folder)


async def test_304_of_another_address_is_not_believed(wire: respx.MockRouter, folder: Path) -> None:
    redirects = [httpx.Response(302, headers={"location": f"https://{host}.example/p/"}) for host in ("a", "b", "b")]
    wire.get(PAGE_URL).mock(side_effect=redirects)
    wire.get("https://a.example/p/").respond(200, headers=HTML, content=build_page(wheels=1))
    other = wire.get("https://b.example/p/").mock(
        side_effect=[httpx.Response(304), httpx.Response(200, headers=HTML, content=build_page(wheels=2))]
    )
    async with open_client(folder) as client:
        await client.read_project_page(LOCATION, PROJECT)
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == 2
    assert other.call_count == 2


# Credentials


def answer_to(request: httpx.Request) -> httpx.Response:
    """Give everybody another page, all of them with one ETag."""
    named = {"Basic " + b64encode(f"user:{password}".encode()).decode(): number for password, number in OWNERS.items()}
    number = named.get(request.headers.get("authorization", ""), 1)
    if "if-none-match" in request.headers:
        return httpx.Response(304)
    return httpx.Response(200, headers=HTML, content=build_page(wheels=number))


OWNERS = {"s3cret": 2, "other": 3}


async def test_page_is_kept_apart_for_each_who_asks(wire: respx.MockRouter, folder: Path) -> None:
    wire.get(PAGE_URL).mock(side_effect=answer_to)
    askers = {LOCATION: 1, PRIVATE: 2, replace(PRIVATE, password="other"): 3}
    for offline in (False, False, True):
        for location, number in askers.items():
            async with open_client(folder, offline=offline) as client:
                assert len((await client.read_project_page(location, PROJECT)).links) == number
    async with open_client(folder, offline=True) as client:
        with pytest.raises(NetworkError):
            await client.read_project_page(replace(PRIVATE, password="third"), PROJECT)


# Offline


async def test_offline_names_what_is_missing(folder: Path) -> None:
    async with open_client(folder, offline=True) as client:
        with pytest.raises(NetworkError, match="is not in the metadata store") as caught:
            await client.read_project_page(PRIVATE, PROJECT)
    assert caught.value.url == PAGE_URL
    assert "--offline" in caught.value.message


@pytest.mark.parametrize("metadata_sha256", [None, "0" * 64])
async def test_wheel_that_is_missing_offline_is_unread_and_told_once(folder: Path, metadata_sha256: str | None) -> None:
    wheel = build_wheel_file(metadata_sha256=metadata_sha256)
    async with open_client(folder, offline=True) as client:
        with pytest.raises(MetadataUnreadableError, match="is not in the metadata store") as caught:
            await client.read_metadata(wheel)
    assert wheel.url in caught.value.message
    assert caught.value.message.count("is not in the metadata store") == 1


async def test_release_of_which_a_wheel_is_missing_offline_is_read_in_part(folder: Path) -> None:
    with serve_files(build_server()) as server:
        async with open_client(folder) as client:
            release = find_release(await client.read_project_page(local(server), PROJECT))
            await client.read_metadata(release.wheels[0])
        readings = await crawl(server, folder, offline=True)
    assert sources(readings) == {"cache", "unread"}
    assert any(isinstance(reading, UnreadableWheel) for reading in readings)


# Truth


async def test_body_of_one_address_serves_another_that_advertises_its_hash(
    wire: respx.MockRouter, folder: Path
) -> None:
    digest = hashlib.sha256(METADATA).hexdigest()
    one, two = (build_wheel_file(metadata_sha256=digest, host=f"https://{host}.example") for host in ("one", "two"))
    wire.get(f"{one.url}.metadata").respond(200, content=METADATA)
    async with open_client(folder) as client:
        assert (await client.read_metadata(one)).source == "pep658"
        reading = await client.read_metadata(two)
    assert (reading.source, reading.wheel, reading.sha256) == ("cache", two, digest)


async def test_metadata_with_a_wrong_hash_is_told_each_time(wire: respx.MockRouter, folder: Path) -> None:
    wheel = replace(build_wheel_file(metadata_sha256=hashlib.sha256(METADATA).hexdigest()), sha256="0" * 64)
    with serve_files(FileServer(files={"/w.whl": build_wheel(), "/w.whl.metadata": METADATA + b"\n"})) as server:
        wire.route(host="127.0.0.1").pass_through()
        wheel = replace(wheel, url=f"{server.url}/w.whl")
        seen = []
        for _ in range(2):
            async with open_client(folder) as client:
                reading = await client.read_metadata(wheel)
                seen.append((reading.source, reading.sha256, [fault.finding for fault in reading.faults]))
        assert server.requests == [("/w.whl.metadata", None), ("/w.whl", "bytes=-32768"), ("/w.whl.metadata", None)]
    assert seen == [("range", wheel.metadata_sha256, ["WA202"]), ("cache", wheel.metadata_sha256, ["WA202"])]


async def test_damaged_store_costs_fetches_and_no_truth(folder: Path) -> None:
    with serve_files(build_server()) as server:
        asked = Asked(server)
        cold = await crawl(server, folder)
        asked.look()
        spoil(folder)
        again = await crawl(server, folder)
        assert asked.look() == (1 + DISTINCT, 0, 0)
        await crawl(server, folder)
        assert asked.look() == (1, 1, 1)
    assert meanings(cold) == meanings(again)


async def test_hostile_etag_does_no_harm(wire: respx.MockRouter, folder: Path) -> None:
    wheel: WheelFile = build_wheel_file()
    data = build_wheel()
    headers = [("content-range", f"bytes 0-{len(data) - 1}/{len(data)}"), ("etag", '"\xe9\xff"')]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    wire.get(wheel.url).mock(side_effect=lambda request: httpx.Response(206, headers=raw, content=data))
    for _ in range(2):
        async with open_client(folder) as client:
            assert (await client.read_metadata(wheel)).source == "range"


# Two processes


CRAWLER = """
import sys
from pathlib import Path
import anyio
sys.path.insert(0, sys.argv[3])
from tests.index.server import FileServer
from tests.index.test_client_store import crawl, find_texts

server = FileServer(url=sys.argv[1])
sys.stdout.write(repr(find_texts(anyio.run(crawl, server, Path(sys.argv[2])))))
"""


def crawl_in_processes(server: FileServer, folder: Path, count: int) -> tuple[list[str], list[str]]:
    """Return what the processes say: what they read, and their complaints."""
    arguments = [sys.executable, "-c", CRAWLER, server.url, str(folder), str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": str(Path(wheelaudit.__file__).parents[1])}
    running = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(count)
    ]
    told = [process.communicate(timeout=60) for process in running]
    return [out for out, _ in told], [err for _, err in told]


async def test_processes_that_share_a_cold_store_are_right_both(folder: Path) -> None:
    with serve_files(build_server()) as server:
        answers, complaints = crawl_in_processes(server, folder, 2)
        assert complaints == ["", ""]
        assert 1 + DISTINCT <= len(server.requests) <= 2 * (1 + DISTINCT)
        asked = Asked(server)
        asked.look()
        warm = await crawl(server, folder)
        assert asked.look() == (1, 1, 1)
    assert answers == [repr(find_texts(warm))] * 2


# The whole way


async def test_audit_passes_the_store_on(folder: Path) -> None:
    with serve_files(build_server()) as server:
        asked = Asked(server)
        told = []
        for offline in (False, False, True):
            with MetadataStore(folder) as store:
                (audit,) = await audit_specs(
                    ["demo-project==1.0"],
                    index=[f"{server.url}/simple"],
                    store=store,
                    offline=offline,
                    environ={},
                    cwd=folder.parent,
                )
            assert isinstance(audit, Audit)
            told.append((audit.verdict, *asked.look()))
    assert told == [
        ("inconsistent", 1 + DISTINCT, 0, 0),
        ("inconsistent", 1, 1, 1),
        ("inconsistent", 0, 0, 0),
    ]


async def test_wheel_that_is_remembered_is_found_without_its_page_and_not_taken_for_its_inside(tmp_path: Path) -> None:
    name = "demo_project-1.0-py3-none-any.whl"
    files = FileServer(files={f"/packages/{name}.metadata": METADATA})
    with serve_files(files) as server, MetadataStore(tmp_path) as store:
        advertised = hashlib.sha256(METADATA).hexdigest()
        wheel = replace(build_wheel_file(name, host=server.url, metadata_sha256=advertised), sha256="ab" * 32)
        bare = replace(wheel, has_metadata=False, metadata_sha256=None)
        async with IndexClient(store=store, retries=0) as client:
            assert client.find_stored(bare) is None
            reading = await client.read_metadata(wheel)
            await client.remember([reading])
            asked = len(server.requests)
            found = client.find_stored(bare)
            assert found is not None
            assert (found.sha256, found.source, found.core) == (reading.sha256, "cache", reading.core)
            assert client.find_stored(replace(bare, sha256="cd" * 32)) is None
            assert client.find_stored(replace(bare, sha256=None)) is None
            assert len(server.requests) == asked
            with pytest.raises(MetadataUnreadableError):
                await client.read_metadata(bare)  # the wheel itself was never there
