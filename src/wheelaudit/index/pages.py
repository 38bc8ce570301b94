"""WING B (pure): what an index says of a project's files, from HTML or JSON.

Obeys PEP 503 (pages), 592 (yanked), 629 (versions), 658 and 714 (metadata), 691
(JSON), 700 (size) and 792 (status). Everything on a page is hostile until it is
a `PageLink`: sizes are bounded, addresses resolved and stripped of credentials.
File names are not parsed here: a page may have 30,000 links, and a release needs few.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.index.links import Files, build_page_error, check_version
from wheelaudit.index.links import PageLink as PageLink
from wheelaudit.index.links import Sieve as Sieve
from wheelaudit.index.locations import without_credentials
from wheelaudit.release import SkippedFile

if TYPE_CHECKING:
    # Lazy where they are used: of two formats a run meets one, when its connection has been made.
    from wheelaudit.index.html_page import HtmlFormat
    from wheelaudit.index.json_page import JsonFormat

MAX_PAGE_BYTES = 64 * 1024 * 1024
"""The largest page seen has 12.8 MB (30,000 links); five times that is no project any more."""


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
        self._files = Files(self._url, sieve)
        self._content_type = content_type
        self._format: HtmlFormat | JsonFormat | None = self._format_of_type()
        self._head = b""
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece. Raises `NotAProjectPageError` as soon as it is certain that it is none."""
        self._size += len(data)
        if self._size > MAX_PAGE_BYTES:
            raise build_page_error(self._url, f"it is larger than {MAX_PAGE_BYTES // 1024**2} MiB")
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
            raise build_page_error(self._url, "it is empty")
        self._format.close()
        files = self._files
        files.check_count()
        return ProjectPage(
            url=self._url,
            project=self._project,
            links=tuple(files.links),
            unwanted=files.unwanted,
            others=() if self._sieve is None else tuple(self._sieve.others.values()),
            status=self._format.status,
            skipped=tuple(files.skipped),
        )

    def _format_of_type(self) -> HtmlFormat | JsonFormat | None:
        """Choose by Content-Type (PEP 691: it is to be believed); None where it decides nothing."""
        media, _, parameters = (self._content_type or "").partition(";")
        media = media.strip().lower()
        simple = re.fullmatch(r"application/vnd\.pypi\.simple\.(?:v(\d+)|latest)\+(json|html)", media)
        if simple and simple[1]:
            check_version(simple[1], self._url)
        if media == "application/json" or (simple and simple[2] == "json"):
            return self._read_json()
        if media in {"text/html", "application/xhtml+xml"} or simple:
            return self._read_html(parameters)
        return None

    def _format_of_body(self, start: bytes) -> HtmlFormat | JsonFormat:
        """Choose by the first bytes: static file hosts often send no type, or application/octet-stream."""
        if start.startswith(b"{"):
            return self._read_json()
        if start.startswith(b"<"):
            return self._read_html("")
        raise build_page_error(
            self._url, f"its type is {self._content_type or 'not given'} and it looks like neither HTML nor JSON"
        )

    def _read_html(self, charset: str) -> HtmlFormat:
        from wheelaudit.index.html_page import HtmlFormat

        return HtmlFormat(self._url, self._files, charset=charset)

    def _read_json(self) -> JsonFormat:
        from wheelaudit.index.json_page import JsonFormat

        return JsonFormat(self._url, self._files)
