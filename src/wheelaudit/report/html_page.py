"""OUTPUT (pure): the frame of every HTML page: templates, the style sheet, and foreign text that is only ever text.

A page is one file that loads nothing and runs nothing. jinja2 escapes whatever a template
prints; before that, text goes through `escape_text` and is bounded, so that a template
cannot forget it. What comes from an index stands in ``<bdi>`` besides, so that letters
written from right to left reorder nothing around them (Unicode UAX #9). Should all of that
fail, the page's own Content-Security-Policy (CSP level 3) allows nothing but its style
sheet, by hash.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Generic, TypeVar

from jinja2 import Environment, FunctionLoader, StrictUndefined, Undefined
from markupsafe import Markup, escape

from wheelaudit.report.lines import KEEP
from wheelaudit.report.text import count_of, escape_text

MOST_TEXT = 500
"""Characters of one text. Requirements of real wheels stay below 300, URLs below 400; an index may say a megabyte.
An address that is longer is not linked."""

_ADDRESS = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?(?:[/?][a-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?", re.IGNORECASE)
"""An http(s) URL (RFC 3986) without user information and with a plain host: what it shows is where it leads."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[Item]):
    """The first of many things, and how many more there are."""

    items: tuple[Item, ...]
    more: int = 0

    @property
    def total(self) -> int:
        return len(self.items) + self.more


def clip(items: Iterable[Item], most: int) -> Listing[Item]:
    """Keep the first ``most``, so that a page stays one that a browser opens."""
    rest = iter(items)
    kept = tuple(islice(rest, most))
    return Listing(items=kept, more=sum(1 for _ in rest))


def render_page(template: str, **values: object) -> str:
    """Return a template of this package as a page, ending with a newline. A name that it lacks is a bug and raises."""
    style = read_style()
    # Between the tags to the byte: a browser hashes what stands there.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    page = _build_environment().get_template(template).render(style=Markup(style), style_hash=digest, **values)
    return page.rstrip("\n") + "\n"


@cache
def read_style() -> str:
    """Return the style sheet of all pages."""
    return f"\n{_read_file('page.css')}"


def build_link(url: str) -> str | None:
    """Return the URL where a link may lead there, else None: other schemes, credentials, spellings that deceive."""
    return url if len(url) <= MOST_TEXT and _ADDRESS.fullmatch(url) else None


def shorten(text: str) -> str:
    """Return text that can do no harm on one line, of bounded length, with a note where it was cut."""
    shown = escape_text(text[:MOST_TEXT])
    rest = len(text) - MOST_TEXT
    return f"{shown}… ({rest} characters more)" if rest > 0 else shown


def isolate(text: str) -> Markup:
    """Return foreign text as an element of its own that reorders nothing around it."""
    # From left to right, whatever it begins with: names and requirements are read that way.
    return Markup('<bdi dir="ltr">{}</bdi>').format(shorten(text))


def isolate_prose(text: str) -> Markup:
    """Return a sentence as `isolate` does, with what stands between backticks as code: commands.

    Text with backticks of its own may swap the two, which looks odd and does no harm.
    """
    parts = shorten(text.replace(KEEP, " ")).split("`")
    if len(parts) % 2 == 0:
        return isolate(text)
    pieces = (
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )
    return Markup('<bdi dir="ltr">{}</bdi>').format(Markup("").join(pieces))


@cache
def _build_environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(_read_file),
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        # The templates are our own and do not change while the program runs.
        auto_reload=False,
    )
    environment.filters["count"] = count_of
    environment.filters["foreign"] = isolate
    environment.filters["prose"] = isolate_prose
    return environment


def _read_file(name: str) -> str:
    return importlib.resources.files("wheelaudit.report").joinpath("templates", name).read_text(encoding="utf-8")


def _finalize(value: object) -> object:
    """What jinja2 does to every value before it escapes it. Anything else than text and numbers is a bug."""
    match value:
        case Markup() | Undefined() | int():
            return value
        case str():
            return shorten(value)
        case _:
            raise TypeError(f"a template prints {type(value).__name__}: hand it text")
