from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import respx
from packaging.utils import NormalizedName

from tests.index.archives import FILENAME, METADATA, build_wheel, build_wheel_file
from tests.index.server import FileServer, serve_files
from wheelaudit.errors import (
    HashMismatchError,
    HttpStatusError,
    IndexAccessError,
    InvalidMetadataError,
    MetadataUnreadableError,
    NetworkError,
    NotAProjectPageError,
    ProjectNotFoundError,
)
from wheelaudit.index.client import ACCEPT, USER_AGENT, IndexClient
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.wire import MAX_RETRY_AFTER
from wheelaudit.release import WheelFile

pytestmark = pytest.mark.anyio

PROJECT = NormalizedName("demo-project")
LOCATION = IndexLocation(name="example", url="https://index.example/simple")
PRIVATE = IndexLocation(name="private", url="https://index.example/simple", username="user", password="s3cret")
PAGE_URL = "https://index.example/simple/demo-project/"
PAGE = f'<!DOCTYPE html><html><body><h1>Links for demo-project</h1><a href="/{FILENAME}">{FILENAME}</a></body></html>'
HTML = {"content-type": "text/html"}
DIGEST = hashlib.sha256(METADATA).hexdigest()


class Waits(list[float]):
    """The seconds that a client would have waited."""

    async def sleep(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(waits: Waits) -> IndexClient:
    return IndexClient(sleep=waits.sleep, random=lambda: 1.0, retries=3)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def serve_ranges(data: bytes) -> Callable[[httpx.Request], httpx.Response]:
    """Answer Range requests into ``data``."""

    def answer(request: httpx.Request) -> httpx.Response:
        first, _, last = request.headers["Range"].removeprefix("bytes=").partition("-")
        start, end = (
            (int(first), min(len(data), int(last) + 1)) if first else (max(0, len(data) - int(last)), len(data))
        )
        content_range = f"bytes {start}-{end - 1}/{len(data)}"
        return httpx.Response(206, headers={"content-range": content_range}, content=data[start:end])

    return answer


def mock_wheel(wire: respx.MockRouter, wheel: WheelFile, *, metadata: httpx.Response, inside: bytes | None) -> None:
    wire.get(f"{wheel.url}.metadata").mock(return_value=metadata)
    if inside is None:
        wire.get(wheel.url).respond(404)
    else:
        wire.get(wheel.url).mock(side_effect=serve_ranges(build_wheel(inside)))


# Project pages


async def test_page_is_asked_for_as_pep_691_has_it(wire: respx.MockRouter, client: IndexClient) -> None:
    route = wire.get(PAGE_URL).respond(200, headers=HTML, text=PAGE)
    async with client:
        page = await client.read_project_page(LOCATION, PROJECT)
    assert [link.filename for link in page.links] == [FILENAME]
    request = route.calls.last.request
    assert request.headers["Accept"] == ACCEPT
    assert request.headers["User-Agent"] == USER_AGENT
    assert "Authorization" not in request.headers
    assert "Cookie" not in request.headers


async def test_encoded_page_is_decoded(wire: respx.MockRouter, client: IndexClient) -> None:
    wire.get(PAGE_URL).respond(200, headers={**HTML, "content-encoding": "gzip"}, content=gzip.compress(PAGE.encode()))
    async with client:
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == 1


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
async def test_page_that_cannot_be_decoded_is_an_error(client: IndexClient, encoding: str) -> None:
    served = FileServer(files={"/simple/demo-project/": b"no gzip"}, headers={**HTML, "content-encoding": encoding})
    with serve_files(served) as server:
        async with client:
            with pytest.raises(IndexAccessError, match="cannot be decoded"):
                await client.read_project_page(IndexLocation(name="local", url=f"{server.url}/simple"), PROJECT)


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, "not found"), (403, '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
    ids=["404", "403 with XML"],
)
async def test_missing_project_is_named(wire: respx.MockRouter, client: IndexClient, status: int, body: str) -> None:
    wire.get(PAGE_URL).respond(status, text=body)
    async with client:
        with pytest.raises(ProjectNotFoundError, match="has no project demo-project") as caught:
            await client.read_project_page(LOCATION, PROJECT)
    assert caught.value.url == PAGE_URL


