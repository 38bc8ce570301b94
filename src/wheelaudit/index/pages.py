"""WING B (pure): what an index says of a project's files, from HTML or JSON.

Obeys PEP 503 (pages), 592 (yanked), 629 (versions), 658 and 714 (metadata), 691
(JSON), 700 (size) and 792 (status). Everything on a page is hostile until it is
a `PageLink`: sizes are bounded, addresses resolved and stripped of credentials.
File names are not parsed here: a page may have 30,000 links, and a release needs few.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.errors import NotAProjectPageError
from wheelaudit.index.locations import without_credentials
from wheelaudit.index.objects import ObjectParser
from wheelaudit.release import SkippedFile

MAX_PAGE_BYTES = 64 * 1024 * 1024
"""The largest page seen has 12.8 MB (30,000 links); five times that is no project any more."""

MAX_LINKS = 300_000
"""Ten times the most links seen; a hostile page could hold millions, each half a kilobyte of memory."""

MAX_OPEN_MARKUP = 128 * 1024
"""Characters that a tag, comment or script may go on without an end: html.parser reads them again at each piece."""

_PIECE = 64 * 1024
_MAX_LINE = 8 * 1024
# One whole anchor, where html.parser has nothing to think of.
_ANCHOR = re.compile(
    r'[ \t]*<a href="(?P<href>[^"<>\s]+)"(?P<attributes>(?: [a-z-]+="[^"<>]*")*)>[^<>]*</a>(?:<br ?/?>)?\n?', re.ASCII
)
_ANCHOR_BEGINS = re.compile(r"\n[ \t]*<a ")
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
# The references that mean the same in an attribute in every version of the standard library.
_REFERENCE = re.compile(r"&(?!(?:amp|gt|lt|quot|#39|#x27);)")
_MAX_HEADING = 200
_SUPPORTED_MAJOR = "1"
_DISTRIBUTIONS = (".whl", ".tar.gz", ".zip", ".egg", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar", ".exe")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
# Addresses that need no thought: ASCII, no port, no userinfo; urljoin costs more than all else about a link.
_PLAIN = r"[!#-;=?-\[\]-~]*"
_ROOTED = re.compile(rf"/(?!/){_PLAIN}")
_ABSOLUTE = re.compile(rf"https?://[A-Za-z0-9.-]+/{_PLAIN}")
_URL_SAFE = "%/:?#[]@!$&'()*+,;=~"
_SPACE = "".join(map(chr, range(0x21)))
_UNSAFE_NAME = re.compile(r"[/\\\x00-\x1f\x7f]")
_CHARSETS = {"iso-8859-1": "latin-1", "latin-1": "latin-1", "windows-1252": "cp1252", "cp1252": "cp1252"}
_PAGE_TITLES = ("links for", "index of", "directory listing for")
_REMEDY = "Give the index's base address (https://HOST/simple, without the project) and check that it needs no login."


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """One file of a project page, as the index advertises it; its name not yet understood."""

    filename: str
    """%-decoded, without a path."""
    url: str
    """Absolute, as the page spells it (``%2B`` stays), without fragment and userinfo."""
    sha256: str | None
    has_metadata: bool
    metadata_sha256: str | None
    requires_python: str | None
    yanked: str | None
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    """All files that an index lists for a project, in the page's order."""

    url: str
    """Without credentials."""
    project: NormalizedName
    links: tuple[PageLink, ...]
    unwanted: int = 0
    """How many files besides are listed, that a `Sieve` let fall."""
    others: tuple[Version, ...] = ()
    """Versions of which such a file is a wheel."""
    status: str | None = None
    """The project's status (PEP 792: active, archived, quarantined, deprecated); None where the page has none."""
    skipped: tuple[SkippedFile, ...] = ()
    """Files whose address cannot be used, and why."""


