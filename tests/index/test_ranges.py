from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.index.archives import FILENAME, build_wheel, build_wheel_file
from tests.index.server import FileServer, serve_files
from wheelaudit.errors import MetadataUnreadableError
from wheelaudit.index.client import IndexClient
from wheelaudit.index.ranges import ContentRange, parse_content_range
from wheelaudit.metadata import WheelMetadata

pytestmark = pytest.mark.anyio

OTHERS_OF_1_MB = 10_000
PATH = f"/packages/{FILENAME}"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files(FileServer()) as running:
        yield running


async def read(server: FileServer, wheel: bytes, *, size: int | None = None) -> WheelMetadata:
    server.files[PATH] = wheel
    async with IndexClient(retries=0, timeout=10) as client:
        return await client.read_metadata(build_wheel_file(host=server.url, size=size))


@pytest.mark.parametrize(
    ("at", "requests", "kib"),
    [(None, 2, 50), (0, 3, 150), (OTHERS_OF_1_MB // 2, 4, 1300)],
    ids=["last", "first", "middle"],
)
async def test_wheel_with_a_directory_of_1_mb_takes_few_requests_and_bytes(
    server: FileServer, at: int | None, requests: int, kib: int
) -> None:
    reading = await read(server, build_wheel(others=OTHERS_OF_1_MB, at=at))
    assert reading.source == "range"
    assert [line.text for line in reading.core.requires_dist] == ["absl-py>=1.0.0"]
    assert len(server.requests) == requests
    assert server.sent <= kib * 1024


async def test_server_without_range_costs_one_request_more_and_hardly_a_byte(server: FileServer) -> None:
    server.ranges = False
    with pytest.raises(MetadataUnreadableError, match="knows no Range requests") as caught:
        await read(server, bytes(100_000_000))
    assert caught.value.remedy is not None
    # What two sockets' buffers take before the closed connection is noticed.
    assert server.sent < 50_000_000
    assert [wanted for _, wanted in server.requests] == ["bytes=-32768", "bytes=0-0"]


@pytest.mark.parametrize("size_is_known", [False, True])
async def test_server_without_suffix_ranges_is_read_by_plain_ones(server: FileServer, size_is_known: bool) -> None:
    server.suffix_ranges = False
    wheel = build_wheel(others=OTHERS_OF_1_MB)
    reading = await read(server, wheel, size=len(wheel) if size_is_known else None)
    assert reading.core.name == "demo-project"
    assert ("bytes=0-0" in [wanted for _, wanted in server.requests]) is not size_is_known


async def test_wheel_without_etag_is_read(server: FileServer) -> None:
    server.etag = None
    assert (await read(server, build_wheel(others=OTHERS_OF_1_MB))).core.version == "1.0"


async def test_etag_that_differs_from_mirror_to_mirror_does_not_stop_the_reading(server: FileServer) -> None:
    class Changing(str):
        """Equal to nothing that was sent before."""

        __slots__ = ()
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return False

        def __ne__(self, other: object) -> bool:
            return True

    server.etag = Changing('"one"')
    assert (await read(server, build_wheel(others=OTHERS_OF_1_MB, at=0))).core.version == "1.0"


async def test_wheel_that_is_gone_is_unreadable(server: FileServer) -> None:
    async with IndexClient(retries=0) as client:
        with pytest.raises(MetadataUnreadableError, match="answered 404"):
            await client.read_metadata(build_wheel_file(host=server.url))


async def test_no_range_request_names_two_ranges(server: FileServer) -> None:
    await read(server, build_wheel(others=OTHERS_OF_1_MB, at=OTHERS_OF_1_MB // 2))
    assert all(wanted is not None and "," not in wanted for _, wanted in server.requests)


@given(st.text(max_size=40) | st.from_regex(r"bytes [0-9]{1,20}-[0-9]{1,20}/([0-9]{1,20}|\*)", fullmatch=True))
def test_content_range_is_a_span_inside_the_file_or_nothing(text: str) -> None:
    span = parse_content_range(text)
    assert span is None or (0 <= span.start < span.end and (span.size is None or span.end <= span.size))


def test_content_range_is_read() -> None:
    assert parse_content_range("bytes 0-9/100") == ContentRange(start=0, end=10, size=100)
    assert parse_content_range("bytes 0-9/*") == ContentRange(start=0, end=10, size=None)
    assert parse_content_range("bytes 5-4/100") is None
    assert parse_content_range(None) is None
