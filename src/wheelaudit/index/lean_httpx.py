"""WING B: httpx without its own command line, which doubles what importing it costs.

``httpx`` imports ``httpx._main`` (rich, pygments, click) only to have an entry point, and
does without where that is not to be had. It is held back while httpx is imported for the
first time, and whoever wants it later can have it.
"""

from __future__ import annotations

import sys

_COMMAND_LINE = "httpx._main"

if "httpx" in sys.modules:
    import httpx as httpx
else:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]  # the import system's "there is none"
    try:
        import httpx as httpx
    finally:
        del sys.modules[_COMMAND_LINE]

__all__ = ["httpx"]
