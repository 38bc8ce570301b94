"""OUTPUT (pure): the matrix of the requirements in which wheels differ, laid out to a width.

Columns are sets of environments. Their names stand over them where they fit, otherwise
numbers do. Requirements with the same states are one block, so that fourteen rows, or
forty, are read at a glance. States are words, or signs where there is no room for words:
never a colour alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wheelaudit.audit.values import Matrix, State
from wheelaudit.report.lines import BLANK, Line, Style, cell_width, layout_columns, pad, paragraph, title, wrap_words
from wheelaudit.report.text import count_of, escape_text

HEAD_WIDTH = 20
"""Terminal cells of a column head that is written out: ``CPython 3.10-3.13`` fits, and a platform."""
HEAD_LINES = 4
"""Lines of such a head; with more, the columns are numbered, and a legend says what they are."""
BESIDE_LINES = 3
"""Lines that a block's requirements may take beside its states; more of them go below, over the whole width."""
LEAST_ROOM = 24
"""Terminal cells that numbered columns leave for requirements at the least: ``nvidia-cusparselt-cu12`` fits."""
SHORT_BLOCK = 4
"""Requirements; from here on a block of the matrix gives names alone, where the versions follow below it."""

WORDS: dict[State, str] = {
    "lost": "LOST",
    "gained": "GAINED",
    "same": "same",
    "needed": "needed",
    "unknown": "?",
    "absent": ".",
}
_SIGNS: dict[State, str] = {"lost": "-", "gained": "+", "same": "=", "needed": "*", "unknown": "?", "absent": "."}
STYLES: dict[State, Style] = {
    "lost": "bold red",
    "gained": "bold yellow",
    "same": "green",
    "needed": "cyan",
    "unknown": "magenta",
    "absent": "dim",
}
_MEANINGS: dict[State, str] = {
    "lost": "needed there, missing from the metadata that uv reads",
    "gained": "in the metadata that uv reads, not asked for there",
    "same": "needed there, and read",
    "needed": "needed there; which metadata uv reads is not known",
    "unknown": "the wheel for it could not be read",
    "absent": "neither needed nor read",
}
_ENVIRONMENTS = re.compile(r"(?P<platforms>[^;]+?), (?P<pythons>(?:CPython|PyPy|GraalVM|IronPython|Jython) [0-9][^;]*)")
"""One set of environments as `wheelaudit.environments` describes it."""
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Requirements that have the same states in every column."""

    states: tuple[State, ...]
    requirements: tuple[str, ...]


def layout_matrix(matrix: Matrix, width: int) -> list[Line]:
    """Return the matrix with its legend, no line wider than ``width`` cells; no line where nothing differs."""
    if not matrix.rows:
        return []
    blocks = build_blocks(matrix)
    columns, shared = split_shared(tuple(map(escape_text, matrix.columns)))
    heads = [wrap_words(column, HEAD_WIDTH) for column in columns]
    sizes = [max(map(cell_width, (*head, *WORDS.values()))) for head in heads]
    spelled = all(len(head) <= HEAD_LINES for head in heads) and _leaves_room(blocks, sizes, width)
    lines = [title("Where they disagree")]
    if shared:
        lines += [*paragraph(f"Everywhere: {shared}", width, indent=2, hang=12), BLANK]
    if spelled:
        lines += [_cells(row, sizes) for row in _head_rows(heads)]
        lines += _rule(sizes)
        lines += _block_lines(blocks, sizes, WORDS, width)
    else:
        lines += _numbered(columns, blocks, width)
    words = WORDS if spelled or _words_fit(len(columns), width) else _SIGNS
    return [*lines, BLANK, *_legend(blocks, words, width)]


def _legend(blocks: Sequence[Block], words: dict[State, str], width: int) -> list[Line]:
    """Say what the states that occur mean."""
    occurring = {state for block in blocks for state in block.states}
    size = max(len(words[state]) for state in occurring)
    lines: list[Line] = []
    for state, meaning in _MEANINGS.items():
        if state in occurring:
            first, *rest = wrap_words(meaning, width - size - 4)
            lines.append((("  ", ""), (pad(words[state], size), STYLES[state]), (f"  {first}", "dim")))
            lines += [((" " * (size + 4) + line, "dim"),) for line in rest]
    return lines


def _leaves_room(blocks: Sequence[Block], sizes: Sequence[int], width: int) -> bool:
    """Whether columns of these sizes leave half of the width to the requirements, or all that they take."""
    left = width - 2 - sum(size + 2 for size in sizes)
    longest = max(cell_width(requirement) for block in blocks for requirement in block.requirements)
    return left >= min(width // 2 - 2, longest)


def split_shared(columns: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Take out of the columns' names what all have in common, platforms or Pythons, and return both.

    ``linux x86_64, CPython 3.9`` beside ``macos arm64, CPython 3.9`` are ``linux x86_64``
    and ``macos arm64``, both of ``CPython 3.9``.
    """
    matches = [_ENVIRONMENTS.fullmatch(column) for column in columns]
    parts = [(match["platforms"], match["pythons"]) for match in matches if match]
    if len(parts) == len(columns) > 1:
        platforms, pythons = zip(*parts, strict=True)
        if len(set(pythons)) == 1:
            return platforms, pythons[0]
        if len(set(platforms)) == 1:
            return pythons, platforms[0]
    return tuple(columns), ""


