"""WING B: the transport that reaches the network, beneath `wheelaudit.index.wire`.

Two clients (FACTS: measured over 40 ms round trips). Pages and ``.metadata`` share
one HTTP/2 client, so that metadata uses the connection which the page has warmed.
Range requests go over HTTP/1.1: the answer to one may be the whole wheel (a 200),
and leaving its body unread would starve a shared HTTP/2 connection, where over
HTTP/1.1 it costs no more than closing the connection.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import anyio

from wheelaudit.errors import NetworkError
from wheelaudit.index.addresses import public_url
from wheelaudit.index.lean_httpx import httpx

MAX_CONNECTIONS = 16
"""Of each client: httpx's pool does work of the order of connections squared per request (2.7 x curl at 50)."""
KEEPALIVE_SECONDS = 30.0
"""An idle connection is kept as long: judging a large release takes some seconds, nginx closes after 75."""


class _Watched(httpx.AsyncByteStream):
    """Passes a body on; says when it is closed, and whether all of it had been read."""

    def __init__(self, stream: httpx.AsyncByteStream, closed: Callable[[bool], Awaitable[None]]) -> None:
        self._stream = stream
        self._closed = closed
        self._complete = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk
        self._complete = True

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._closed(self._complete)


@dataclass(slots=True, kw_only=True, eq=False)
class _Opened:
    """A client that is in use."""

    client: httpx.AsyncClient
    http2: bool
    in_flight: int = 0
    retired: bool = False
    """Whether it is closed as soon as nothing of it is in flight."""


class NetworkTransport(httpx.AsyncBaseTransport):
    """The two real clients, each opened when it is first needed, and with the first the TLS context (15 ms).

    Whole clients rather than bare transports: they know the environment's proxies and
    SSL_CERT_FILE. Their cookie jars stay out of it, as requests are built without them.
    """

    def __init__(self, on_connect: Callable[[], object] | None = None) -> None:
        self._on_connect = on_connect
        self._context: ssl.SSLContext | None = None
        self._clients: dict[bool, _Opened] = {}
        self._retired: set[_Opened] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        opened = self._find_client(request)
        if self._on_connect is not None:
            request.extensions = {**request.extensions, "trace": self._trace}
        opened.in_flight += 1
        try:
            response = await opened.client.send(request, stream=True, auth=None, follow_redirects=False)
        except BaseException as error:
            if opened.http2 and not isinstance(error, httpx.NetworkError | httpx.ProtocolError):
                self._retire(opened)  # given up while the server was still at it: see `closed` below
            with anyio.CancelScope(shield=True):
                await self._leave(opened)
            raise
        location = response.extensions.pop(_LOCATION, None)
        if location is not None:
            response.headers["location"] = location
        over_http2 = response.extensions.get("http_version") == b"HTTP/2"

        async def closed(complete: bool) -> None:
            if over_http2 and not complete:
                # httpcore sends no RST_STREAM: the stream stays open at the server until it allows no more of them.
                self._retire(opened)
            await self._leave(opened)

        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Watched(response.stream, closed)
        return response

    async def _trace(self, event: str, _: object) -> None:
        """Hear from httpcore (its ``trace`` extension) when the first connection begins: from then on we wait."""
        if self._on_connect is not None and event == "connection.connect_tcp.started":
            tell, self._on_connect = self._on_connect, None
            tell()

    async def aclose(self) -> None:
        opened = [*self._clients.values(), *self._retired]
        self._clients.clear()
        self._retired.clear()
        for each in opened:
            await each.client.aclose()

    def _find_client(self, request: httpx.Request) -> _Opened:
        ranged = "Range" in request.headers
        opened = self._clients.get(ranged)
        if opened is None:
            url = str(request.url)
            if self._context is None:
                self._context = _build_context(url)
            client = _open_client(url, http2=not ranged, context=self._context)
            opened = self._clients[ranged] = _Opened(client=client, http2=not ranged)
        return opened

    def _retire(self, opened: _Opened) -> None:
        if not opened.retired:
            opened.retired = True
            self._clients.pop(not opened.http2, None)
            self._retired.add(opened)

    async def _leave(self, opened: _Opened) -> None:
        opened.in_flight -= 1
        if opened.retired and not opened.in_flight and opened in self._retired:
            self._retired.discard(opened)
            await opened.client.aclose()


_LOCATION = "wheelaudit.location"


async def _hide_location(response: httpx.Response) -> None:
    """Keep httpx from building the next request by itself: a hostile Location makes it fail in ways of its own."""
    if "location" in response.headers:
        response.extensions[_LOCATION] = response.headers.pop("location")


def _build_context(url: str) -> ssl.SSLContext:
    """Return the one TLS context of a run.

    Both clients share it, though httpcore writes into it which protocols it offers
    (ALPN): it does so right before each handshake, with no other task in between.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError among them
        raise NetworkError(
            "The TLS certificates that SSL_CERT_FILE or SSL_CERT_DIR name cannot be loaded.",
            url=public_url(url),
            remedy="Correct or unset SSL_CERT_FILE and SSL_CERT_DIR.",
        ) from error


def _open_client(url: str, *, http2: bool, context: ssl.SSLContext) -> httpx.AsyncClient:
    limits = httpx.Limits(
        max_connections=MAX_CONNECTIONS,
        # As many: httpx would close and open connections all the time.
        max_keepalive_connections=MAX_CONNECTIONS,
        keepalive_expiry=KEEPALIVE_SECONDS,
    )
    try:
        hooks = {"response": [_hide_location]}
        return httpx.AsyncClient(http2=http2, limits=limits, verify=context, trust_env=True, event_hooks=hooks)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # An ImportError is a SOCKS proxy, a ValueError another scheme that httpx does not know.
        raise NetworkError(
            "The proxy that the environment names cannot be used.",
            url=public_url(url),
            remedy="Set HTTP_PROXY, HTTPS_PROXY and ALL_PROXY to http:// or https:// URLs, or unset them.",
        ) from error
