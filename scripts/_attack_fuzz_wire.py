"""scripts/attack: fuzz targets of what comes beside pages and wheels: headers, addresses, logins, codings.

A body means the same however it is cut, and no secret of an address is ever in what is shown of it.
"""

from __future__ import annotations

import contextlib
import gzip
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from scripts._attack_fuzz_engine import Check, Target, always, cut_anyhow, encode, read_text
from tests.index.archives import METADATA
from wheelaudit.errors import (
    IndexAccessError,
    UsageError,
)
from wheelaudit.index.addresses import parse_url, public_url, same_origin
from wheelaudit.index.codings import CodingError, Decoder, find_codings, parse_coding
from wheelaudit.index.credentials import find_login, read_netrc
from wheelaudit.index.keyring import parse_answer
from wheelaudit.index.locations import IndexLocation, build_location, find_location, without_credentials
from wheelaudit.index.packing import Body, build_body
from wheelaudit.index.ranges import parse_content_range
from wheelaudit.index.selection import parse_spec
from wheelaudit.index.validators import may_keep, parse_validators
from wheelaudit.index.wire import parse_retry_after

SECRET = "s3cr3t"
LARGE = b"a megabyte and more"
"""Stands for a body that is not unpacked to its end, whatever would be found there."""


def _check_headers(data: bytes) -> None:
    values = [each.decode("latin-1") for each in data.split(b"\n")] + [""] * 6
    names = ("content-range", "etag", "last-modified", "date", "retry-after", "cache-control")
    headers = dict(zip(names, values, strict=False))
    span = parse_content_range(values[0])
    if span is not None:
        assert 0 <= span.start < span.end
        assert span.size is None or span.end <= span.size
    known = parse_validators(headers)
    for value in known.conditions.values():
        assert value.isascii()
        assert value.isprintable()
    waited = parse_retry_after(headers)
    assert waited is None or (math.isfinite(waited) and waited >= 0)
    assert may_keep(headers) in (True, False)
    parse_coding(values[0])


def _check_address(data: bytes) -> None:
    text = read_text(data)
    for address in (text, f"https://user:{SECRET}@{text}", f"https://{SECRET}@index.example{text}"):
        shown = [without_credentials(address), public_url(address)]
        try:
            location = build_location(address, folder=Path("/folder"))
            shown += [location.url, location.name, repr(location)]
        except UsageError as error:
            shown.append(str(error))
        try:
            shown.append(str(parse_url(address)))
        except IndexAccessError as error:
            shown.append(str(error))
        same_origin(address, "https://index.example/simple")
        assert not same_origin(address, "https://other.example/simple") or "other.example" in address.lower()
        _check_hidden(address, text, shown)
    with contextlib.suppress(UsageError):
        find_location(text, project_indexes={}, default=_find_none, cwd=Path("/folder"))


def _find_none() -> IndexLocation:
    raise UsageError("none")


def _check_hidden(address: str, text: str, shown: list[str]) -> None:
    if address != text and SECRET not in text:
        # A secret counts as one where a browser would take it for userinfo: before the host's first slash.
        assert all(SECRET not in each for each in shown), shown


