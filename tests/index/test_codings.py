from __future__ import annotations

import gzip
import hashlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import NormalizedName

from tests.index.archives import FILENAME, build_wheel_file
from tests.index.sockets import Reply, Server, serve_http1
from wheelaudit.errors import HttpStatusError, IndexAccessError, ProjectNotFoundError
from wheelaudit.index import bodies, codings
from wheelaudit.index.client import IndexClient
from wheelaudit.index.codings import MAX_BR_PIECE, MAX_PIECE, CodingError, Decoder, find_codings, parse_coding
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.wire import Answer

ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
BOUNDS = {"gzip": MAX_PIECE, "br": MAX_BR_PIECE, "zstd": MAX_PIECE}
BOMB = 50_000_000


def find_module(*names: str) -> str | None:
    """Return the first module that can be imported: found otherwise than `find_codings` does it."""
    for name in names:
        try:
            return import_module(name).__name__
        except ImportError:
            continue
    return None


BROTLI, ZSTANDARD = find_module("brotli", "brotlicffi"), find_module(ZSTD)
CODINGS = [
    "gzip",
    pytest.param("br", marks=pytest.mark.skipif(BROTLI is None, reason="there is no Brotli")),
    pytest.param("zstd", marks=pytest.mark.skipif(ZSTANDARD is None, reason="there is no zstd")),
]
every_coding = pytest.mark.parametrize("coding", CODINGS)
needs_br = pytest.mark.skipif(BROTLI is None, reason="there is no Brotli")
needs_zstd = pytest.mark.skipif(ZSTANDARD is None, reason="there is no zstd")


def pack(coding: str, data: bytes) -> bytes:
    """Return ``data`` in one stream of ``coding``."""
    if coding == "gzip":
        return gzip.compress(data)
    if coding == "br":
        brotli: Any = import_module(BROTLI or "")
        return bytes(brotli.compress(data, quality=5))
    zstd: Any = import_module(ZSTD)
    return bytes(zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}))


def pack_zstd(data: bytes, *, window: int) -> bytes:
    """Return ``data`` in a frame whose header says its window, a power of two."""
    zstd: Any = import_module(ZSTD)
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window})
    return bytes(packer.compress(data) + packer.flush())


def unpack(coding: str, chunks: Sequence[bytes]) -> bytes:
    """Undo a coding, and see that no piece is larger than promised."""
    decoder = Decoder(coding)
    pieces = [piece for chunk in chunks for piece in decoder.feed(chunk)]
    decoder.close()
    assert all(0 < len(piece) <= BOUNDS[coding] for piece in pieces)
    return b"".join(pieces)