@pytest.mark.parametrize(
    ("location", "told"), [(LOCATION, "no credentials were sent"), (PRIVATE, "the credentials were refused")]
)
@pytest.mark.parametrize("status", [401, 403])
async def test_refusal_says_whether_credentials_were_sent_and_shows_none(
    wire: respx.MockRouter, client: IndexClient, location: IndexLocation, told: str, status: int
) -> None:
    wire.get(PAGE_URL).respond(status, text="go away")
    async with client:
        with pytest.raises(HttpStatusError, match=told) as caught:
            await client.read_project_page(location, PROJECT)
    assert caught.value.status == status
    assert "credentials" in (caught.value.remedy or "")
    assert "s3cret" not in str(caught.value)


async def test_login_page_is_no_empty_project(wire: respx.MockRouter, client: IndexClient) -> None:
    wire.get(PAGE_URL).respond(200, headers=HTML, text="<html><body><form>Log in</form></body></html>")
    async with client:
        with pytest.raises(NotAProjectPageError):
            await client.read_project_page(LOCATION, PROJECT)


async def test_page_larger_than_the_bound_is_not_read(
    wire: respx.MockRouter, client: IndexClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wheelaudit.index.client.MAX_PAGE_BYTES", 100)
    wire.get(PAGE_URL).respond(200, headers=HTML, text=PAGE + " " * 200)
    async with client:
        with pytest.raises(IndexAccessError, match="larger than the 100 bytes"):
            await client.read_project_page(LOCATION, PROJECT)


# Credentials and redirects


async def test_credentials_go_to_their_index(wire: respx.MockRouter, client: IndexClient) -> None:
    route = wire.get(PAGE_URL).respond(200, headers=HTML, text=PAGE)
    async with client:
        await client.read_project_page(PRIVATE, PROJECT)
    assert route.calls.last.request.headers["Authorization"] == httpx.BasicAuth("user", "s3cret")._auth_header


@pytest.mark.parametrize(
    "target", ["https://files.example/x", "https://index.example:8443/x", "http://index.example/x"]
)
async def test_credentials_do_not_follow_a_redirect_to_another_origin(
    wire: respx.MockRouter, client: IndexClient, target: str
) -> None:
    wire.get(PAGE_URL).respond(302, headers={"location": target})
    route = wire.get(target).respond(200, headers=HTML, text=PAGE)
    async with client:
        page = await client.read_project_page(PRIVATE, PROJECT)
    assert page.url == target
    assert "Authorization" not in route.calls.last.request.headers


async def test_credentials_do_not_go_to_wheels_on_another_host(wire: respx.MockRouter, client: IndexClient) -> None:
    wire.get(PAGE_URL).respond(200, headers=HTML, text=PAGE)
    wheel = build_wheel_file(metadata_sha256=DIGEST)
    route = wire.get(f"{wheel.url}.metadata").respond(200, content=METADATA)
    async with client:
        await client.read_project_page(PRIVATE, PROJECT)
        await client.read_metadata(wheel)
    assert "Authorization" not in route.calls.last.request.headers


async def test_userinfo_in_a_redirect_is_dropped(wire: respx.MockRouter, client: IndexClient) -> None:
    wire.get(PAGE_URL).respond(301, headers={"location": "https://evil:pass@files.example/x"})
    route = wire.get("https://files.example/x").respond(200, headers=HTML, text=PAGE)
    async with client:
        page = await client.read_project_page(LOCATION, PROJECT)
    assert "pass" not in page.url
    assert "Authorization" not in route.calls.last.request.headers


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://files.example/x", "javascript:alert(1)", "https://h:99999/"]
)
async def test_redirect_to_another_scheme_or_to_nonsense_is_refused(
    wire: respx.MockRouter, client: IndexClient, target: str
) -> None:
    wire.get(PAGE_URL).respond(302, headers={"location": target})
    async with client:
        with pytest.raises(IndexAccessError, match="redirects to an address"):
            await client.read_project_page(LOCATION, PROJECT)


async def test_redirects_end(wire: respx.MockRouter, client: IndexClient) -> None:
    wire.get(PAGE_URL).respond(302, headers={"location": PAGE_URL})
    async with client:
        with pytest.raises(IndexAccessError, match="redirects more than"):
            await client.read_project_page(LOCATION, PROJECT)


