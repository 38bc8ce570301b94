"""scripts/attack: fuzz targets of pages and wheels.

A page means the same however it is cut, and a METADATA read out of a wheel is the one that
`zipfile` reads.
"""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from scripts._attack_fuzz_engine import Target, always, cut_anyhow, spread
from scripts._attack_fuzz_ground import CASSETTES
from tests.index.archives import METADATA, METADATA_NAME, Member, build_archive, build_wheel, build_wheel_file
from wheelaudit.errors import (
    MetadataUnreadableError,
    NotAProjectPageError,
    ReleaseNotFoundError,
)
from wheelaudit.index.cassettes import read_cassette
from wheelaudit.index.objects import ObjectParser
from wheelaudit.index.pages import ProjectPage, ProjectPageParser
from wheelaudit.index.partial import read_partial_metadata
from wheelaudit.index.selection import RequirementSpec, VersionSieve, Wanted, find_releases, parse_spec

URL = "https://index.example/simple/torch/"
TORCH = canonicalize_name("torch")
_BROKEN_TAG = re.compile(rb"""<(?!(?:[^<>"'=]|=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+)(?=[\s/>]))*+>)""")
"""A ``<`` whose tag does not end, or holds quotes where no value is."""
SECRET = "s3cr3t"
TYPES = (
    None,
    "text/html",
    "application/vnd.pypi.simple.v1+json",
    "application/octet-stream",
    "text/html; charset=cp1252",
)

# Pages


def _find_pages() -> list[bytes]:
    """Return the beginnings of the pages of all cassettes."""
    exchanges = [each for folder in sorted(CASSETTES.iterdir()) if folder.is_dir() for each in read_cassette(folder)]
    return [each.body[:1500] for each in exchanges if each.body and each.url.endswith("/")]


def _html_seeds() -> Iterator[bytes]:
    # A page that says where it begins has to say where it ends.
    for page in _find_pages():
        if page.lstrip().startswith(b"<"):
            yield page.rpartition(b"</a>")[0] + b"</a>\n</html>"
    yield (
        b'<!DOCTYPE html><html><base href="/x/"><h1>Links for a</h1><a href="b-1.tar.gz#sha256='
        + b"0" * 64
        + b'">a</html>'
    )
    yield b"<a href='torch-2.6.0-py3-none-any.whl' data-yanked data-core-metadata=true>a</a><!-- x --><script>a"


def _json_seeds() -> Iterator[bytes]:
    yield from (page for page in _find_pages() if page.startswith(b"{"))
    yield json.dumps(_build_page()).encode()
    yield json.dumps(_build_page(), indent=1, ensure_ascii=False).encode()


def _build_page() -> dict[str, object]:
    name = "torch-2.6.0+cu126-cp310-cp310-win_amd64.whl"
    file = {"filename": name, "url": f"https://files.example/{name}", "hashes": {"sha256": "ab" * 32}, "size": 12}
    more = {"requires-python": ">=3.9", "yanked": "é", "core-metadata": {"sha256": "cd" * 32}, "upload-time": None}
    other = {"filename": "torch-2.5.tar.gz", "url": "../torch-2.5.tar.gz", "hashes": {}, "yanked": False}
    return {
        "meta": {"api-version": "1.1"},
        "name": "torch",
        "files": [file | more, other],
        "project-status": {"status": "active"},
    }


def _read_page(pieces: Iterable[bytes], media: str | None, *, sifted: bool) -> ProjectPage | type[Exception]:
    wanted = Wanted(project=TORCH, specifiers=(SpecifierSet("==2.6.0"),))
    sieve = VersionSieve(wanted) if sifted else None
    try:
        parser = ProjectPageParser(content_type=media, url=URL, project=TORCH, sieve=sieve)
        for piece in pieces:
            parser.feed(piece)
        return parser.close()
    except NotAProjectPageError as error:
        return type(error)


def _check_page(data: bytes) -> None:
    chance = spread(data)
    media, sifted = chance.choice(TYPES), chance.random() < 0.3
    page = _read_page([data], media, sifted=sifted)
    pieces = _read_page(cut_anyhow(data), media, sifted=sifted)
    # Where tags are broken html.parser itself makes of their ends what it has seen by then.
    assert pieces == page or _BROKEN_TAG.search(data)
    if isinstance(pieces, ProjectPage):
        _check_links(pieces)
    if isinstance(page, ProjectPage):
        _check_links(page)
        if not sifted:
            _check_releases(page)


def _check_links(page: ProjectPage) -> None:
    for link in page.links:
        parts = urlsplit(link.url)
        assert parts.scheme in {"http", "https"}
        assert parts.hostname
        assert (parts.username, parts.password, parts.fragment) == (None, None, "")
        assert not set(link.filename) & set("/\\\0\n\r")
        for digest in (link.sha256, link.metadata_sha256):
            assert digest is None or (len(digest) == 64 and set(digest) <= set("0123456789abcdef"))


