"""A whole release against an index that fails: the right answer, or wheels told unreadable, never less."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from packaging.utils import NormalizedName

from tests.index.archives import Member, build_archive
from wheelaudit.index.cassettes import ReplayTransport, read_cassette
from wheelaudit.index.client import IndexClient
from wheelaudit.index.crawl import crawl_release
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.selection import RequirementSpec, find_releases, parse_spec
from wheelaudit.metadata import CoreMetadata, Reading, UnreadableWheel, WheelMetadata

pytestmark = pytest.mark.anyio

CASSETTE = Path(__file__).parents[2] / "cassettes" / "torch-2.0.0"
LOCATION = IndexLocation(name="example", url="https://index.example/simple")
WHEELS, DISTINCT = 24, 10

Answer = Callable[[httpx.Request, httpx.Response], httpx.Response | None]


class FaultyIndex(httpx.AsyncBaseTransport):
    """Answers from a cassette, with wheels made around its METADATA; ``fault`` may put in another answer."""

    def __init__(self, fault: Answer) -> None:
        self._fault = fault
        self._replay = ReplayTransport(CASSETTE)
        self._wheels = {
            exchange.url.removesuffix(".metadata"): build_archive(
                [Member(name="torch-2.0.0.dist-info/METADATA", data=exchange.body or b"", deflated=True)]
            )
            for exchange in read_cassette(CASSETTE)
            if exchange.url.endswith(".metadata")
        }
        self.asked: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked[str(request.url)] += 1
        response = await self._answer(request)
        return self._fault(request, response) or response

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if "range" not in request.headers:
            return await self._replay.handle_async_request(request)
        data = self._wheels[str(request.url)]
        # Smaller than a tail: the whole of it is one.
        content_range = f"bytes 0-{len(data) - 1}/{len(data)}"
        return httpx.Response(206, headers={"content-range": content_range}, content=data)


async def crawl(fault: Answer) -> tuple[tuple[Reading, ...], FaultyIndex, list[float]]:
    index = FaultyIndex(fault)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    spec = parse_spec("torch==2.0.0")
    assert isinstance(spec, RequirementSpec)
    async with IndexClient(transport=lambda inner: index, sleep=sleep) as client:
        page = await client.read_project_page(LOCATION, NormalizedName("torch"))
        (release,) = find_releases([(LOCATION.name, page)], spec)
        return await crawl_release(release, client), index, waits


async def expected() -> list[CoreMetadata]:
    readings, _, _ = await crawl(lambda request, response: None)
    return cores(readings)


def cores(readings: tuple[Reading, ...]) -> list[CoreMetadata]:
    return [reading.core for reading in readings if isinstance(reading, WheelMetadata)]


def findings(readings: tuple[Reading, ...]) -> Counter[str]:
    return Counter(fault.finding for reading in readings for fault in reading.faults)


def is_metadata(request: httpx.Request) -> bool:
    return request.url.path.endswith(".metadata")


async def test_faultless_crawl_asks_once_for_the_page_and_once_for_each_hash() -> None:
    readings, index, waits = await crawl(lambda request, response: None)
    assert len(cores(readings)) == WHEELS
    assert index.asked.total() == 1 + DISTINCT
    assert waits == []


async def test_503_once_for_each_url_changes_nothing() -> None:
    seen: set[str] = set()

    def fault(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        first = str(request.url) not in seen
        seen.add(str(request.url))
        return httpx.Response(503) if first else None

    readings, index, waits = await crawl(fault)
    assert cores(readings) == await expected()
    assert not findings(readings)
    assert index.asked.total() == 2 * (1 + DISTINCT)
    assert len(waits) == 1 + DISTINCT


async def test_429_is_waited_for_as_the_server_asks() -> None:
    seen: set[str] = set()

    def fault(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        first = str(request.url) not in seen
        seen.add(str(request.url))
        return httpx.Response(429, headers={"retry-after": "3"}) if first else None

    readings, _, waits = await crawl(fault)
    assert cores(readings) == await expected()
    assert set(waits) == {3.0}


async def test_one_metadata_file_with_a_line_appended_is_told_and_made_up_for() -> None:
    bad = "torch-2.0.0-1-cp310-cp310-manylinux2014_aarch64.whl.metadata"

    def fault(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        if request.url.path.endswith(bad):
            return httpx.Response(200, content=response.content + b"\n")
        return None

    readings, _, _ = await crawl(fault)
    assert cores(readings) == await expected()
    assert findings(readings) == {"WA202": 1}


async def test_all_hashes_wrong_is_told_of_each_distinct_one() -> None:
    def fault(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        return httpx.Response(200, content=response.content + b"\n") if is_metadata(request) else None

    readings, _, _ = await crawl(fault)
    assert cores(readings) == await expected()
    # What the wheels hold has the advertised hash, so one wheel of each stands for the others.
    assert findings(readings) == {"WA202": DISTINCT}
    assert {reading.source for reading in readings if isinstance(reading, WheelMetadata)} == {"range"}


async def test_all_hashes_wrong_and_no_range_leaves_every_wheel_unreadable() -> None:
    def fault(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        if "range" in request.headers:
            return httpx.Response(200, content=b"the whole wheel")
        return httpx.Response(200, content=response.content + b"\n") if is_metadata(request) else None

    readings, _, _ = await crawl(fault)
    assert len(readings) == WHEELS
    assert all(isinstance(reading, UnreadableWheel) and reading.error.finding == "WA202" for reading in readings)


async def test_wheel_that_is_gone_counts_as_read_where_another_has_its_hash() -> None:
    gone = "torch-2.0.0-1-cp310-cp310-manylinux2014_aarch64.whl"

    def fault(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        return httpx.Response(404) if gone in request.url.path else None

    readings, _, _ = await crawl(fault)
    digests = Counter(reading.wheel.metadata_sha256 for reading in readings)
    (missing,) = (reading for reading in readings if reading.wheel.filename == gone)
    assert digests[missing.wheel.metadata_sha256] > 1
    assert cores(readings) == await expected()
    assert [fault.finding for fault in getattr(missing, "faults", ())] == ["WA201"]


async def test_every_wheel_of_a_hash_gone_is_unreadable_and_the_others_are_read() -> None:
    bodies = {exchange.url: exchange.body for exchange in read_cassette(CASSETTE)}
    victims = hashlib.sha256(next(body or b"" for url, body in bodies.items() if url.endswith(".metadata"))).digest()

    def fault(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        body = bodies.get(f"{str(request.url).removesuffix('.metadata')}.metadata")
        return httpx.Response(404) if hashlib.sha256(body or b"").digest() == victims else None

    readings, _, _ = await crawl(fault)
    unread = [reading for reading in readings if isinstance(reading, UnreadableWheel)]
    assert {reading.wheel.metadata_sha256 for reading in unread} == {victims.hex()}
    assert len(cores(readings)) + len(unread) == WHEELS


async def test_no_metadata_files_and_range_only_gives_the_same() -> None:
    def fault(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        return httpx.Response(404) if is_metadata(request) else None

    readings, _, _ = await crawl(fault)
    assert cores(readings) == await expected()
