"""WING A (pure): one order for the lines of several wheels.

Wheels are taken by file name. A line that has no place yet comes after its nearest
placed predecessor in its own wheel, else before its nearest placed successor, else last.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Line = TypeVar("Line", bound=Hashable)


def merge_orders(sequences: Iterable[Sequence[Line]]) -> tuple[Line, ...]:
    """Merge sequences into one that holds each line once, in a stable order near all of theirs."""
    merged: list[Line] = []
    placed: set[Line] = set()
    for sequence in dict.fromkeys(tuple(dict.fromkeys(sequence)) for sequence in sequences):
        for number, line in enumerate(sequence):
            if line in placed:
                continue
            if number:
                # All lines before this one have their place by now.
                merged.insert(merged.index(sequence[number - 1]) + 1, line)
            else:
                successor = next((other for other in sequence[1:] if other in placed), None)
                merged.insert(len(merged) if successor is None else merged.index(successor), line)
            placed.add(line)
    return tuple(merged)
