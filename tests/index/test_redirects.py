"""Where redirects and links lead: credentials go to no origin but the index's own, and only http(s) is asked."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Iterator

import httpx
import pytest
import respx
from packaging.utils import NormalizedName

from wheelaudit.errors import IndexAccessError
from wheelaudit.index.client import IndexClient
from wheelaudit.index.crawl import crawl_release
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.selection import RequirementSpec, find_releases, parse_spec
from wheelaudit.metadata import Reading, UnreadableWheel

pytestmark = pytest.mark.anyio

DEMO = NormalizedName("demo")
INDEX = IndexLocation(name="corp", url="https://index.example/simple", username="user", password="s3cret")
PAGE = "https://index.example/simple/demo/"
NAME = "demo-1.0-py3-none-any.whl"
FOREIGN = (
    "http://index.example{path}",
    "https://index.example:8443{path}",
    "http://index.example:443{path}",
    "https://evil.example{path}",
    "//evil.example{path}",
    "https://index.example.evil.example{path}",
    "https://index.example@evil.example{path}",
    "https://index.example%2f@evil.example{path}",
    "https://user:s3cret@evil.example{path}",
    "https://evil.example#@index.example{path}",
    "https://evil.example?@index.example{path}",
    "https://evil.example\\@index.example{path}",
    "https://index.example.{path}",
    "https://xn--index-.example{path}",
    "https:\\\\evil.example{path}",
)
"""Other schemes, ports and hosts, and ways to look like our own."""
OWN = ("https://INDEX.example{path}", "https://index.example:443{path}", "//index.example{path}", "{path}")
NOWHERE = (
    "file:///etc/hostname",
    "file://index.example/share/x.whl",
    "data:text/html,demo",
    "javascript:alert(1)",
    "ftp://index.example/x.whl",
    "gopher://index.example:70/x",
    "http://",
    "http://[::1",
    "http://index.example:99999/",
)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    """Every host answers everything: what is asked of whom is what counts."""
    with respx.mock(assert_all_called=False) as router:
        yield router


def is_own(request: httpx.Request) -> bool:
    return request.url.scheme == "https" and request.url.host == "index.example" and request.url.port is None


def check_requests(wire: respx.MockRouter) -> list[httpx.Request]:
    """Hold that credentials went to their own origin alone; return what else was asked."""
    requests = [call.request for call in wire.calls]
    assert all(("authorization" in request.headers) == is_own(request) for request in requests)
    assert all("s3cret" not in str(request.url) and "@" not in request.url.netloc.decode() for request in requests)
    assert {request.url.scheme for request in requests} <= {"http", "https"}
    return [request for request in requests if not is_own(request)]


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/demo/"):
        body = f'<!DOCTYPE html><html><body><a href="/files/{NAME}" data-core-metadata>{NAME}</a></body></html>'
        return httpx.Response(200, headers={"content-type": "text/html"}, text=body)
    if "range" in request.headers:
        return httpx.Response(404)
    return httpx.Response(200, text="Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")


async def crawl(location: IndexLocation = INDEX) -> list[tuple[Reading, ...]]:
    spec = parse_spec("demo==1.0")
    assert isinstance(spec, RequirementSpec)
    async with IndexClient(locations=[location], retries=0) as client:
        page = await client.read_project_page(location, DEMO)
        releases = find_releases([(location.name, page)], spec)
        return [await crawl_release(release, client, deep=True) for release in releases]


@pytest.mark.parametrize("target", FOREIGN)
async def test_credentials_stay_behind_wherever_a_page_is_redirected(wire: respx.MockRouter, target: str) -> None:
    location = target.format(path="/simple/demo/")
    wire.get(PAGE).respond(302, headers={"location": location})
    wire.route().mock(side_effect=answer)
    with contextlib.suppress(IndexAccessError):  # of some targets: no address at all
        await crawl()
    check_requests(wire)
    assert wire.calls[0].request.headers["authorization"]


@pytest.mark.parametrize("target", FOREIGN)
@pytest.mark.parametrize("suffix", ["", ".metadata"], ids=["wheel", "metadata"])
async def test_credentials_stay_behind_wherever_a_file_is_redirected(
    wire: respx.MockRouter, target: str, suffix: str
) -> None:
    path = f"/files/{NAME}{suffix}"
    wire.get(f"https://index.example{path}").respond(302, headers={"location": target.format(path=path)})
    wire.route().mock(side_effect=answer)
    await crawl()
    check_requests(wire)


@pytest.mark.parametrize("target", FOREIGN)
async def test_credentials_stay_behind_wherever_a_page_links_to(wire: respx.MockRouter, target: str) -> None:
    href = html.escape(target.format(path=f"/files/{NAME}"))
    page = f'<!DOCTYPE html><html><body><a href="{href}" data-core-metadata>x</a></body></html>'
    wire.get(PAGE).respond(200, headers={"content-type": "text/html"}, text=page)
    wire.route().mock(side_effect=answer)
    with contextlib.suppress(IndexAccessError):  # of some targets: no address at all
        await crawl()
    check_requests(wire)


@pytest.mark.parametrize("target", OWN)
async def test_own_host_in_another_spelling_keeps_them(wire: respx.MockRouter, target: str) -> None:
    wire.get(PAGE).respond(302, headers={"location": target.format(path="/other/demo/")})
    wire.route().mock(side_effect=answer)
    await crawl()
    assert check_requests(wire) == []
    assert len(wire.calls) == 4


@pytest.mark.parametrize("target", NOWHERE)
async def test_redirect_to_what_is_no_web_address_is_refused(wire: respx.MockRouter, target: str) -> None:
    wire.get(PAGE).respond(302, headers={"location": target})
    with pytest.raises(IndexAccessError, match="redirects to an address that is no http or https URL"):
        await crawl()
    assert len(wire.calls) == 1


@pytest.mark.parametrize("target", NOWHERE)
@pytest.mark.parametrize("suffix", ["", ".metadata"], ids=["wheel", "metadata"])
async def test_redirect_of_a_file_to_what_is_no_web_address_leaves_it_unread(
    wire: respx.MockRouter, target: str, suffix: str
) -> None:
    for each in {suffix, ""}:
        wire.get(f"https://index.example/files/{NAME}{each}").respond(302, headers={"location": target})
    wire.route().mock(side_effect=lambda r: answer(r) if r.url.path.endswith("/demo/") else httpx.Response(404))
    ((reading,),) = await crawl()
    assert isinstance(reading, UnreadableWheel)
    check_requests(wire)


@pytest.mark.parametrize("target", NOWHERE)
async def test_link_to_what_is_no_web_address_is_skipped_and_told(wire: respx.MockRouter, target: str) -> None:
    href = html.escape(f"{target}/{NAME}" if "//" in target else f"{target}{NAME}")
    page = f'<!DOCTYPE html><html><body><a href="{href}">x</a><a href="{NAME}">x</a></body></html>'
    wire.get(PAGE).respond(200, headers={"content-type": "text/html"}, text=page)
    async with IndexClient(locations=[INDEX], retries=0) as client:
        found = await client.read_project_page(INDEX, DEMO)
    assert [link.url for link in found.links] == [f"{PAGE}{NAME}"]
    (skipped,) = found.skipped
    assert skipped.filename.endswith(NAME)


async def test_redirects_that_go_round_end(wire: respx.MockRouter) -> None:
    other = "https://evil.example/simple/demo/"
    wire.get(PAGE).respond(302, headers={"location": other})
    wire.get(other).respond(302, headers={"location": PAGE})
    with pytest.raises(IndexAccessError, match="redirects more than 10 times"):
        await crawl()
    check_requests(wire)
    assert len(wire.calls) == 10
