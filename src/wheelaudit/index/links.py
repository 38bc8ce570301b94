"""WING B (pure): the files that a project page links to, resolved against it and made safe.

Obeys PEP 503 (anchors), RFC 3986 section 5 (relative addresses) and PEP 629 (versions of the
API). What is wanted of them a `Sieve` says, so that the others never become more than a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from packaging.version import Version

from wheelaudit.errors import NotAProjectPageError
from wheelaudit.release import SkippedFile

MAX_LINKS = 300_000
"""Ten times the most links seen; a hostile page could hold millions, each half a kilobyte of memory."""

_DISTRIBUTIONS = (".whl", ".tar.gz", ".zip", ".egg", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar", ".exe")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
# Addresses that need no thought: ASCII, no port, no userinfo; urljoin costs more than all else about a link.
_PLAIN = r"[!#-;=?-\[\]-~]*"
_ROOTED = re.compile(rf"/(?!/){_PLAIN}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?=[/?#]|$)", re.ASCII)
_ABSOLUTE = re.compile(rf"https?://[A-Za-z0-9.-]+/{_PLAIN}")
_URL_SAFE = "%/:?#[]@!$&'()*+,;=~"
SPACE = "".join(map(chr, range(0x21)))
"""What browsers cut off both ends of an address (the URL standard: C0 control or space)."""
_UNSAFE_NAME = re.compile(r"[/\\\x00-\x1f\x7f]")
_SUPPORTED_MAJOR = "1"
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


_COUNTED_EACH = 1024
"""Of files that nobody wants: counting all after each of 30,000 took a twentieth of reading their page."""


class Files:
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
        origin = _ORIGIN.match(url)
        # None: links have to be looked at one by one. A base may be any URL, and of any scheme: file, javascript.
        self._origin = origin[0] if origin is not None and _is_usable(urlsplit(url)) else None

    def skip(self, filename: str, reason: str) -> None:
        self.skipped.append(SkippedFile(filename=filename, reason=reason))
        self.check_count()

    def may_be_wanted(self, name: str) -> bool:
        """Whether `add` has to look at a file of this name; a wheel that nobody wants is only counted."""
        return self._sieve is None or not name.endswith(".whl") or self._wants(name)

    def _wants(self, name: str) -> bool:
        if self._sieve is None or self._sieve.wants(name):
            return True
        self.unwanted += 1
        if not self.unwanted % _COUNTED_EACH:
            self.check_count()
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
        address, _, fragment = href.strip(SPACE).partition("#")
        if "<" in address:
            # Markup broken so that the link never ends, as PyTorch's page of 2021 was.
            self._skip_file(last_segment(address.partition("<")[0]), "its link is broken markup")
            return
        name = last_segment(address) if filename is None else filename
        if filename is None and not name.endswith(_DISTRIBUTIONS):
            return  # "../", sort links of a directory listing, signatures: not files of a release.
        # First, as for an anchor that is read by its pattern: how the page was cut must make no difference.
        if name and not self._wants(name):
            return
        if _UNSAFE_NAME.search(name) or not name:
            self.skip(name, "it is not a file name")
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
        self.check_count()
        if self._sieve is not None:
            self._sieve.keep(link)

    def _skip_file(self, name: str, reason: str) -> None:
        if name.endswith(_DISTRIBUTIONS):
            self.skip(name, reason)

    @property
    def count(self) -> int:
        """How many files the page lists, so far."""
        return len(self.links) + len(self.skipped) + self.unwanted

    def check_count(self) -> None:
        """Refuse a page that lists too much; raises `NotAProjectPageError`."""
        if self.count > MAX_LINKS:
            raise build_page_error(self._page_url, f"it has more than {MAX_LINKS} links")

    def _resolve(self, address: str) -> str:
        """Return the absolute URL of ``address``; raises ValueError with the reason why it cannot be used."""
        if "/." not in address:
            if self._origin is not None and _ROOTED.fullmatch(address):
                return self._origin + address
            if _ABSOLUTE.fullmatch(address):
                return address
        try:
            parts = urlsplit(urljoin(self._base, address))
            usable = _is_usable(parts)
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


def _is_usable(parts: SplitResult) -> bool:
    """Whether there is a host that can be asked. Raises ValueError for a port that is none."""
    return parts.hostname is not None and (parts.port is None or parts.port > 0)


def _sha256_of_fragment(fragment: str) -> str | None:
    """Read ``#sha256=HEX`` (PEP 503); other parameters may stand beside it."""
    for parameter in fragment.split("&") if fragment else ():
        if parameter.startswith("sha256="):
            return parse_sha256(parameter.removeprefix("sha256="))
    return None


def parse_sha256(digest: str) -> str | None:
    """Return the hash in lower case; None where it is none."""
    digest = digest.strip()
    return digest.lower() if _SHA256.fullmatch(digest) else None


def last_segment(address: str) -> str:
    """Return the file name of an address: the last segment of its path, %-decoded."""
    segment = address.partition("?")[0].rpartition("/")[2]
    if "%" not in segment:
        return segment
    # In wheels' names only "+" is quoted, and unquote takes longer than all else about a link that nobody wants.
    plain = segment.replace("%2B", "+")
    return unquote(segment) if "%" in plain else plain


def check_version(version: str, url: str) -> None:
    """Refuse another major version of the API, as PEP 629 asks; a newer minor one only adds, none means 1.0."""
    if version and version.partition(".")[0].strip() != _SUPPORTED_MAJOR:
        raise NotAProjectPageError(
            f'{url} speaks version "{version[:20]}" of the simple repository API, of which only 1.x is understood.',
            url=url,
            remedy="Update wheelaudit, or give an index that answers with version 1.",
        )


def build_page_error(url: str, reason: str) -> NotAProjectPageError:
    """Say that what was found at ``url`` is no project page; ``reason`` is half a sentence."""
    return NotAProjectPageError(f"{url} is not a project page: {reason}.", url=url, remedy=_REMEDY)
