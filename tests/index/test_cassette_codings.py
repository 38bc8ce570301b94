"""What is recorded of a packed body is the body, whichever decoders httpx has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.index.sockets import Server, serve_http1
from tests.index.test_codings import every_coding, pack, reply_packed
from wheelaudit.index.cassettes import RecordingTransport, read_cassette
from wheelaudit.index.client import IndexClient

pytestmark = pytest.mark.anyio


@every_coding
async def test_packed_body_is_recorded_readable(tmp_path: Path, coding: str) -> None:
    folder = tmp_path / "cassette"
    server = Server(replies={"/x": reply_packed(coding, pack(coding, b"text"))})
    with serve_http1(server):
        async with IndexClient(retries=0, transport=lambda inner: RecordingTransport(inner, folder)) as client:
            answer = await client._wire.get(f"http://127.0.0.1:{server.port}/x", headers={}, limit=10)
    (recorded,) = read_cassette(folder)
    assert recorded.body == answer.body == b"text"
    assert "content-encoding" not in recorded.headers


async def test_other_spelling_of_gzip_is_recorded_readable(tmp_path: Path) -> None:
    folder = tmp_path / "cassette"
    server = Server(replies={"/x": reply_packed("x-gzip", pack("gzip", b"text"))})
    with serve_http1(server):
        async with IndexClient(retries=0, transport=lambda inner: RecordingTransport(inner, folder)) as client:
            await client._wire.get(f"http://127.0.0.1:{server.port}/x", headers={}, limit=10)
    (recorded,) = read_cassette(folder)
    assert recorded.body == b"text"
