"""Indexes made for a test: folders of small wheels, and cassettes of servers that misbehave."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from wheelaudit.index.cassettes import Exchange, read_cassette, write_cassette

Change = Callable[[Exchange], Iterable[Exchange]]


def write_wheel(
    folder: Path, tags: str, *requires: str, project: str = "demo", version: str = "1.0", metadata: bytes | None = None
) -> Path:
    """Write a wheel that holds nothing but its METADATA."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{project}-{version}-{tags}.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}"]
    text = "\n".join([*lines, *(f"Requires-Dist: {each}" for each in requires), "", ""])
    path.write_bytes(pack_metadata(text.encode() if metadata is None else metadata, project, version))
    return path


def pack_metadata(metadata: bytes, project: str, version: str) -> bytes:
    """Return a wheel that holds nothing but ``metadata``."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr(f"{project}-{version}.dist-info/METADATA", metadata)
    return archive.getvalue()


def change_cassette(source: Path, target: Path, change: Change) -> Path:
    """Write a cassette in which every exchange of ``source`` is what ``change`` makes of it."""
    write_cassette(target, [new for exchange in read_cassette(source) for new in change(exchange)])
    return target


def is_metadata(exchange: Exchange) -> bool:
    """Whether this is a ``.metadata`` file, not the page."""
    return exchange.url.endswith(".metadata")


def answer(exchange: Exchange, status: int, body: bytes | None = None, **headers: str) -> Exchange:
    """Answer the same request otherwise."""
    return replace(exchange, status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def wheel_request(exchange: Exchange, status: int, *, wanted: str = "bytes=-32768") -> Exchange:
    """Answer the first Range request into the wheel whose ``.metadata`` this is, without any body."""
    url = exchange.url.removesuffix(".metadata")
    return Exchange(method="GET", url=url, range=wanted, status=status, headers={}, body=None)


def answer_range(exchange: Exchange, wheel: bytes) -> Exchange:
    """Answer the first Range request into the wheel whose ``.metadata`` this is; the wheel is small enough for one."""
    assert len(wheel) <= 32768
    headers = {"content-range": f"bytes 0-{len(wheel) - 1}/{len(wheel)}", "accept-ranges": "bytes"}
    url = exchange.url.removesuffix(".metadata")
    return Exchange(method="GET", url=url, range="bytes=-32768", status=206, headers=headers, body=wheel)
