"""OUTPUT (pure): changes to a text, each of one span; all else stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What stands from ``start`` to ``end`` becomes ``text``."""

    start: int
    end: int
    text: str = ""


def apply_changes(text: str, changes: Iterable[Change]) -> str:
    """Return ``text`` with the changes made, which do not overlap; those at one place in their order."""
    pieces: list[str] = []
    position = 0
    for change in sorted(changes, key=lambda change: (change.start, change.end)):
        if change.start < position:
            raise ValueError(f"changes overlap at offset {change.start}")
        pieces += (text[position : change.start], change.text)
        position = change.end
    return "".join((*pieces, text[position:]))


def line_start(text: str, position: int) -> int:
    """Return where the line of ``position`` starts."""
    return text.rfind("\n", 0, position) + 1


def line_end(text: str, position: int) -> int:
    """Return the offset behind the line end of the line of ``position``."""
    newline = text.find("\n", position)
    return len(text) if newline < 0 else newline + 1


def indent_at(text: str, position: int) -> str:
    """Return the space that the line of ``position`` starts with."""
    line = text[line_start(text, position) : line_end(text, position)]
    return line[: len(line) - len(line.lstrip(" \t"))]


def newline_of(text: str) -> str:
    """Return the line end that most of the lines have; ``\\n`` where there is none."""
    return "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"
