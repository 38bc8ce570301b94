"""WING B: one GET, done properly: retries, redirects, credentials, bounded bodies.

The only room, beside the cassettes, that knows httpx; it is imported when the first
client is entered, because httpx costs 50 ms and ``--help`` must not pay for it.
Obeys RFC 9110 (HTTP semantics) and RFC 6585 (429).

Two clients (FACTS: measured over 40 ms round trips). Pages and ``.metadata`` share
one HTTP/2 client, so that metadata uses the connection which the page has warmed.
Range requests go over HTTP/1.1: the answer to one may be the whole wheel (a 200),
and leaving its body unread would starve a shared HTTP/2 connection, where over
HTTP/1.1 it costs no more than closing the connection.

A body may be handed on in pieces while it arrives (`Receive`): a project page of
12.8 MB is never held whole. How many requests one host gets at once depends on what
it speaks: HTTP/2 carries 64 on one connection, HTTP/1.1 needs a connection for each.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import anyio

from wheelaudit.errors import IndexAccessError, NetworkError
from wheelaudit.index.lean_httpx import httpx

MAX_CONNECTIONS = 16
"""Of each client: httpx's pool does work of the order of connections squared per request (2.7 x curl at 50)."""
MAX_STREAMS = 64
"""Requests that one host gets at once over HTTP/2; servers allow 100 or 128 (RFC 9113 section 6.5.2: at least 100)."""
KEEPALIVE_SECONDS = 30.0
"""An idle connection is kept as long: judging a large release takes some seconds, nginx closes after 75."""
REQUEST_SECONDS = 60.0
"""What a request may take besides the time that its largest body would take at `SLOWEST_RATE`: a server that
sends one byte a second keeps within every time-out between two bytes."""
SLOWEST_RATE = 128 * 1024
"""Bytes a second of the largest body that is read at all; a page of 12.8 MB has ten minutes all the same."""
MAX_RESENDS = 3
"""Of a request whose connection the server has ended under it (GOAWAY, RFC 9113 section 6.8): at once, over a new
one. nginx does so after 1,000 requests, so two in a row are ill luck and four a fault."""
MAX_REDIRECTS = 10
"""A file host needs one or two; more than this is a loop."""
MAX_ERROR_BODY_BYTES = 4096
"""Kept of an answer that is a refusal: enough to tell S3's XML."""
MAX_DRAINED_BYTES = 256 * 1024
"""Read of it nevertheless: an error page is shorter, and closing early would cost the connection."""
MAX_GZIP_PIECE = 1024
"""Bytes that are unpacked at once, then counted: deflate makes up to 1,032 of one."""
MAX_PACKED_PIECE = 64
"""The same of br and zstd, which make up to 100,000 and more of one."""
MAX_RETRY_AFTER = 60.0
"""Seconds. A server that asks for more is asked again after this: a person is waiting."""
BACKOFF_BASE = 0.5
"""Seconds before the first repetition; doubled each time."""
MAX_BACKOFF = 8.0
"""Seconds, before jitter."""
RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""The statuses that may pass by themselves, with every other 5xx but 501 and 505, which say "never"."""
_NEVER_AGAIN = frozenset({501, 505})
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}

Transports = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]
"""Puts a transport (a cassette) around, or in place of, the one that reaches the network."""
FindCredentials = Callable[[str], tuple[str, str] | None]
"""Username and password for a URL; None where none belong to its origin."""
Receive = Callable[["Answer"], Callable[[bytes], None]]
"""Called with the head of a 200, for every attempt anew; what it returns takes the body, piece by piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A server's final answer: redirects followed, repetitions done."""

    url: str
    """Where it came from in the end, without credentials."""
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Decoded. Cut where the answer is a refusal; empty where it is the whole file instead of a range, or was
    handed on in pieces."""
    http_version: str = "HTTP/1.1"
    """As the transport tells it, ``HTTP/2`` where it is that."""


class Wire:
    """Sends GET requests. An async context manager; the connections are its own."""

    def __init__(
        self,
        *,
        timeout: float,
        retries: int,
        user_agent: str,
        find_credentials: FindCredentials,
        transport: Transports | None,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
        offline: bool = False,
    ) -> None:
        self._offline = offline
        self._timeout = timeout
        self._retries = retries
        self._user_agent = user_agent
        self._find_credentials = find_credentials
        self._sleep = sleep
        self._random = random
        self._hosts: dict[tuple[str, bytes, bool], anyio.CapacityLimiter] = {}
        network = _NetworkTransport()
        self._transport = network if transport is None else transport(network)

    async def __aenter__(self) -> Wire:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    async def get(self, url: str, *, headers: Mapping[str, str], limit: int, receive: Receive | None = None) -> Answer:
        """Return the answer to a GET, whatever its status.

        ``limit`` bounds the decoded body, in bytes. ``receive`` takes the body of a 200
        while it arrives; after a broken connection it is called again, for a body from
        its beginning. Raises `NetworkError` where there is no answer, and
        `IndexAccessError` where one is too large or cannot be decoded.
        """
        if self._offline:
            raise NetworkError(
                f"{public_url(url)} is not asked for, as UV_OFFLINE is set.",
                url=public_url(url),
                remedy="Unset UV_OFFLINE, or work from a recording with --replay.",
            )
        attempt = resends = 0
        while True:
            try:
                answer = await self._follow(url, headers, limit, receive)
            except httpx.TransportError as error:
                if isinstance(error, httpx.ProtocolError | httpx.WriteError) and resends < MAX_RESENDS:
                    # The connection has ended, not the server: nothing to wait for, and no attempt lost.
                    resends += 1
                    continue
                if attempt >= self._retries or not _may_pass(error):
                    raise build_network_error(url, error, self._timeout) from error
                delay = self._backoff(attempt)
            else:
                if attempt >= self._retries or not _may_change(answer.status):
                    return answer
                waited = parse_retry_after(answer.headers)
                delay = self._backoff(attempt) if waited is None else min(waited, MAX_RETRY_AFTER)
            await self._sleep(delay)
            attempt += 1

    def _backoff(self, attempt: int) -> float:
        """Seconds to wait: doubled each time; jitter keeps 16 requests that failed together apart."""
        return min(MAX_BACKOFF, BACKOFF_BASE * float(2**attempt)) * (0.5 + self._random() / 2)

    async def _follow(self, url: str, headers: Mapping[str, str], limit: int, receive: Receive | None) -> Answer:
        """Send the request on along redirects (RFC 9110 section 15.4); credentials go only to their own origin."""
        target = parse_url(url)
        for _ in range(MAX_REDIRECTS):
            answer = await self._send(url, target, headers, limit, receive)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECT_STATUSES or location is None:
                return answer
            try:
                target = parse_url(str(target.join(location)))
            except (IndexAccessError, httpx.InvalidURL, ValueError) as error:
                raise IndexAccessError(
                    f"{public_url(url)} redirects to an address that is no http or https URL.",
                    url=public_url(url),
                    remedy="Check the address of the index.",
                ) from error
        raise IndexAccessError(
            f"{public_url(url)} redirects more than {MAX_REDIRECTS} times.",
            url=public_url(url),
            remedy="Check the address of the index, and whether it wants credentials.",
        )

    async def _send(
        self, asked: str, target: httpx.URL, headers: Mapping[str, str], limit: int, receive: Receive | None
    ) -> Answer:
        request = httpx.Request(
            "GET",
            target,
            headers={"User-Agent": self._user_agent, **headers},
            extensions={"timeout": httpx.Timeout(self._timeout, pool=None).as_dict()},
        )
        credentials = self._find_credentials(str(target))
        if credentials is not None:
            request.headers["Authorization"] = _basic(*credentials)
        host = self._find_host(request)
        seconds = REQUEST_SECONDS + self._timeout + limit / SLOWEST_RATE
        async with host:
            try:
                with anyio.fail_after(seconds):
                    answer = await self._exchange(asked, request, host, limit, receive)
            except TimeoutError as error:
                raise NetworkError(
                    f"{public_url(asked)} sends so slowly that its answer was not whole after {seconds:.0f} seconds.",
                    url=public_url(asked),
                    remedy="Try again later, or use another index.",
                ) from error
        return answer

    def _find_host(self, request: httpx.Request) -> anyio.CapacityLimiter:
        """Return what bounds the requests that one host gets at once, by the client that asks it.

        As of HTTP/1.1 until it has answered otherwise.
        """
        key = request.url.scheme, request.url.netloc, "Range" in request.headers
        if key not in self._hosts:
            self._hosts[key] = anyio.CapacityLimiter(MAX_CONNECTIONS)
        return self._hosts[key]

    async def _exchange(
        self, asked: str, request: httpx.Request, host: anyio.CapacityLimiter, limit: int, receive: Receive | None
    ) -> Answer:
        response = await self._transport.handle_async_request(request)
        response.request = request
        head = Answer(
            url=str(request.url),
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=b"",
            http_version=response.extensions.get("http_version", b"HTTP/1.1").decode("ascii", "replace"),
        )
        if head.http_version == "HTTP/2":
            host.total_tokens = MAX_STREAMS
        try:
            if receive is None or head.status != 200:
                body = bytearray()
                await _read_body(asked, response, limit, body.extend)
                return replace(head, body=bytes(body if head.status in (200, 206) else body[:MAX_ERROR_BODY_BYTES]))
            await _read_body(asked, response, limit, receive(head))
            return head
        except httpx.DecodingError as error:
            raise IndexAccessError(
                f"The answer from {public_url(asked)} cannot be decoded: its Content-Encoding does not fit its bytes.",
                url=public_url(asked),
                remedy="Try again; if it stays, report it to whoever runs the index.",
            ) from error
        finally:
            # A stranger's cancellation must not leave the connection in the pool half read.
            with anyio.CancelScope(shield=True):
                await response.aclose()


async def _read_body(asked: str, response: httpx.Response, limit: int, take: Callable[[bytes], object]) -> None:
    """Read the body, bounded; not at all where a Range request is answered with the whole file."""
    if "Range" in response.request.headers and response.status_code == 200:
        return
    coding = response.headers.get("content-encoding", "").strip().lower()
    if "," in coding:
        # Stacked codings multiply: 64 KiB of gzip in gzip unpack to 64 GB.
        raise httpx.DecodingError("more than one content coding")
    if coding not in ("", "identity") and isinstance(response.stream, httpx.AsyncByteStream):
        # httpx unpacks whatever it is given at once, before it can be counted.
        piece = MAX_GZIP_PIECE if coding in ("gzip", "x-gzip", "deflate") else MAX_PACKED_PIECE
        response.stream = _Sliced(response.stream, piece)
    refusal = response.status_code not in (200, 206)
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if refusal and size > MAX_DRAINED_BYTES:
            return
        if size > limit and not refusal:
            raise IndexAccessError(
                f"The answer from {public_url(asked)} is larger than the {limit} bytes that are read of it.",
                url=public_url(asked),
                remedy="Check the address, and report it to whoever runs the index.",
            )
        take(chunk)


class _Sliced(httpx.AsyncByteStream):
    """Passes a body on in pieces of at most ``size`` bytes."""

    def __init__(self, stream: httpx.AsyncByteStream, size: int) -> None:
        self._stream = stream
        self._size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            for start in range(0, len(chunk), self._size):
                yield chunk[start : start + self._size]

    async def aclose(self) -> None:
        await self._stream.aclose()


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


class _NetworkTransport(httpx.AsyncBaseTransport):
    """The two real clients, each opened when it is first needed, and with the first the TLS context (15 ms).

    Whole clients rather than bare transports: they know the environment's proxies and
    SSL_CERT_FILE. Their cookie jars stay out of it, as requests are built without them.
    """

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self._clients: dict[bool, _Opened] = {}
        self._retired: set[_Opened] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        opened = self._find_client(request)
        if "Accept-Encoding" not in request.headers:
            # httpx's own: of br and zstd it knows whether they can be unpacked here.
            request.headers["Accept-Encoding"] = opened.client.headers["Accept-Encoding"]
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


def parse_url(url: str) -> httpx.URL:
    """Return ``url`` ready to be asked: http(s), with a host, without userinfo and fragment.

    Raises `IndexAccessError` where it is none.
    """
    try:
        parsed = httpx.URL(url)
        usable = parsed.scheme in _DEFAULT_PORTS and parsed.host and (parsed.port is None or 0 < parsed.port < 65536)
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise IndexAccessError(
            f"{public_url(url)} is no http or https URL.",
            url=public_url(url),
            remedy="Check the address of the index, and the links of its page.",
        )
    return parsed.copy_with(username=None, password=None, fragment=None)


def public_url(url: str) -> str:
    """Return ``url`` as messages may show it: without userinfo, query (signed links), fragment, control characters."""
    text = "".join(character for character in url if character.isprintable())
    scheme, colon, rest = text.partition("://")
    rest = rest.partition("#")[0].partition("?")[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}{colon}{host.rpartition('@')[2]}{slash}{path}" if colon else text.partition("?")[0]


def same_origin(url: str, other: str) -> bool:
    """Whether credentials for ``other`` may go to ``url``: one scheme, host and port, or http raised to https."""
    try:
        target, owner = httpx.URL(url), httpx.URL(other)
    except (httpx.InvalidURL, ValueError):
        return False
    if target.host != owner.host:
        return False
    ports = (_port(target), _port(owner))
    raised = (owner.scheme, target.scheme) == ("http", "https") and ports == (443, 80)
    return raised or (target.scheme == owner.scheme and ports[0] == ports[1])


def _port(url: httpx.URL) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def _basic(username: str, password: str) -> str:
    """The Authorization header of RFC 7617."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait (RFC 9110 section 10.2.3: seconds or an HTTP-date); None where it says nothing.

    A date is held against the answer's own Date: the two come from one clock, ours may differ.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        # Ten digits are 300 years; a number of thousands of digits would be refused by float's parser.
        return float(text) if len(text) <= 10 else MAX_RETRY_AFTER
    until, now = _parse_date(text), _parse_date(headers.get("date", ""))
    return None if until is None or now is None else max(0.0, (until - now).total_seconds())


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _may_change(status: int) -> bool:
    return status in RETRY_STATUSES or (status >= 500 and status not in _NEVER_AGAIN)


