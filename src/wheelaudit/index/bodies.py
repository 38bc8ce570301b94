"""WING B: the body of an answer, unpacked and bounded.

Offered is gzip alone (RFC 9110 section 12.5.3), whatever else could be unpacked here. httpx
unpacks all that it is given at once, before it can be counted: 64 bytes of br may become 84 MB,
64 of zstd 2 MB, and gzip never more than 1,032 of one. What they would save on a page of 13 MB
is 16 % (br) and 5 % (zstd) of 1.8 MB, which arrives while the page is being parsed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from wheelaudit.errors import IndexAccessError
from wheelaudit.index.addresses import public_url
from wheelaudit.index.lean_httpx import httpx

OFFERED = "gzip"
"""Accept-Encoding of every request but those for a range, which ask for ``identity``."""
MAX_GZIP_PIECE = 1024
"""Bytes that are unpacked at once, then counted: deflate makes up to 1,032 of one."""
MAX_ERROR_BODY_BYTES = 4096
"""Kept of an answer that is a refusal: enough to tell S3's XML."""
MAX_DRAINED_BYTES = 256 * 1024
"""Read of it nevertheless: an error page is shorter, and closing early would cost the connection."""
_MAX_SHOWN = 20
"""Characters of a coding's name in an error; the registered ones have at most 11."""


async def read_body(asked: str, response: httpx.Response, limit: int, take: Callable[[bytes], object]) -> None:
    """Hand the body to ``take``, piece by piece; not at all where a Range request is answered with the whole file.

    Raises `IndexAccessError` where it is larger than ``limit``, packed as was not offered, or
    not what its coding makes it.
    """
    if "Range" in response.request.headers and response.status_code == 200:
        return
    refusal = response.status_code not in (200, 206)
    if not _prepare(asked, response, refusal=refusal):
        return
    size = 0
    try:
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
    except httpx.DecodingError as error:
        raise IndexAccessError(
            f"The answer from {public_url(asked)} cannot be decoded: its Content-Encoding does not fit its bytes.",
            url=public_url(asked),
            remedy="Try again; if it stays, report it to whoever runs the index.",
        ) from error


def _prepare(asked: str, response: httpx.Response, *, refusal: bool) -> bool:
    """See that the body is unpacked in small pieces; False where it is one that nobody can read, nor needs to."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return True
    if coding in ("gzip", "x-gzip"):
        # RFC 9110 section 8.4.1.3: x-gzip is the same; httpx does not know it.
        response.headers["content-encoding"] = "gzip"
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Sliced(response.stream, MAX_GZIP_PIECE)
        return True
    if refusal:
        return False
    # Several of them too, one upon the other: 64 KiB of gzip in gzip unpack to 64 GB.
    shown = "".join(filter(str.isprintable, coding))[:_MAX_SHOWN]
    raise IndexAccessError(
        f'The answer from {public_url(asked)} cannot be decoded: its Content-Encoding is "{shown}", and only '
        f"{OFFERED} was offered.",
        url=public_url(asked),
        remedy="Report it to whoever runs the index, or the proxy before it.",
    )


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