def split(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut ``data`` into chunks of these sizes, and the rest."""
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]


DATA = st.builds(lambda unit, times: unit * times, st.binary(max_size=60), st.sampled_from([1, 2, 5000]))
"""Small and larger than a piece, hard to pack and easy."""
SIZES = st.lists(st.integers(0, 40), max_size=20)


# What is offered


def test_what_can_be_unpacked_is_found_and_the_best_comes_first() -> None:
    expected = [name for name, module in (("br", BROTLI), ("zstd", ZSTANDARD)) if module is not None]
    assert find_codings() == (*expected, "gzip")
    assert ", ".join(find_codings()) == bodies.OFFERED


def test_zstd_is_found_without_being_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.startswith(("backports", "compression")):
            monkeypatch.delitem(sys.modules, name)
    find_codings()
    assert ZSTD not in sys.modules
    assert ZSTD.partition(".")[0] not in sys.modules


def test_gzip_alone_is_found_where_nothing_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "brotlicffi", None)
    monkeypatch.setattr(codings, "_ZSTD_CORE", "backports.nothing_of_the_kind")
    assert find_codings() == ("gzip",)
    for name in ("nothing", "nothing.of.the.kind", "functools.zlib", "email.nothing"):
        monkeypatch.setattr(codings, "_ZSTD_CORE", name)
        assert find_codings() == ("gzip",)


@pytest.mark.parametrize("name", ["_imp", "zlib", "email", "email.message", "wheelaudit.index.codings"])
def test_zstd_is_found_where_it_is_built_in_or_lies_in_a_package(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(codings, "_ZSTD_CORE", name)
    assert "zstd" in find_codings()


def test_brotli_that_cannot_be_bounded_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("brotli")
    old.Decompressor = type("Decompressor", (), {"process": None})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "brotli", old)
    monkeypatch.setitem(sys.modules, "brotlicffi", None)
    assert "br" not in find_codings()
    with pytest.raises(CodingError, match="what unpacks its br cannot be imported"):
        Decoder("br")


@needs_br
def test_brotlicffi_serves_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack("br", b"text")
    real = import_module(BROTLI or "")
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "brotlicffi", real)
    assert "br" in find_codings()
    assert unpack("br", [packed]) == b"text"


def test_module_that_cannot_be_imported_is_a_coding_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, ZSTD, None)
    with pytest.raises(CodingError, match="what unpacks its zstd cannot be imported"):
        Decoder("zstd")


def test_coding_that_nobody_knows_is_a_coding_error() -> None:
    with pytest.raises(CodingError, match="its coding is unknown"):
        Decoder("deflate")


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        *(("", None), (" ", None), ("identity", None), ("Identity", None)),
        *(("gzip", "gzip"), ("x-gzip", "gzip"), (" GZIP ", "gzip"), ("br", "br"), ("ZSTD", "zstd")),
        *(("deflate", "deflate"), ("gzip, gzip", "gzip, gzip")),
    ],
)
def test_content_encoding_is_read_whatever_its_spelling(text: str, coding: str | None) -> None:
    assert parse_coding(text) == coding


# What is whole


@every_coding
@given(data=DATA, sizes=SIZES)
def test_any_split_of_a_packed_body_gives_the_body(coding: str, data: bytes, sizes: list[int]) -> None:
    assert unpack(coding, split(pack(coding, data), sizes)) == data


@pytest.mark.parametrize("coding", [CODINGS[0], CODINGS[2]])
@given(parts=st.lists(DATA, max_size=4), sizes=SIZES)
def test_several_members_or_frames_are_one_body(coding: str, parts: list[bytes], sizes: list[int]) -> None:
    packed = b"".join(pack(coding, part) for part in parts)
    assert unpack(coding, split(packed, sizes)) == b"".join(parts)


@every_coding
def test_body_of_many_pieces_comes_whole(coding: str) -> None:
    data = b"".join(number.to_bytes(4, "big") for number in range(500_000))
    packed = pack(coding, data)
    assert unpack(coding, [packed]) == data
    assert unpack(coding, [packed[at : at + 16384] for at in range(0, len(packed), 16384)]) == data


@needs_zstd
def test_skippable_frame_of_zstd_is_skipped() -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"  # RFC 8878 section 3.1.2
    assert unpack("zstd", [skippable + pack("zstd", b"te") + skippable + pack("zstd", b"xt")]) == b"text"


@every_coding
def test_no_byte_at_all_is_an_empty_body(coding: str) -> None:
    assert unpack(coding, []) == b""
    assert unpack(coding, [b"", b""]) == b""
    assert unpack(coding, [pack(coding, b"")]) == b""


# What is broken


@every_coding
@given(data=DATA, at=st.floats(0, 1, exclude_max=True), sizes=SIZES)
def test_body_that_is_cut_short_is_an_error(coding: str, data: bytes, at: float, sizes: list[int]) -> None:
    packed = pack(coding, data)
    cut = packed[: 1 + int(at * (len(packed) - 1))]
    if cut == packed:  # br packs no bytes into one
        return
    with pytest.raises(CodingError, match=f"its {coding} is cut short"):
        unpack(coding, split(cut, sizes))


@pytest.mark.parametrize("coding", [CODINGS[0], CODINGS[2]])
@given(data=DATA, at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_changed_bit_gives_the_body_or_an_error(coding: str, data: bytes, at: float, bit: int) -> None:
    """Both have a checksum; some bits of their headers mean nothing."""
    packed = bytearray(pack(coding, data))
    packed[int(at * len(packed))] ^= 1 << bit
    with suppress(CodingError):
        assert unpack(coding, [bytes(packed)]) == data


@every_coding
@given(
    start=st.sampled_from([b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"\x1b", b"\x50\x2a\x4d\x18"]),
    data=st.binary(max_size=200),
    sizes=SIZES,
)
def test_whatever_comes_is_unpacked_or_a_coding_error(coding: str, start: bytes, data: bytes, sizes: list[int]) -> None:
    with suppress(CodingError):
        unpack(coding, split(start + data, sizes))


@every_coding
@pytest.mark.parametrize("data", [b"<!DOCTYPE html><html></html>", b"\xff" * 40])
def test_body_that_is_not_packed_is_an_error(coding: str, data: bytes) -> None:
    with pytest.raises(CodingError, match=f"its bytes are no {coding}|its {coding} is cut short"):
        unpack(coding, [data])


@every_coding
@pytest.mark.parametrize("garbage", [b"\0", b"\0" * 512, b"x", b"<!-- cached -->"])
@pytest.mark.parametrize("apart", [True, False])
def test_what_follows_the_end_is_an_error_and_not_left_out(coding: str, garbage: bytes, apart: bool) -> None:
    packed = pack(coding, b"text")
    with pytest.raises(CodingError):
        unpack(coding, [packed, garbage] if apart else [packed + garbage])


@needs_br
@pytest.mark.parametrize("apart", [True, False])
def test_second_stream_of_br_is_an_error(apart: bool) -> None:
    packed = pack("br", b"text")
    with pytest.raises(CodingError, match="something follows"):
        unpack("br", [packed, packed] if apart else [packed + packed])


def test_wrong_checksum_of_gzip_is_an_error() -> None:
    packed = bytearray(pack("gzip", b"text"))
    packed[-8] ^= 1
    with pytest.raises(CodingError, match="its bytes are no gzip"):
        unpack("gzip", [bytes(packed)])


# What is too much


@every_coding
def test_bomb_is_unpacked_only_as_far_as_pieces_are_taken(coding: str) -> None:
    packed = pack(coding, bytes(BOMB))
    pieces = Decoder(coding).feed(packed)
    assert len(packed) < BOMB // 1000
    assert [len(next(pieces)) <= BOUNDS[coding] for _ in range(5)] == [True] * 5


@needs_zstd
def test_window_of_zstd_is_bounded_before_it_is_allocated() -> None:
    assert unpack("zstd", [pack_zstd(b"text", window=23)]) == b"text"
    for window in (24, 27):
        with pytest.raises(CodingError, match="want a window of more than 8 MiB"):
            unpack("zstd", [pack_zstd(b"text", window=window)])
    # RFC 8878 section 3.1.1.1.2: the largest that can be claimed, 3.75 TB.
    with pytest.raises(CodingError, match="want a window of more than 8 MiB"):
        unpack("zstd", [b"\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00"])


# On the wire


async def get(reply: Reply, *, limit: int = 1_000_000, headers: dict[str, str] | None = None) -> Answer:
    server = Server(replies={"/x": reply})
    with serve_http1(server):
        async with IndexClient(retries=0) as client:
            return await client._wire.get(f"http://127.0.0.1:{server.port}/x", headers=headers or {}, limit=limit)


def reply_packed(coding: str, body: bytes, *, status: int = 200) -> Reply:
    return Reply(status=status, headers={"Content-Type": "text/html", "Content-Encoding": coding}, body=body)


@pytest.mark.anyio
@every_coding
async def test_page_and_metadata_may_come_packed(coding: str) -> None:
    metadata = b"Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.18.0\nRequires-Dist: needs-this\n\n"
    digest = hashlib.sha256(metadata).hexdigest()
    page = f'<a href="/packages/{FILENAME}" data-core-metadata="sha256={digest}">{FILENAME}</a>'.encode()
    server = Server(
        replies={
            "/simple/tensorflow/": reply_packed(coding, pack(coding, page)),
            f"/packages/{FILENAME}.metadata": reply_packed(coding, pack(coding, metadata)),
        }
    )
    with serve_http1(server):
        host = f"http://127.0.0.1:{server.port}"
        async with IndexClient(retries=0) as client:
            location = IndexLocation(name="local", url=f"{host}/simple")
            links = (await client.read_project_page(location, NormalizedName("tensorflow"))).links
            reading = await client.read_metadata(build_wheel_file(host=host, metadata_sha256=digest))
    assert [link.filename for link in links] == [FILENAME]
    assert [line.text for line in reading.core.requires_dist] == ["needs-this"]
    assert [seen.headers["accept-encoding"] for seen in server.seen] == [", ".join(find_codings())] * 2


@pytest.mark.anyio
@every_coding
async def test_bomb_on_the_wire_is_cut_at_the_bound(coding: str) -> None:
    server = Server(replies={"/x": reply_packed(coding, pack(coding, bytes(BOMB)))})
    taken: list[int] = []
    with serve_http1(server):
        async with IndexClient(retries=0) as client:
            with pytest.raises(IndexAccessError, match="larger than the 1000000 bytes"):
                await client._wire.get(
                    f"http://127.0.0.1:{server.port}/x",
                    headers={},
                    limit=1_000_000,
                    receive=lambda _: lambda data: taken.append(len(data)),
                )
    assert sum(taken) <= 1_000_000
    assert max(taken) <= BOUNDS[coding]


@pytest.mark.anyio
@pytest.mark.parametrize("coding", [CODINGS[0], CODINGS[2]])
async def test_body_of_nothing_but_empty_members_is_cut_at_the_bound(coding: str) -> None:
    body = pack(coding, b"") * 20_000
    with pytest.raises(IndexAccessError, match="larger than the 1000 bytes"):
        await get(reply_packed(coding, body), limit=1000)


@pytest.mark.anyio
@every_coding
async def test_body_that_cannot_be_packed_has_its_whole_limit(coding: str) -> None:
    data = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(8192))
    packed = pack(coding, data)
    assert len(packed) > len(data)
    assert (await get(reply_packed(coding, packed), limit=len(data))).body == data
    with pytest.raises(IndexAccessError, match="larger than"):
        await get(reply_packed(coding, packed), limit=len(data) - 1)


@pytest.mark.anyio
@every_coding
@pytest.mark.parametrize(("broken", "told"), [("cut", "is cut short"), ("garbage", "end|bytes")])
async def test_broken_body_is_told_with_its_address(coding: str, broken: str, told: str) -> None:
    packed = pack(coding, b"text" * 100)
    with pytest.raises(IndexAccessError, match=f"cannot be decoded: .*({told})") as caught:
        await get(reply_packed(coding, packed[:-1] if broken == "cut" else b"garbage" + packed))
    assert caught.value.url.endswith("/x")
    assert caught.value.remedy == "Try again; if it stays, report it to whoever runs the index."


@pytest.mark.anyio
@every_coding
async def test_answer_without_a_body_may_name_a_coding(coding: str) -> None:
    assert (await get(reply_packed(coding, b""))).body == b""
    assert (await get(reply_packed(coding, b"", status=304))).status == 304


@pytest.mark.anyio
@every_coding
async def test_refusal_is_told_by_its_status_whatever_its_body(coding: str) -> None:
    packed = pack(coding, b"<Error>AccessDenied</Error>")
    whole, cut, garbage = [
        await get(reply_packed(coding, body, status=403)) for body in (packed, packed[:-1], b"garbage")
    ]
    assert whole.body == b"<Error>AccessDenied</Error>"
    assert (cut.status, garbage.status) == (403, 403)
    bomb = await get(reply_packed(coding, pack(coding, bytes(BOMB)), status=500))
    assert (bomb.status, len(bomb.body)) == (500, bodies.MAX_ERROR_BODY_BYTES)


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "error"), [(404, ProjectNotFoundError), (403, HttpStatusError)])
async def test_refusal_whose_coding_does_not_fit_is_still_that_refusal(
    status: int, error: type[IndexAccessError]
) -> None:
    server = Server(replies={"/simple/demo/": reply_packed("gzip", b"no gzip", status=status)})
    with serve_http1(server):
        async with IndexClient(retries=0) as client:
            with pytest.raises(error):
                await client.read_project_page(
                    IndexLocation(name="local", url=f"http://127.0.0.1:{server.port}/simple"), NormalizedName("demo")
                )


@pytest.mark.anyio
async def test_decoder_that_cannot_be_imported_is_told_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "OFFERED", "zstd, gzip")
    monkeypatch.setitem(sys.modules, ZSTD, None)
    with pytest.raises(IndexAccessError, match="what unpacks its zstd cannot be imported") as caught:
        await get(reply_packed("zstd", b"anything"))
    assert caught.value.remedy == "Install the extra compression again, or leave it out."


@pytest.mark.anyio
@pytest.mark.parametrize("coding", ["br", "zstd"])
async def test_coding_that_is_not_installed_is_not_accepted(monkeypatch: pytest.MonkeyPatch, coding: str) -> None:
    monkeypatch.setattr(bodies, "OFFERED", "gzip")
    with pytest.raises(IndexAccessError, match=f'"{coding}", and nothing was offered but gzip'):
        await get(reply_packed(coding, b"anything"))


@needs_zstd
def test_zstd_frame_that_stops_short_of_its_size_is_refused_however_it_is_cut() -> None:
    # One empty last block, and a header that promises 19,709 bytes: fed in pieces, libzstd takes it for whole.
    frame = b"\x28\xb5\x2f\xfd\x60\xfd\x4a\x01\x00\x00"
    for at in range(len(frame)):
        with pytest.raises(CodingError):
            unpack("zstd", [frame[:at], frame[at:]])
    with pytest.raises(CodingError):
        unpack("zstd", [frame[at : at + 1] for at in range(len(frame))])
