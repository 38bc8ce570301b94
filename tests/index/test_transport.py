"""The wire itself, on loopback sockets: what respx cannot show."""

from __future__ import annotations

import gzip
import hashlib
import os
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
import trustme
from packaging.utils import NormalizedName

from tests.index.archives import build_wheel_file
from tests.index.sockets import Reply, Server, serve_http1, serve_http2
from wheelaudit.audit.values import Audit
from wheelaudit.errors import (
    HttpStatusError,
    IndexAccessError,
    MetadataUnreadableError,
    NetworkError,
    WheelAuditError,
)
from wheelaudit.index import bodies, codings, hosts, network, wire
from wheelaudit.index.client import IndexClient
from wheelaudit.index.locations import IndexLocation
from wheelaudit.pipeline import Failure, Outcome, audit_specs

pytestmark = pytest.mark.anyio

DEMO = NormalizedName("demo")
LOGIN = "Basic " + b64encode(b"user:s3cret").decode()


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Be a user without settings, on a machine without proxy."""
    for name in [*os.environ]:
        if name.upper().startswith(("UV_", "PIP_", "XDG_", "SSL_CERT")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    home = str(tmp_path_factory.mktemp("home"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("NETRC", os.path.join(home, "none"))
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, home)


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """A private CA that SSL_CERT_FILE names."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


def build_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    return context


def build_index(count: int, *, distinct: int = 0) -> dict[str, Reply]:
    """Return an index of one release of ``count`` wheels, of which ``distinct`` (all) have metadata of their own."""
    replies: dict[str, Reply] = {}
    anchors = []
    for number in range(count):
        which = number % (distinct or count)
        data = f"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: needs-{which}\n\n".encode()
        name = f"demo-1.0-{number}-py3-none-any.whl"
        digest = hashlib.sha256(data).hexdigest()
        anchors.append(f'<a href="../../files/{name}" data-core-metadata="sha256={digest}">{name}</a><br>\n')
        replies[f"/files/{name}.metadata"] = Reply(body=data)
    replies["/simple/demo/"] = Reply(body=f"<!DOCTYPE html><html><body>\n{''.join(anchors)}</body></html>".encode())
    return replies


async def audit(url: str, *, retries: int = 0, **environ: str) -> Outcome:
    (outcome,) = await audit_specs(["demo==1.0"], index=[url], environ={**os.environ, **environ}, retries=retries)
    return outcome


def read_error(outcome: Outcome) -> WheelAuditError:
    assert isinstance(outcome, Failure)
    return outcome.error


# HTTP/2 and HTTP/1.1


async def test_page_and_metadata_share_one_http_2_connection(authority: trustme.CA) -> None:
    server = Server(replies=build_index(40))
    with serve_http2(server, context=build_context(authority)):
        outcome = await audit(f"https://127.0.0.1:{server.port}/simple")
    assert isinstance(outcome, Audit)
    assert len(outcome.readings) == 40
    assert len(server.seen) == 41
    assert {each.connection for each in server.seen} == {1}