class Sieve(Protocol):
    """Says which files of a page are wanted, so that the others never become more than a name."""

    def wants(self, filename: str) -> bool:
        """Whether the file is to become a `PageLink`."""
        ...

    @property
    def others(self) -> Mapping[str, Version]:
        """Versions that have wheels, all of them unwanted, by their text."""
        ...

    def keep(self, link: PageLink) -> None:
        """Hear of a file that did, while the page is still on its way; again where the page is sent again."""
        ...


def parse_project_page(
    body: bytes, *, content_type: str | None, url: str, project: NormalizedName, sieve: Sieve | None = None
) -> ProjectPage:
    """Parse a whole page; ``url`` is where it was finally found (after redirects).

    Raises `NotAProjectPageError` for anything that is not a page of the simple API:
    an error or login page never becomes a project without files.
    """
    parser = ProjectPageParser(content_type=content_type, url=url, project=project, sieve=sieve)
    parser.feed(body)
    return parser.close()


class ProjectPageParser:
    """Parses a page in pieces while it arrives: `feed` each, then `close` for the `ProjectPage`."""

    def __init__(
        self, *, content_type: str | None, url: str, project: NormalizedName, sieve: Sieve | None = None
    ) -> None:
        self._url = without_credentials(url)
        self._project = project
        self._sieve = sieve
        self._files = _Files(self._url, sieve)
        self._content_type = content_type
        self._format: _HtmlFormat | _JsonFormat | None = self._format_of_type()
        self._head = b""
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece. Raises `NotAProjectPageError` as soon as it is certain that it is none."""
        self._size += len(data)
        if self._size > MAX_PAGE_BYTES:
            raise _not_a_page(self._url, f"it is larger than {MAX_PAGE_BYTES // 1024**2} MiB")
        if self._format is None:
            self._head = (self._head + data).removeprefix(codecs.BOM_UTF8).lstrip()
            if not self._head:
                return
            data, self._head = self._head, b""
            self._format = self._format_of_body(data)
        self._format.feed(data)

    def close(self) -> ProjectPage:
        """Return the page, now that all of it was fed."""
        if self._format is None or not self._size:
            raise _not_a_page(self._url, "it is empty")
        self._format.close()
        files = self._files
        return ProjectPage(
            url=self._url,
            project=self._project,
            links=tuple(files.links),
            unwanted=files.unwanted,
            others=() if self._sieve is None else tuple(self._sieve.others.values()),
            status=self._format.status,
            skipped=tuple(files.skipped),
        )

    def _format_of_type(self) -> _HtmlFormat | _JsonFormat | None:
        """Choose by Content-Type (PEP 691: it is to be believed); None where it decides nothing."""
        media, _, parameters = (self._content_type or "").partition(";")
        media = media.strip().lower()
        simple = re.fullmatch(r"application/vnd\.pypi\.simple\.(?:v(\d+)|latest)\+(json|html)", media)
        if simple and simple[1]:
            _check_version(simple[1], self._url)
        if media == "application/json" or (simple and simple[2] == "json"):
            return _JsonFormat(self._url, self._files)
        if media in {"text/html", "application/xhtml+xml"} or simple:
            return _HtmlFormat(self._url, self._files, charset=parameters)
        return None

    def _format_of_body(self, start: bytes) -> _HtmlFormat | _JsonFormat:
        """Choose by the first bytes: static file hosts often send no type, or application/octet-stream."""
        if start.startswith(b"{"):
            return _JsonFormat(self._url, self._files)
        if start.startswith(b"<"):
            return _HtmlFormat(self._url, self._files, charset="")
        raise _not_a_page(
            self._url, f"its type is {self._content_type or 'not given'} and it looks like neither HTML nor JSON"
        )


class _Files:
    """The links found so far, resolved against the page (RFC 3986 section 5) and made safe."""

    def __init__(self, page_url: str, sieve: Sieve | None) -> None:
        self.links: list[PageLink] = []
        self.skipped: list[SkippedFile] = []
        self.unwanted = 0
        self._sieve = sieve
        self._page_url = page_url
        self._from_disk = page_url.startswith("file:")
        self.rebase(page_url)

    def rebase(self, url: str) -> None:
        """Resolve the links that follow against ``url`` (``<base href>``)."""
        self._base = url
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def skip(self, filename: str, reason: str) -> None:
        self.skipped.append(SkippedFile(filename=filename, reason=reason))
        self._check_count()

    def may_be_wanted(self, name: str) -> bool:
        """Whether `add` has to look at a file of this name; a wheel that nobody wants is only counted."""
        return self._sieve is None or not name.endswith(".whl") or self._wants(name)

    def _wants(self, name: str) -> bool:
        if self._sieve is None or self._sieve.wants(name):
            return True
        self.unwanted += 1
        self._check_count()
        return False

    def add(
        self,
        href: str,
        *,
        filename: str | None = None,
        sha256: str | None = None,
        metadata: tuple[bool, str | None] = (False, None),
        requires_python: str | None = None,
        yanked: str | None = None,
        size: int | None = None,
    ) -> None:
        """Add the file at ``href``, unless it is no file; ``filename`` where the page gives it apart (JSON)."""
        address, _, fragment = href.strip(_SPACE).partition("#")
        if "<" in address:
            # Markup broken so that the link never ends, as PyTorch's page of 2021 was.
            self._skip_file(_last_segment(address.partition("<")[0]), "its link is broken markup")
            return
        name = _last_segment(address) if filename is None else filename
        if filename is None and not name.endswith(_DISTRIBUTIONS):
            return  # "../", sort links of a directory listing, signatures: not files of a release.
        if _UNSAFE_NAME.search(name) or not name:
            self.skip(name, "it is not a file name")
            return
        if not self._wants(name):
            return
        try:
            url = self._resolve(address)
        except ValueError as error:
            self.skip(name, str(error))
            return
        has_metadata, metadata_sha256 = metadata
        link = PageLink(
            filename=name,
            url=url,
            sha256=sha256 if sha256 is not None else _sha256_of_fragment(fragment),
            has_metadata=has_metadata,
            metadata_sha256=metadata_sha256,
            requires_python=requires_python,
            yanked=yanked,
            size=size,
        )
        self.links.append(link)
        self._check_count()
        if self._sieve is not None:
            self._sieve.keep(link)

    def _skip_file(self, name: str, reason: str) -> None:
        if name.endswith(_DISTRIBUTIONS):
            self.skip(name, reason)

    @property
    def count(self) -> int:
        """How many files the page lists, so far."""
        return len(self.links) + len(self.skipped) + self.unwanted

    def _check_count(self) -> None:
        if self.count > MAX_LINKS:
            raise _not_a_page(self._page_url, f"it has more than {MAX_LINKS} links")

    def _resolve(self, address: str) -> str:
        """Return the absolute URL of ``address``; raises ValueError with the reason why it cannot be used."""
        if "/." not in address:
            if _ROOTED.fullmatch(address) and not self._from_disk:
                return self._origin + address
            if _ABSOLUTE.fullmatch(address):
                return address
        try:
            parts = urlsplit(urljoin(self._base, address))
            usable = parts.hostname is not None and (parts.port is None or parts.port > 0)
        except ValueError as error:
            raise ValueError("its address is not a URL") from error
        if parts.scheme == "file":
            # A page from the network must not make us read this machine's files, and a page
            # on disk must not make Windows log in to a share on another host.
            usable = self._from_disk and parts.netloc == urlsplit(self._page_url).netloc
            if not usable:
                raise ValueError("a page of another place links to a local file")
        elif parts.scheme not in {"http", "https"}:
            raise ValueError(f"its address has the scheme {parts.scheme or 'none'}, not http, https or file")
        if not usable:
            raise ValueError("its address is not a URL")
        authority = parts.netloc.rpartition("@")[2]
        return quote(parts._replace(netloc=authority, fragment="").geturl(), safe=_URL_SAFE)


class _HtmlFormat:
    """A page of PEP 503, fed in pieces.

    html.parser takes 12 us for an anchor, a third of a second for 30,000. Where it is at
    rest between two tags, an anchor as every index writes it is therefore read by one
    pattern, which takes nothing that html.parser would read otherwise; all else is fed
    to it.
    """

    def __init__(self, url: str, files: _Files, *, charset: str) -> None:
        named = re.search(r"charset\s*=\s*\"?([\w.-]+)", charset, re.IGNORECASE)
        # File names are ASCII in every encoding that is met; what is not UTF-8 must only not fail.
        codec = _CHARSETS.get(named[1].lower(), "utf-8") if named else "utf-8"
        self._decoder = codecs.getincrementaldecoder(codec)("replace")
        self._url = url
        self._markup = _Markup(url, files)
        self._files = files
        self._rest = ""

    @property
    def status(self) -> str | None:
        return self._markup.status

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            self._feed(self._decoder.decode(data[start : start + _PIECE]))
            if len(self._markup.rawdata) > MAX_OPEN_MARKUP:
                raise _not_a_page(self._url, f"a tag of it goes on for more than {MAX_OPEN_MARKUP // 1024} KiB")

    def _feed(self, piece: str) -> None:
        text, self._rest, at = self._rest + piece, "", 0
        while at < len(text):
            if not self._markup.at_rest:
                self._feed_slowly(text[at:])
                return
            anchor = _ANCHOR.match(text, at)
            if anchor is None:
                # On to the next line with an anchor.
                begin = _ANCHOR_BEGINS.search(text, at)
                if begin is None:
                    self._feed_slowly(text[at:])
                    return
                self._markup.feed(text[at : begin.start() + 1])
                at = begin.start() + 1
            else:
                if not self._markup.read_plain_anchor(anchor["href"], anchor["attributes"]):
                    self._markup.feed(anchor[0])
                at = anchor.end()

    def _feed_slowly(self, text: str) -> None:
        """Feed html.parser all but the last line: one that has not ended may become an anchor.

        An open tag it reads from its beginning again at each call, hence few calls with much.
        """
        end = text.rfind("\n") + 1
        if len(text) - end >= _MAX_LINE:
            end = len(text)
        if not self._markup.at_rest and end < _MAX_LINE:
            end = 0
        self._markup.feed(text[:end])
        self._rest = text[end:]

    def close(self) -> None:
        self._markup.feed(self._rest)
        # HTMLParser.close is not called: it would only guess at what an open tag might be.
        if self._markup.rawdata[:2].lower() == "<a":
            raise _not_a_page(self._url, "it breaks off in the middle of a link")
        if not self._files.count and not self._markup.is_empty_page:
            raise _not_a_page(self._url, self._markup.description)


class _Markup(HTMLParser):
    """Notes the anchors, and the few other tags that tell a project page from another document."""

    def __init__(self, url: str, files: _Files) -> None:
        super().__init__(convert_charrefs=True)
        self.files = files
        self.status: str | None = None
        self._url = url
        self._based = False
        self._versioned = False
        self._is_html = False
        self._anchors = 0
        self._interactive = False
        self._reading_heading = False
        self._heading = ""

    @property
    def is_empty_page(self) -> bool:
        """Whether a document without files is a project page all the same.

        An index may list a project without files, and PEP 503 prescribes no more than
        anchors. So it is one when it says so (PEP 629's version, the customary
        heading), or when it is an HTML document with nothing in it that a login page,
        a web application or an index's list of projects would have.
        """
        heading = " ".join(self._heading.lower().split())
        if self._versioned or heading.startswith(_PAGE_TITLES):
            return True
        return self._is_html and not self._anchors and not self._interactive

    @property
    def description(self) -> str:
        """What the document is instead, for the error."""
        if not self._is_html and not self._anchors:
            return "it is not an HTML document"
        return "it is an HTML document without a link to any file"

    @property
    def at_rest(self) -> bool:
        """Whether what comes next begins anew: not in a tag, a script, a comment or the heading."""
        return not self.rawdata and self.cdata_elem is None and not self._reading_heading

    def read_plain_anchor(self, href: str, attributes: str) -> bool:
        """Read an anchor of the pattern `_ANCHOR`; False where html.parser must have it after all."""
        if "&" in href:
            return False
        name = _last_segment(href.partition("#")[0])
        if not self.files.may_be_wanted(name):
            self._anchors += 1
            return True
        if "&" in attributes and _REFERENCE.search(attributes):
            return False
        self._anchors += 1
        pairs = _ATTRIBUTE.findall(attributes)
        values: dict[str, str | None] = {key: unescape(value) for key, value in reversed(pairs)}
        self._read_anchor({**values, "href": href})
        return True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        match tag:
            case "a":
                self._anchors += 1
                # HTML: of repeated attributes the first counts.
                self._read_anchor(dict(reversed(attrs)))
            case "base":
                self._read_base(dict(reversed(attrs)))
            case "meta":
                self._read_meta(dict(reversed(attrs)))
            case "html" | "head" | "body":
                self._is_html = True
            case "form" | "input" | "script" | "iframe":
                self._interactive = True
            case "title" | "h1":
                self._reading_heading = not self._heading.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag in {"title", "h1"}:
            self._reading_heading = False

    def handle_data(self, data: str) -> None:
        if self._reading_heading and len(self._heading) < _MAX_HEADING:
            self._heading += data[:_MAX_HEADING]

    def handle_decl(self, decl: str) -> None:
        if decl.lower().startswith("doctype html"):
            self._is_html = True

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Pass over ``<![...]>``, for which the standard library has no answer but AssertionError."""
        end = self.rawdata.find(">", i)
        return -1 if end < 0 else end + 1

    def _read_anchor(self, attributes: Mapping[str, str | None]) -> None:
        href = attributes.get("href")
        if not href:
            return
        # PEP 714: data-core-metadata first, data-dist-info-metadata (PEP 658) where it is missing.
        name = "data-core-metadata" if "data-core-metadata" in attributes else "data-dist-info-metadata"
        metadata = _metadata_of_attribute(attributes[name]) if name in attributes else (False, None)
        self.files.add(
            href,
            metadata=metadata,
            requires_python=(attributes.get("data-requires-python") or "").strip() or None,
            # PEP 592: the attribute alone is enough; its value is the reason.
            yanked=(attributes["data-yanked"] or "") if "data-yanked" in attributes else None,
        )

    def _read_base(self, attributes: Mapping[str, str | None]) -> None:
        href = attributes.get("href")
        if not href or self._based:
            return  # HTML: only the first counts.
        self._based = True
        try:
            base = without_credentials(urljoin(self._url, href.strip(_SPACE)))
            self.files.rebase(base)
        except ValueError:
            self.files.rebase(self._url)

    def _read_meta(self, attributes: Mapping[str, str | None]) -> None:
        content = (attributes.get("content") or "").strip()
        match (attributes.get("name") or "").lower():
            case "pypi:repository-version":
                _check_version(content, self._url)
                self._versioned = True
            case "pypi:project-status":
                self.status = content.lower() or None


