"""WING B: the body of an answer, unpacked and bounded.

Offered (RFC 9110 section 12.5.3) is what `wheelaudit.index.codings` can unpack piece by piece.
httpx unpacks all that it is given at once, before it can be counted (64 bytes of br may become
84 MB), so its own decoding is left out: the stream is read as it came. Of the 1.8 MB that gzip
makes of a page of 13 MB, br saves 8 to 10 % on the fly (levels 1 to 9) and 30 % at its best, zstd
0 to 14 % (levels 1 to 12) and 26 %.
"""

from __future__ import annotations

from collections.abc import Callable

from wheelaudit.errors import IndexAccessError
from wheelaudit.index.addresses import public_url
from wheelaudit.index.codings import CodingError, Decoder, find_codings, parse_coding
from wheelaudit.index.lean_httpx import httpx

OFFERED = ", ".join(find_codings())
"""Accept-Encoding of every request but those for a range, which ask for ``identity``."""
MAX_PACKING_BYTES = 64 * 1024
"""That a body may be longer packed than unpacked: deflate adds 5 bytes to each 16 KiB that it cannot pack. More is
made of empty members or frames, which cost time and come to nothing."""
MAX_ERROR_BODY_BYTES = 4096
"""Kept of an answer that is a refusal: enough to tell S3's XML."""
MAX_DRAINED_BYTES = 256 * 1024
"""Read of it nevertheless: an error page is shorter, and closing early would cost the connection."""
_MAX_SHOWN = 20
"""Characters of a coding's name in an error; the registered ones have at most 11."""
_REPORT = "Try again; if it stays, report it to whoever runs the index."


async def read_body(asked: str, response: httpx.Response, limit: int, take: Callable[[bytes], object]) -> None:
    """Hand the body to ``take``, piece by piece; not at all where a Range request is answered with the whole file.

    Raises `IndexAccessError` where it is larger than ``limit``, packed as was not offered, or
    not what its coding makes it. A refusal is handed on as far as it can be read: it is told by its status.
    """
    if "Range" in response.request.headers and response.status_code == 200:
        return
    refusal = response.status_code not in (200, 206)
    try:
        await _read_pieces(asked, response, MAX_DRAINED_BYTES if refusal else limit, take)
    except IndexAccessError:
        if not refusal:
            raise


async def _read_pieces(asked: str, response: httpx.Response, limit: int, take: Callable[[bytes], object]) -> None:
    decoder = _build_decoder(asked, response)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    packed = size = 0
    try:
        async for chunk in response.stream:
            packed += len(chunk)
            for piece in (chunk,) if decoder is None else decoder.feed(chunk):
                size += len(piece)
                if size > limit:
                    raise _too_large(asked, limit)
                take(piece)
            if packed > limit + MAX_PACKING_BYTES:
                raise _too_large(asked, limit)
        if decoder is not None:
            decoder.close()
    except CodingError as error:
        raise _undecodable(asked, error) from error


def _build_decoder(asked: str, response: httpx.Response) -> Decoder | None:
    """Return what unpacks the body; None where it is not packed."""
    coding = parse_coding(response.headers.get("content-encoding", ""))
    if coding is None:
        return None
    if coding in OFFERED.split(", "):
        try:
            return Decoder(coding)
        except CodingError as error:
            raise _undecodable(asked, error, "Install the extra compression again, or leave it out.") from error
    # Several of them too, one upon the other: 64 KiB of gzip in gzip unpack to 64 GB.
    shown = "".join(filter(str.isprintable, coding))[:_MAX_SHOWN]
    raise IndexAccessError(
        f'The answer from {public_url(asked)} cannot be decoded: its Content-Encoding is "{shown}", and nothing was '
        f"offered but {OFFERED}.",
        url=public_url(asked),
        remedy="Report it to whoever runs the index, or the proxy before it.",
    )


def _too_large(asked: str, limit: int) -> IndexAccessError:
    return IndexAccessError(
        f"The answer from {public_url(asked)} is larger than the {limit} bytes that are read of it.",
        url=public_url(asked),
        remedy="Check the address, and report it to whoever runs the index.",
    )


def _undecodable(asked: str, error: CodingError, remedy: str = _REPORT) -> IndexAccessError:
    message = f"The answer from {public_url(asked)} cannot be decoded: {error}."
    return IndexAccessError(message, url=public_url(asked), remedy=remedy)
