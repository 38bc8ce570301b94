"""ROOF: where output goes: streams, width, colour."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Literal

import click

from wheelaudit.errors import WheelAuditError

PLAIN_WIDTH = 80
"""Columns of a report that no terminal shows."""

Color = Literal["auto", "always", "never"]

# Windows says EINVAL where a pipe's reader is gone.
_NOBODY_READS = {errno.EPIPE, errno.EINVAL, errno.ESHUTDOWN}


def find_width(stream: IO[str] | None, environ: Mapping[str, str]) -> int:
    """Return the columns to lay a report out to: COLUMNS, else the terminal's, else 80; ``stream`` None: a file."""
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    if is_terminal(stream):
        return shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    return PLAIN_WIDTH


def wants_color(choice: Color, stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Whether to write colours: the option, else NO_COLOR (no-color.org), FORCE_COLOR,
    else a terminal that can; a file never of itself.
    """
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return is_capable(stream, environ)


def is_capable(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Whether the stream is a terminal that moves its cursor and knows colours."""
    return is_terminal(stream) and environ.get("TERM") != "dumb"


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person may be looking; at a closed stream, or none (a file, pythonw), is nobody."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def write_stdout(text: str, *, color: bool) -> None:
    """Write data to stdout. A reader that has gone (``| head``) is no failure; a full disk is."""
    try:
        # click: on Windows, colours go through colorama where the console needs it.
        click.echo(text, nl=False, color=color)
        sys.stdout.flush()
    except OSError as error:
        give_up_stdout(error)


def give_up_stdout(error: OSError) -> None:
    """Let nothing more be written to a stdout that failed: the flush at exit would complain again.

    Raises `WheelAuditError` unless it is only that nobody reads any more.
    """
    with contextlib.suppress(OSError, ValueError):  # no real file behind it, so no flush at exit either
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    if error.errno not in _NOBODY_READS:
        raise WheelAuditError(
            f"The output cannot be written: {error.strerror or error}.", remedy="Check where stdout leads to."
        ) from error


def write_output(text: str, output: Path | None, *, color: bool) -> None:
    """Write data to ``output``, whole or not at all; to stdout where it is None."""
    if output is None:
        write_stdout(text, color=color)
        return
    from wheelaudit.project.files import replace_file

    # backslashreplace: what is no Unicode text (a lone surrogate of a file's name) is told all the same.
    replace_file(output, text.encode("utf-8", "backslashreplace"))


def write_bytes(data: bytes, output: Path | None) -> None:
    """Write a patch: bytes, because its line ends are the file's, and no platform may translate them."""
    if output is not None and str(output) != "-":
        from wheelaudit.project.files import replace_file

        replace_file(output, data)
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        give_up_stdout(error)
