"""Where output goes: width and colour by option, environment and terminal."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Mapping
from typing import IO

import pytest

from wheelaudit.cli.terminal import Color, find_width, is_capable, wants_color


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "width"),
    [
        (Terminal(), {}, 123),
        (Terminal(), {"COLUMNS": "60"}, 60),
        (Terminal(), {"COLUMNS": "0"}, 123),
        (Terminal(), {"COLUMNS": "wide"}, 123),
        (io.StringIO(), {}, 80),
        (io.StringIO(), {"COLUMNS": "140"}, 140),
        (None, {}, 80),
        (None, {"COLUMNS": "140"}, 140),
    ],
)
def test_width(stream: IO[str] | None, environ: Mapping[str, str], width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda _fallback: os.terminal_size((123, 40)))
    assert find_width(stream, environ) == width


@pytest.mark.parametrize(
    ("choice", "stream", "environ", "color"),
    [
        ("auto", Terminal(), {}, True),
        ("auto", Terminal(), {"TERM": "dumb"}, False),
        ("auto", Terminal(), {"NO_COLOR": "1"}, False),
        ("auto", Terminal(), {"NO_COLOR": ""}, True),
        ("auto", io.StringIO(), {}, False),
        ("auto", io.StringIO(), {"FORCE_COLOR": "1"}, True),
        ("auto", Terminal(), {"FORCE_COLOR": "0"}, False),
        ("auto", io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("auto", None, {}, False),
        ("always", None, {"NO_COLOR": "1"}, True),
        ("never", Terminal(), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_color(choice: Color, stream: IO[str] | None, environ: Mapping[str, str], color: bool) -> None:
    assert wants_color(choice, stream, environ) == color


def test_closed_stream_is_no_terminal() -> None:
    stream = Terminal()
    closed = io.StringIO()
    closed.close()
    assert is_capable(stream, {})
    assert not is_capable(closed, {})