def _check_spec(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        parse_spec(read_text(data))


def _check_answer(data: bytes) -> None:
    for username in ("user", None):
        login = parse_answer(data, username)
        assert login is None or (login.username and login.password)


def _prepare_netrc(folder: Path) -> Check:
    path = folder / "netrc"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        found = read_netrc(environ={"NETRC": str(path)}, home=folder, platform="linux")
        assert found.fault is None or not found.hosts
        assert SECRET not in repr(found)
        for host in (*list(found.hosts)[:2], "index.example"):
            url = f"https://{host}/simple"
            try:
                find_login(url, locations=[], netrc=found)
            except IndexAccessError:
                continue

    return check


def _prepare_coding(coding: str) -> Callable[[Path], Check]:
    def check(data: bytes) -> None:
        whole, pieces = _decode(coding, [data]), _decode(coding, cut_anyhow(data))
        assert pieces == whole or LARGE in (pieces, whole)

    return lambda _: check


def _decode(coding: str, pieces: Iterable[bytes]) -> bytes | None:
    decoder, found = Decoder(coding), bytearray()
    try:
        for piece in pieces:
            for each in decoder.feed(piece):
                found += each
                if len(found) > 1_000_000:
                    return LARGE
        decoder.close()
    except CodingError:
        return None
    return bytes(found)


def _coding_seeds() -> Iterator[bytes]:
    yield gzip.compress(METADATA, mtime=0)
    yield gzip.compress(bytes(5000), mtime=0) + gzip.compress(b"more", mtime=0)
    yield b"\x0b\x02\x80hello\x03"  # br
    yield b"\x28\xb5\x2f\xfd\x04\x00\x29\x00\x00hello"  # zstd, but for its checksum


def _body_seeds() -> Iterator[bytes]:
    yield from (b"\0\5hello", b"\0\0", b"\x10\0" + build_body(bytes(4096)).data)


def _check_body(data: bytes) -> None:
    size = int.from_bytes(data[:2], "big")
    for packed in (False, True):
        body = Body(sha256=build_body(b"").sha256, size=size, packed=packed, data=data[2:])
        assert not body.is_whole() or body.read() == b""
    own = build_body(data)
    assert own.is_whole()
    assert own.read() == data


HEADERS = (
    'bytes 0-99/1234\n"abc"\nWed, 21 Oct 2015 07:28:00 GMT\nWed, 21 Oct 2015 07:30:00 GMT\n120\nno-store',
    'bytes 5-5/*\nW/"x"\nWed, 21 Oct 2015 07:28:00 GMT\n\nFri, 31 Dec 9999 23:59:59 -2359\nmax-age=0, no-store=1',
)
ADDRESSES = (
    "index.example/simple",
    "index.example:8080/a/../b?c#d",
    "[::1]:80/x",
    "file:///folder/x",
    "cu126",
    "nightly/cpu",
    "C:\\wheels",
    "@h/",
    "/p@q",
)
ANSWERS = ("user\npassword\n", "password\r\n")
SPECS = (
    "torch==2.6.0+cu126",
    "torch>=2.6,<3",
    "dist/*.whl",
    "./dist",
    "file:///x/y.whl",
    "torch[a]==1",
    "torch; os_name=='nt'",
    "torch @ https://u:p@h/x",
)
NETRC = f"machine index.example login user password {SECRET}\ndefault login x password {SECRET}\nmacdef init\nls\n\n"

MARKS = ("://", "@", "[", "]", ":99999", "?", "#", "//", "%40", "\\", "file:")
LINES = ("machine ", "default", "login ", "account ", "password ", "macdef ", "#", '"', "\\")
VALUES = ("bytes ", "/*", "W/", "GMT", "+0000", "no-store", "99999999999")

TARGETS = (
    Target(name="headers", prepare=always(_check_headers), seeds=encode(*HEADERS), tokens=VALUES, longest=512),
    Target(
        name="address", short=500, prepare=always(_check_address), seeds=encode(*ADDRESSES), tokens=MARKS, longest=256
    ),
    Target(name="spec", prepare=always(_check_spec), seeds=encode(*SPECS), tokens=("==", ".whl", *MARKS), longest=256),
    Target(name="keyring-answer", prepare=always(_check_answer), seeds=encode(*ANSWERS), longest=256, share=0.2),
    Target(name="netrc", short=150, prepare=_prepare_netrc, seeds=encode(NETRC), tokens=LINES, longest=512),
    Target(name="body", prepare=always(_check_body), seeds=_body_seeds, longest=512, share=0.5),
    *(
        Target(name=f"coding-{each}", prepare=_prepare_coding(each), seeds=_coding_seeds, longest=1024, share=0.5)
        for each in find_codings()
    ),
)