def build_blocks(matrix: Matrix) -> tuple[Block, ...]:
    """Put rows with the same states together, in the order of their first rows."""
    blocks: dict[tuple[State, ...], list[str]] = {}
    for requirement, states in matrix.rows:
        blocks.setdefault(states, []).append(requirement)
    projects = [_project(requirement) for requirement, _ in matrix.rows]
    return tuple(
        Block(states=states, requirements=_shorten(requirements, states, projects))
        for states, requirements in blocks.items()
    )


def _shorten(requirements: Sequence[str], states: Iterable[State], projects: Sequence[str]) -> tuple[str, ...]:
    """Names alone for a long block whose requirements are listed in full as lost or gained.

    Not where a name is in several rows, nor for an extra's: there the rest is the point.
    """
    if len(requirements) < SHORT_BLOCK or not {"lost", "gained"} & set(states):
        return tuple(map(escape_text, requirements))
    names = map(_project, requirements)
    return tuple(
        escape_text(requirement) if ";" in requirement or projects.count(name) > 1 else name
        for requirement, name in zip(requirements, names, strict=True)
    )


def _project(requirement: str) -> str:
    match = _PROJECT.match(requirement)
    return match[0] if match else escape_text(requirement)


def _words_fit(columns: int, width: int) -> bool:
    return columns * (len(WORDS["gained"]) + 2) <= width // 2


def _numbered(columns: Sequence[str], blocks: Sequence[Block], width: int) -> list[Line]:
    """Number the columns; with more of them than fit, the matrix goes on below in parts."""
    words = WORDS if _words_fit(len(columns), width) else _SIGNS
    size = max(len(str(len(columns))), *map(len, words.values()))
    fit = (width - LEAST_ROOM) // (size + 2)
    lines: list[Line] = []
    for start in range(0, len(columns), fit):
        numbers = range(start, min(start + fit, len(columns)))
        part = [
            Block(
                states=tuple(block.states[number] for number in numbers),
                requirements=_name_again(block.requirements) if start else block.requirements,
            )
            for block in blocks
        ]
        sizes = [size] * len(numbers)
        lines += [*([BLANK] if lines else []), _cells([str(number + 1) for number in numbers], sizes), *_rule(sizes)]
        lines += _block_lines(part, sizes, words, width)
    lines.append(BLANK)
    for number, column in enumerate(columns, start=1):
        label = f"{number:>{len(str(len(columns)))}} = "
        spaces = len(label) - len(label.lstrip())
        lines += paragraph(label.lstrip() + column, width, indent=2 + spaces, hang=len(label) - spaces)
    return lines


def _name_again(requirements: Sequence[str]) -> tuple[str, ...]:
    """A block that was listed in an earlier part, by its first requirement."""
    first, *more = requirements
    return (f"{first} and {len(more)} more",) if more else (first,)


def _head_rows(heads: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Rows of wrapped heads, set down on the rule below them."""
    height = max(map(len, heads))
    padded = [["" for _ in range(height - len(head))] + list(head) for head in heads]
    for row in range(height):
        yield [head[row] for head in padded]


def _rule(sizes: Sequence[int]) -> list[Line]:
    return [(("  " + "  ".join("-" * size for size in sizes), "dim"),)]


def _cells(cells: Sequence[str], sizes: Sequence[int]) -> Line:
    return (("  " + "  ".join(pad(cell, size) for cell, size in zip(cells, sizes, strict=True)), "bold"),)


def _block_lines(blocks: Sequence[Block], sizes: Sequence[int], words: dict[State, str], width: int) -> list[Line]:
    indent = 2 + sum(size + 2 for size in sizes)
    lines: list[Line] = []
    for number, block in enumerate(blocks):
        states: list[tuple[str, Style]] = [("  ", "")]
        for state, size in zip(block.states, sizes, strict=True):
            states.append((pad(words[state], size + 2), STYLES[state]))
        beside = layout_columns(block.requirements, width - indent)
        fits = all(cell_width(requirement) <= width - indent for requirement in block.requirements)
        if number and lines[-1] != BLANK and len(block.requirements) > 1:
            lines.append(BLANK)
        if fits and len(beside) <= BESIDE_LINES:
            lines.append((*states, (beside[0], "")))
            lines += [((" " * indent + row, ""),) for row in beside[1:]]
        else:
            lines.append((*states, (f"{count_of(len(block.requirements), 'requirement')}:", "")))
            lines += [((f"      {row}", ""),) for row in layout_columns(block.requirements, width - 6)]
        if len(block.requirements) > 1 and number + 1 < len(blocks):
            lines.append(BLANK)
    return lines
