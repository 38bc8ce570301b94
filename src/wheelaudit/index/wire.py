"""WING B: one GET, done properly: retries, redirects, credentials, bounded bodies.

Only this room, those it is made of (addresses, bodies, hosts, network) and the cassettes know
httpx; they are imported when the first client is entered, because httpx costs 50 ms and
``--help`` must not pay for it.
Obeys RFC 9110 (HTTP semantics) and RFC 6585 (429).

A body may be handed on in pieces while it arrives (`Receive`): a project page of
12.8 MB is never held whole. How many requests one host gets at once depends on what
it speaks: HTTP/2 carries 64 on one connection, HTTP/1.1 needs a connection for each.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import anyio

from wheelaudit.errors import IndexAccessError, NetworkError
from wheelaudit.index.addresses import build_basic, parse_url, public_url
from wheelaudit.index.bodies import MAX_ERROR_BODY_BYTES, OFFERED, read_body
from wheelaudit.index.hosts import Host, Resends
from wheelaudit.index.lean_httpx import httpx
from wheelaudit.index.network import MAX_CONNECTIONS, NetworkTransport

MAX_STREAMS = 64
"""Requests that one host gets at once over HTTP/2; servers allow 100 or 128 (RFC 9113 section 6.5.2: at least 100)."""
REQUEST_SECONDS = 60.0
"""What a request may take besides the time that its largest body would take at `SLOWEST_RATE`: a server that
sends one byte a second keeps within every time-out between two bytes."""
SLOWEST_RATE = 128 * 1024
"""Bytes a second of the largest body that is read at all; a page of 12.8 MB has ten minutes all the same."""
MAX_REDIRECTS = 10
"""A file host needs one or two; more than this is a loop."""
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
    may_be_cut: bool = False
    """Whether its body ended with the connection: what was lost on the way does not show (RFC 9112 section 8)."""


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
        on_connect: Callable[[], object] | None = None,
    ) -> None:
        self._offline = offline
        self._timeout = timeout
        self._retries = retries
        self._user_agent = user_agent
        self._find_credentials = find_credentials
        self._sleep = sleep
        self._random = random
        self._hosts: dict[tuple[str, bytes, bool], Host] = {}
        network = NetworkTransport(on_connect)
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
        attempt, resends = 0, Resends()
        while True:
            try:
                answer = await self._follow(url, headers, limit, receive, resends)
            except httpx.TransportError as error:
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

    async def _follow(
        self, url: str, headers: Mapping[str, str], limit: int, receive: Receive | None, resends: Resends
    ) -> Answer:
        """Send the request on along redirects (RFC 9110 section 15.4); credentials go only to their own origin."""
        target = parse_url(url)
        for _ in range(MAX_REDIRECTS):
            answer = await self._send(url, target, headers, limit, receive, resends)
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
        self,
        asked: str,
        target: httpx.URL,
        headers: Mapping[str, str],
        limit: int,
        receive: Receive | None,
        resends: Resends,
    ) -> Answer:
        request = self._build_request(target, headers)
        host = self._find_host(request)
        seconds = REQUEST_SECONDS + self._timeout + limit / SLOWEST_RATE
        async with host.limiter:
            try:
                with anyio.fail_after(seconds):
                    while True:
                        resends.send(host)
                        try:
                            return await self._exchange(asked, request, host, limit, receive, resends)
                        except httpx.TransportError as error:
                            if not resends.allow(error):
                                raise
            except TimeoutError as error:
                raise NetworkError(
                    f"{public_url(asked)} sends so slowly that its answer was not whole after {seconds:.0f} seconds.",
                    url=public_url(asked),
                    remedy="Try again later, or use another index.",
                ) from error

    def _build_request(self, target: httpx.URL, headers: Mapping[str, str]) -> httpx.Request:
        request = httpx.Request(
            "GET",
            target,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": OFFERED, **headers},
            extensions={"timeout": httpx.Timeout(self._timeout, pool=None).as_dict()},
        )
        credentials = self._find_credentials(str(target))
        if credentials is not None:
            request.headers["Authorization"] = build_basic(*credentials)
        return request

    def _find_host(self, request: httpx.Request) -> Host:
        """Return what is known of a host, by the client that asks it; it gets as many requests as with HTTP/1.1 until
        it has answered otherwise.
        """
        key = request.url.scheme, request.url.netloc, "Range" in request.headers
        if key not in self._hosts:
            self._hosts[key] = Host(limiter=anyio.CapacityLimiter(MAX_CONNECTIONS))
        return self._hosts[key]

    async def _exchange(
        self,
        asked: str,
        request: httpx.Request,
        host: Host,
        limit: int,
        receive: Receive | None,
        resends: Resends,
    ) -> Answer:
        response = await self._transport.handle_async_request(request)
        resends.begin_answer()
        response.request = request
        head = _build_head(response)
        if head.http_version == "HTTP/2":
            host.limiter.total_tokens = MAX_STREAMS
        body = bytearray()
        handed_on = receive is not None and head.status == 200
        try:
            await read_body(asked, response, limit, receive(head) if receive and handed_on else body.extend)
        finally:
            # A stranger's cancellation must not leave the connection in the pool half read.
            with anyio.CancelScope(shield=True):
                await response.aclose()
        host.answers += 1
        return replace(head, body=bytes(body if head.status in (200, 206) else body[:MAX_ERROR_BODY_BYTES]))


def _build_head(response: httpx.Response) -> Answer:
    return Answer(
        url=str(response.request.url),
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=b"",
        http_version=response.extensions.get("http_version", b"HTTP/1.1").decode("ascii", "replace"),
        may_be_cut=_ends_with_connection(response),
    )


def _ends_with_connection(response: httpx.Response) -> bool:
    """Whether nothing but the end of the connection ends the body (RFC 9112 section 6.3, rule 8)."""
    if response.extensions.get("http_version") not in (b"HTTP/1.0", b"HTTP/1.1"):
        return False  # HTTP/2 ends each body in so many words, and a cassette holds whole ones
    return not {"content-length", "transfer-encoding", "content-encoding"} & set(response.headers)


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
