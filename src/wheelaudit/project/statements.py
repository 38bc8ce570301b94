"""OUTPUT (pure): a TOML text cut into its statements, with the place of each.

Only where things are is said here, never what they mean: `tomllib` says that, and every
use of these places is checked against it. The text is taken to be valid (TOML 1.0).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str, ...]
"""A key from the top of the document, part by part."""

Kind = Literal["blank", "comment", "table", "array", "assignment"]
"""``table`` and ``array`` are header lines: ``[a]`` and ``[[a]]``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement, blank line or comment line, with all of its lines and their line ends."""

    kind: Kind
    start: int
    """Offset of the first character of its first line."""
    end: int
    """Offset behind the line end of its last line."""
    path: Path = ()
    """Of a header: its key. Of an assignment: the header's key and its own."""
    value: tuple[int, int] = (0, 0)
    """Of an assignment: where its value starts and ends."""
    comments: tuple[str, ...] = ()
    """The comments within and behind it, without the space around them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of an array that is written as a value."""

    start: int
    end: int
    comma: int | None
    """Offset of the comma behind it; None where there is none."""
    comments: tuple[str, ...] = ()
    """The comments within it."""


class UnplacedError(ValueError):
    """The text cannot be cut: it is not TOML 1.0."""


# Possessive (++, *+): a hostile string must not make the search go back and forth.
_BASIC = r'"(?:[^"\\\n]|\\.)*+"'
_LITERAL = r"'[^'\n]*+'"
_STRING = "|".join(
    (
        # TOML 1.0, "String": one or two quotes may stand before the three that close.
        r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3,5}',
        r"'''(?:[^']|'{1,2}(?!'))*+'{3,5}",
        _BASIC,
        _LITERAL,
    )
)
_TOKEN = re.compile(
    rf"""(?P<string>{_STRING})|(?P<comment>\#[^\n]*+)|(?P<open>[\[{{])|(?P<close>[\]}}])|(?P<newline>\n)
    |(?P<comma>,)|(?P<space>[ \t\r]++)|(?P<plain>[^"'\#\[\]{{}},\n\ \t\r]++)""",
    re.DOTALL | re.VERBOSE,
)
_KEY = re.compile(rf"(?:{_BASIC}|{_LITERAL}|[^\"'=\n])++")
_SPACE = re.compile(r"[ \t]*+")


def parse_statements(text: str) -> tuple[Statement, ...]:
    """Cut ``text`` into statements; one follows on the other, so that together they are the text.

    Raises `UnplacedError` where that is no TOML.
    """
    statements: list[Statement] = []
    header: Path = ()
    position = 0
    while position < len(text):
        statement = _statement(text, position, header)
        if statement.kind in {"table", "array"}:
            header = statement.path
        statements.append(statement)
        position = statement.end
    return tuple(statements)


def parse_elements(text: str, start: int) -> tuple[Element, ...]:
    """Return the elements of the array whose ``[`` stands at ``start``. Raises `UnplacedError`."""
    elements: list[Element] = []
    position = start + 1
    while True:
        position = _skip_trivia(text, position)
        if text.startswith("]", position):
            return tuple(elements)
        end, comments = _scan_value(text, position, stops=frozenset({"comma", "close", "comment", "newline"}))
        if end == position:
            raise UnplacedError(f"no array element at offset {position}")
        after = _skip_trivia(text, end)
        comma = after if text.startswith(",", after) else None
        elements.append(Element(start=position, end=end, comma=comma, comments=comments))
        position = after if comma is None else comma + 1


def _statement(text: str, start: int, header: Path) -> Statement:
    """Return the statement on the line that starts at ``start``, under the header that stands above it."""
    first = _end_of(_SPACE, text, start)
    match text[first : first + 1].strip():
        case "":
            return Statement(kind="blank", start=start, end=_line_end(text, first))
        case "#":
            end = _line_end(text, first)
            return Statement(kind="comment", start=start, end=end, comments=(text[first:end].strip(),))
        case "[":
            return _header(text, start, first)
        case _:
            return _assignment(text, start, first, header)


def _header(text: str, start: int, first: int) -> Statement:
    end, _ = _scan_value(text, first, stops=frozenset({"comment", "newline"}))
    array = text.startswith("[[", first)
    depth = 2 if array else 1
    path = _parse_key(text[first + depth : end - depth])
    line_end = _line_end(text, end)
    comments = _comments_behind(text, end, line_end)
    return Statement(kind="array" if array else "table", start=start, end=line_end, path=path, comments=comments)


def _assignment(text: str, start: int, first: int, header: Path) -> Statement:
    equals = _end_of(_KEY, text, first)
    if not text.startswith("=", equals):
        raise UnplacedError(f"no assignment at offset {first}")
    value = _end_of(_SPACE, text, equals + 1)
    end, inner = _scan_value(text, value, stops=frozenset({"comment", "newline"}))
    line_end = _line_end(text, end)
    return Statement(
        kind="assignment",
        start=start,
        end=line_end,
        path=header + _parse_key(text[first:equals]),
        value=(value, end),
        comments=inner + _comments_behind(text, end, line_end),
    )


def _scan_value(text: str, start: int, *, stops: frozenset[str]) -> tuple[int, tuple[str, ...]]:
    """Go over one value: its end, before the first of ``stops`` outside brackets, and the comments within."""
    depth, position, end = 0, start, start
    comments: list[str] = []
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise UnplacedError(f"no TOML at offset {position}")
        kind = token.lastgroup or ""
        if depth == 0 and kind in stops:
            break
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if kind == "comment":
            comments.append(token[0].strip())
        position = token.end()
        if kind not in {"space", "newline"}:
            end = position
    if depth:
        raise UnplacedError(f"an open bracket behind offset {start}")
    return end, tuple(comments)


def _skip_trivia(text: str, position: int) -> int:
    """Go over space, line ends and comments, which an array may have anywhere between its elements."""
    while (token := _TOKEN.match(text, position)) and token.lastgroup in {"space", "newline", "comment"}:
        position = token.end()
    return position


def _comments_behind(text: str, start: int, end: int) -> tuple[str, ...]:
    rest = text[start:end].strip()
    return (rest,) if rest else ()


def _parse_key(text: str) -> Path:
    """Parse a key, dotted and quoted as it may be, by the parser that everyone else uses."""
    path: list[str] = []
    try:
        table: Any = tomllib.loads(f"{text.strip()} = 0")
        while isinstance(table, dict):
            ((key, table),) = table.items()
            path.append(key)
    except ValueError as error:
        raise UnplacedError(f"no key: {text!r}") from error
    return tuple(path)


def _line_end(text: str, position: int) -> int:
    """Return the offset behind the line end that follows on ``position``."""
    newline = text.find("\n", position)
    return len(text) if newline < 0 else newline + 1


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return position if match is None else match.end()