@pytest.mark.parametrize("goaway_after", [1, 7, 16])
async def test_goaway_in_the_middle_loses_no_wheel(authority: trustme.CA, goaway_after: int) -> None:
    server = Server(replies=build_index(40))
    with serve_http2(server, context=build_context(authority), goaway_after=goaway_after):
        location = IndexLocation(name="h2", url=f"https://127.0.0.1:{server.port}/simple")
        async with IndexClient(retries=0) as client:
            page = await client.read_project_page(location, DEMO)
            assert len(page.links) == 40
            urls = [f"https://127.0.0.1:{server.port}{path}" for path in server.replies if path.endswith(".metadata")]
            answers = [await client._wire.get(url, headers={}, limit=4096) for url in urls]
    assert [answer.status for answer in answers] == [200] * 40
    assert server.connections == -(-41 // goaway_after)


async def test_goaway_under_many_requests_at_once_loses_no_wheel(authority: trustme.CA) -> None:
    server = Server(replies=build_index(40))
    with serve_http2(server, context=build_context(authority), goaway_after=25):
        outcome = await audit(f"https://127.0.0.1:{server.port}/simple", retries=3)
    assert isinstance(outcome, Audit)
    assert {reading.__class__.__name__ for reading in outcome.readings} == {"WheelMetadata"}
    assert server.connections > 1


@pytest.mark.parametrize("goaway_after", [2, 5, 9])
async def test_server_that_ends_each_connection_after_a_few_requests_loses_no_wheel(
    authority: trustme.CA, goaway_after: int
) -> None:
    """Without repetitions: what was never processed is not counted while the server answers somebody."""
    server = Server(replies=build_index(60))
    with serve_http2(server, context=build_context(authority), goaway_after=goaway_after):
        outcome = await audit(f"https://127.0.0.1:{server.port}/simple", retries=0)
    assert isinstance(outcome, Audit)
    assert {reading.__class__.__name__ for reading in outcome.readings} == {"WheelMetadata"}
    assert server.connections >= 61 // goaway_after


@pytest.mark.parametrize("reset", [False, True])
async def test_connection_that_is_closed_instead_of_kept_alive_loses_no_wheel(reset: bool) -> None:
    """HTTP/1.1: the server closes after each answer and does not say so (RFC 9112 section 9.5)."""
    server = Server(replies=build_index(60), closes="reset" if reset else "end")
    with serve_http1(server):
        outcome = await audit(f"http://127.0.0.1:{server.port}/simple", retries=0)
    assert isinstance(outcome, Audit)
    assert {reading.__class__.__name__ for reading in outcome.readings} == {"WheelMetadata"}
    assert server.connections == 61


async def test_server_that_answers_once_and_then_ends_every_connection_is_given_up(authority: trustme.CA) -> None:
    server = Server(replies=build_index(1))
    with serve_http2(server, context=build_context(authority), goaway_after=1, answers=1):
        url = f"https://127.0.0.1:{server.port}/simple/demo/"
        async with IndexClient(retries=0) as client:
            assert (await client._wire.get(url, headers={}, limit=4096)).status == 200
            with pytest.raises(NetworkError):
                await client._wire.get(url, headers={}, limit=4096)
    assert server.connections <= 2 + hosts.MAX_RESENDS_IN_A_ROW


async def test_server_of_http_1_1_gets_16_connections_and_they_are_kept() -> None:
    server = Server(replies=build_index(120))
    with serve_http1(server):
        outcome = await audit(f"http://127.0.0.1:{server.port}/simple")
    assert isinstance(outcome, Audit)
    assert len(server.seen) == 121
    assert server.connections <= network.MAX_CONNECTIONS


async def test_equal_hashes_are_asked_for_once_also_while_the_page_streams() -> None:
    server = Server(replies=build_index(60, distinct=3))
    with serve_http1(server):
        outcome = await audit(f"http://127.0.0.1:{server.port}/simple")
    assert isinstance(outcome, Audit)
    assert len(server.seen) == 1 + 3


async def test_metadata_is_asked_for_while_the_page_is_on_its_way() -> None:
    """The page's last byte is not sent before a metadata request has come."""
    replies = build_index(2)
    page = replies["/simple/demo/"].body
    server = Server(replies=replies)
    held = threading.Event()
    replies["/simple/demo/"] = Reply(body=page, held=held)
    server.watch = lambda path: held.set() if path.endswith(".metadata") else None
    with serve_http1(server):
        outcome = await audit(f"http://127.0.0.1:{server.port}/simple")
    assert isinstance(outcome, Audit)
    assert held.is_set()
    assert not server.gave_up


async def test_abandoned_answer_costs_the_connection_and_starves_no_other(authority: trustme.CA) -> None:
    replies = {**build_index(1), "/large": Reply(body=b"x" * 60000)}
    server = Server(replies=replies)
    with serve_http2(server, context=build_context(authority)):
        async with IndexClient(retries=0) as client:
            await client.read_project_page(
                IndexLocation(name="h2", url=f"https://127.0.0.1:{server.port}/simple"), DEMO
            )
            with pytest.raises(IndexAccessError, match="larger than"):
                await client._wire.get(f"https://127.0.0.1:{server.port}/large", headers={}, limit=10)
            answer = await client._wire.get(f"https://127.0.0.1:{server.port}/simple/demo/", headers={}, limit=10**6)
    assert answer.status == 200
    assert [each.connection for each in server.seen] == [1, 1, 2]


# Bodies


async def test_gzip_is_offered_and_unpacked() -> None:
    replies = build_index(1)
    page = replies["/simple/demo/"]
    packed = Reply(headers={**page.headers, "Content-Encoding": "gzip"}, body=gzip.compress(page.body))
    server = Server(replies={**replies, "/simple/demo/": packed})
    with serve_http1(server):
        outcome = await audit(f"http://127.0.0.1:{server.port}/simple")
    assert isinstance(outcome, Audit)
    assert "gzip" in server.seen[0].headers["accept-encoding"]


async def test_what_can_be_unpacked_is_offered_and_nothing_for_a_range() -> None:
    server = Server(replies={"/x": Reply(body=b"x")})
    with serve_http1(server):
        url = f"http://127.0.0.1:{server.port}/x"
        async with IndexClient(retries=0) as client:
            await client._wire.get(url, headers={}, limit=10)
            await read_partial(client, f"http://127.0.0.1:{server.port}")
    assert [each.headers["accept-encoding"] for each in server.seen] == [bodies.OFFERED, "identity"]


async def read_partial(client: IndexClient, host: str) -> None:
    """Ask for a wheel that is not there."""
    with pytest.raises(MetadataUnreadableError):
        await client.read_metadata(build_wheel_file(host=host))


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "identity"])
async def test_coding_that_may_come_is_unpacked(coding: str) -> None:
    body = b"text" if coding == "identity" else gzip.compress(b"text")
    server = Server(replies={"/x": Reply(headers={"Content-Encoding": coding}, body=body)})
    with serve_http1(server):
        async with IndexClient(retries=0) as client:
            answer = await client._wire.get(f"http://127.0.0.1:{server.port}/x", headers={}, limit=10)
    assert answer.body == b"text"


