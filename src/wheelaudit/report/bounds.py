"""OUTPUT (pure): how much of what an index says a report shows.

A page, a METADATA and a history have limits of their own, but those are for a machine's
memory: a requirement of one megabyte is read, judged and kept, and shown to nobody. JSON
is for scripts and holds all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST_CHARACTERS = 2_000
"""Of one text of an index's. The longest requirement among 866 real wheels has under 400."""
MOST_LISTED = 200
"""Entries of one list. torch's longest has 24; GitHub folds what is longer than a few screens anyway."""


def cut_text(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return ``text``, or its beginning and how long it was: never escaped, so cut before escaping."""
    return text if len(text) <= most else f"{text[:most]}... (cut here, {len(text)} characters in all)"


def cut_lines(lines: Sequence[str], *, noun: str, most: int = MOST_LISTED) -> list[str]:
    """Return the lines, each cut, and in place of those beyond ``most`` one that counts them."""
    shown = [cut_text(line) for line in lines[:most]]
    rest = len(lines) - len(shown)
    return [*shown, *([tell_rest(rest, noun)] if rest else [])]


def tell_rest(count: int, noun: str) -> str:
    """Return the line that stands for ``count`` entries that were left out."""
    return f"and {count} more {noun}{'' if count == 1 else 's'}: see --format json"


def fit_blocks(blocks: Iterable[str], *, most: int, left_out: str) -> str:
    """Join blocks with blank lines between; one that does not fit into ``most`` characters is ``left_out``.

    A block is whole or not there at all: half a fence or half a table would swallow what follows.
    """
    kept: list[str] = []
    room = most
    for block in blocks:
        need = len(block) + 1
        # Room for the sentence is kept back, so that leaving out is never silent.
        if need > room - len(left_out) - 2:
            if not kept or kept[-1] != left_out:
                kept.append(left_out)
                room -= len(left_out) + 1
            continue
        kept.append(block)
        room -= need
    return "\n".join(kept)
