"""WING B (pure): a project page in HTML, read while it arrives.

Obeys PEP 503 (pages), 592 (yanked), 629 (versions), 658 and 714 (metadata), 792 (status).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin

from wheelaudit.index.links import SPACE, Files, build_page_error, check_version, last_segment, parse_sha256
from wheelaudit.index.locations import without_credentials

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
_CHARSETS = {"iso-8859-1": "latin-1", "latin-1": "latin-1", "windows-1252": "cp1252", "cp1252": "cp1252"}
_PAGE_TITLES = ("links for", "index of", "directory listing for")


class HtmlFormat:
    """A page of PEP 503, fed in pieces.

    html.parser takes 12 us for an anchor, a third of a second for 30,000. Where it is at
    rest between two tags, an anchor as every index writes it is therefore read by one
    pattern, which takes nothing that html.parser would read otherwise; all else is fed
    to it.
    """

    def __init__(self, url: str, files: Files, *, charset: str) -> None:
        named = re.search(r"charset\s*=\s*\"?([\w.-]+)", charset, re.IGNORECASE)
        # File names are ASCII in every encoding that is met; what is not UTF-8 must only not fail.
        codec = _CHARSETS.get(named[1].lower(), "utf-8") if named else "utf-8"
        self._decoder = codecs.getincrementaldecoder(codec)("replace")
        self._url = url
        self._markup = Markup(url, files)
        self._files = files
        self._rest = ""

    @property
    def status(self) -> str | None:
        return self._markup.status

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            self._feed(self._decoder.decode(data[start : start + _PIECE]))
            if len(self._markup.rawdata) > MAX_OPEN_MARKUP:
                raise build_page_error(self._url, f"a tag of it goes on for more than {MAX_OPEN_MARKUP // 1024} KiB")

    def _feed(self, piece: str) -> None:
        text, self._rest, at = self._rest + piece, "", 0
        while at < len(text):
            if not self._markup.at_rest:
                self._feed_slowly(text[at:])
                return
            anchor = _ANCHOR.match(text, at)
            # From one of them to the next nothing changes that `at_rest` looks at.
            while anchor is not None and self._markup.read_plain_anchor(*anchor.groups()):
                at = anchor.end()
                anchor = _ANCHOR.match(text, at)
            if anchor is not None:
                self._markup.feed(anchor[0])
                at = anchor.end()
                continue
            # On to the next line with an anchor.
            begin = _ANCHOR_BEGINS.search(text, at)
            if begin is None:
                self._feed_slowly(text[at:])
                return
            self._markup.feed(text[at : begin.start() + 1])
            at = begin.start() + 1

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
            raise build_page_error(self._url, "it breaks off in the middle of a link")
        if self._markup.is_open:
            # A cut shows nowhere else where the Content-Length is of the cut, or there is none. HTML lets the end
            # tags be left out; no index does that, and a page without its last wheels would be judged as if whole.
            raise build_page_error(self._url, "it breaks off before its end: </html> is missing")
        if not self._files.count and not self._markup.is_empty_page:
            raise build_page_error(self._url, self._markup.description)


class Markup(HTMLParser):
    """Notes the anchors, and the few other tags that tell a project page from another document."""

    def __init__(self, url: str, files: Files) -> None:
        super().__init__(convert_charrefs=True)
        self.files = files
        self.status: str | None = None
        self._url = url
        self._based = False
        self._versioned = False
        self._is_html = False
        self.is_open = False
        """Whether the document has begun with a tag of its own and not come to its end."""
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
        name = last_segment(href.partition("#")[0])
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
                self.is_open = self.is_open or tag != "head"
            case "form" | "input" | "script" | "iframe":
                self._interactive = True
            case "title" | "h1":
                self._reading_heading = not self._heading.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag in {"title", "h1"}:
            self._reading_heading = False
        if tag in {"html", "body"}:
            self.is_open = False

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
            base = without_credentials(urljoin(self._url, href.strip(SPACE)))
            self.files.rebase(base)
        except ValueError:
            self.files.rebase(self._url)

    def _read_meta(self, attributes: Mapping[str, str | None]) -> None:
        content = (attributes.get("content") or "").strip()
        match (attributes.get("name") or "").lower():
            case "pypi:repository-version":
                check_version(content, self._url)
                self._versioned = True
            case "pypi:project-status":
                self.status = content.lower() or None


def _metadata_of_attribute(value: str | None) -> tuple[bool, str | None]:
    """Read PEP 714's attribute: ``true``, ``sha256=HEX``, or another hash, which promises the file no less."""
    text = (value or "").strip()
    if text.lower() == "false":
        return False, None
    algorithm, _, digest = text.partition("=")
    return True, parse_sha256(digest) if algorithm == "sha256" else None
