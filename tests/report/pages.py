"""Reads a page as strictly as a reviewer would: every rule that a page must keep, and its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "br", "img", "input", "hr"}
ALONE = {"path", "rect"}
"""Elements of SVG that a page closes in their own tag."""
NO_REQUEST = {"a", "use"}
"""Elements whose address is followed only on a click, or that lead into the page itself."""
ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "header",
        "nav",
        "main",
        "footer",
        "section",
        "article",
    ),
    *(
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "div",
        "span",
        "strong",
        "bdi",
        "br",
        "a",
        "code",
    ),
    *("pre", "time", "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "figure"),
    *("figcaption", "svg", "defs", "pattern", "rect", "path", "g", "text", "desc"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "id", "tabindex", "role", "scope"),
    *("aria-label", "aria-labelledby", "aria-hidden", "dir", "datetime", "width", "height", "viewbox", "focusable"),
    *("x", "y", "rx", "d", "transform", "patternunits"),
}
"""No ``style``, no ``on...``, no ``src``: whatever is not here is an accident."""


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(each if isinstance(each, str) else each.text for each in self.children)

    def find(self, *tags: str) -> Iterator[Element]:
        """Yield the elements of these tags below this one, in the order of the page."""
        for child in self.children:
            if isinstance(child, Element):
                if child.tag in tags:
                    yield child
                yield from child.find(*tags)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALONE, tag
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data!r}")


def read_page(page: str) -> Element:
    """Return the tree of a page that is nested well: every element is closed where it should be."""
    assert page.startswith("<!doctype html>\n")
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, [element.tag for element in reader.open]
    return reader.root


def check_page(page: str) -> Element:
    """Hold a page to all of its rules, and return its tree."""
    root = read_page(page)
    elements = list(root.find(*ALLOWED))
    assert sum(1 for _ in _walk(root)) == len(elements), {each.tag for each in _walk(root)} - ALLOWED
    for each in elements:
        # SVG's title stands in a rect; everything else that is said stands where it can be read.
        assert set(each.attributes) <= ATTRIBUTES, (each.tag, each.attributes)
    assert page.replace("\n", " ").isprintable()
    _check_addresses(elements)
    _check_names(elements)
    _check_headings(root)
    _check_tables(root)
    _check_regions(root)
    _check_frame(root)
    return root


def _walk(element: Element) -> Iterator[Element]:
    for child in element.children:
        if isinstance(child, Element):
            yield child
            yield from _walk(child)


def _check_addresses(elements: list[Element]) -> None:
    ids = {each.attributes["id"] for each in elements if "id" in each.attributes}
    for each in elements:
        href = each.attributes.get("href")
        if href is None:
            continue
        if each.tag == "link":
            assert (each.attributes["rel"], href) == ("icon", "data:,")
        elif href.startswith("#"):
            assert href[1:] in ids, href
        else:
            assert each.tag == "a"
            assert re.match(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?([/?]|$)", href), href
            assert each.attributes["rel"] == "noreferrer noopener"


def _check_names(elements: list[Element]) -> None:
    ids = [each.attributes["id"] for each in elements if "id" in each.attributes]
    assert len(ids) == len(set(ids)), sorted(ids)
    for each in elements:
        for name in each.attributes.get("aria-labelledby", "").split():
            assert name in ids, name


def _check_headings(root: Element) -> None:
    levels = [int(each.tag[1]) for each in root.find("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


def _check_tables(root: Element) -> None:
    for table in root.find("table"):
        assert len(list(table.find("caption"))) == 1
        assert [each.attributes["scope"] for each in next(table.find("thead")).find("th")].count("col") > 1
        width = len(list(next(table.find("thead")).find("th")))
        for row in next(table.find("tbody")).find("tr"):
            cells = [each for each in row.children if isinstance(each, Element)]
            assert [cell.tag for cell in cells] == ["th", *["td"] * (width - 1)]
            assert cells[0].attributes["scope"] == "row"


def _check_regions(root: Element) -> None:
    tables = len(list(root.find("table")))
    regions = [each for each in root.find("div") if each.attributes.get("role") == "region"]
    assert sum(len(list(region.find("table"))) for region in regions) == tables
    for region in regions:
        assert region.attributes["tabindex"] == "0"
        assert region.attributes["aria-label"].strip()
    for details in root.find("details"):
        first = next(each for each in details.children if isinstance(each, Element))
        assert first.tag == "summary"
        assert first.text.strip()
    for picture in root.find("svg"):
        named = {"aria-hidden", "aria-labelledby"} & set(picture.attributes)
        assert named, picture.attributes


def _check_frame(root: Element) -> None:
    (html,) = root.find("html")
    assert html.attributes["lang"] == "en"
    for landmark in ("header", "main", "footer"):
        assert len(list(root.find(landmark))) == 1, landmark
    (skip,) = (each for each in root.find("a") if each.attributes.get("class") == "skip")
    assert skip.attributes["href"] == "#main"
    assert next(root.find("body")).children[1] is skip
