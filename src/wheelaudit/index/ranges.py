"""WING B: a remote wheel as spans of bytes, by Range requests.

Obeys RFC 9110 section 14 (range requests) and 13.1.5 (If-Range). Never more than one
range a request: some servers answer several with the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wheelaudit.errors import IndexAccessError, MetadataUnreadableError
from wheelaudit.index.locations import without_credentials
from wheelaudit.index.validators import is_strong, parse_validators
from wheelaudit.release import WheelFile

if TYPE_CHECKING:
    from wheelaudit.index.wire import Answer, Wire

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_REFUSALS = frozenset({401, 403, 404, 407, 410, 429})
"""Statuses that are about the file or about us, and so say nothing of Range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRange:
    """The span that a 206 holds (RFC 9110 section 14.4)."""

    start: int
    end: int
    """Excluded, unlike in the header."""
    size: int | None
    """Of the whole file; None where the server does not tell."""


def parse_content_range(value: str | None) -> ContentRange | None:
    """Parse a Content-Range header; None where it is missing or means nothing."""
    match = _CONTENT_RANGE.fullmatch((value or "").strip())
    if match is None:
        return None
    start, last = int(match[1]), int(match[2])
    size = None if match[3] == "*" else int(match[3])
    if last < start or (size is not None and last >= size):
        return None
    return ContentRange(start=start, end=last + 1, size=size)


class RemoteWheel:
    """A wheel on a server, as `wheelaudit.index.partial` reads it. Raises `MetadataUnreadableError`.

    ``explain`` says more of an answer that is a refusal, where there is more to say.
    """

    def __init__(
        self, wire: Wire, wheel: WheelFile, *, explain: Callable[[Answer], IndexAccessError | None] = lambda _: None
    ) -> None:
        self._wire = wire
        self._explain = explain
        self._wheel = wheel
        self._url = wheel.url
        self._etag: str | None = None
        self._etags: set[str | None] = set()
        self._size: int | None = None

    @property
    def url(self) -> str:
        """Where the wheel is, after redirects."""
        return self._url

    @property
    def etag(self) -> str | None:
        """The strong ETag that every answer had; None where one had another, or none."""
        return next(iter(self._etags)) if len(self._etags) == 1 else None

    @property
    def size(self) -> int | None:
        """Bytes of the wheel; None before the first answer."""
        return self._size

    async def read_tail(self, length: int) -> tuple[int, bytes]:
        """Return size and last bytes; in two or three requests where the server knows no suffix ranges."""
        answer = await self._get(f"bytes=-{length}", length)
        span = _span(answer)
        if span is not None and span.size == span.end and span.start == max(0, span.end - length):
            self._size = span.size
            return span.end, answer.body
        # Some servers ignore suffix ranges, others refuse them where the file is shorter.
        if answer.status in _REFUSALS:
            raise self._refused(answer)
        size = self._wheel.size or await self._probe_size()
        self._size = size
        return size, await self.read_span(max(0, size - length), size)

    async def read_span(self, start: int, end: int) -> bytes:
        """Return exactly these bytes of the file, the end excluded."""
        wanted = f"bytes={start}-{end - 1}"
        answer = await self._get(wanted, end - start)
        if answer.status in (200, 416) and self._etag is not None:
            # Mirrors of one host may give one file different ETags; the CRC-32 holds the parts together anyway.
            self._etag = None
            answer = await self._get(wanted, end - start)
        elif answer.status == 416:
            # Seen on PyTorch's index, and gone a moment later.
            answer = await self._get(wanted, end - start)
        span = _span(answer)
        if span is None:
            raise self._refused(answer)
        if (span.start, span.end) != (start, end) or (span.size is not None and span.size != self._size):
            raise self._unreadable("another span came than was asked for", "Try again; the file may just be changing.")
        return answer.body

    async def _probe_size(self) -> int:
        answer = await self._get("bytes=0-0", 1)
        span = _span(answer)
        if span is None:
            raise self._refused(answer)
        if span.size is None:
            raise self._unreadable("the server does not tell the wheel's size", _DOWNLOAD)
        return span.size

    async def _get(self, wanted: str, limit: int) -> Answer:
        headers = {"Range": wanted, "Accept-Encoding": "identity"}
        if self._etag is not None:
            headers["If-Range"] = self._etag
        try:
            answer = await self._wire.get(self._url, headers=headers, limit=limit)
        except IndexAccessError as error:
            raise MetadataUnreadableError(f"{self._wheel.filename}: {error.message}", remedy=error.remedy) from error
        if answer.status == 206:
            # The next requests go straight to where a redirect led, and hold on to what was seen there.
            self._url = answer.url
            etag = parse_validators(answer.headers).etag
            # A weak ETag does not promise the same bytes (RFC 9110 section 13.1.5).
            self._etag = etag if is_strong(etag) else None
            self._etags.add(self._etag)
        return answer

    def _refused(self, answer: Answer) -> MetadataUnreadableError:
        explained = self._explain(answer)
        if explained is not None:
            return MetadataUnreadableError(f"{self._wheel.filename}: {explained.message}", remedy=explained.remedy)
        if answer.status in _REFUSALS or answer.status >= 500:
            return self._unreadable(f"the server answered {answer.status}", "Try again later, or check credentials.")
        if answer.status == 206:
            return self._unreadable("the server answered a Range request with bytes of no plain range", _DOWNLOAD)
        return self._unreadable(f"the server knows no Range requests (it answered {answer.status})", _DOWNLOAD)

    def _unreadable(self, reason: str, remedy: str) -> MetadataUnreadableError:
        url = without_credentials(self._wheel.url).partition("?")[0]
        return MetadataUnreadableError(
            f"{self._wheel.filename}: the METADATA inside the wheel at {url} cannot be read: {reason}.", remedy=remedy
        )


_DOWNLOAD = "Download the wheels and audit the folder they are in, or use an index that offers .metadata files."


def _span(answer: Answer) -> ContentRange | None:
    """Return the span of a usable 206: one plain range, not encoded, its body as long as it says."""
    if answer.status != 206 or answer.headers.get("content-encoding", "identity") not in ("", "identity"):
        return None
    span = parse_content_range(answer.headers.get("content-range"))
    return span if span is not None and span.end - span.start == len(answer.body) else None
