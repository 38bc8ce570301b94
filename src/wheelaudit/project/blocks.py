"""OUTPUT (pure): one entry to be written, spelled for the file it goes to, and the comment above it.

The spelling of the values is the caller's, who hands in the block as uv's documentation
has it; here it only gets the header, the indentation and the line ends of its new home.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.project.entries import KEY, OWN_COMMENT
from wheelaudit.project.statements import Path, parse_statements

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An entry for one release, as text and as value."""

    name: NormalizedName
    version: Version
    table: Mapping[str, Any]
    """What it parses to."""
    assignments: tuple[str, ...]
    """``key = value``, each with ``\\n`` as line end and without one behind it."""


def parse_block(text: str) -> Block:
    """Parse a ``[[tool.uv.dependency-metadata]]`` block: one entry, with name and version, nothing else.

    Raises ValueError for anything else: blocks are built by wheelaudit, so that is a bug.
    """
    text = text.replace("\r\n", "\n")
    statements = [statement for statement in parse_statements(text) if statement.kind not in {"blank", "comment"}]
    value: Any = tomllib.loads(text)
    for key in statements[0].path if statements else ():
        value = value[key]
    kinds = [statement.kind for statement in statements]
    if kinds[:1] != ["array"] or {*kinds[1:]} != {"assignment"} or statements[0].path[-1] != KEY:
        raise ValueError(f"not one {KEY} block: {text!r}")
    return Block(
        name=canonicalize_name(value[0]["name"]),
        version=Version(value[0]["version"]),
        table=value[0],
        assignments=tuple(text[each.start : each.value[1]].strip() for each in statements[1:]),
    )


def build_comment(
    *, project: str, version: str, indexes: Sequence[str], wheels: int, variants: int, deviations: int = 0
) -> str:
    """Return the comment line that goes above an entry and makes it ours, without a line end.

    ``# Written by wheelaudit: torch 2.6.0+cu126 on cu126, 14 wheels in 3 variants.`` No date:
    the same audit gives the same bytes. ``indexes`` are names as reports give them.
    """
    where = f" on {', '.join(indexes)}" if indexes else ""
    counts = f"{_count(wheels, 'wheel')} in {_count(variants, 'variant')}"
    doubt = f", {_count(deviations, 'deviation')}" if deviations else ""
    return _printable(f"{OWN_COMMENT} {project} {version}{where}, {counts}{doubt}.")


def render_table(block: Block, path: Path, comments: Iterable[str], newline: str = "\n") -> str:
    """Return the entry under a header of its own, ``comments`` above it; it ends with a line end."""
    header = ".".join(key if _BARE_KEY.fullmatch(key) else f"'{key}'" for key in path)
    lines = [*comments, f"[[{header}]]", *block.assignments]
    return "".join(f"{line}\n" for line in lines).replace("\n", newline)


def render_element(block: Block, comments: Iterable[str], indent: str, newline: str = "\n") -> str:
    """Return the entry as an inline table on a line of its own, ``comments`` above it, without a line end.

    TOML 1.0 allows line ends between the braces only within values: arrays have them.
    """
    lines = [*comments, "{ " + ", ".join(block.assignments) + " }"]
    return "\n".join(indent + line for line in "\n".join(lines).split("\n")).replace("\n", newline)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _printable(text: str) -> str:
    """Show what is not printable as its escape: a line end would end the comment, the rest would hide what it says."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii") for char in text
    )