class _JsonFormat:
    """A page of PEP 691, fed in pieces; of its files no more than one is held at a time."""

    def __init__(self, url: str, files: _Files) -> None:
        self._url = url
        self._files = files
        self._parser = ObjectParser("files", on_entry=self._read_file, on_value=self._read_value)
        self.status: str | None = None

    def feed(self, data: bytes) -> None:
        with self._refusing():
            self._parser.feed(data)

    def close(self) -> None:
        with self._refusing():
            self._parser.close()
        if not self._parser.has_list:
            raise self._without_files()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, RecursionError) as error:
            raise _not_a_page(self._url, "it is not a valid JSON object") from error

    def _read_value(self, key: str, value: object) -> None:
        if key == "meta" and isinstance(value, dict) and "api-version" in value:
            _check_version(str(value["api-version"]), self._url)
        elif key == "project-status":
            self.status = _status_of_json(value)
        elif key == "files":
            raise self._without_files()

    def _without_files(self) -> NotAProjectPageError:
        return _not_a_page(self._url, 'it is JSON without a list of "files" (PEP 691)')

    def _read_file(self, file: object) -> None:
        filename = file.get("filename") if isinstance(file, dict) else None
        if not isinstance(file, dict) or not isinstance(filename, str):
            self._files.skip("", "an entry of the page is not a file (PEP 691)")
            return
        url, requires_python, yanked, size = map(file.get, ("url", "requires-python", "yanked", "size"))
        if not isinstance(url, str):
            self._files.skip(filename, "the page gives no address for it")
            return
        self._files.add(
            url,
            filename=filename,
            sha256=_sha256_of_hashes(file.get("hashes")),
            metadata=_metadata_of_json(file),
            requires_python=(requires_python.strip() or None) if isinstance(requires_python, str) else None,
            # PEP 691: a truth value, or a reason that is not empty.
            yanked=(yanked if isinstance(yanked, str) else "") if yanked else None,
            size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        )