def _may_pass(error: httpx.TransportError) -> bool:
    """Whether sending again can help: not for a certificate that is refused or a proxy that refuses us."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.ProxyError):
        return False
    return not _is_certificate_error(error)


def _is_certificate_error(error: BaseException) -> bool:
    cause: BaseException | None = error
    for _ in range(8):  # httpx, httpcore, anyio, ssl: four deep today
        if cause is None:
            return False
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def build_network_error(url: str, error: httpx.TransportError, timeout: float) -> NetworkError:
    """Say in one sentence why there was no answer, and what helps against it."""
    shown = public_url(url)
    if isinstance(error, httpx.TimeoutException):
        message = f"{shown} gave no answer within {timeout:g} seconds."
        remedy = "Try again later, or raise --timeout."
    elif _is_certificate_error(error):
        message = f"The TLS certificate of {shown} cannot be verified."
        remedy = "Set SSL_CERT_FILE to the certificates of your network, or check the address."
    elif isinstance(error, httpx.ProxyError):
        message = f"The proxy did not let us through to {shown}."
        remedy = "Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."
    elif isinstance(error, httpx.ConnectError):
        message = f"There is no connection to {shown}."
        remedy = "Check the network and the address, or work from a recording with --replay."
    else:
        message = f"The connection to {shown} broke off before the answer was complete."
        remedy = "Try again; if it stays, lower --concurrency."
    return NetworkError(message, url=shown, remedy=remedy)
