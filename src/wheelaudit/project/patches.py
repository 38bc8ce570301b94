"""OUTPUT (pure): the difference of two versions of a file, as a patch that ``git apply`` takes.

The format is git's ("Generating patch text with -p" of git-diff): paths under ``a/`` and
``b/``, and a line that says where the last one has no line end. Bytes, because carriage
returns and a byte order mark belong to the lines.
"""

from __future__ import annotations

import difflib
import re

_ESCAPES = {ord("\t"): b"\\t", ord("\n"): b"\\n", ord("\r"): b"\\r", ord('"'): b'\\"', ord("\\"): b"\\\\"}


def render_diff(before: bytes, after: bytes, path: str) -> bytes:
    """Return the patch from ``before`` to ``after``; empty where they are the same.

    ``path`` is relative to where the patch will be applied, with ``/`` between its parts.
    """
    if before == after:
        return b""
    old, new = _quote(f"a/{path}"), _quote(f"b/{path}")
    # git ends a name at the first space, unless a tab ends it.
    tab = b"\t" if " " in path else b""
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(before), _lines(after), b"", b"")
    next(lines)
    next(lines)
    head = b"diff --git %s %s\n--- %s%s\n+++ %s%s\n" % (old, new, old, tab, new, tab)
    return head + b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines
    )


def _lines(data: bytes) -> list[bytes]:
    """Cut at line feeds alone, as git does: `bytes.splitlines` would cut at carriage returns too."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _quote(path: str) -> bytes:
    """Quote a path as C does where git would read it otherwise (core.quotePath off: other bytes stay)."""
    data = path.encode("utf-8", "surrogateescape")
    if not any(byte < 0x20 or byte == 0x7F or byte in _ESCAPES for byte in data):
        return data
    return b'"' + b"".join(_ESCAPES.get(byte) or _quoted_byte(byte) for byte in data) + b'"'


def _quoted_byte(byte: int) -> bytes:
    return bytes([byte]) if 0x20 <= byte != 0x7F else b"\\%03o" % byte
