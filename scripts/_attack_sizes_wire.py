"""scripts/attack, part ``wire``: pages and metadata that are too large, never end, unpack to more, or hardly come."""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Iterator
from importlib import import_module
from itertools import repeat

from scripts._attack_server import Body
from scripts._attack_sizes import CANNOT, CONSISTENT, METADATA, UNDECIDED, Attack, Place

MB = 1024 * 1024
_PAGE = b"<!DOCTYPE html><html><body>\n"


def _anchors(count: int | None) -> Iterator[bytes]:
    """Yield an HTML page of wheels, 1,000 a piece; None: without end."""
    yield _PAGE
    piece = 0
    while count is None or piece * 1000 < count:
        yield b"".join(
            b'<a href="/files/demo-0.%d-cp312-cp312-win_amd64.whl">x</a>\n' % (piece * 1000 + n) for n in range(1000)
        )
        piece += 1
    yield b"</body></html>"


def _json_page(size: int) -> Iterator[bytes]:
    yield b'{"meta": {"api-version": "1.0"}, "files": ['
    entry = b'{"filename": "demo-0.1-cp312-cp312-win_amd64.whl", "url": "/files/x.whl", "hashes": {}},'
    yield from repeat(entry * 1000, size // len(entry) // 1000)
    yield b"{}]}"


def _filler(size: int | None, start: bytes = b"") -> Iterator[bytes]:
    yield start
    piece = b"x" * MB
    yield from repeat(piece) if size is None else repeat(piece, size // MB)


def _drip() -> Iterator[bytes]:
    """Yield a byte a second."""
    while True:
        yield b"x"
        time.sleep(1)


def _bomb(coding: str) -> bytes:
    """Return some hundred kilobytes that unpack to 400 MB."""
    plain = b"x" * MB
    if coding == "gzip":
        gzip = zlib.compressobj(9, wbits=31)
        return b"".join([*(gzip.compress(plain) for _ in range(400)), gzip.flush()])
    if coding == "zstd":
        packer = import_module("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd").ZstdCompressor()
        return b"".join([*(packer.compress(plain) for _ in range(400)), packer.flush()])
    # Its own bound to the memory of the sender: quality 5 makes some 300 bytes of a megabyte.
    squeezer = import_module("brotli").Compressor(quality=5)
    return b"".join([*(squeezer.process(plain) for _ in range(400)), squeezer.finish()])


def _page(place: Place, body: Body) -> None:
    place.put("/simple/demo/", body)


def _html(pieces: Iterator[bytes], **headers: str) -> Body:
    return Body(pieces=lambda: pieces, headers={"Content-Type": "text/html", **headers})


def _packed_page(coding: str) -> Attack:
    return Attack(
        name=f"page, {coding} bomb",
        tried="400 MB in a few hundred kB",
        build=lambda place: _page(place, _html(iter((_bomb(coding),)), **{"Content-Encoding": coding})),
        code=CANNOT,
        says="larger than the 67108864 bytes",
    )


def _packed_metadata(coding: str) -> Attack:
    return Attack(
        name=f".metadata, {coding} bomb",
        tried="400 MB in a few hundred kB",
        build=lambda place: place.list_beside_good(_html(iter((_bomb(coding),)), **{"Content-Encoding": coding})),
        code=UNDECIDED,
        says="larger than",
    )


def _thousand_links(place: Place) -> None:
    """A page of 100,000 links, and among them the release that is asked for."""
    name = "demo-1.0-py3-none-any.whl"
    own = b'<a href="/files/%s" data-core-metadata="true">x</a>\n' % name.encode()
    pieces = [_PAGE + own, *list(_anchors(100_000))[1:]]
    _page(place, _html(iter(pieces)))
    place.put(f"/files/{name}.metadata", METADATA + b"\n")


ATTACKS = (
    Attack(
        name="page, HTML of 200 MB",
        tried="one text",
        build=lambda place: _page(place, _html(_filler(200 * MB, _PAGE))),
        code=CANNOT,
        says="larger than the 67108864 bytes",
    ),
    Attack(
        name="page, JSON of 200 MB",
        tried="2 million files",
        build=lambda place: _page(
            place, Body(pieces=lambda: _json_page(200 * MB), headers={"Content-Type": "application/json"})
        ),
        code=CANNOT,
        says="it has more than 300000 links",
    ),
    Attack(
        name="page, JSON of one value",
        tried="a string of 200 MB",
        build=lambda place: _page(
            place,
            Body(pieces=lambda: _filler(200 * MB, b'{"name": "'), headers={"Content-Type": "application/json"}),
        ),
        code=CANNOT,
        says="larger than the 67108864 bytes",
    ),
    Attack(
        name="page of 100,000 links",
        tried="one of them asked for",
        build=_thousand_links,
        code=CONSISTENT,
    ),
    Attack(
        name="page without end",
        tried="links, one after the other",
        build=lambda place: _page(place, _html(_anchors(None))),
        code=CANNOT,
        says="it has more than 300000 links",
    ),
    Attack(
        name="page, one tag without end",
        tried="an attribute",
        build=lambda place: _page(place, _html(_filler(None, _PAGE + b'<a href="'))),
        code=CANNOT,
        says="goes on for more than",
    ),
    *(_packed_page(coding) for coding in ("gzip", "br", "zstd")),
    Attack(
        name=".metadata of 1 GB",
        tried="of one wheel of two",
        build=lambda place: place.list_beside_good(_html(_filler(1024 * MB, METADATA + b"\n"))),
        code=UNDECIDED,
        says="larger than",
    ),
    Attack(
        name=".metadata without end",
        tried="of one wheel of two",
        build=lambda place: place.list_beside_good(_html(_filler(None, METADATA + b"\n"))),
        code=UNDECIDED,
        says="larger than",
    ),
    Attack(
        name=".metadata, a byte a second",
        tried="of one wheel of two; the deadline is 97 s",
        build=lambda place: place.list_beside_good(_html(_drip())),
        code=UNDECIDED,
        says="so slowly",
        seconds=240.0,
    ),
    *(_packed_metadata(coding) for coding in ("gzip", "br", "zstd")),
)