def _metadata_of_attribute(value: str | None) -> tuple[bool, str | None]:
    """Read PEP 714's attribute: ``true``, ``sha256=HEX``, or another hash, which promises the file no less."""
    text = (value or "").strip()
    if text.lower() == "false":
        return False, None
    algorithm, _, digest = text.partition("=")
    return True, _sha256(digest) if algorithm == "sha256" else None


def _metadata_of_json(file: Mapping[object, object]) -> tuple[bool, str | None]:
    """Read PEP 714's key, or one of the two it replaces; a truth value or hashes."""
    for key in ("core-metadata", "dist-info-metadata", "data-dist-info-metadata"):
        match file.get(key):
            case None:
                continue
            case dict() as hashes:
                return True, _sha256_of_hashes(hashes)
            case value:
                return value is True, None
    return False, None


def _sha256_of_hashes(hashes: object) -> str | None:
    digest = hashes.get("sha256") if isinstance(hashes, dict) else None
    return _sha256(digest) if isinstance(digest, str) else None


def _sha256_of_fragment(fragment: str) -> str | None:
    """Read ``#sha256=HEX`` (PEP 503); other parameters may stand beside it."""
    for parameter in fragment.split("&") if fragment else ():
        if parameter.startswith("sha256="):
            return _sha256(parameter.removeprefix("sha256="))
    return None