@pytest.mark.parametrize("coding", ["compress", "deflate", "gzip, gzip", "\x1bx" * 30])
async def test_coding_that_was_not_offered_is_an_error_and_no_garbage(coding: str) -> None:
    headers = {"Content-Type": "text/html", "Content-Encoding": coding}
    server = Server(replies={"/simple/demo/": Reply(headers=headers, body=b"\x8b\x02\x80<html>\x03")})
    with serve_http1(server):
        error = read_error(await audit(f"http://127.0.0.1:{server.port}/simple"))
    assert isinstance(error, IndexAccessError)
    assert f"nothing was offered but {bodies.OFFERED}" in error.message or "broke off" in error.message
    assert error.message.isprintable()


async def test_refusal_in_a_coding_that_was_not_offered_is_a_refusal() -> None:
    server = Server(
        replies={"/simple/demo/": Reply(status=403, headers={"Content-Encoding": "lzma"}, body=b"\x8b\x02")}
    )
    with serve_http1(server):
        error = read_error(await audit(f"http://127.0.0.1:{server.port}/simple"))
    assert isinstance(error, HttpStatusError)
    assert error.status == 403


async def test_gzip_that_is_none_is_an_error() -> None:
    headers = {"Content-Type": "text/html", "Content-Encoding": "gzip"}
    server = Server(replies={"/simple/demo/": Reply(headers=headers, body=b"<html></html>")})
    with serve_http1(server):
        error = read_error(await audit(f"http://127.0.0.1:{server.port}/simple"))
    assert "cannot be decoded: its bytes are no gzip" in error.message


async def test_gzip_bomb_is_cut_at_the_bound_and_not_unpacked_whole() -> None:
    bomb = Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"\0" * 50_000_000))
    server = Server(replies={"/bomb": bomb})
    taken = largest = 0

    def take(data: bytes) -> None:
        nonlocal taken, largest
        taken += len(data)
        largest = max(largest, len(data))

    with serve_http1(server):
        url = f"http://127.0.0.1:{server.port}/bomb"
        async with IndexClient(retries=0) as client:
            with pytest.raises(IndexAccessError, match="larger than the 1000000 bytes"):
                await client._wire.get(url, headers={}, limit=1_000_000, receive=lambda _: take)
    assert taken <= 1_000_000
    assert largest <= codings.MAX_PIECE


async def test_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "REQUEST_SECONDS", 0.0)
    monkeypatch.setattr(wire, "SLOWEST_RATE", 10.0**9)
    server = Server(replies={"/simple/demo/": Reply(body=b"<html>" + b" " * 1000, pause=0.01)})
    location = IndexLocation(name="slow", url="")
    with serve_http1(server):
        location = IndexLocation(name="slow", url=f"http://127.0.0.1:{server.port}/simple")
        async with IndexClient(timeout=0.3) as client:
            with pytest.raises(NetworkError, match="sends so slowly"):
                await client.read_project_page(location, DEMO)
    assert len(server.seen) == 1  # and not asked again


# TLS


async def test_private_ca_is_taken_from_ssl_cert_file(authority: trustme.CA) -> None:
    server = Server(replies=build_index(2))
    with serve_http1(server, context=build_context(authority)):
        outcome = await audit(f"https://127.0.0.1:{server.port}/simple")
    assert isinstance(outcome, Audit)


async def test_certificate_of_a_stranger_is_refused(authority: trustme.CA) -> None:
    server = Server(replies=build_index(1))
    with serve_http1(server, context=build_context(trustme.CA())):
        error = read_error(await audit(f"https://127.0.0.1:{server.port}/simple"))
    assert "cannot be verified" in error.message
    assert "SSL_CERT_FILE" in (error.remedy or "")
    assert server.seen == []


