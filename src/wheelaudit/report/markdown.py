"""OUTPUT (pure): pieces of GitHub-flavoured Markdown, in which foreign text is only ever text.

Source: CommonMark 0.31, the GFM specification, and what github.com adds to it after
parsing: mentions, references to issues and commits, links from bare addresses, emoji,
mathematics. Those are looked for in the finished text, where no backslash helps any
more, but not in code: a word that could be one becomes a code span.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from wheelaudit.report.text import escape_text

_LIVE = re.compile(
    r"@|://|https?:|www\.|mailto:|xmpp:|#\d|gh-\d|:[\w+-]+(?::|$)|(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])",
    re.IGNORECASE,
)
"""What github.com makes something of: mentions, addresses, references to issues and commits, emoji."""
_SYNTAX = re.compile(r"[\\`*_{}\[\]<>#!~&$^]")
_BLOCK_START = re.compile(r"[-+=]|[0-9]{1,9}(?=[.)])")
"""What begins a list or underlines a heading, at the start of a line."""
_BACKTICKS = re.compile("`+")


def escape_markdown(text: str) -> str:
    """Return foreign text as prose on one line, wherever inline text may be: a paragraph, a list, a heading, a cell."""
    words = [_escape_word(word) for word in escape_text(text).split()]
    if words and _BLOCK_START.match(words[0]):
        digits = re.match(r"[0-9]*", words[0])
        end = digits.end() if digits else 0
        words[0] = f"{words[0][:end]}\\{words[0][end:]}"
    return " ".join(words)


def render_prose(text: str) -> str:
    """Return a sentence as `escape_markdown` does, but with what stands between backticks as code spans: commands.

    Text that holds backticks of its own may swap the two, which looks odd and does no harm: both are inert.
    """
    parts = escape_text(text).split("`")
    if len(parts) % 2 == 0 or not all(parts[1::2]):
        # Backticks that enclose nothing are not ours; as code spans they would be gone from the text.
        return escape_markdown(text)
    return "".join(render_code(part) if number % 2 else _pad_prose(part) for number, part in enumerate(parts))


def render_code(text: str) -> str:
    """Return foreign text as a code span; "" stays ""."""
    shown = escape_text(text)
    if not shown:
        return ""
    fence = "`" * _find_free_run(shown, at_least=1)
    # A backtick at either end would join the fence, and one space at both ends is taken away.
    room = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{room}{shown}{room}{fence}"


def render_fence(lines: Iterable[str], *, info: str = "text") -> str:
    """Return foreign lines as a fenced block, ending with a newline; ``info`` is the caller's own word."""
    shown = [escape_text(line) for line in lines]
    fence = "`" * max((_find_free_run(line, at_least=3) for line in shown), default=3)
    return "\n".join([f"{fence}{info}", *shown, fence, ""])


def render_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Return a table of cells that are Markdown already; columns whose number is in ``right`` are set to the right."""
    aligned = frozenset(right)
    rule = ["---:" if number in aligned else "---" for number in range(len(head))]
    return "".join(f"| {' | '.join(map(_shield_cell, row))} |\n" for row in (head, rule, *rows))


def _escape_word(word: str) -> str:
    if _LIVE.search(word):
        return render_code(word)
    # As an entity a bar divides no cell, whatever stands before it.
    return _SYNTAX.sub(r"\\\g<0>", word).replace("|", "&#124;")


def _pad_prose(part: str) -> str:
    """Return text between two code spans, with the spaces at its ends."""
    before, after = part[: len(part) - len(part.lstrip(" "))], part[len(part.rstrip(" ")) :]
    return f"{before}{escape_markdown(part)}{after}" if part.strip(" ") else part


def _shield_cell(cell: str) -> str:
    # Bars are left in code spans only. There `\|` would do, but not after a backslash, where readers differ.
    return cell.replace("|", "\\x7c")


def _find_free_run(text: str, *, at_least: int) -> int:
    """Return the length of a run of backticks that is longer than any in ``text``."""
    return max([at_least - 1, *(len(run) for run in _BACKTICKS.findall(text))]) + 1
