"""OUTPUT (pure): lines for a terminal: styled pieces, wrapped and set in columns to a width of cells.

Layout comes first and colour last: colour adds no word and takes none away. Text that
comes here is printable already (`escape_text`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Style = str
"""A style of rich; "" for none."""
Line = tuple[tuple[str, Style], ...]
"""Pieces of one line, all of them printable."""

COLUMN_GAP = 2
"""Spaces between the columns of a list."""
KEEP = "\x1f"
"""A space at which no line is broken. Escaped text never holds this character."""

BLANK: Line = ()


def title(text: str) -> Line:
    """Return the heading of a section."""
    return ((text, "bold underline"),)


def paragraph(text: str, width: int, *, indent: int = 0, hang: int = 0, style: Style = "") -> list[Line]:
    """Wrap printable text; lines after the first are indented by ``hang`` more."""
    first, *rest = wrap_words(text, width - indent, hang=hang)
    lines = [" " * indent + first, *(" " * (indent + hang) + line for line in rest)]
    return [((line.replace(KEEP, " "), style),) for line in lines]


def render_lines(lines: Iterable[Line], *, color: bool) -> str:
    """Return the lines as text, each ending with a newline; with ``color`` between SGR sequences."""
    if not color:
        return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)
    # Lazy: a report into a file or a pipe never needs it.
    import io

    from rich.console import Console
    from rich.text import Text

    file = io.StringIO()
    # Nothing is taken from the process's own terminal or environment: the caller has decided.
    console = Console(
        file=file, force_terminal=True, force_jupyter=False, color_system="standard", legacy_windows=False, _environ={}
    )
    for line in lines:
        # Text, never markup: brackets in foreign text mean nothing. soft_wrap: laid out already.
        console.print(Text.assemble(*line, end="\n"), soft_wrap=True, highlight=False)
    return file.getvalue()


def wrap_words(text: str, width: int, *, hang: int = 0) -> list[str]:
    """Break printable text at spaces into lines of at most ``width`` terminal cells, at least one line.

    Lines after the first leave room for an indent of ``hang``. A word that is longer than a
    line is cut, except a URL: one that is cut can neither be clicked nor copied.
    """
    lines: list[str] = []
    line = ""
    for word in _cut_words(text, width - hang):
        joined = f"{line} {word}" if line else word
        if line and cell_width(joined) > (width - hang if lines else width):
            lines.append(line)
            line = word
        else:
            line = joined
    return [*lines, line]


def _cut_words(text: str, width: int) -> Iterator[str]:
    for word in text.split(" "):
        if "://" in word or cell_width(word) <= width:
            yield from (word,) if word else ()
        else:
            yield from _chop(word, width)


def _chop(word: str, width: int) -> Iterator[str]:
    """Cut a word into pieces of at most ``width`` cells (wide characters take two)."""
    piece = ""
    for char in word:
        if piece and cell_width(piece + char) > width:
            yield piece
            piece = ""
        piece += char
    yield piece


def layout_columns(items: Sequence[str], width: int) -> list[str]:
    """Lay items out as ``ls`` does, read downwards, in as many columns as fit into ``width`` terminal cells.

    Items that leave no room for a second column come last, each on lines of its own.
    """
    short = [item for item in items if cell_width(item) <= (width - COLUMN_GAP) // 2]
    rest = [item for item in items if cell_width(item) > (width - COLUMN_GAP) // 2]
    return [*_columns(short, width), *(line for item in rest for line in _hang(item, width))]


def _columns(items: Sequence[str], width: int) -> list[str]:
    for rows in range(1, len(items) + 1):
        columns = [items[start : start + rows] for start in range(0, len(items), rows)]
        widths = [max(map(cell_width, column)) for column in columns]
        if sum(widths) + COLUMN_GAP * (len(widths) - 1) <= width:
            return [_row([column[row : row + 1] for column in columns], widths) for row in range(rows)]
    return []


def _row(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    gap = " " * COLUMN_GAP
    return gap.join(pad("".join(cell), size) for cell, size in zip(cells, widths, strict=True)).rstrip()


def _hang(item: str, width: int) -> Iterator[str]:
    first, *rest = wrap_words(item, width, hang=COLUMN_GAP)
    yield first
    yield from (" " * COLUMN_GAP + line for line in rest)


def pad(text: str, width: int) -> str:
    """Fill up with spaces to ``width`` terminal cells."""
    return text + " " * (width - cell_width(text))


def cell_width(text: str) -> int:
    """Return how many cells of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    # Lazy: most reports are ASCII, and never need the tables.
    from rich.cells import cell_len

    return cell_len(text)