async def test_one_tls_context_serves_both_clients(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = httpx.create_ssl_context, list[ssl.SSLContext]()

    def create() -> ssl.SSLContext:
        made.append(real())
        return made[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", create)
    server = Server(replies=build_index(1))
    with serve_http2(server, context=build_context(authority)):
        url = f"https://127.0.0.1:{server.port}/simple/demo/"
        async with IndexClient(retries=0) as client:
            assert (await client._wire.get(url, headers={}, limit=4096)).http_version == "HTTP/2"
            # This server speaks only HTTP/2, so the client of the Range requests cannot have offered it.
            with pytest.raises(NetworkError):
                await client._wire.get(url, headers={"Range": "bytes=0-0"}, limit=4096)
    assert len(made) == 1


# Credentials


@pytest.fixture
def guarded() -> Iterator[Server]:
    with serve_http1(Server(replies=build_index(2), login=LOGIN)) as server:
        yield server


async def test_401_says_that_no_credentials_were_sent(guarded: Server) -> None:
    error = read_error(await audit(f"http://127.0.0.1:{guarded.port}/simple"))
    assert isinstance(error, HttpStatusError)
    assert error.status == 401
    assert "no credentials were sent" in error.message


async def test_credentials_of_the_url_are_sent_and_a_wrong_password_is_not_shown(guarded: Server) -> None:
    assert isinstance(await audit(f"http://user:s3cret@127.0.0.1:{guarded.port}/simple"), Audit)
    error = read_error(await audit(f"http://user:wr0ng@127.0.0.1:{guarded.port}/simple"))
    assert "refused" in error.message
    assert "wr0ng" not in str(error)


async def test_netrc_is_sent(guarded: Server, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password s3cret\n")
    outcome = await audit(f"http://127.0.0.1:{guarded.port}/simple", NETRC=str(tmp_path / "netrc"))
    assert isinstance(outcome, Audit)
    assert {each.headers.get("authorization") for each in guarded.seen} == {LOGIN}


async def test_variables_of_an_index_of_the_project_are_sent(guarded: Server, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\n'
        f'[[tool.uv.index]]\nname = "my-own"\nurl = "http://127.0.0.1:{guarded.port}/simple"\n'
    )
    environ = {**os.environ, "UV_INDEX_MY_OWN_USERNAME": "user", "UV_INDEX_MY_OWN_PASSWORD": "s3cret"}
    (outcome,) = await audit_specs(
        ["demo==1.0"], index=["my-own"], pyproject=tmp_path / "pyproject.toml", environ=environ, retries=0
    )
    assert isinstance(outcome, Audit)


async def test_credentials_stay_behind_where_a_redirect_leads_to_another_host(guarded: Server) -> None:
    with serve_http1(Server(replies=build_index(2))) as other:
        # Another name is another host, whoever answers to it.
        target = f"http://localhost:{other.port}/simple/demo/"
        guarded.replies["/simple/demo/"] = Reply(status=302, headers={"Location": target})
        outcome = await audit(f"http://user:s3cret@127.0.0.1:{guarded.port}/simple")
    assert isinstance(outcome, Audit)
    assert guarded.seen[0].headers["authorization"] == LOGIN
    assert len(other.seen) == 3
    assert all("authorization" not in each.headers for each in other.seen)
    assert all("s3cret" not in repr(each) for each in other.seen)


# Proxies


async def test_proxy_is_asked_for_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    host = "http://index.example"
    replies = {f"{host}{path}": reply for path, reply in build_index(2).items()}
    with serve_http1(Server(replies=replies)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        outcome = await audit(f"{host}/simple")
    assert isinstance(outcome, Audit)
    assert sorted(proxy.paths()) == sorted(replies)


@pytest.mark.parametrize("http2", [False, True])
async def test_proxy_tunnels_tls_and_sees_no_credentials(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, http2: bool
) -> None:
    context = build_context(authority, "index.example")
    index = Server(replies=build_index(2), login=LOGIN)
    serving = serve_http2(index, context=context) if http2 else serve_http1(index, context=context)
    with serving, serve_http1(Server(), tunnel_to=index.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        outcome = await audit("https://user:s3cret@index.example/simple")
    assert isinstance(outcome, Audit)
    assert set(proxy.paths()) == {"index.example:443"}
    assert all("authorization" not in each.headers for each in proxy.seen)


async def test_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_http1(Server()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with anyio.fail_after(30):
            error = read_error(await audit("https://index.example/simple"))
    assert isinstance(error, NetworkError)