async def test_longest_address_decides_between_two_indexes_of_one_host() -> None:
    other = IndexLocation(name="other", url="https://index.example/team", username="team", password="t")
    client = IndexClient(locations=[PRIVATE, other])
    assert client.find_credentials("https://index.example/team/demo/") == ("team", "t")
    assert client.find_credentials("https://index.example/simple/demo/") == ("user", "s3cret")
    assert client.find_credentials("https://index.example/files/x.whl") == ("user", "s3cret")
    assert client.find_credentials("https://index.example.evil/simple/demo/") is None


# Repetitions


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_passing_refusal_is_asked_again(
    wire: respx.MockRouter, client: IndexClient, waits: Waits, status: int
) -> None:
    wire.get(PAGE_URL).mock(side_effect=[httpx.Response(status), httpx.Response(200, headers=HTML, text=PAGE)])
    async with client:
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == 1
    assert waits == [0.5]


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_broken_connection_is_tried_again(
    wire: respx.MockRouter, client: IndexClient, waits: Waits, error: Exception
) -> None:
    wire.get(PAGE_URL).mock(side_effect=[error, error, httpx.Response(200, headers=HTML, text=PAGE)])
    async with client:
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == 1
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize("error", [httpx.RemoteProtocolError("cut"), httpx.LocalProtocolError("GOAWAY")])
async def test_connection_that_the_server_ends_is_replaced_at_once(
    wire: respx.MockRouter, client: IndexClient, waits: Waits, error: Exception
) -> None:
    route = wire.get(PAGE_URL).mock(side_effect=[*[error] * 3, httpx.Response(200, headers=HTML, text=PAGE)])
    async with client:
        assert len((await client.read_project_page(LOCATION, PROJECT)).links) == 1
    assert waits == []
    assert route.call_count == 4


async def test_server_that_ends_every_connection_is_given_up(
    wire: respx.MockRouter, client: IndexClient, waits: Waits
) -> None:
    route = wire.get(PAGE_URL).mock(side_effect=httpx.RemoteProtocolError("cut"))
    async with client:
        with pytest.raises(NetworkError, match="broke off"):
            await client.read_project_page(LOCATION, PROJECT)
    assert route.call_count == 3 + 4
    assert waits == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "999999"}, MAX_RETRY_AFTER),
        ({"retry-after": "9" * 5000}, MAX_RETRY_AFTER),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:09 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 9.0),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:00 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:09 GMT"}, 0.5),
        ({"retry-after": "soon"}, 0.5),
        ({}, 0.5),
    ],
)
async def test_retry_after_is_obeyed_within_bounds(
    wire: respx.MockRouter, client: IndexClient, waits: Waits, headers: dict[str, str], expected: float
) -> None:
    refusal = httpx.Response(429, headers=headers)
    wire.get(PAGE_URL).mock(side_effect=[refusal, httpx.Response(200, headers=HTML, text=PAGE)])
    async with client:
        await client.read_project_page(LOCATION, PROJECT)
    assert waits == [expected]


async def test_repetitions_end_with_the_last_refusal(wire: respx.MockRouter, client: IndexClient, waits: Waits) -> None:
    route = wire.get(PAGE_URL).respond(503)
    async with client:
        with pytest.raises(HttpStatusError) as caught:
            await client.read_project_page(LOCATION, PROJECT)
    assert caught.value.status == 503
    assert route.call_count == 4
    assert waits == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("status", [400, 404, 501])
async def test_lasting_refusal_is_not_asked_again(
    wire: respx.MockRouter, client: IndexClient, waits: Waits, status: int
) -> None:
    route = wire.get(PAGE_URL).respond(status)
    async with client:
        with pytest.raises(IndexAccessError):
            await client.read_project_page(LOCATION, PROJECT)
    assert route.call_count == 1
    assert waits == []