def _check_releases(page: ProjectPage) -> None:
    spec = parse_spec("torch")
    assert isinstance(spec, RequirementSpec)
    try:
        releases = find_releases([("a", page)], spec, every=True)
    except ReleaseNotFoundError:
        return
    for release in releases:
        assert release.wheels
        names = [wheel.filename for wheel in release.wheels]
        assert names == sorted(names, key=lambda name: name.encode("utf-8", "surrogatepass"))


# JSON objects


def _parse_object(pieces: Iterable[bytes]) -> list[tuple[str, object]] | None:
    found: list[tuple[str, object]] = []
    parser = ObjectParser(
        "files",
        on_entry=lambda value: found.append(("[]", value)),
        on_value=lambda key, value: found.append((key, value)),
    )
    try:
        for piece in pieces:
            parser.feed(piece)
        parser.close()
    except (ValueError, RecursionError):
        return None
    return found


def _check_object(data: bytes) -> None:
    whole = _parse_object([data])
    assert repr(_parse_object(cut_anyhow(data))) == repr(whole)
    try:
        # Pairs: a key may be there twice.
        pairs = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        assert whole is None
        return
    if whole is None:
        assert not isinstance(pairs, _Pairs) or [key for key, _ in pairs].count("files") > 1
        return
    assert isinstance(pairs, _Pairs)
    expected = [pair for key, value in pairs for pair in _unroll(key, value)]
    assert repr([(key, _plain(value)) for key, value in expected]) == repr(whole)


class _Pairs(list[tuple[str, object]]):
    """An object of JSON."""


def _unroll(key: str, value: object) -> Iterator[tuple[str, object]]:
    if key == "files" and isinstance(value, list) and not isinstance(value, _Pairs):
        yield from (("[]", each) for each in value)
    else:
        yield key, value


def _plain(value: object) -> object:
    if isinstance(value, _Pairs):
        return {key: _plain(each) for key, each in value}
    return [_plain(each) for each in value] if isinstance(value, list) else value


# Wheels


class _Bytes:
    """A remote file in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read_tail(self, length: int) -> tuple[int, bytes]:
        return len(self._data), self._data[max(0, len(self._data) - length) :]

    async def read_span(self, start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(self._data)
        return self._data[start:end]


WHEEL = build_wheel_file()


def _read_partially(data: bytes) -> bytes | None:
    coroutine = read_partial_metadata(_Bytes(data), WHEEL)
    try:
        coroutine.send(None)
    except StopIteration as result:
        return bytes(result.value)
    except MetadataUnreadableError:
        return None
    raise AssertionError("the parser waited")


def _check_wheel(data: bytes) -> None:
    found = _read_partially(data)
    # zipfile takes the last signature for the end record, even one inside the comment.
    if found is None or data.count(b"PK\5\6") != 1:
        return
    contents = _read_wholly(data)
    assert contents is None or found in contents


def _read_wholly(data: bytes) -> list[bytes] | None:
    """Return what `zipfile` reads of every METADATA; None where it reads none."""
    contents = []
    try:
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".dist-info/METADATA") and member.file_size < 1_000_000:
                    contents.append(archive.read(member))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError, RuntimeError, UnicodeError):
        return None
    except zlib.error:
        return None
    return contents or None


def _wheel_seeds() -> Iterator[bytes]:
    other = Member(name="other-1.0.dist-info/METADATA", data=b"Name: other\n")
    yield build_wheel(others=2)
    yield build_archive([other, Member(name=METADATA_NAME, data=METADATA), other], comment=b"c" * 20)
    for zip64, deflated, descriptor in ((True, False, True), (False, True, True), (True, True, False)):
        member = Member(name=METADATA_NAME, data=METADATA, zip64=zip64, deflated=deflated, descriptor=descriptor)
        yield build_archive([member, other], zip64=zip64, prefix=b"MZ" * 9, end64_extra=b"ab" if descriptor else b"")


MARKUP = (
    *('<a href="', '">', "</a>", "<script>", "</script>", "<!--", "-->", "<base href=", "<![", "data-yanked", "\n"),
    *('data-core-metadata="sha256=', "#sha256=", "&amp;", "&#x2F;", "torch-2.6.0-py3-none-any.whl", "<title>", "<h1>"),
    *("charset", "javascript:", "file://", "https://u:p@h/"),
)
JSON = (
    *('"files":[', '"filename":', '"url":', '"hashes":{"sha256":"', '"core-metadata":', '"yanked":true', '"size":-1'),
    *("\\ud800", "1e999", "NaN", "-0", '"meta":{"api-version":"2.0"}', "]", "}", ",", "null"),
)
RECORDS = ("PK\1\2", "PK\3\4", "PK\5\6", "PK\6\6", "PK\6\7", METADATA_NAME)

TARGETS = (
    Target(name="page-html", short=1000, prepare=always(_check_page), seeds=_html_seeds, tokens=MARKUP, share=3),
    Target(name="page-json", short=1500, prepare=always(_check_page), seeds=_json_seeds, tokens=JSON, share=2),
    Target(name="json-object", prepare=always(_check_object), seeds=_json_seeds, tokens=JSON, share=2),
    Target(name="wheel-part", prepare=always(_check_wheel), seeds=_wheel_seeds, tokens=RECORDS, share=3),
)
