"""OUTPUT (pure): changes to an inline array of entries, ``dependency-metadata = [{...}, {...}]``.

Such an array cannot be continued by ``[[...]]`` headers (TOML 1.0, "Array of Tables").
An element that is written gets lines of its own, for the comment above it; the others stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from wheelaudit.project.blocks import Block, render_element
from wheelaudit.project.changes import Change, indent_at, line_end, line_start
from wheelaudit.project.entries import Place
from wheelaudit.project.statements import Element, Statement, parse_elements

_STEP = "    "
"""What elements are indented by where no other shows how."""


def insert_element(
    text: str, array: Statement, block: Block, comments: Sequence[str], newline: str
) -> tuple[Change, ...]:
    """Put the entry behind all others."""
    opening, closing = array.value[0], array.value[1] - 1
    elements = parse_elements(text, opening)
    last = elements[-1] if elements else None
    multiline = _leads_its_line(text, closing, opening)
    body = render_element(block, comments, _indent_of(text, array, elements), newline)
    # As the array has it; where it was written on one line, as uv's documentation has it.
    body += "" if multiline and last is not None and last.comma is None else ","
    changes = [] if last is None or last.comma is not None else [Change(start=last.end, end=last.end, text=",")]
    if multiline:
        line = line_start(text, closing)
        return (*changes, Change(start=line, end=line, text=body + newline))
    rest = newline + indent_at(text, array.value[0])
    return (*changes, Change(start=_space_before(text, closing), end=closing, text=newline + body + rest))


def replace_element(
    text: str, array: Statement, place: Place, block: Block, comments: Sequence[str], newline: str
) -> tuple[Change, ...]:
    """Put the entry in the place of another, and the comments in the place of our own above it."""
    ((start, end),) = place.spans
    if _leads_its_line(text, start, array.value[0]):
        body = render_element(block, comments, indent_at(text, start), newline)
        return (Change(start=min(place.own_start, line_start(text, start)), end=end, text=body),)
    indent = indent_at(text, array.value[0]) + _STEP
    body = render_element(block, comments, indent, newline)
    return (Change(start=_space_before(text, start), end=end, text=newline + body),)


def remove_element(text: str, array: Statement, place: Place) -> tuple[Change, ...]:
    """Take the entry out, with its comma, our comment above it, and the lines that would be left empty."""
    elements = parse_elements(text, array.value[0])
    number = place.entry.position
    element = elements[number]
    start, end = element.start, element.end
    line = line_start(text, start)
    changes = [Change(start=place.own_start, end=line)] if place.own_start < line else []
    if element.comma is not None and not text[end : element.comma].strip(" \t"):
        end = element.comma + 1
    elif element.comma is not None:
        changes.append(_remove_comma(text, element.comma))
    comma = elements[number - 1].comma if number else None
    last_on_line = not text[end : line_end(text, end)].strip()
    if element.comma is None and comma is not None and not text[comma + 1 : start].strip(" \t"):
        start = comma
    if _leads_its_line(text, start, array.value[0]) and last_on_line:
        start, end = line, line_end(text, end)
    elif last_on_line:
        start = _space_before(text, start)
    elif start != comma:
        end = _space_behind(text, end)
    return (*changes, Change(start=start, end=end))


def _remove_comma(text: str, comma: int) -> Change:
    """Take out a comma that stands apart from its element, with its line where nothing else is on it."""
    line = line_start(text, comma)
    if not text[line:comma].strip() and not text[comma + 1 : line_end(text, comma)].strip():
        return Change(start=line, end=line_end(text, comma))
    return Change(start=comma, end=_space_behind(text, comma + 1))


def _indent_of(text: str, array: Statement, elements: Sequence[Element]) -> str:
    if elements and _leads_its_line(text, elements[-1].start, array.value[0]):
        return indent_at(text, elements[-1].start)
    return indent_at(text, array.value[0]) + _STEP


def _leads_its_line(text: str, position: int, opening: int) -> bool:
    """Whether only space stands before ``position`` on its line, which is not the array's first."""
    line = line_start(text, position)
    return line > opening and not text[line:position].strip()


def _space_before(text: str, position: int) -> int:
    return len(text[:position].rstrip(" \t"))


def _space_behind(text: str, position: int) -> int:
    return position + len(text[position:]) - len(text[position:].lstrip(" \t"))