async def test_jitter_keeps_repetitions_apart(wire: respx.MockRouter, waits: Waits) -> None:
    wire.get(PAGE_URL).mock(side_effect=[httpx.Response(503), httpx.Response(200, headers=HTML, text=PAGE)])
    async with IndexClient(sleep=waits.sleep, random=lambda: 0.0) as client:
        await client.read_project_page(LOCATION, PROJECT)
    assert waits == [0.25]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ConnectError("refused"), "no connection"),
        (httpx.ConnectTimeout("slow"), "no answer within 30 seconds"),
        (httpx.ReadError("reset"), "broke off"),
        (httpx.ProxyError("407"), "proxy"),
    ],
)
async def test_no_network_is_one_sentence_with_a_remedy(
    wire: respx.MockRouter, client: IndexClient, error: Exception, told: str
) -> None:
    wire.get(PAGE_URL).mock(side_effect=error)
    async with client:
        with pytest.raises(NetworkError, match=told) as caught:
            await client.read_project_page(PRIVATE, PROJECT)
    assert caught.value.remedy is not None
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("SSL_CERT_FILE", "/does/not/exist.pem", "TLS certificates"), ("ALL_PROXY", "gopher://proxy.example", "proxy")],
)
async def test_unusable_environment_is_named(
    client: IndexClient, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    async with client:
        with pytest.raises(NetworkError, match=told):
            await client.read_project_page(LOCATION, PROJECT)


# Core metadata


async def test_metadata_file_is_read_and_verified(wire: respx.MockRouter, client: IndexClient) -> None:
    wheel = build_wheel_file(metadata_sha256=DIGEST)
    mock_wheel(wire, wheel, metadata=httpx.Response(200, content=METADATA), inside=None)
    async with client:
        reading = await client.read_metadata(wheel)
    assert (reading.source, reading.sha256, reading.faults) == ("pep658", DIGEST, ())
    assert [line.text for line in reading.core.requires_dist] == ["absl-py>=1.0.0"]


async def test_metadata_file_without_hash_is_taken(wire: respx.MockRouter, client: IndexClient) -> None:
    wheel = build_wheel_file(has_metadata=True)
    mock_wheel(wire, wheel, metadata=httpx.Response(200, content=METADATA), inside=None)
    async with client:
        assert (await client.read_metadata(wheel)).source == "pep658"


async def test_wheel_that_advertises_none_is_read_by_range_at_once(wire: respx.MockRouter, client: IndexClient) -> None:
    wheel = build_wheel_file()
    mock_wheel(wire, wheel, metadata=httpx.Response(500), inside=METADATA)
    async with client:
        reading = await client.read_metadata(wheel)
    assert (reading.source, reading.sha256, reading.faults) == ("range", DIGEST, ())


@pytest.mark.parametrize(
    ("metadata", "finding"),
    [
        (httpx.Response(200, content=METADATA + b"one line more\n"), "WA202"),
        (httpx.Response(404), "WA201"),
        (httpx.Response(403), "WA201"),
        (httpx.Response(503), "WA201"),
    ],
    ids=["line appended", "404", "403", "503"],
)
async def test_bad_metadata_file_is_replaced_by_the_one_inside_and_kept_as_a_fault(
    wire: respx.MockRouter, client: IndexClient, metadata: httpx.Response, finding: str
) -> None:
    wheel = build_wheel_file(metadata_sha256=DIGEST)
    mock_wheel(wire, wheel, metadata=metadata, inside=METADATA)
    async with client:
        reading = await client.read_metadata(wheel)
    assert (reading.source, reading.sha256) == ("range", DIGEST)
    assert [fault.finding for fault in reading.faults] == [finding]
    assert FILENAME in reading.faults[0].message


@pytest.mark.parametrize(
    ("metadata", "error"),
    [(httpx.Response(200, content=b"changed"), HashMismatchError), (httpx.Response(404), MetadataUnreadableError)],
)
async def test_wheel_out_of_reach_keeps_the_finding_of_its_metadata_file(
    wire: respx.MockRouter, client: IndexClient, metadata: httpx.Response, error: type[Exception]
) -> None:
    wheel = build_wheel_file(metadata_sha256=DIGEST)
    mock_wheel(wire, wheel, metadata=metadata, inside=None)
    async with client:
        with pytest.raises(error, match="answered 404") as caught:
            await client.read_metadata(wheel)
    assert type(caught.value) is error


@pytest.mark.parametrize("data", [b"", b"no headers", b"Name: x\0y\nVersion: 1\n", bytes(range(256))])
async def test_metadata_that_is_not_text_is_invalid(wire: respx.MockRouter, client: IndexClient, data: bytes) -> None:
    wheel = build_wheel_file(metadata_sha256=hashlib.sha256(data).hexdigest())
    mock_wheel(wire, wheel, metadata=httpx.Response(200, content=data), inside=METADATA)
    async with client:
        with pytest.raises(InvalidMetadataError, match="demo_project"):
            await client.read_metadata(wheel)


async def test_unusable_address_makes_a_wheel_unreadable(client: IndexClient) -> None:
    async with client:
        with pytest.raises(MetadataUnreadableError, match="no http or https URL"):
            await client.read_metadata(build_wheel_file(host="gopher://files.example"))


@pytest.mark.parametrize(
    ("inside", "findings"),
    [
        (METADATA, []),
        (METADATA.replace(b"absl-py>=1.0.0", b"absl_py >= 1.0"), []),
        (METADATA.replace(b"absl-py>=1.0.0", b"absl-py>=2"), ["WA205"]),
        (None, ["WA201"]),
    ],
    ids=["equal", "spelled otherwise", "other meaning", "out of reach"],
)
async def test_deep_compares_with_the_metadata_inside(
    wire: respx.MockRouter, client: IndexClient, inside: bytes | None, findings: list[str]
) -> None:
    wheel = build_wheel_file(metadata_sha256=DIGEST)
    mock_wheel(wire, wheel, metadata=httpx.Response(200, content=METADATA), inside=inside)
    async with client:
        reading = await client.read_metadata(wheel, deep=True)
    assert reading.source == "pep658"
    assert [fault.finding for fault in reading.faults] == findings


async def test_redirected_wheel_is_asked_for_where_it_lies_from_then_on(
    wire: respx.MockRouter, client: IndexClient
) -> None:
    wheel = build_wheel_file()
    first = wire.get(wheel.url).respond(302, headers={"location": "https://cdn.example/w.whl?signature=abc"})
    second = wire.get("https://cdn.example/w.whl").mock(side_effect=serve_ranges(build_wheel(others=2000)))
    async with client:
        await client.read_metadata(wheel)
    assert (first.call_count, second.call_count) == (1, 2)


async def test_transient_416_is_asked_again(wire: respx.MockRouter, client: IndexClient) -> None:
    wheel = build_wheel_file()
    answers = serve_ranges(build_wheel(others=2000))
    refusals = iter([False, True, False, False])

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(416) if next(refusals) else answers(request)

    wire.get(wheel.url).mock(side_effect=answer)
    async with client:
        assert (await client.read_metadata(wheel)).source == "range"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-range": "bytes 0-9/*"},
        {"content-range": "bytes 5-9/10"},
        {"content-range": "bytes 0-9/10", "content-encoding": "br"},
        {"content-type": "multipart/byteranges; boundary=x"},
    ],
)
async def test_answer_that_is_not_the_span_asked_for_is_refused(
    wire: respx.MockRouter, client: IndexClient, headers: dict[str, str]
) -> None:
    wheel = build_wheel_file()

    async def send() -> AsyncIterator[bytes]:
        yield b"0123456789"

    # As a stream: what is given to it whole httpx unpacks itself.
    wire.get(wheel.url).mock(side_effect=lambda request: httpx.Response(206, headers=headers, content=send()))
    async with client:
        with pytest.raises(MetadataUnreadableError):
            await client.read_metadata(wheel)


async def test_nothing_is_opened_before_something_is_fetched(
    client: IndexClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr("wheelaudit.index.wire.httpx.create_ssl_context", lambda: opened.append("context"))
    async with client:
        pass
    assert opened == []


async def test_pages_go_over_http_2_and_range_requests_over_http_1(
    wire: respx.MockRouter, client: IndexClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.get(PAGE_URL).respond(200, headers=HTML, text=PAGE)
    wheel = build_wheel_file()
    wire.get(wheel.url).mock(side_effect=serve_ranges(build_wheel()))
    opened: list[tuple[bool, int | None]] = []
    real = httpx.AsyncClient

    def spy(*, http2: bool, limits: httpx.Limits, **options: object) -> httpx.AsyncClient:
        opened.append((http2, limits.max_connections))
        return real(http2=http2, limits=limits)

    monkeypatch.setattr("wheelaudit.index.wire.httpx.AsyncClient", spy)
    async with client:
        await client.read_project_page(LOCATION, PROJECT)
        await client.read_project_page(LOCATION, PROJECT)
        await client.read_metadata(wheel)
    assert opened == [(True, 16), (False, 16)]


def test_importing_the_client_does_not_import_httpx() -> None:
    code = "import sys, wheelaudit.index.client, wheelaudit.index.crawl; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
