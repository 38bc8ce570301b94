"""WING B (pure): whether an answer may be kept, and how to ask if it is still the same.

Obeys RFC 9110 section 8.8 (ETag, Last-Modified) and 13 (conditional requests), RFC
9111 section 5.2.2.5 (no-store). Nothing is ever taken for fresh by its age: what has no
hash is asked for again each time, and the server says 304 where it is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_ETAG = 512
"""Characters; an ETag is a hash or a size and a time, and goes back to the server in a header."""

# RFC 9110 section 8.8.3, without the bytes above ASCII: they could not be sent back as they came.
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"', re.ASCII)
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII)
_RESOLUTION = timedelta(seconds=1)
"""Of Last-Modified: a file may change twice in the second in which it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """By what a server tells whether its answer is still the one that it gave."""

    etag: str | None = None
    last_modified: str | None = None

    @property
    def conditions(self) -> dict[str, str]:
        """The header that asks for the answer only if it has changed; empty where nothing can be asked."""
        if self.etag is not None:
            return {"If-None-Match": self.etag}
        # RFC 9110 section 13.1.3: it would be ignored beside If-None-Match.
        return {} if self.last_modified is None else {"If-Modified-Since": self.last_modified}


def parse_validators(headers: Mapping[str, str]) -> Validators:
    """Return what an answer's headers (names in lower case) offer and can be relied upon."""
    etag = headers.get("etag", "").strip()
    usable = len(etag) <= MAX_ETAG and _ETAG.fullmatch(etag)
    return Validators(etag=etag if usable else None, last_modified=_find_last_modified(headers))


def is_strong(etag: str | None) -> bool:
    """Whether an ETag promises the same bytes (RFC 9110 section 8.8.1), and not only the same meaning."""
    return etag is not None and etag.startswith('"')


def may_keep(headers: Mapping[str, str]) -> bool:
    """Whether the server lets the answer be kept at all (``Cache-Control: no-store``)."""
    directives = headers.get("cache-control", "").lower().split(",")
    return all(directive.partition("=")[0].strip() != "no-store" for directive in directives)


def _find_last_modified(headers: Mapping[str, str]) -> str | None:
    """Return Last-Modified; None where the file may since have changed within the same second (8.8.2.2)."""
    text = headers.get("last-modified", "").strip()
    changed, answered = _parse_date(text), _parse_date(headers.get("date", "").strip())
    if changed is None or answered is None or answered - changed < _RESOLUTION:
        return None
    return text


def _parse_date(text: str) -> datetime | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
