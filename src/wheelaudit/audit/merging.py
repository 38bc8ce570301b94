"""WING A (pure): one order for the lines of several wheels.

Wheels are taken by file name. A line that has no place yet comes after its nearest
placed predecessor in its own wheel, else before its nearest placed successor, else last.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

Line = TypeVar("Line", bound=Hashable)


def merge_orders(sequences: Iterable[Sequence[Line]]) -> tuple[Line, ...]:
    """Merge sequences into one that holds each line once, in a stable order near all of theirs."""
    # A chain of neighbours, its two ends None: in a list each place would have to be searched for.
    after: dict[Line | None, Line | None] = {None: None}
    before: dict[Line | None, Line | None] = {None: None}
    for sequence in dict.fromkeys(tuple(dict.fromkeys(sequence)) for sequence in sequences):
        for number, line in enumerate(sequence):
            if line in after:
                continue
            if number:
                # All lines before this one have their place by now.
                previous: Line | None = sequence[number - 1]
            else:
                previous = before[next((other for other in sequence[1:] if other in after), None)]
            following = after[previous]
            after[previous], after[line], before[line], before[following] = line, following, previous, line
    return tuple(_walk(after))


def _walk(after: dict[Line | None, Line | None]) -> Iterator[Line]:
    line = after[None]
    while line is not None:
        yield line
        line = after[line]