def _sha256(digest: str) -> str | None:
    digest = digest.strip()
    return digest.lower() if _SHA256.fullmatch(digest) else None


def _status_of_json(value: object) -> str | None:
    status = value.get("status") if isinstance(value, dict) else None
    return status.strip().lower() or None if isinstance(status, str) else None


def _last_segment(address: str) -> str:
    """Return the file name of an address: the last segment of its path, %-decoded."""
    segment = address.partition("?")[0].rpartition("/")[2]
    if "%" not in segment:
        return segment
    # In wheels' names only "+" is quoted, and unquote takes longer than all else about a link that nobody wants.
    plain = segment.replace("%2B", "+")
    return unquote(segment) if "%" in plain else plain


def _check_version(version: str, url: str) -> None:
    """Refuse another major version of the API, as PEP 629 asks; a newer minor one only adds, none means 1.0."""
    if version and version.partition(".")[0].strip() != _SUPPORTED_MAJOR:
        raise NotAProjectPageError(
            f'{url} speaks version "{version[:20]}" of the simple repository API, of which only 1.x is understood.',
            url=url,
            remedy="Update wheelaudit, or give an index that answers with version 1.",
        )


def _not_a_page(url: str, reason: str) -> NotAProjectPageError:
    return NotAProjectPageError(f"{url} is not a project page: {reason}.", url=url, remedy=_REMEDY)
