"""OUTPUT (pure): foreign text made harmless, and the small words that every report needs.

What an index says (file names, requirements, errors, reasons) may hold terminal
escapes (ECMA-48), line ends and bidirectional controls (Unicode UAX #9) that hide or
reorder what a person reads. Here they become visible and inert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_COMMAND = re.compile(r"::(?=[A-Za-z])|##(?=\[)")
"""How a workflow command begins. A GitHub runner takes every line of a job's output that begins with ``::NAME`` for
one, blanks before it aside, and the older ``##[NAME]`` anywhere in a line; and where a report breaks its lines,
whoever knows the width decides."""


def escape_text(text: str) -> str:
    r"""Return ``text`` on one line, with every character that is not printable shown as ``\x1b`` or ``\u202e``.

    "Not printable" is `str.isprintable`: control, format (the bidirectional ones and zero
    widths among them), private and unassigned characters, lone surrogates, and separators
    other than the space. The result can always be encoded, and no part of it is a workflow command.
    """
    shown = text if text.isprintable() else "".join(c if c.isprintable() else escape_char(c) for c in text)
    return _COMMAND.sub(_escape_command, shown) if "::" in shown or "##" in shown else shown


def _escape_command(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0][0]):02x}{match[0][1]}"


def escape_char(char: str) -> str:
    r"""Return the visible form of one character: ``\n``, ``\x1b``, ``\u202e`` or ``\U000e0001``."""
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 wheel``, ``14 wheels``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def collapse_pythons(pythons: Iterable[str]) -> str:
    """Write versions of one kind that follow each other as a range: ``3.10-3.13, 3.13t, pypy3.9+``.

    ``3.10`` before ``3.11+`` is ``3.10+``. Whatever is spelled otherwise stays as it is, in its place.
    """
    runs: list[list[_Python | str]] = []
    for text in pythons:
        python = _parse_python(text)
        if runs and _follows(runs[-1][-1], python):
            runs[-1].append(python)
        else:
            runs.append([python])
    return ", ".join(_spell_run(run[0], run[-1]) for run in runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Python:
    """``3.12``, ``3.13t``, ``pypy3.10``, ``3.9+``."""

    kind: str
    major: int
    minor: int
    threading: str
    """``t`` for a free-threaded build."""
    above: str
    """``+`` where everything above is meant too."""

    def __str__(self) -> str:
        return f"{self.kind}{self.major}.{self.minor}{self.threading}{self.above}"


_PYTHON = re.compile(r"([a-z]*)([0-9]{1,4})\.([0-9]{1,6})(t?)(\+?)")


def _parse_python(text: str) -> _Python | str:
    match = _PYTHON.fullmatch(text)
    if match is None:
        return text
    kind, major, minor, threading, above = match.groups()
    return _Python(kind=kind, major=int(major), minor=int(minor), threading=threading, above=above)


def _follows(last: _Python | str, python: _Python | str) -> bool:
    if isinstance(last, str) or isinstance(python, str) or last.above:
        return False
    return replace(last, minor=last.minor + 1, above=python.above) == python


def _spell_run(first: _Python | str, last: _Python | str) -> str:
    if first is last or isinstance(first, str) or isinstance(last, str):
        return str(first)
    return f"{first}+" if last.above else f"{first}-{last}"
